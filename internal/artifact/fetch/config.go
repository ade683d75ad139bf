package fetch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Config is the artifacts section of the configuration. An account of one
// section may have the name of one of another.
type Config struct {
	HTTP           Section[HTTPAccount]      `json:"http"`
	GitHub         Section[GitHubAccount]    `json:"github"`
	GitLab         Section[GitLabAccount]    `json:"gitlab"`
	Bitbucket      Section[BitbucketAccount] `json:"bitbucket"`
	GitRepo        Section[GitRepoAccount]   `json:"gitRepo"` // git-repo is read as well
	S3             Section[S3Account]        `json:"s3"`
	GCS            Section[GCSAccount]       `json:"gcs"`
	Helm           Section[HelmAccount]      `json:"helm"`
	Maven          Section[MavenAccount]     `json:"maven"`
	DockerRegistry Section[RegistryAccount]  `json:"dockerRegistry"` // in Spinnaker a section beside artifacts
}

// UnmarshalJSON reads the section; its keys may be written as in
// artifacts.git-repo, artifacts.gitRepo or artifacts.gitrepo.
func (c *Config) UnmarshalJSON(text []byte) error {
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(text, &sections); err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	plain := make(map[string]json.RawMessage, len(sections))
	for key, section := range sections {
		plain[strings.ReplaceAll(key, "-", "")] = section
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	type bare Config
	if err := json.NewDecoder(bytes.NewReader(text)).Decode((*bare)(c)); err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	return nil
}

// Section is the accounts of one kind.
type Section[A any] struct {
	Enabled  *bool `json:"enabled,omitzero"` // absent is true
	Accounts []A   `json:"accounts,omitzero"`
}

// all returns the accounts if the section is enabled.
func (s Section[A]) all() []A {
	if s.Enabled != nil && !*s.Enabled {
		return nil
	}
	return s.Accounts
}

// HTTPAccount fetches http/file: whatever is at a URL.
type HTTPAccount struct {
	Name string `json:"name"`
	Login
	Header string `json:"header,omitzero"` // that the token is sent in, as it is; empty: Authorization, as Bearer token
}

// GitHubAccount fetches github/file. Hosts is api.github.com and its siblings if
// it is empty; a GitHub Enterprise must be named.
type GitHubAccount struct {
	Name string `json:"name"`
	Login
}

// GitLabAccount fetches gitlab/file. Hosts is gitlab.com if it is empty.
type GitLabAccount struct {
	Name string `json:"name"`
	Login
}

// BitbucketAccount fetches bitbucket/file of Bitbucket Cloud and Server. Hosts is
// bitbucket.org and api.bitbucket.org if it is empty.
type BitbucketAccount struct {
	Name string `json:"name"`
	Login
}

// GitRepoAccount fetches git/repo.
type GitRepoAccount struct {
	Name string `json:"name"`
	Login
	SSHPrivateKeyFilePath   string   `json:"sshPrivateKeyFilePath,omitzero"`
	SSHPrivateKeyPassphrase Secret   `json:"sshPrivateKeyPassphrase,omitzero"`
	SSHKnownHostsFilePath   string   `json:"sshKnownHostsFilePath,omitzero"`
	SSHTrustUnknownHosts    bool     `json:"sshTrustUnknownHosts,omitzero"`
	Directories             []string `json:"directories,omitzero"` // below which file:// repositories may be read
}

// S3Account fetches s3/object from AWS or from another server that speaks S3.
// Without keys it takes AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
// AWS_SESSION_TOKEN of the environment, and without these it asks as nobody.
type S3Account struct {
	Name               string `json:"name"`
	APIEndpoint        string `json:"apiEndpoint,omitzero"` // e.g. https://minio.example.com; empty: AWS
	APIRegion          string `json:"apiRegion,omitzero"`   // goes before Region
	Region             string `json:"region,omitzero"`      // us-east-1 if neither is given
	AWSAccessKeyID     Secret `json:"awsAccessKeyId,omitzero"`
	AWSSecretAccessKey Secret `json:"awsSecretAccessKey,omitzero"`
	AWSSessionToken    Secret `json:"awsSessionToken,omitzero"`
}

// GCSAccount fetches gcs/object. Without a key it takes the file that
// GOOGLE_APPLICATION_CREDENTIALS names, and without that it asks as nobody.
type GCSAccount struct {
	Name        string `json:"name"`
	JSONPath    string `json:"jsonPath,omitzero"`    // key of a service account
	APIEndpoint string `json:"apiEndpoint,omitzero"` // empty: https://storage.googleapis.com
}

// HelmAccount fetches helm/chart and helm/index from a chart repository.
type HelmAccount struct {
	Name       string `json:"name"`
	Repository string `json:"repository"` // URL that index.yaml is below
	Login
}

// MavenAccount fetches maven/file from a Maven 2 repository.
type MavenAccount struct {
	Name          string `json:"name"`
	RepositoryURL string `json:"repositoryUrl"`
	Login
}

// RegistryAccount fetches helm/image from a registry, and finds the digests of
// docker/image.
type RegistryAccount struct {
	Name                string   `json:"name"`
	Address             string   `json:"address"` // URL or host[:port]
	Username            string   `json:"username,omitzero"`
	Password            Secret   `json:"password,omitzero"`
	PasswordFile        string   `json:"passwordFile,omitzero"`
	InsecureRegistry    bool     `json:"insecureRegistry,omitzero"`    // plain HTTP
	HelmOCIRepositories []string `json:"helmOciRepositories,omitzero"` // charts that are offered
}
