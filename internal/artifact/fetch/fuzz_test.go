package fetch

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
)

// FuzzReference holds that every reference is either refused with the form that
// is right, or leads where it says and nowhere else.
func FuzzReference(f *testing.F) {
	for _, ref := range []string{
		"https://api.github.com/repos/o/r/contents/f", "https://u:p@h:1/x?q#f", "s3://bucket/key", "gs://bucket/o#12", "bucket/o",
		"g.r:a:jar:c:1.0-SNAPSHOT", "g:a:LATEST", "ghcr.io/o/r:1@sha256:0000", "oci://h:5000/r:t", "nginx", "g:..:1", "s3://b../../k", ".0:0:0", "https:///x", "//h/x",
	} {
		f.Add(ref, "v1")
	}
	s := s3{region: "r"}
	f.Fuzz(func(t *testing.T, ref, version string) {
		refused := func(err error) bool {
			if err != nil && (gennaker.KindOf(err) != gennaker.Invalid || gennaker.HintOf(err) == "") {
				t.Fatalf("error is %v, hint %q", err, gennaker.HintOf(err))
			}
			return err != nil
		}
		if u, _, err := parseGitHub(ref, version); !refused(err) {
			same(t, ref, u)
		}
		if u, err := parseGitLab(ref, version); !refused(err) {
			same(t, ref, u)
		}
		if bucket, key, err := parseS3(ref); !refused(err) {
			u := s.url(bucket, key)
			again, err := url.Parse(u.String())
			if err != nil || again.Path != u.Path || !strings.HasSuffix(again.Path, "/"+key) || !strings.HasSuffix(u.Host, "s3.r.amazonaws.com") {
				t.Fatalf("%q is asked for as %s, %v", ref, u, err)
			}
		}
		if bucket, object, _, err := parseGCS(ref); !refused(err) && (bucket == "" || object == "" || strings.Contains(bucket, "/")) {
			t.Fatalf("%q has the bucket %q and the object %q", ref, bucket, object)
		}
		if c, err := parseMaven(ref); !refused(err) {
			if p := c.file(c.version); path.Clean("/"+p) != "/"+p || strings.ContainsAny(p, "?#% ") {
				t.Fatalf("%q is at %q", ref, p)
			}
		}
		if image, err := parseImage(gennaker.Artifact{Type: "helm/image", Name: ref, Version: version, Reference: ref}, "registry.example.com"); !refused(err) {
			if image.Host != "registry.example.com" || image.Repository == "" || image.Tag == "" && image.Digest == "" || strings.Contains(image.Repository, "..") {
				t.Fatalf("%q is %+v", ref, image)
			}
		}
	})
}

// same checks that a URL leads to the host that its text names.
func same(t *testing.T, ref string, u *url.URL) {
	t.Helper()
	again, err := url.Parse(u.String())
	if err != nil || origin(again) != origin(u) || !strings.Contains(ref, u.Host) || u.Fragment != "" {
		t.Fatalf("%q is asked for as %s, %v", ref, u, err)
	}
	if strings.Contains(shown(u), "@") && !strings.Contains(u.Path, "@") {
		t.Fatalf("%q is shown as %s", ref, shown(u))
	}
}
