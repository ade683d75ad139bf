package fetch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch/cache"
	"github.com/gennaker/gennaker/internal/seal"
)

// Options are what fetching needs of its surroundings. Zero bounds are the
// defaults.
type Options struct {
	Client     *http.Client                                                         // required: decides which addresses may be reached
	Dial       func(ctx context.Context, network, address string) (net.Conn, error) // required for ssh: likewise
	Dir        string                                                               // required: of the cache; its own
	CacheBytes int64                                                                // of the cache on disk; 1 GiB
	MaxBytes   int64                                                                // of one artifact; 64 MiB
	Timeout    time.Duration                                                        // of one download; 5 min
	Parallel   int                                                                  // downloads at a time; 8
	Key        *seal.Key                                                            // opens embedded content that is sealed; nil: none does
	Log        *slog.Logger                                                         // for warnings about the configuration; nil: none
}

// Account is an account in GET /artifacts/credentials.
type Account struct {
	Name  string   `json:"name"`
	Types []string `json:"types"`
}

// source fetches the artifacts of one account.
type source interface {
	fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error
}

// lister is a source that can tell what there is.
type lister interface {
	names(ctx context.Context) ([]string, error)
	versions(ctx context.Context, name string) ([]string, error)
}

type account struct {
	Account
	source source
}

// Accounts fetches artifacts. It is safe for concurrent use.
type Accounts struct {
	accounts []account // by name, then first type
	cache    *cache.Cache
	flights  flights
	key      *seal.Key
	max      int64
	timeout  time.Duration
	slots    chan struct{}
}

// Blob is a fetched artifact. The caller closes it.
type Blob struct {
	io.ReadSeekCloser
	Digest string // "sha256:<hex>"
	Size   int64  // bytes
}

// The names of accounts that there are without configuration. Source:
// clouddriver.
const (
	EmbeddedAccount = "embedded-artifact"
	PublicHTTP      = "no-auth-http-account"
)

// New makes the accounts of a configuration. Nothing is connected to, and no
// secret is read.
//
// Errors: Invalid if accounts have no name, or one name twice for one type, or
// lack what they need; Internal if the cache cannot be used.
func New(cfg Config, opts Options) (*Accounts, error) {
	if opts.Client == nil {
		return nil, gennaker.Errorf(gennaker.Internal, "artifacts need an HTTP client")
	}
	a := &Accounts{
		max:     cmp.Or(opts.MaxBytes, 64<<20),
		timeout: cmp.Or(opts.Timeout, 5*time.Minute),
		slots:   make(chan struct{}, cmp.Or(opts.Parallel, 8)),
		key:     opts.Key,
	}
	sources, err := configured(cfg, opts, a.max)
	if err != nil {
		return nil, err
	}
	a.accounts = sources
	slices.SortStableFunc(a.accounts, func(x, y account) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), slices.Compare(x.Types, y.Types))
	})
	if err := a.check(); err != nil {
		return nil, err
	}
	a.cache, err = cache.Open(filepath.Clean(opts.Dir), max(cmp.Or(opts.CacheBytes, 1<<30), a.max))
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Accounts) check() error {
	seen := map[[2]string]bool{}
	for _, acc := range a.accounts {
		if acc.Name == "" {
			return gennaker.Errorf(gennaker.Invalid, "an artifact account for %s has no name", strings.Join(acc.Types, ", ")).
				WithHint("give it a name in the section artifacts of the configuration")
		}
		for _, t := range acc.Types {
			key := [2]string{acc.Name, t}
			if seen[key] {
				return gennaker.Errorf(gennaker.Invalid, "there are two artifact accounts %q for %s", acc.Name, t).
					WithHint("rename one of them")
			}
			seen[key] = true
		}
	}
	return nil
}

// Names returns the accounts, sorted by name.
func (a *Accounts) Names() []Account {
	list := make([]Account, len(a.accounts))
	for i, acc := range a.accounts {
		list[i] = Account{Name: acc.Name, Types: slices.Clone(acc.Types)}
	}
	return list
}

// Progress is told how many bytes of an artifact are here, of how many; total is
// -1 if nobody knows. Calls do not overlap; they come from another goroutine and
// end before Fetch returns.
type Progress func(done, total int64)

