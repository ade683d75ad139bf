package fetch

import (
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
)

// maxReference bounds a reference that is not the content itself, in bytes.
const maxReference = 8192

// malformed says what is wrong with a reference, and which form is right.
func malformed(kind, why, form string) error {
	return gennaker.Errorf(gennaker.Invalid, "the reference of a %s artifact %s", kind, why).WithHint("use %s", form)
}

// blank reports characters that no reference has unescaped.
func blank(r rune) bool { return r < ' ' || r == 0x7f }

// parseWeb reads an http or https URL.
func parseWeb(kind, ref, form string) (*url.URL, error) {
	if ref == "" || len(ref) > maxReference || strings.ContainsFunc(ref, blank) {
		return nil, malformed(kind, "is empty, too long or has control characters", form)
	}
	u, err := url.Parse(ref)
	if err != nil { // the error has the URL in it, and that may have a password
		return nil, malformed(kind, "is no URL", form)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" {
		return nil, malformed(kind, "is no http or https URL with a host", form)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

const githubForm = "https://api.github.com/repos/ORG/REPO/contents/PATH, and the branch, tag or commit as version"

// parseGitHub reads the reference of a github/file. The result has the version
// in it if it is of the contents API.
func parseGitHub(ref, version string) (_ *url.URL, contents bool, err error) {
	u, err := parseWeb("github/file", ref, githubForm)
	if err != nil {
		return nil, false, err
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if u.Hostname() == "github.com" && len(parts) > 3 && (parts[2] == "blob" || parts[2] == "tree") {
		return nil, false, malformed("github/file", "is the address of a page", githubForm)
	}
	before, file, contents := strings.Cut(u.Path, "/contents/")
	if !contents || !strings.Contains(before, "repos/") {
		return u, false, nil // raw files, for one
	}
	if strings.Trim(file, "/") == "" {
		return nil, false, malformed("github/file", "names no file", githubForm)
	}
	return withQuery(u, "ref", version), true, nil
}

const gitlabForm = "https://gitlab.com/api/v4/projects/ID/repository/files/PATH%2FWITH%2FESCAPES/raw, and the branch, tag or commit as version"

// parseGitLab reads the reference of a gitlab/file and puts the version into it.
func parseGitLab(ref, version string) (*url.URL, error) {
	u, err := parseWeb("gitlab/file", ref, gitlabForm)
	if err != nil {
		return nil, err
	}
	if strings.Contains(u.Path, "/-/blob/") {
		return nil, malformed("gitlab/file", "is the address of a page", gitlabForm)
	}
	return withQuery(u, "ref", version), nil
}

// withQuery returns u with one more parameter, unless it has it.
func withQuery(u *url.URL, key, value string) *url.URL {
	v := *u
	q := v.Query()
	if q.Has(key) {
		return &v
	}
	q.Set(key, value)
	v.RawQuery = q.Encode()
	return &v
}

var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,220}[A-Za-z0-9]$`)

// parseObject splits scheme://bucket/key.
func parseObject(kind, scheme, ref, form string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(ref, scheme+"://")
	if !ok {
		return "", "", malformed(kind, "does not begin with "+scheme+"://", form)
	}
	bucket, key, _ = strings.Cut(rest, "/")
	switch {
	case !bucketName.MatchString(bucket) || strings.Contains(bucket, ".."):
		return "", "", malformed(kind, "has no valid bucket", form)
	case key == "" || len(key) > 1024 || strings.ContainsFunc(key, blank):
		return "", "", malformed(kind, "has no object after the bucket", form)
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "." || part == ".." {
			return "", "", malformed(kind, "has a relative path", form)
		}
	}
	return bucket, key, nil
}

const s3Form = "s3://BUCKET/KEY"

// parseS3 reads the reference of an s3/object.
func parseS3(ref string) (bucket, key string, err error) {
	return parseObject("s3/object", "s3", ref, s3Form)
}

const gcsForm = "gs://BUCKET/OBJECT, or gs://BUCKET/OBJECT#GENERATION"

// parseGCS reads the reference of a gcs/object; the scheme may be absent.
func parseGCS(ref string) (bucket, object, generation string, err error) {
	if !strings.Contains(ref, "://") {
		ref = "gs://" + ref
	}
	if i := strings.LastIndexByte(ref, '#'); i >= 0 {
		ref, generation = ref[:i], ref[i+1:]
		if n, err := strconv.ParseUint(generation, 10, 63); err != nil || n == 0 {
			return "", "", "", malformed("gcs/object", "has a generation that is no number", gcsForm)
		}
	}
	bucket, object, err = parseObject("gcs/object", "gs", ref, gcsForm)
	return bucket, object, generation, err
}

// coordinate names a file of a Maven repository.
type coordinate struct {
	group, artifact, extension, classifier, version string
}

const mavenForm = "GROUP:ARTIFACT[:EXTENSION[:CLASSIFIER]]:VERSION, where VERSION is one version, LATEST or RELEASE"

var mavenPart = regexp.MustCompile(`^[A-Za-z0-9_+.~-]+$`)

// parseMaven reads the reference of a maven/file.
//
// Source: Eclipse Aether's DefaultArtifact.
func parseMaven(ref string) (coordinate, error) {
	if len(ref) > maxReference {
		return coordinate{}, malformed("maven/file", "is too long", mavenForm)
	}
	parts := strings.Split(ref, ":")
	c := coordinate{extension: "jar"}
	switch n := len(parts); {
	case n < 3 || n > 5:
		return coordinate{}, malformed("maven/file", "has "+strconv.Itoa(n)+" parts", mavenForm)
	case n >= 4:
		c.extension = parts[2]
		if n == 5 {
			c.classifier = parts[3]
		}
	}
	c.group, c.artifact, c.version = parts[0], parts[1], parts[len(parts)-1]
	if strings.HasPrefix(c.version, "[") || strings.HasPrefix(c.version, "(") {
		return coordinate{}, malformed("maven/file", "has a range of versions", mavenForm)
	}
	for _, part := range []string{c.group, c.artifact, c.extension, c.version} {
		if !mavenPart.MatchString(part) || strings.Trim(part, ".") != part || strings.Contains(part, "..") {
			return coordinate{}, malformed("maven/file", "has an empty or impossible part", mavenForm)
		}
	}
	if c.classifier != "" && !mavenPart.MatchString(c.classifier) {
		return coordinate{}, malformed("maven/file", "has an impossible classifier", mavenForm)
	}
	return c, nil
}

// directory returns the path of the artifact, relative to the repository.
func (c coordinate) directory() string {
	return path.Join(strings.ReplaceAll(c.group, ".", "/"), c.artifact)
}

// file returns the path of the file whose name has the given version, in the
// directory of the coordinate's own version.
func (c coordinate) file(version string) string {
	name := c.artifact + "-" + version
	if c.classifier != "" {
		name += "-" + c.classifier
	}
	return path.Join(c.directory(), c.version, name+"."+c.extension)
}
