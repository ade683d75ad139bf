package template_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/template"
)

// vectors reads a file of testdata: blocks of "key: value" lines, of which the
// first is the source in words.
func vectors(t testing.TB, file string) []map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := map[string]string{}
		for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
			if key, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
				v[key] = strings.TrimPrefix(value, " ")
			}
		}
		if v["source"] != "" {
			out = append(out, v)
		}
	}
	return out
}

// each runs do with every vector of a file.
func each(t *testing.T, file string, least int, do func(t *testing.T, v map[string]string)) {
	t.Helper()
	all := vectors(t, file)
	if len(all) < least {
		t.Errorf("%s has %d vectors, want %d", file, len(all), least)
	}
	for _, v := range all {
		t.Run(v["source"], func(t *testing.T) {
			t.Parallel()
			do(t, v)
		})
	}
}

func object(t testing.TB, format string, args ...any) map[string]any {
	t.Helper()
	d, err := gennaker.ParseDocument(fmt.Appendf(nil, format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return d.Value
}

func parse(t testing.TB, doc map[string]any) *template.Template {
	t.Helper()
	out, err := template.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &out
}

// evaluate is the language of expressions.
func evaluate(v any, root map[string]any) (any, []template.Finding) {
	out, summary := expr.Evaluate(v, expr.Env{Root: root, Now: time.Unix(1e9, 0).UTC()})
	findings := make([]template.Finding, len(summary.Findings))
	for i, f := range summary.Findings {
		findings[i] = template.Finding{Path: f.Path, Expression: f.Expression, Message: f.Message, Failed: f.Level == expr.LevelError}
	}
	return out, findings
}

// normal returns v as JSON has it.
func normal(t testing.TB, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func causes(err error) string {
	if err == nil {
		return ""
	}
	errs, ok := err.(*template.Errors)
	if !ok {
		return err.Error()
	}
	var out []string
	for _, e := range errs.List {
		if e.Severity != template.Fatal {
			out = append(out, "not fatal: ")
		}
		out = append(out, e.Cause)
	}
	return strings.Join(out, "; ")
}

// readStages reads the notation of graph.txt.
func readStages(line string) []any {
	out := []any{}
	for word := range strings.FieldsSeq(line) {
		parts := strings.Split(word, "!")
		ref, requires, _ := strings.Cut(parts[0], "<")
		st := map[string]any{"refId": ref, "type": "wait"}
		if ref >= "0" && ref <= "9" {
			st["refId"] = json.Number(ref)
		}
		if requires != "" {
			st["requisiteStageRefIds"] = list(requires)
		}
		if len(parts) > 1 {
			inject := map[string]any{}
			for _, rule := range parts[1:] {
				name, targets, _ := strings.Cut(rule, ":")
				switch name {
				case "first", "last":
					inject[name] = true
				case "before", "after":
					inject[name] = list(targets)
				}
			}
			st["inject"] = inject
		}
		out = append(out, st)
	}
	return out
}

func list(s string) []any {
	var out []any
	for x := range strings.SplitSeq(s, ",") {
		out = append(out, x)
	}
	return out
}

func writeStages(t testing.TB, stages any) string {
	t.Helper()
	var out []string
	for _, v := range stages.([]any) {
		st := v.(map[string]any)
		var word strings.Builder
		word.WriteString(st["refId"].(string))
		for i, ref := range st["requisiteStageRefIds"].([]any) {
			word.WriteString([]string{",", "<"}[map[bool]int{i == 0: 1}[true]] + ref.(string))
		}
		if _, ok := st["inject"]; ok {
			t.Errorf("stage %s still has its rule", word.String())
		}
		out = append(out, word.String())
	}
	return strings.Join(out, " ")
}

func TestGraph(t *testing.T) {
	t.Parallel()
	each(t, "graph.txt", 38, func(t *testing.T, v map[string]string) {
		tmpl := parse(t, map[string]any{"id": "t", "schema": "v2", "pipeline": map[string]any{"stages": readStages(v["template"])}})
		config := map[string]any{"schema": "v2", "application": "A", "stages": readStages(v["config"])}
		before := normal(t, []any{tmpl.Doc, config})
		got, err := template.Plan(template.Input{Config: config, Template: tmpl, Evaluate: evaluate})
		if diff := cmp.Diff(before, normal(t, []any{tmpl.Doc, config})); diff != "" {
			t.Errorf("what was given is changed (-want +got):\n%s", diff)
		}
		if want := v["error"]; want != "" || err != nil {
			if err == nil || !strings.HasSuffix(err.Error(), ": "+want) || gennaker.KindOf(err) != gennaker.Invalid {
				t.Errorf("error is %v, want %q", err, want)
			}
			return
		}
		if got := writeStages(t, got.Pipeline["stages"]); got != v["want"] {
			t.Errorf("stages are %q, want %q", got, v["want"])
		}
		var warnings []string
		for _, w := range got.Warnings {
			warnings = append(warnings, w.Message)
		}
		if got := strings.Join(warnings, "; "); got != v["warning"] {
			t.Errorf("warnings are %q, want %q", got, v["warning"])
		}
	})
}

func TestVariables(t *testing.T) {
	t.Parallel()
	each(t, "variables.txt", 36, func(t *testing.T, v map[string]string) {
		tmpl := parse(t, object(t, `{"id":"t","schema":"v2","variables":[%s],"pipeline":{"stages":[]}}`, v["variable"]))
		config := object(t, `{"schema":"v2","application":"A","name":"N","id":"I","variables":%s}`, v["config"])
		trigger := object(t, `{"parameters":{"tag":"v1"}}`)
		got, err := template.Plan(template.Input{Config: config, Template: tmpl, Trigger: trigger, Evaluate: evaluate})
		if got := causes(err); got != v["error"] {
			t.Fatalf("error is %q, want %q", got, v["error"])
		}
		if err == nil {
			if diff := cmp.Diff(normal(t, object(t, "%s", v["want"])), normal(t, got.Pipeline["templateVariables"])); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
		}
	})
}

// sample is a template that may be saved.
const sample = `{"id":"t","schema":"v2","metadata":{"name":"T","description":"d","owner":"a@b","scopes":["global"]},
	"variables":[{"name":"wait","type":"int","defaultValue":42}],
	"pipeline":{"stages":[{"refId":"1","type":"wait","waitTime":"${ templateVariables.wait }"}]}}`

func TestSave(t *testing.T) {
	t.Parallel()
	each(t, "save.txt", 17, func(t *testing.T, v map[string]string) {
		doc := object(t, sample)
		maps.Copy(doc, object(t, "%s", v["change"]))
		maps.DeleteFunc(doc, func(_ string, v any) bool { return v == nil })
		tmpl, err := template.Parse(doc)
		if err == nil {
			err = tmpl.Check()
		}
		got := ""
		if err != nil {
			got = err.Error()
			if gennaker.KindOf(err) != gennaker.Invalid {
				t.Errorf("kind is %s", gennaker.KindOf(err))
			}
		}
		if got != v["want"] {
			t.Errorf("refused with %q, want %q", got, v["want"])
		}
	})
}

func TestDigest(t *testing.T) {
	t.Parallel()
	each(t, "digest.txt", 8, func(t *testing.T, v map[string]string) {
		sum := sha256.Sum256([]byte(v["text"]))
		if got, want := template.Digest(object(t, "%s", v["doc"])), hex.EncodeToString(sum[:]); got != want {
			t.Errorf("digest is %s, want %s of %s", got, want, v["text"])
		}
	})
}