// Fetch returns the content of an artifact, from the cache where it is known to
// be the same. progress may be nil.
//
// Errors: Invalid if the reference, the type or the account cannot be right, or
// the artifact has no content of its own, as an image; NotFound; Denied if the
// account may not read it; TooLarge; Unavailable if a server cannot be reached,
// fails, or takes too long; the context's if it ends.
func (a *Accounts) Fetch(ctx context.Context, art gennaker.Artifact, progress Progress) (*Blob, error) {
	acc, err := a.find(art)
	if err != nil {
		return nil, err
	}
	if _, ok := acc.source.(embedded); ok {
		return a.embedded(art)
	}
	if err := checkLength(art); err != nil {
		return nil, err
	}
	key := identityOf(acc, art)
	for range 3 {
		entry, err := a.flights.do(ctx, key, progress, func(ctx context.Context, told Progress) (cache.Entry, error) {
			return a.deliver(ctx, acc, art, &delivery{cache: a.cache, account: acc.Name, max: a.max, told: told})
		})
		if err != nil {
			return nil, fmt.Errorf("fetch artifact: %w", err)
		}
		blob, err := a.cache.Open(entry.Digest)
		if errors.Is(err, fs.ErrNotExist) {
			continue // pushed out or damaged meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("fetch artifact: %w", err)
		}
		return &Blob{ReadSeekCloser: blob, Digest: blob.Digest, Size: blob.Size}, nil
	}
	return nil, gennaker.Errorf(gennaker.Unavailable, "the artifact cache loses what is put into it").
		WithHint("make it larger, and look at the disk")
}

// Read returns the content of an artifact of at most limit bytes, and leaves
// nothing of it on disk: manifests may hold secrets.
//
// Errors: as of Fetch.
func (a *Accounts) Read(ctx context.Context, art gennaker.Artifact, limit int64) ([]byte, error) {
	acc, err := a.find(art)
	if err != nil {
		return nil, err
	}
	if _, ok := acc.source.(embedded); ok {
		blob, err := a.embedded(art)
		if err != nil {
			return nil, err
		}
		if blob.Size > limit {
			return nil, tooLarge("the artifact", limit)
		}
		return io.ReadAll(blob) //nolint:wrapcheck // it is in memory
	}
	if err := checkLength(art); err != nil {
		return nil, err
	}
	d := &delivery{account: acc.Name, max: min(limit, a.max), told: func(int64, int64) {}, memory: &bytes.Buffer{}}
	if _, err := a.deliver(ctx, acc, art, d); err != nil {
		return nil, fmt.Errorf("fetch artifact: %w", err)
	}
	return d.memory.Bytes(), nil
}

// checkLength bounds what an artifact is named by.
func checkLength(art gennaker.Artifact) error {
	if n := len(art.Reference) + len(art.Name) + len(art.Version) + len(art.Location); n > 4*maxReference {
		return gennaker.Errorf(gennaker.Invalid, "the artifact's reference, name, version and location have %d bytes", n).
			WithHint("a reference has at most %d bytes", maxReference)
	}
	return nil
}

// identityOf tells apart what can have different content.
func identityOf(acc account, a gennaker.Artifact) string {
	return fmt.Sprintf("%q %q %q %q %q %q %q", acc.Name, a.Type, a.Reference, a.Name, a.Version, a.Location, subPath(a))
}

// subPath returns metadata.subPath.
func subPath(a gennaker.Artifact) string {
	s, _ := a.Metadata["subPath"].(string)
	return s
}

// deliver lets the account's source do its work, within the bounds.
func (a *Accounts) deliver(ctx context.Context, acc account, art gennaker.Artifact, d *delivery) (cache.Entry, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return cache.Entry{}, context.Cause(ctx)
	}
	late := gennaker.Errorf(gennaker.Unavailable, "fetching with account %s took longer than %s", acc.Name, a.timeout).
		WithHint("look at the server, or raise the bound")
	ctx, cancel := context.WithTimeoutCause(ctx, a.timeout, late)
	defer cancel()
	d.ctx = ctx
	err := acc.source.fetch(ctx, art, d)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), late):
		return cache.Entry{}, late
	case err != nil:
		return cache.Entry{}, err
	case d.entry.Digest == "":
		return cache.Entry{}, gennaker.Errorf(gennaker.Internal, "account %s delivered nothing", acc.Name)
	}
	return d.entry, nil
}

// find returns the account of an artifact.
func (a *Accounts) find(art gennaker.Artifact) (account, error) {
	var candidates []account
	for _, acc := range a.accounts {
		if slices.Contains(acc.Types, art.Type) {
			candidates = append(candidates, acc)
		}
	}
	names := func() string {
		var list []string
		for _, acc := range candidates {
			list = append(list, acc.Name)
		}
		return strings.Join(list, ", ")
	}
	switch {
	case len(candidates) == 0:
		return account{}, a.unknown(art)
	case art.ArtifactAccount != "":
		i := slices.IndexFunc(candidates, func(acc account) bool { return acc.Name == art.ArtifactAccount })
		if i < 0 {
			return account{}, gennaker.Errorf(gennaker.Invalid, "there is no artifact account %q for %s", art.ArtifactAccount, art.Type).
				WithHint("accounts for it are %s", names())
		}
		return candidates[i], nil
	case len(candidates) > 1 && slices.Contains(fetched, art.Type):
		if i := slices.IndexFunc(candidates, func(acc account) bool { return acc.Name == PublicHTTP }); i >= 0 {
			return candidates[i], nil // as nobody in particular
		}
		return account{}, gennaker.Errorf(gennaker.Invalid, "the artifact does not say with which account it is fetched").
			WithHint("set artifactAccount; for %s there are %s", art.Type, names())
	}
	return candidates[0], nil
}

