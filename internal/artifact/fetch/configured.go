package fetch

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/gennaker/gennaker"
)

// configured makes the accounts of a configuration, and those that there are
// without it.
func configured(cfg Config, opts Options, most int64) ([]account, error) {
	b := &builder{opts: opts, client: opts.Client}
	for _, c := range cfg.HTTP.all() {
		authorize := bearer(c.Login, "Bearer")
		if c.Header != "" {
			authorize = inHeader(c.Login, http.CanonicalHeaderKey(c.Header), "")
		}
		b.add(c.Name, web{newSite(c.Name, b.client, c.Hosts, authorize), "https://HOST/PATH"}, "http/file")
		b.warnLogin(c.Name, c.Login)
	}
	for _, c := range cfg.GitHub.all() {
		b.add(c.Name, github{newSite(c.Name, b.client, orHosts(c.Hosts, "api.github.com", "raw.githubusercontent.com", "github.com"), bearer(c.Login, "token"))}, "github/file")
		b.warn(c.Name, c.secrets()...)
	}
	for _, c := range cfg.GitLab.all() {
		b.add(c.Name, gitlab{newSite(c.Name, b.client, orHosts(c.Hosts, "gitlab.com"), inHeader(c.Login, "Private-Token", ""))}, "gitlab/file")
		b.warn(c.Name, c.secrets()...)
	}
	for _, c := range cfg.Bitbucket.all() {
		const form = "https://api.bitbucket.org/2.0/repositories/ORG/REPO/src/VERSION/PATH, or of a server https://HOST/rest/api/1.0/projects/KEY/repos/REPO/raw/PATH?at=VERSION"
		b.add(c.Name, web{newSite(c.Name, b.client, orHosts(c.Hosts, "api.bitbucket.org", "bitbucket.org"), bearer(c.Login, "Bearer")), form}, "bitbucket/file")
		b.warn(c.Name, c.secrets()...)
	}
	for _, c := range cfg.GitRepo.all() {
		b.add(c.Name, git{account: c, client: b.client, dial: opts.Dial, temp: filepath.Join(opts.Dir, "partial")}, "git/repo")
		b.warnLogin(c.Name, c.Login)
		b.warn(c.Name, c.SSHPrivateKeyPassphrase)
	}
	if err := b.stores(cfg, most); err != nil {
		return nil, err
	}
	b.builtIn()
	return b.accounts, nil
}

// stores adds the accounts of object stores, of repositories and of registries.
func (b *builder) stores(cfg Config, most int64) error {
	for _, c := range cfg.S3.all() {
		s, err := newS3(c, b.client)
		if err != nil {
			return err
		}
		b.add(c.Name, s, "s3/object")
		b.warn(c.Name, c.AWSSecretAccessKey, c.AWSSessionToken)
	}
	for _, c := range cfg.GCS.all() {
		g, err := newGCS(c, b.client)
		if err != nil {
			return err
		}
		b.add(c.Name, g, "gcs/object")
	}
	for _, c := range cfg.Helm.all() {
		h, err := newHelm(c, b.client)
		if err != nil {
			return err
		}
		b.add(c.Name, h, "helm/chart", "helm/index")
		b.warn(c.Name, c.secrets()...)
	}
	for _, c := range cfg.Maven.all() {
		m, err := newMaven(c, b.client)
		if err != nil {
			return err
		}
		b.add(c.Name, m, "maven/file")
		b.warn(c.Name, c.secrets()...)
	}
	for _, c := range cfg.DockerRegistry.all() {
		r, err := newRegistry(c, b.client, most)
		if err != nil {
			return err
		}
		b.add(c.Name, r, "docker/image", "helm/image")
		b.warn(c.Name, c.Password)
	}
	return nil
}

// builtIn adds the accounts that there are without configuration. Source:
// clouddriver.
func (b *builder) builtIn() {
	b.add(EmbeddedAccount, embedded{}, "embedded/base64", "remote/base64")
	b.missing(PublicHTTP, web{newSite(PublicHTTP, b.client, nil, nil), "https://HOST/PATH"}, "http/file")
	b.missing("docker", noContent{"a docker/image is a reference to an image"}, "docker/image")
	b.missing("kubernetes", noContent{"an artifact of Kubernetes is an object of a cluster"},
		"kubernetes/configMap", "kubernetes/deployment", "kubernetes/replicaSet", "kubernetes/secret")
	b.missing("custom-artifact", noContent{"what a custom/object is, only the pipeline knows"}, "custom/object")
	b.missing("front50ArtifactCredentials", noContent{"a front50/pipelineTemplate is a template, not a file"}, "front50/pipelineTemplate")
}

// noContent refuses to fetch what is only named.
type noContent struct{ why string }

func (n noContent) fetch(context.Context, gennaker.Artifact, *delivery) error {
	return gennaker.Errorf(gennaker.Invalid, "%s; it has no content to fetch", n.why).
		WithHint("use its name, version and reference as they are")
}

// orHosts returns where credentials may be sent.
func orHosts(hosts []string, usual ...string) []string {
	if len(hosts) > 0 {
		return hosts
	}
	return usual
}

type builder struct {
	opts     Options
	client   *http.Client
	accounts []account
}

func (b *builder) add(name string, s source, types ...string) {
	b.accounts = append(b.accounts, account{Account{name, types}, s})
}

// missing adds an account unless the configuration has one of that name for the
// same types.
func (b *builder) missing(name string, s source, types ...string) {
	if !slices.ContainsFunc(b.accounts, func(a account) bool { return a.Name == name && slices.Contains(a.Types, types[0]) }) {
		b.add(name, s, types...)
	}
}

// warn says which accounts have secrets in the configuration itself.
func (b *builder) warn(name string, secrets ...Secret) {
	if b.opts.Log != nil && slices.ContainsFunc(secrets, Secret.literal) {
		b.opts.Log.Warn("artifact account has a secret in the configuration; write env:NAME or file:/path", slog.String("account", name))
	}
}

// warnLogin also says whose credentials go to every host that a pipeline names.
func (b *builder) warnLogin(name string, l Login) {
	b.warn(name, l.secrets()...)
	if b.opts.Log != nil && !l.anonymous() && len(l.Hosts) == 0 {
		b.opts.Log.Warn("artifact account sends its credentials to any host that a pipeline names; list hosts", slog.String("account", name))
	}
}
