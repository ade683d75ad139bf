package template_test

import (
	"encoding/json"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/template"
)

// FuzzTemplate reads any document as a template. What may be saved has a
// digest that does not depend on the order of keys and on what a save sets.
func FuzzTemplate(f *testing.F) {
	f.Add([]byte(sample))
	for _, file := range []string{"digest.txt", "save.txt"} {
		for _, v := range vectors(f, file) {
			f.Add([]byte(v["doc"] + v["change"]))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := gennaker.ParseDocument(text)
		if err != nil {
			return
		}
		tmpl, err := template.Parse(d.Value)
		if err != nil {
			if gennaker.KindOf(err) != gennaker.Invalid {
				t.Fatalf("Parse: %v", err)
			}
			return
		}
		if err := tmpl.Check(); err != nil && gennaker.KindOf(err) != gennaker.Invalid {
			t.Fatalf("Check: %v", err)
		}
		tmpl.InScope([]string{"global", tmpl.ID})
		before := template.Digest(d.Value)
		again, err := json.Marshal(d.Value)
		if err != nil {
			t.Fatal(err)
		}
		d, err = gennaker.ParseDocument(again)
		if err != nil {
			return // became too large
		}
		d.Value["updateTs"] = "7"
		if after := template.Digest(d.Value); after != before {
			t.Fatalf("the digest is %s and then %s", before, after)
		}
	})
}

// FuzzPlan plans any config with any template. A plan has stages whose
// requisites form no circle, and planning changes nothing that it was given.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(sample), []byte(`{"schema":"v2","application":"A","variables":{"wait":30},"stages":[{"refId":"x","inject":{"first":true}}]}`))
	for _, v := range vectors(f, "graph.txt") {
		tmpl, err := json.Marshal(map[string]any{"schema": "v2", "pipeline": map[string]any{"stages": readStages(v["template"])}})
		if err != nil {
			f.Fatal(err)
		}
		config, err := json.Marshal(map[string]any{"schema": "v2", "stages": readStages(v["config"])})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tmpl, config)
	}
	for _, v := range vectors(f, "variables.txt") {
		f.Add([]byte(`{"schema":"v2","variables":[`+v["variable"]+`]}`), []byte(`{"schema":"v2","variables":`+v["config"]+`}`))
	}
	f.Fuzz(func(t *testing.T, tmplText, configText []byte) {
		td, err := gennaker.ParseDocument(tmplText)
		if err != nil {
			return
		}
		cd, err := gennaker.ParseDocument(configText)
		if err != nil {
			return
		}
		tmpl, err := template.Parse(td.Value)
		if err != nil {
			return
		}
		before := text(t, td.Value) + text(t, cd.Value)
		got, err := template.Plan(template.Input{Config: cd.Value, Template: &tmpl, Evaluate: evaluate})
		if after := text(t, td.Value) + text(t, cd.Value); after != before {
			t.Fatalf("planning changed what it was given to %s", after)
		}
		if err != nil {
			if gennaker.KindOf(err) != gennaker.Invalid {
				t.Fatalf("Plan: %v", err)
			}
			return
		}
		text(t, got.Pipeline)
		checkGraph(t, got.Pipeline["stages"].([]any))
		if _, err := template.Preview(got.Pipeline, evaluate); err != nil && gennaker.KindOf(err) != gennaker.Invalid {
			t.Fatalf("Preview: %v", err)
		}
	})
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// checkGraph takes away stages whose requisites are gone until none is left.
func checkGraph(t *testing.T, stages []any) {
	t.Helper()
	waits := map[string][]any{}
	for _, v := range stages {
		st := v.(map[string]any)
		ref, _ := st["refId"].(string)
		if _, ok := waits[ref]; ok || ref == "" {
			return // ParsePipeline says so
		}
		waits[ref] = st["requisiteStageRefIds"].([]any)
	}
	for len(waits) > 0 {
		left := len(waits)
		for ref, requires := range waits {
			free := true
			for _, r := range requires {
				if _, ok := waits[r.(string)]; ok {
					free = false
				}
			}
			if free {
				delete(waits, ref)
			}
		}
		if len(waits) == left {
			t.Fatalf("a circle of %v", waits)
		}
	}
}