// unknown says why nobody fetches a type.
func (a *Accounts) unknown(art gennaker.Artifact) error {
	if slices.Contains(fetched, art.Type) {
		return gennaker.Errorf(gennaker.Invalid, "there is no artifact account for %s", art.Type).
			WithHint("add one to the section artifacts of the configuration")
	}
	return gennaker.Errorf(gennaker.Invalid, "artifacts of type %q cannot be fetched", art.Type).
		WithHint("types that can be are %s", strings.Join(fetched, ", "))
}

// fetched lists the types that can be fetched.
var fetched = []string{
	"bitbucket/file", "embedded/base64", "gcs/object", "git/repo", "github/file", "gitlab/file", "helm/chart",
	"helm/image", "helm/index", "http/file", "maven/file", "remote/base64", "s3/object",
}

// embedded marks the account whose artifacts carry their content with them.
type embedded struct{}

func (embedded) fetch(context.Context, gennaker.Artifact, *delivery) error {
	return errors.New("embedded artifacts are not downloaded")
}

// embedded decodes an artifact that carries its content with it.
func (a *Accounts) embedded(art gennaker.Artifact) (*Blob, error) {
	if strings.HasPrefix(art.Reference, "ref://") && strings.HasPrefix(art.Type, "remote/") {
		return nil, gennaker.Errorf(gennaker.Invalid, "no artifacts are stored here").WithHint("carry the content in the reference, as base64")
	}
	if seal.Is(art.Reference) {
		return a.sealed(art)
	}
	const form = "the base64 of the content"
	text := strings.TrimRight(art.Reference, "=")
	if int64(base64.RawStdEncoding.DecodedLen(len(text))) > a.max {
		return nil, tooLarge("the embedded artifact", a.max)
	}
	content, err := base64.RawStdEncoding.DecodeString(text) // Java's decoder takes it with and without padding
	if err != nil {
		return nil, malformed(art.Type, "is no base64", form)
	}
	return inMemory(content), nil
}

// sealed opens an embedded artifact that only this installation can read.
func (a *Accounts) sealed(art gennaker.Artifact) (*Blob, error) {
	if a.key == nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the embedded artifact is sealed, and nothing can be opened here")
	}
	content, err := a.key.Open(art.Reference)
	if err != nil {
		return nil, fmt.Errorf("open the embedded artifact: %w", err)
	}
	if int64(len(content)) > a.max {
		return nil, tooLarge("the embedded artifact", a.max)
	}
	return inMemory(content), nil
}

func inMemory(content []byte) *Blob {
	return &Blob{ReadSeekCloser: nopCloser{bytes.NewReader(content)}, Digest: digestOf(content), Size: int64(len(content))}
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// List returns the names of what an account has, or, if name is not empty, the
// versions of one of these, newest first.
//
// Errors: Invalid if there is no such account or it cannot tell; otherwise those
// of Fetch.
func (a *Accounts) List(ctx context.Context, name, typ, artifact string) ([]string, error) {
	acc, err := a.find(gennaker.Artifact{Type: typ, ArtifactAccount: name})
	if err != nil {
		return nil, err
	}
	l, ok := acc.source.(lister)
	if !ok {
		return nil, gennaker.Errorf(gennaker.Invalid, "account %s cannot list what there is", acc.Name).
			WithHint("accounts for helm/chart and helm/image can")
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if artifact == "" {
		return l.names(ctx)
	}
	return l.versions(ctx, artifact)
}

// ResolveImage returns the digest, "sha256:<hex>", that the tag of a docker/image
// or helm/image stands for now.
//
// Errors: as Fetch.
func (a *Accounts) ResolveImage(ctx context.Context, art gennaker.Artifact) (string, error) {
	var registries []registry
	for _, acc := range a.accounts {
		r, ok := acc.source.(registry)
		if ok && (art.ArtifactAccount == acc.Name || art.ArtifactAccount == "" && r.serves(art)) {
			registries = append(registries, r)
		}
	}
	if len(registries) != 1 {
		return "", gennaker.Errorf(gennaker.Invalid, "of the registries that are configured, %d fit the image", len(registries)).
			WithHint("set artifactAccount to the name of an account in dockerRegistry")
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	digest, err := registries[0].resolve(ctx, art)
	if err != nil {
		return "", fmt.Errorf("resolve image: %w", err)
	}
	return digest, nil
}
