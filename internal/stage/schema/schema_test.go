package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/schema"
)

// config has a field of a struct that fields.json knows.
type config struct {
	gennaker.HealthCheck

	Unsaid string `json:"unsaid"` // nothing says what it is for: it is Gennaker's own
}

func catalog(t *testing.T) schema.Catalog {
	t.Helper()
	var r stage.Registry
	stage.Add[config](&r, stage.Definition{Type: "checkItTwice", Aliases: []string{"check"}, Steps: []stage.Step{{Name: "check"}}})
	stage.Add[struct{}](&r, stage.Definition{Type: "createServerGroup", Reads: []reflect.Type{reflect.TypeFor[gennaker.ServerGroupSpec]()}})
	stage.Add[struct{}](&r, stage.Definition{Type: "hidden", Internal: true})
	return schema.Of(&r)
}

// at returns what stands at a path of keys in v, as JSON has it.
func at(t *testing.T, v any, path string) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	for key := range strings.SplitSeq(path, ".") {
		m, ok := out.(map[string]any)
		if !ok {
			t.Fatalf("there is nothing at %s of %s", key, path)
		}
		out = m[key]
	}
	return out
}

func TestTypes(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	if len(c.Stages) != 2 {
		t.Fatalf("%d types, want those that a pipeline may hold", len(c.Stages))
	}
	got := c.Stages[0]
	got.Schema = nil
	if none := c.Stages[1].Aliases; none == nil {
		t.Error("no aliases are null, not an empty list")
	}
	want := schema.StageType{Type: "checkItTwice", Aliases: []string{"check"}, Label: "Check it twice", Tasks: []string{"check"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	check, group := c.Stages[0].Schema, c.Stages[1].Schema
	orText := func(kind string) []any { return []any{kind, "string"} }
	for path, want := range map[string]any{
		"$schema":                       "https://json-schema.org/draft/2020-12/schema",
		"type":                          "object",
		"properties.unsaid":             nil,
		"properties.path.type":          "string",
		"properties.intervalMs.type":    orText("integer"),
		"properties.command.type":       orText("array"),
		"properties.command.items.type": "string",
		"properties.type.type":          nil, // one of, or an expression
		"properties.path.description":   `http: default "/"; 2xx and 3xx are healthy`,
	} {
		if d := cmp.Diff(want, at(t, check, path)); d != "" {
			t.Errorf("%s: %s", path, d)
		}
	}
	for path, want := range map[string]any{
		"properties.startDisabled.type":                             orText("boolean"),
		"properties.env.additionalProperties.type":                  "string",
		"properties.healthCheck.type":                               orText("object"),
		"properties.healthCheck.properties.graceSeconds.type":       orText("integer"),
		"properties.healthCheck.$schema":                            nil,
		"properties.artifact.properties.reference.type":             "string",
		"properties.capacity.properties.desired.description":        "instances now",
		"properties.healthCheck.properties.command.items.type":      "string",
		"properties.healthCheck.properties.unhealthyThreshold.type": orText("integer"),
	} {
		if d := cmp.Diff(want, at(t, group, path)); d != "" {
			t.Errorf("%s: %s", path, d)
		}
	}
}

// TestOrder holds that fields come in the order of the source.
func TestOrder(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(catalog(t).Stages[0].Schema["properties"])
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, key := range []string{"type", "path", "command", "intervalMs", "graceSeconds"} {
		at := strings.Index(string(text), `"`+key+`":{`)
		if at <= last {
			t.Errorf("%s stands at %d, behind what follows it", key, at)
		}
		last = at
	}
}

// TestChoices holds that a field with choices takes an expression too.
func TestChoices(t *testing.T) {
	t.Parallel()
	got := at(t, catalog(t).Stages[0].Schema, "properties.type.anyOf")
	want := []any{map[string]any{"enum": []any{"http", "tcp", "command", "none"}}, map[string]any{"type": "string", "pattern": `\$\{`}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestCommon holds that the fields of every stage are said.
func TestCommon(t *testing.T) {
	t.Parallel()
	c := catalog(t)
	for _, key := range []string{"refId", "requisiteStageRefIds", "failPipeline", "stageEnabled", "stageTimeoutMs"} {
		if text, _ := at(t, c.Common, "properties."+key+".description").(string); text == "" {
			t.Errorf("nothing says what %s is for", key)
		}
	}
}
