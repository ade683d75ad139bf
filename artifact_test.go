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
			var wantMap map[string]any
			if err := json.Unmarshal([]byte(want), &wantMap); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wantMap, a.Map()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again, err := gennaker.ArtifactOf(a.Map())
			if diff := cmp.Diff(a, again); diff != "" || err != nil {
				t.Errorf("read again: %v (-first +second):\n%s", err, diff)
			}
		})
	}
}

func TestArtifactOfRefuses(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, "text", []any{}, 1.0, map[string]any{"name": []any{}}, map[string]any{"metadata": "x"}} {
		if _, err := gennaker.ArtifactOf(v); gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("ArtifactOf(%v): %v, want Invalid", v, err)
		}
	}
	if _, err := gennaker.ExpectedArtifactOf(map[string]any{"matchArtifact": 1.0}); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("a match that is a number: %v, want Invalid", err)
	}
}
