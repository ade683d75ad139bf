package manifest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// vectors reads a list of cases from testdata.
func vectors[T any](t *testing.T, name string) []T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	if err := yaml.UnmarshalStrict(b, &out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no case", name)
	}
	return out
}

// normal is an object as the package has them.
func normal(t *testing.T, m gennaker.Manifest) gennaker.Manifest {
	t.Helper()
	out, err := manifest.Normalize(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// one reads one object from YAML.
func one(t *testing.T, text string) gennaker.Manifest {
	t.Helper()
	d, err := manifest.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Manifests) != 1 {
		t.Fatalf("%d objects, want one", len(d.Manifests))
	}
	return d.Manifests[0]
}

// refused checks that err is of a kind and says what.
func refused(t *testing.T, err error, kind gennaker.Kind, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if gennaker.KindOf(err) != kind {
		t.Errorf("%v is %s, want %s", err, gennaker.KindOf(err), kind)
	}
	if err.Error() != want {
		t.Errorf("error (-want +got):\n%s", cmp.Diff(want, err.Error()))
	}
	if gennaker.HintOf(err) == "" {
		t.Errorf("%v does not say what to do", err)
	}
}
