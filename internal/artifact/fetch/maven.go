package fetch

import (
	"cmp"
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/gennaker/gennaker"
)

// maxMavenMetadata bounds a maven-metadata.xml, in bytes.
const maxMavenMetadata = 8 << 20

// maven fetches maven/file from a Maven 2 repository.
type maven struct {
	site
	repository *url.URL
}

func newMaven(a MavenAccount, client *http.Client) (maven, error) {
	u, err := parseBase(a.Name, "repositoryUrl", a.RepositoryURL)
	if err != nil {
		return maven{}, err
	}
	return maven{site: newSite(a.Name, client, hostOf(u), bearer(a.Login, "Bearer")), repository: u}, nil
}

// mavenMetadata is what is needed of a maven-metadata.xml.
type mavenMetadata struct {
	Latest    string `xml:"versioning>latest"`
	Release   string `xml:"versioning>release"`
	Snapshots []struct {
		Classifier string `xml:"classifier"`
		Extension  string `xml:"extension"`
		Value      string `xml:"value"`
	} `xml:"versioning>snapshotVersions>snapshotVersion"`
}

func (m maven) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	c, err := parseMaven(a.Reference)
	if err != nil {
		return err
	}
	file, fixed, err := m.locate(ctx, c)
	if err != nil {
		return err
	}
	u := m.repository.JoinPath(file)
	identity := u.String()
	if fixed && d.known(identity) {
		return nil
	}
	return m.download(ctx, d, u, content{identity: identity})
}

// locate returns the path of a file in the repository, and whether it never
// changes: a release does not, nor does a snapshot with its time.
//
// Source: clouddriver, and the layout of Maven 2.
func (m maven) locate(ctx context.Context, c coordinate) (path string, fixed bool, err error) {
	switch c.version {
	case "RELEASE", "latest.release", "LATEST", "SNAPSHOT", "latest.integration":
		metadata, err := m.metadata(ctx, c.directory())
		if err != nil {
			return "", false, err
		}
		wish := c.version
		c.version = metadata.Release
		if !strings.EqualFold(wish, "RELEASE") && wish != "latest.release" {
			c.version = cmp.Or(metadata.Latest, metadata.Release)
		}
		if !mavenPart.MatchString(c.version) || strings.Contains(c.version, "..") {
			return "", false, gennaker.Errorf(gennaker.NotFound, "%s has no %s version of %s:%s", shown(m.repository), wish, c.group, c.artifact).
				WithHint("name the version in the reference")
		}
	}
	if !strings.HasSuffix(c.version, "-SNAPSHOT") {
		return c.file(c.version), true, nil
	}
	metadata, err := m.metadata(ctx, c.directory()+"/"+c.version)
	if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		return "", false, err
	}
	for _, s := range metadata.Snapshots {
		if s.Classifier == c.classifier && s.Extension == c.extension && mavenPart.MatchString(s.Value) && !strings.Contains(s.Value, "..") {
			return c.file(s.Value), true, nil
		}
	}
	return c.file(c.version), false, nil // as old repositories and local ones have it
}

func (m maven) metadata(ctx context.Context, directory string) (mavenMetadata, error) {
	u := m.repository.JoinPath(directory, "maven-metadata.xml")
	text, err := m.read(ctx, u, maxMavenMetadata)
	if err != nil {
		return mavenMetadata{}, err
	}
	var metadata mavenMetadata
	if err := xml.Unmarshal(text, &metadata); err != nil {
		return mavenMetadata{}, gennaker.Errorf(gennaker.Unavailable, "%s is no Maven metadata", shown(u)).
			WithHint("check the repositoryUrl of account %s, and the server", m.account)
	}
	return metadata, nil
}
