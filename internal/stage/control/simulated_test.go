package control_test

import (
	"path/filepath"
	"testing"

	"github.com/gennaker/gennaker/internal/simulate"
)

// TestPipelines runs pipelines of these stages on the real engine.
func TestPipelines(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/pipelines/*.test.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, path := range files {
		f, err := simulate.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		results, err := f.Run(t.Context(), nil, nil)
		if err != nil || len(results) == 0 {
			t.Fatalf("%d results, %v", len(results), err)
		}
		for _, r := range results {
			for _, failure := range r.Failures {
				t.Errorf("%s: %s: %s", filepath.Base(path), r.Name, failure)
			}
		}
	}
}
