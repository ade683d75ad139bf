package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/store"
	"github.com/gennaker/gennaker/internal/template"
)

// templateDoc is a template that may be saved.
func templateDoc(t *testing.T, id, more string) map[string]any {
	t.Helper()
	d, err := gennaker.ParseDocument(fmt.Appendf(nil, `{"id":%q,"schema":"v2","metadata":{"name":"T","description":"d","scopes":["global"]},"n":1.50%s}`, id, more))
	if err != nil {
		t.Fatal(err)
	}
	return d.Value
}

func createTemplate(t *testing.T, db *store.DB, id, tag, more string) template.Version {
	t.Helper()
	v, err := db.CreateTemplate(t.Context(), templateDoc(t, id, more), tag, "ann")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// copies returns where every copy stands, and what "x" is in it.
func copies(t *testing.T, db *store.DB) []string {
	t.Helper()
	all, err := db.Templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, doc := range all {
		tag, _ := doc["tag"].(string)
		digest, _ := doc["digest"].(string)
		if digest != "" {
			if len(digest) != 64 || digest != template.Digest(doc) {
				t.Errorf("digest is %q, want %q", digest, template.Digest(doc))
			}
			digest = " by digest"
		}
		out = append(out, fmt.Sprintf("%v:%s%s %v", doc["id"], tag, digest, doc["x"]))
	}
	return out
}

func TestTemplateCopies(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	for _, step := range []struct {
		name, tag, more string
		update          bool
		want            []string
	}{
		{"without a tag", "", `,"x":1`, false, []string{"t: 1", "t: by digest 1", "t:latest 1"}},
		{"with a tag", "stable", `,"x":2`, false, []string{"t: 1", "t: by digest 1", "t:latest 2", "t:stable by digest 2", "t:stable 2"}},
		{"as the latest", "latest", `,"x":3`, true, []string{"t: 1", "t: by digest 1", "t:latest by digest 3", "t:latest 3", "t:stable by digest 2", "t:stable 2"}},
		{"tag of the document", "", `,"x":2,"tag":"stable","digest":"00","updateTs":"1"`, true, []string{"t: 1", "t: by digest 1", "t:latest by digest 3", "t:latest 2", "t:stable by digest 2", "t:stable 2"}},
	} {
		save := db.CreateTemplate
		if step.update {
			save = db.UpdateTemplate
		}
		if _, err := save(t.Context(), templateDoc(t, "t", step.more), step.tag, "ann"); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		got := copies(t, db)
		slices.Sort(got)
		slices.Sort(step.want)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	got, err := db.Template(t.Context(), template.Version{ID: "t", Tag: "stable"})
	if err != nil || got["n"] != json.Number("1.50") || got["lastModifiedBy"] != "ann" || got["updateTs"] == "1" || got["digest"] != nil {
		t.Errorf("stable = %v, %v", got, err)
	}
}

func TestTemplateRefuses(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	createTemplate(t, db, "t", "stable", "")
	ctx := t.Context()
	for name, tt := range map[string]struct {
		do   func() error
		kind gennaker.Kind
		want string
	}{
		"created twice":   {func() error { _, err := db.CreateTemplate(ctx, templateDoc(t, "t", ""), "stable", "eve"); return err }, gennaker.Conflict, "A pipeline template with the id t:stable already exists"},
		"latest is there": {func() error { _, err := db.CreateTemplate(ctx, templateDoc(t, "t", ""), "latest", "eve"); return err }, gennaker.Conflict, "A pipeline template with the id t:latest already exists"},
		"updates nothing": {func() error { _, err := db.UpdateTemplate(ctx, templateDoc(t, "t", ""), "", "eve"); return err }, gennaker.NotFound, "Pipeline template not found (id: t)"},
		"another tag":     {func() error { _, err := db.CreateTemplate(ctx, templateDoc(t, "t", ""), "prod", "eve"); return err }, gennaker.Invalid, "The provided tag prod is not supported."},
		"invalid":         {func() error { _, err := db.CreateTemplate(ctx, templateDoc(t, "a.b", ""), "", "eve"); return err }, gennaker.Invalid, "cannot have dots"},
		"no template":     {func() error { _, err := db.CreateTemplate(ctx, map[string]any{"variables": 1}, "", "eve"); return err }, gennaker.Invalid, "cannot be read"},
		"too large": {func() error {
			doc := templateDoc(t, "t", "")
			doc["x"] = strings.Repeat("x", gennaker.MaxDocumentBytes)
			_, err := db.UpdateTemplate(ctx, doc, "stable", "eve")
			return err
		}, gennaker.TooLarge, "more than"},
		"read without a tag": {func() error { _, err := db.Template(ctx, template.Version{ID: "t"}); return err }, gennaker.NotFound, "not found (id: t)"},
		"read by both": {func() error {
			_, err := db.Template(ctx, template.Version{ID: "t", Tag: "stable", Digest: "0"})
			return err
		}, gennaker.Invalid, "simultaneously"},
		"deletes nothing": {func() error { return db.DeleteTemplate(ctx, template.Version{ID: "t"}, "eve") }, gennaker.NotFound, "not found"},
		"deletes by both": {func() error {
			return db.DeleteTemplate(ctx, template.Version{ID: "t", Tag: "stable", Digest: "0"}, "eve")
		}, gennaker.Invalid, "simultaneously"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.do(); gennaker.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v (%s), want %q (%s)", err, gennaker.KindOf(err), tt.want, tt.kind)
			}
		})
	}
	if got := copies(t, db); len(got) != 3 {
		t.Errorf("after the refusals there are %v", got)
	}
}

