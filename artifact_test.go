package gennaker_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

func TestArtifactJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"fields":           {`{"type":"docker/image","name":"n","version":"1","reference":"n:1","artifactAccount":"a"}`, ``},
		"empty":            {`{}`, ``},
		"null fields":      {`{"type":"a","name":null,"metadata":null}`, `{"type":"a"}`},
		"unknown keys":     {`{"type":"a","extra":1,"id":"x"}`, `{"type":"a","metadata":{"extra":1,"id":"x"}}`},
		"metadata wins":    {`{"extra":1,"metadata":{"extra":2,"k":true}}`, `{"metadata":{"extra":2,"k":true}}`},
		"kind is ignored":  {`{"kind":"custom","type":"a"}`, `{"type":"a"}`},
		"custom kind":      {`{"customKind":true}`, ``},
		"provenance, uuid": {`{"location":"ns","provenance":"p","uuid":"u"}`, ``},
		"texts as numbers": {`{"version":1.10,"name":7,"reference":true,"customKind":"true"}`, `{"version":"1.10","name":"7","reference":"true","customKind":true}`},
		"large number":     {`{"metadata":{"n":[1e999,{"m":2}]}}`, `{"metadata":{"n":["1e999",{"m":2}]}}`},
		"empty metadata":   {`{"type":"a","metadata":{}}`, `{"type":"a"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a gennaker.Artifact
			if err := json.Unmarshal([]byte(tt.text), &a); err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want == "" {
				want = tt.text
			}
			marshaled, err := json.Marshal(a.Map())
			if err != nil {
				t.Fatal(err)
			}
			var wantMap, gotMap map[string]any
			if err := json.Unmarshal(marshaled, &gotMap); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(want), &wantMap); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wantMap, a.Map()); diff != "" || !cmp.Equal(gotMap, a.Map()) {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again, err := gennaker.ArtifactOf(a.Map())
			if diff := cmp.Diff(wantMap, again.Map()); diff != "" || err != nil {
				t.Errorf("read again: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestExpectedArtifactJSON(t *testing.T) {
	t.Parallel()
	var e gennaker.ExpectedArtifact
	text := `{"id":7,"displayName":"cart","matchArtifact":{"type":"docker/image","name":"cart.*"},"usePriorArtifact":"true",
		"useDefaultArtifact":false,"defaultArtifact":null,"boundArtifact":{"version":2},"usePriorExecution":true}`
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	want := gennaker.ExpectedArtifact{
		ID: "7", DisplayName: "cart", Match: gennaker.Artifact{Type: "docker/image", Name: "cart.*"}, UsePrior: true,
		Bound: &gennaker.Artifact{Version: "2"},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := gennaker.ExpectedArtifactOf(e.Map())
	if diff := cmp.Diff(want, again); diff != "" || err != nil {
		t.Errorf("read again: %v (-want +got):\n%s", err, diff)
	}
	if a, err := gennaker.ArtifactOf(map[string]any{"version": int64(2), "name": 3, "location": 0.5}); err != nil || a.Version != "2" || a.Name != "3" || a.Location != "0.5" {
		t.Errorf("numbers of expressions: %+v, %v", a, err)
	}
	if err := json.Unmarshal([]byte(`null`), &e); err != nil || e.ID != "7" {
		t.Errorf("null: %v, %+v, want it to change nothing", err, e)
	}
}

func TestArtifactOfRefuses(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, "text", []any{}, 1.0, map[string]any{"name": []any{}}, map[string]any{"metadata": "x"}, map[string]any{"customKind": 1.0}} {
		if _, err := gennaker.ArtifactOf(v); gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("ArtifactOf(%v): %v, want Invalid", v, err)
		}
	}
	for v, want := range map[string]string{
		`{"matchArtifact":1}`:                      "read an expected artifact: matchArtifact: must be an object, not a number",
		`{"defaultArtifact":{"name":{}}}`:          "read an expected artifact: defaultArtifact.name: must be a string, not an object",
		`{"useDefaultArtifact":"perhaps"}`:         "read an expected artifact: useDefaultArtifact: must be true or false, not a string",
		`{"boundArtifact":{"metadata":[1,2,3,4]}}`: "read an expected artifact: boundArtifact.metadata: must be an object, not a list",
		`[]`: "read an expected artifact: must be an object, not a list",
	} {
		var e gennaker.ExpectedArtifact
		err := json.Unmarshal([]byte(v), &e)
		if gennaker.KindOf(err) != gennaker.Invalid || err.Error() != want {
			t.Errorf("%s: %v, want Invalid: %s", v, err, want)
		}
	}
}
