package document_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

func (c *catalog) Project(_ context.Context, nameOrID string) (gennaker.Project, error) {
	for _, p := range c.projects {
		if c.fail == nil && (p.ID == nameOrID || strings.EqualFold(p.Name, nameOrID)) {
			return p, nil
		}
	}
	if c.fail != nil {
		return gennaker.Project{}, c.fail
	}
	return gennaker.Project{}, gennaker.Errorf(gennaker.NotFound, "there is no project %q", nameOrID)
}

func (c *catalog) SaveProject(_ context.Context, p gennaker.Project, user string) (gennaker.Project, error) {
	if c.fail != nil {
		return p, c.fail
	}
	p.Attrs = maps.Clone(p.Attrs)
	p.Attrs["createTs"], p.Attrs["updateTs"], p.Attrs["lastModifiedBy"] = 1, 2, user
	if c.projects == nil {
		c.projects = map[string]gennaker.Project{}
	}
	c.projects[p.ID] = p
	c.saves = append(c.saves, "project "+p.Name+" by "+user)
	return p, nil
}

func (c *catalog) DeleteProject(_ context.Context, id, user string) error {
	c.saves = append(c.saves, "no project "+c.projects[id].Name+" by "+user)
	delete(c.projects, id)
	return c.fail
}

func TestUpsertProject(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	shop := map[string]any{"project": map[string]any{"name": "Shop", "email": "a@b", "kept": true, "config": map[string]any{"applications": []any{"demo"}}}}
	var id string
	for range 2 { // the answer to the first was lost
		o, err := run(t, c, "upsertProject", "upsertProject", shop)
		if err != nil || o.Status() != gennaker.Succeeded || o.Outputs()["notification.type"] != "upsertproject" {
			t.Fatalf("%v, %v", o, err)
		}
		id, _ = o.Outputs()["project.id"].(string)
	}
	if p := c.projects[id]; len(c.projects) != 1 || p.Name != "Shop" || p.Attrs["kept"] != true {
		t.Errorf("projects: %v", c.projects)
	}
	edited := map[string]any{"project": map[string]any{"id": id, "name": "Store", "email": "a@b", "createTs": 1, "lastModifiedBy": "eve"}}
	for range 2 {
		if o, err := runKey(t, c, "upsertProject", "upsertProject", "k2", edited); err != nil || o.Outputs()["project.name"] != "Store" {
			t.Fatalf("%v, %v", o, err)
		}
	}
	if diff := cmp.Diff([]string{"project Shop by ann", "project Store by ann"}, c.saves); diff != "" {
		t.Error(diff)
	}
}

func TestUpsertProjectRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context map[string]any
		fail    error
		want    string
	}{
		"missing":         {context: map[string]any{}, want: "invalid"},
		"no name":         {context: map[string]any{"project": map[string]any{"email": "a@b"}}, want: "invalid"},
		"no email":        {context: map[string]any{"project": map[string]any{"name": "x"}}, want: "invalid"},
		"an ID of nobody": {context: map[string]any{"project": map[string]any{"id": "nope", "name": "x", "email": "a@b"}}, want: "not_found"},
		"the name of one": {context: map[string]any{"project": map[string]any{"id": "taken", "name": "x", "email": "a@b"}}, want: "not_found"},
		"away":            {context: map[string]any{"project": map[string]any{"name": "x", "email": "a@b"}}, fail: gennaker.Errorf(gennaker.Unavailable, "away"), want: "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.projects, c.fail = map[string]gennaker.Project{"p": {ID: "p", Name: "taken"}}, tt.fail
			if got := failed(run(t, c, "upsertProject", "upsertProject", tt.context)); got != tt.want {
				t.Errorf("failed with %q, want %q", got, tt.want)
			}
			if len(c.saves) > 0 {
				t.Errorf("saves are %v", c.saves)
			}
		})
	}
}

func TestDeleteProject(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	c.projects = map[string]gennaker.Project{"p": {ID: "p", Name: "Shop"}, "q": {ID: "q", Name: "Store"}}
	for _, by := range []map[string]any{{"id": "p"}, {"name": "store", "email": "as spin sends it"}} {
		o, err := run(t, c, "deleteProject", "deleteProject", map[string]any{"project": by})
		if err != nil || o.Status() != gennaker.Succeeded || o.Outputs()["notification.type"] != "deleteproject" {
			t.Errorf("%v: %v, %v", by, o, err)
		}
	}
	if o, err := run(t, c, "deleteProject", "deleteProject", map[string]any{"project": map[string]any{"id": "p"}}); err != nil || o.Status() != gennaker.Skipped {
		t.Errorf("again: %v, %v", o, err)
	}
	if !slices.Equal(c.saves, []string{"no project Shop by ann", "no project Store by ann"}) {
		t.Errorf("saves are %v", c.saves)
	}
	if got := failed(run(t, c, "deleteProject", "deleteProject", map[string]any{"project": map[string]any{}})); got != "invalid" {
		t.Errorf("nothing to delete: %q", got)
	}
	c.fail = gennaker.Errorf(gennaker.Unavailable, "away")
	if got := failed(run(t, c, "deleteProject", "deleteProject", map[string]any{"project": map[string]any{"id": "p"}})); got != "unavailable" {
		t.Errorf("store away: %q", got)
	}
}

// Every attempt under one key gives a pipeline's cron triggers the same IDs.
func TestSavedCronTriggersHaveIDs(t *testing.T) {
	t.Parallel()
	crons := func(c *catalog) (out []any) {
		for _, p := range c.pipelines {
			if p.Name == "Nightly" {
				for _, v := range p.Doc.Value["triggers"].([]any) {
					out = append(out, v.(map[string]any)["id"])
				}
			}
		}
		return out
	}
	triggers := []any{map[string]any{"type": "cron", "id": "copied"}, map[string]any{"type": "cron"}, map[string]any{"type": "git"}}
	doc := map[string]any{"name": "Nightly", "application": "Demo", "triggers": triggers}
	c := newCatalog(t)
	for range 2 {
		if o, err := run(t, c, "savePipeline", "savePipeline", map[string]any{"pipeline": doc}); err != nil || o.Status() != gennaker.Succeeded {
			t.Fatalf("%v, %v", o, err)
		}
	}
	got := crons(c)
	if len(got) != 3 || got[0] == "copied" || got[0] == nil || got[1] == nil || got[0] == got[1] || got[2] != nil || len(c.saves) != 1 {
		t.Errorf("the triggers of a new pipeline have the IDs %v, saves are %v", got, c.saves)
	}
	c = newCatalog(t)
	doc["id"] = "p1"
	if _, err := run(t, c, "savePipeline", "savePipeline", map[string]any{"pipeline": doc}); err != nil {
		t.Fatal(err)
	}
	if got := crons(c); got[0] != "copied" || got[1] == nil {
		t.Errorf("the triggers of one with an ID have the IDs %v", got)
	}
}
