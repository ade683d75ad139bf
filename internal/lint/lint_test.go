package lint_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/lint"
	"github.com/gennaker/gennaker/internal/stage"
)

var update = flag.Bool("update", false, "rewrite what the vectors find")

type waitConfig struct {
	WaitTime          int  `json:"waitTime"`
	SkipRemainingWait bool `json:"skipRemainingWait"`
}

type judgmentConfig struct {
	Instructions string          `json:"instructions"`
	Inputs       []judgmentInput `json:"judgmentInputs"`
	options
}

type options struct {
	Propagate *propagation `json:"propagateAuthenticationContext"`
	Hidden    string       `json:"-"`
}

type propagation struct {
	Enabled bool         `json:"enabled"`
	Inner   *propagation `json:"inner"` // a type may hold itself
}

type judgmentInput struct {
	Value string `json:"value"`
}

type clustersConfig struct {
	Clusters []map[string]any `json:"clusters"`
}

// known is a server with a few types, functions and pipelines.
func known() lint.Known {
	r := &stage.Registry{}
	stage.Add[waitConfig](r, stage.Definition{Type: "wait", Aliases: []string{"waitFor"}})
	stage.Add[judgmentConfig](r, stage.Definition{Type: "manualJudgment"})
	stage.Add[clustersConfig](r, stage.Definition{Type: "deploy"})
	stage.Add[waitConfig](r, stage.Definition{Type: "createServerGroup"})
	stage.Add[waitConfig](r, stage.Definition{Type: "inner", Internal: true})
	for _, name := range []string{"checkPreconditions", "evaluateVariables", "deployManifest", "bakeManifest", "pipeline", "webhook"} {
		stage.Add[map[string]any](r, stage.Definition{Type: name})
	}
	return lint.Known{
		Stages:    r,
		Functions: map[string]expr.Function{"ours": {Min: 1, Max: 2}},
		Pipeline: func(application, nameOrID string) error {
			switch application + "/" + nameOrID {
			case "shop/Deploy", "other/Build":
				return nil
			case "shop/unknown":
				return gennaker.Errorf(gennaker.Unavailable, "the catalog is away")
			}
			return gennaker.Errorf(gennaker.NotFound, "none").WithHint("there is 'Deploy'")
		},
	}
}

// checkWarning holds what every warning has.
func checkWarning(t interface{ Errorf(string, ...any) }, text []byte, w lint.Warning) {
	lines := bytes.Split(text, []byte("\n"))
	if w.Line < 1 || w.Line > len(lines) || w.Column < 1 || w.Column > len(lines[w.Line-1])+1 {
		t.Errorf("%+v is not within the text of %d lines", w, len(lines))
	}
	if w.Message == "" || !slices.Contains([]lint.Severity{lint.Error, lint.Suspect, lint.Info}, w.Severity) {
		t.Errorf("%+v has no message, or no severity", w)
	}
	if !slices.ContainsFunc(lint.Rules(), func(r lint.Rule) bool { return r.Name == w.Rule }) {
		t.Errorf("%+v is of no rule", w)
	}
}

// TestVectors compares what is found in the documents of testdata, one line for
// each warning; -update writes it.
func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i+1 < len(a.Files); i += 2 {
				name, text, want := a.Files[i].Name, a.Files[i].Data, &a.Files[i+1]
				if want.Name != name+": found" {
					t.Fatalf("%s is followed by %s", name, want.Name)
				}
				t.Run(name, func(t *testing.T) {
					var got strings.Builder
					for _, w := range found(t, text) {
						fmt.Fprintf(&got, "%d:%d: %s: %s: %s (%s) %s\n", w.Line, w.Column, w.Severity, w.Path, w.Message, w.Rule, w.Hint)
					}
					if *update {
						want.Data = []byte(got.String())
					}
					if diff := cmp.Diff(strings.Split(string(want.Data), "\n"), strings.Split(got.String(), "\n")); diff != "" {
						t.Errorf("%s\n%s", text, diff)
					}
				})
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// found lints a text, and checks what holds for every text.
func found(t *testing.T, text []byte) []lint.Warning {
	t.Helper()
	all, err := lint.Text(text, known())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		checkWarning(t, text, w)
	}
	return all
}

