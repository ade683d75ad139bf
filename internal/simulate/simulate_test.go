package simulate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/simulate"
)

// TestCases runs the tests of pipelines in testdata, and those of the demo's.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"testdata/*.test.yaml", "../../examples/*.test.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no tests, %v", pattern, err)
		}
		for _, path := range files {
			t.Run(filepath.Base(path), func(t *testing.T) {
				t.Parallel()
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
						t.Errorf("%s: %s", r.Name, failure)
					}
				}
			})
		}
	}
}

// TestSources holds that every case of testdata says what demands it, and has a
// name of its own.
func TestSources(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range files {
		f, err := simulate.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, c := range f.Cases {
			if c.Source == "" {
				t.Errorf("%s: %q has no source", path, c.Name)
			}
			if seen[c.Name] {
				t.Errorf("%s: %q is there twice", path, c.Name)
			}
			seen[c.Name] = true
			n++
		}
	}
	if n < 100 {
		t.Errorf("%d cases are too few", n)
	}
}

// A mistake in a file is told with its line, a wrong expectation with that of
// what expects it.
func TestMistakes(t *testing.T) {
	t.Parallel()
	const head = "pipeline:\n  stages: [{refId: '1', type: wait, name: W, waitTime: 60}]\n"
	for name, tt := range map[string]struct{ text, want string }{
		"unknown key":          {head + "casses: []\n", "line 3: field casses not found"},
		"unknown key in case":  {head + "cases:\n  - name: x\n    param: {}\n", `line 5: there is no "param" here; there are name, source`},
		"unknown status":       {head + "cases:\n  - name: x\n    stages:\n      W: DONE\n", `line 6: there is no status "DONE"`},
		"no end of a stage":    {head + "cases:\n  - name: x\n    stages:\n      W: STOPPED\n", "line 6: no stage is told to end as STOPPED"},
		"a wrong own pipeline": {head + "cases:\n  - name: x\n    pipeline: {stages: [{refId: '1'}]}\n", "a stage requires a type"},
		"a wrong child":        {head + "cases:\n  - name: x\n    pipelines: [{stages: [{refId: '1'}]}]\n", "a stage requires a type"},
		"why canceled":         {head + "cases:\n  - name: x\n    expect: {reason: late}\n", `line 4: it was canceled because "", not "late"`},
		"unknown expectation":  {head + "cases:\n  - name: x\n    expect:\n      stages: {W: {state: x}}\n", `line 6: there is no "state" here`},
		"no pipeline":          {"cases: []\n", "pipeline is missing"},
		"instant":              {head + "now: yesterday\n", `line 3: "yesterday" is no instant`},
		"judgment":             {head + "cases:\n  - name: x\n    judge: {J: maybe}\n", "line 5: a judgment is continue or stop"},
		"not YAML":             {"{", "did not find expected node content"},
		"no such pipeline":     {"pipeline: nowhere.json\ncases: [{name: x}]\n", "nowhere.json cannot be read"},
		"a wrong pipeline":     {"pipeline: {stages: [{refId: '1'}]}\ncases: [{name: x}]\n", "a stage requires a type"},
		"status":               {head + "cases:\n  - name: x\n    expect: {status: TERMINAL}\n", "line 4: it is SUCCEEDED, not TERMINAL"},
		"a stage":              {head + "cases:\n  - name: x\n    expect: {stages: {W: SKIPPED}}\n", `line 4: stage "W" is SUCCEEDED, not SKIPPED`},
		"no such stage":        {head + "cases:\n  - name: x\n    expect: {stages: {V: SKIPPED}}\n", `there is no stage "V"; there are "W"`},
		"a value":              {head + "cases:\n  - name: x\n    expect: {stages: {W: {context: {waitTime: 61}}}}\n", "waitTime is 60, not 61"},
		"moves":                {head + "cases:\n  - name: x\n    expect: {moves: [create a]}\n", "the moves are"},
		"duration":             {head + "cases:\n  - name: x\n    expect: {within: 30s}\n", "it took 1m0s, more than 30s"},
		"an early check":       {head + "cases:\n  - name: x\n    steps:\n      - wait: 10s\n      - expect: {status: SUCCEEDED}\n", "line 7: it is RUNNING, not SUCCEEDED"},
		"refused":              {head + "cases:\n  - name: x\n    expect: {refused: because}\n", "not refused with"},
		"no stage to patch":    {head + "cases:\n  - name: x\n    steps: [{restart: V}]\n", `line 5: there is no stage "V"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.test.yaml")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := simulate.ReadFile(path)
			var results []simulate.Result
			if err == nil {
				results, err = f.Run(t.Context(), nil, nil)
			}
			var said strings.Builder
			said.WriteString(fmt.Sprint(err))
			for _, r := range results {
				said.WriteString(strings.Join(r.Failures, "\n"))
			}
			if !strings.Contains(said.String(), tt.want) {
				t.Errorf("got %s, want %s", said.String(), tt.want)
			}
		})
	}
}

func FuzzFile(f *testing.F) {
	for _, pattern := range []string{"testdata/*.test.yaml", "../../examples/*.test.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "x.test.yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := simulate.ReadFile(path); err != nil && gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%v is %s", err, gennaker.KindOf(err))
		}
	})
}