func TestTemplateInUse(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	for _, id := range []string{"t", "t2"} {
		createTemplate(t, db, id, "", "")
		createTemplate(t, db, id, "stable", "")
	}
	config := `{"id":%q,"application":"a","name":%q,"schema":"v2","template":{"reference":%q},"stages":[{"refId":"x","type":"wait","inject":{"last":true}}],"variables":{"v":1}}`
	_, err := db.SavePipeline(t.Context(), parsed(t, config, "p0", "p0", "spinnaker://nope:stable"), "ann", false)
	if gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), "Configured pipeline template not found") {
		t.Errorf("a pipeline without its template was saved: %v", err)
	}
	for id, ref := range map[string]string{
		"p1": "spinnaker://t:stable", "p2": "spinnaker://t2", "p3": "spinnaker://${ trigger.parameters.t }", "p4": "https://example.com/t.json",
	} {
		saved := save(t, db, config, id, id, ref)
		if got, _ := saved.Doc.Value["variables"].(map[string]any); got["v"] != json.Number("1") {
			t.Errorf("variables of %s are %v", id, got)
		}
	}
	for _, tt := range []struct {
		v    template.Version
		want string
	}{
		{template.Version{ID: "t", Tag: "stable"}, "The following pipeline configs depend on this template: p1"},
		{template.Version{ID: "t"}, "The following pipeline configs depend on this template: p1"},
		{template.Version{ID: "t2"}, "The following pipeline configs depend on this template: p2"},
		{template.Version{ID: "t2", Tag: "stable"}, ""},
		{template.Version{ID: "t", Tag: "latest"}, ""},
	} {
		err := db.DeleteTemplate(t.Context(), tt.v, "bob")
		if tt.want == "" && err != nil || tt.want != "" && (gennaker.KindOf(err) != gennaker.Conflict || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("delete %s: %v, want %q", tt.v.Key(), err, tt.want)
		}
	}
	if err := db.DeletePipeline(t.Context(), "a", "p1", "bob"); err != nil {
		t.Fatal(err)
	}
	if err := db.DeleteTemplate(t.Context(), template.Version{ID: "t", Tag: "stable"}, "bob"); err != nil {
		t.Errorf("delete what nobody uses any more: %v", err)
	}
}

func TestTemplateHistory(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	v := createTemplate(t, db, "t", "stable", "")
	if _, err := db.UpdateTemplate(t.Context(), templateDoc(t, "t", `,"x":1`), "stable", "bob"); err != nil {
		t.Fatal(err)
	}
	if err := db.DeleteTemplate(t.Context(), v, "eve"); err != nil {
		t.Fatal(err)
	}
	revisions, err := db.TemplateHistory(t.Context(), v, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range revisions {
		got = append(got, fmt.Sprintf("%d %s %t", r.Number, r.Author, r.Deleted))
	}
	if diff := cmp.Diff([]string{"3 eve true", "2 bob false", "1 ann false"}, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	entries, err := db.AuditEntries(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, e := range entries {
		got = append(got, e.Who+" "+e.Action+" "+e.Target)
	}
	if diff := cmp.Diff([]string{"eve deletePipelineTemplate template/t:stable", "bob updatePipelineTemplate template/t:stable", "ann createPipelineTemplate template/t:stable"}, got); diff != "" {
		t.Errorf("audit trail (-want +got):\n%s", diff)
	}
}