// TestEveryRuleIsFound holds that there is a vector for every rule, and that
// none is the severity that its rule says is usual for nothing.
func TestEveryRuleIsFound(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.txtar")
	seen := map[string]bool{}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(a.Files); i += 2 {
			for _, w := range found(t, a.Files[i].Data) {
				seen[string(w.Severity)+" "+w.Rule] = true
			}
		}
	}
	for _, r := range lint.Rules() {
		if !seen[string(r.Severity)+" "+r.Name] {
			t.Errorf("no vector has a warning of severity %s of rule %s", r.Severity, r.Name)
		}
		if r.Doc == "" {
			t.Errorf("rule %s does not say what it finds", r.Name)
		}
	}
}

func TestTextRefusesWhatIsNoObject(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", "{", "{} x", `"a"`} {
		if all, err := lint.Text([]byte(text), known()); gennaker.KindOf(err) != gennaker.Invalid || err == nil || all != nil {
			t.Errorf("%q: %v, %v", text, all, err)
		}
	}
}

// TestNothingKnown holds that rules that need more are left out, not wrong.
func TestNothingKnown(t *testing.T) {
	t.Parallel()
	const text = `{"name":"n","application":"a","stages":[{"refId":"1","type":"nope","waitTme":1,"pipeline":"x","comments":"${parameters.x}"}]}`
	all, err := lint.Text([]byte(text), lint.Known{})
	if err != nil || len(all) != 1 || all[0].Rule != "parameter-missing" {
		t.Errorf("%v, %v", all, err)
	}
	if all := lint.Lint(gennaker.Pipeline{}, known()); all != nil {
		t.Errorf("a pipeline without a document: %v", all)
	}
}

func TestStrict(t *testing.T) {
	t.Parallel()
	all := []lint.Warning{{Severity: lint.Error}, {Severity: lint.Suspect}, {Severity: lint.Info}}
	want := []lint.Warning{{Severity: lint.Error}, {Severity: lint.Error}, {Severity: lint.Info}}
	if diff := cmp.Diff(want, lint.Strict(all)); diff != "" {
		t.Error(diff)
	}
	if all[1].Severity != lint.Suspect {
		t.Error("what was given is changed")
	}
}

// TestManyWarningsAreBounded holds that a document of the largest size has an
// answer that is not.
func TestManyWarningsAreBounded(t *testing.T) {
	t.Parallel()
	var stages strings.Builder
	for i := range gennaker.MaxStages {
		fmt.Fprintf(&stages, `,{"refId":"%d","type":"wait","comments":"${#stage('s%dx')} ${parameters.p%d} ${1+}","waitTme":[],"pipelin":"x"}`, i, i, i)
	}
	all, err := lint.Text([]byte(`{"name":"n","application":"a","stages":[`+stages.String()[1:]+`]}`), known())
	if err != nil || len(all) == 0 || len(all) > 400 {
		t.Errorf("%d warnings, %v", len(all), err)
	}
}

// TestReference holds docs/reference/lint.md; -update writes it.
func TestReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# What is wrong with a pipeline\n\nThis page is made from the rules themselves; `go test ./internal/lint -update`\nwrites it.\n\n" +
		"`gennaker pipeline lint FILE` shows what is found in a pipeline, or a pipeline\ntemplate, and so does a save. Nothing of it keeps a pipeline from being saved, but\n" +
		"for `definition`, and with `--strict` errors and warnings.\n\n" +
		"An *error* cannot work; a *warning* is hardly what was meant; *info* is good to\nknow. Names that are made by an expression are not judged.\n\n" +
		"| rule | usually | what it finds |\n| --- | --- | --- |\n")
	for _, r := range lint.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Severity, r.Doc)
	}
	const page = "../../docs/reference/lint.md"
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil { //nolint:gosec // a page that everyone may read
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("docs/reference/lint.md is old; run go test ./internal/lint -update\n%s", diff)
	}
}
