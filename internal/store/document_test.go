package store_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/store"
)

func withoutCronIDs(doc map[string]any) {
	list, _ := doc["triggers"].([]any)
	for _, v := range list {
		if trigger, _ := v.(map[string]any); strings.EqualFold(fmt.Sprint(trigger["type"]), "cron") {
			delete(trigger, "id")
		}
	}
}

func value(t *testing.T, text string) map[string]any {
	t.Helper()
	doc, err := gennaker.ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Value
}

func project(t *testing.T, text string) gennaker.Project {
	t.Helper()
	p, err := gennaker.NewProject(value(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func actions(t *testing.T, db *store.DB) []string {
	t.Helper()
	entries, err := db.AuditEntries(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range slices.Backward(entries) {
		out = append(out, e.Action+" by "+e.Who)
	}
	return out
}

func TestProjects(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	shop, err := db.SaveProject(t.Context(), project(t, `{"name":" Shop ","email":"a@b","kept":1.50,"config":{"applications":["x"]}}`), "ann")
	if err != nil || shop.ID == "" || shop.Name != "Shop" || shop.Attrs["kept"] != json.Number("1.50") || shop.Attrs["lastModifiedBy"] != "ann" {
		t.Fatalf("saved %+v, %v", shop, err)
	}
	if _, err := db.SaveProject(t.Context(), project(t, `{"id":"z","name":"Zoo","email":"z@b"}`), "ann"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop", "SHOP", shop.ID} {
		if got, err := db.Project(t.Context(), name); err != nil || !cmp.Equal(got, shop) {
			t.Errorf("Project(%s) = %+v, %v", name, got, err)
		}
	}
	for text, want := range map[string]string{
		`{"name":"SHOP","email":"a@b"}`:                                           "A Project named 'SHOP' already exists",
		`{"id":"z","name":"shop","email":"a@b"}`:                                  "A Project named 'shop' already exists",
		fmt.Sprintf(`{"id":%q,"name":"y","email":"a"}`, strings.Repeat("x", 256)): "at most 255 bytes",
	} {
		if _, err := db.SaveProject(t.Context(), project(t, text), "eve"); gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := db.SaveProject(t.Context(), gennaker.Project{}, "eve"); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("a project without a name: %v", err)
	}
	if diff := cmp.Diff(value(t, `{"applications":["x"],"pipelineConfigs":[],"clusters":[]}`), shop.Attrs["config"]); diff != "" {
		t.Errorf("config: %s", diff)
	}
	renamed, err := db.SaveProject(t.Context(), project(t, fmt.Sprintf(`{"id":%q,"name":"Alpha","email":"a@b","createTs":7}`, shop.ID)), "bob")
	if err != nil || renamed.Attrs["createTs"] != shop.Attrs["createTs"] || renamed.Attrs["lastModifiedBy"] != "bob" {
		t.Errorf("renamed %+v, %v", renamed, err)
	}
	if _, err := db.Project(t.Context(), "Shop"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("the old name: %v", err)
	}
	all, err := db.Projects(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "Alpha" || all[1].Name != "Zoo" {
		t.Errorf("Projects = %+v, %v", all, err)
	}
	if err := db.DeleteProject(t.Context(), shop.ID, "eve"); err != nil {
		t.Error(err)
	}
	if err := db.DeleteProject(t.Context(), shop.ID, "eve"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
	want := []string{"createProject by ann", "createProject by ann", "updateProject by bob", "deleteProject by eve"}
	if diff := cmp.Diff(want, actions(t, db)); diff != "" {
		t.Error(diff)
	}
}

func canary(t *testing.T, text string) gennaker.CanaryConfig {
	t.Helper()
	c, err := gennaker.NewCanaryConfig(value(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCanaryConfigs(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	first, err := db.CreateCanaryConfig(t.Context(), canary(t, `{"name":"errors","applications":["x","y"],"createdTimestamp":5,"kept":1.50}`), "ann")
	if err != nil || first.ID == "" || first.Attrs["kept"] != json.Number("1.50") {
		t.Fatalf("created %+v, %v", first, err)
	}
	for key, want := range map[string]any{
		"id": first.ID, "createdTimestamp": json.Number("5"), "updatedTimestamp": json.Number("5"),
		"createdTimestampIso": "1970-01-01T00:00:00.005Z", "updatedTimestampIso": "1970-01-01T00:00:00.005Z",
	} {
		if first.Attrs[key] != want {
			t.Errorf("%s is %v, want %v", key, first.Attrs[key], want)
		}
	}
	if _, err := db.CreateCanaryConfig(t.Context(), canary(t, `{"id":"b","name":"alpha","applications":["y"]}`), "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateCanaryConfig(t.Context(), canary(t, `{"id":"c","name":"errors","applications":["z"]}`), "ann"); err != nil {
		t.Fatalf("the same name elsewhere: %v", err)
	}
	for text, want := range map[string]string{
		`{"id":"b","name":"other","applications":["q"]}`:                       "Canary config 'b' already exists.",
		`{"name":"errors","applications":["q","y"]}`:                           "Canary config with name 'errors' already exists in the scope of applications [q, y].",
		`{"name":"other","applications":["q"],"createdTimestamp":"yesterday"}`: "createdTimestamp must be epoch milliseconds, not yesterday",
	} {
		if _, err := db.CreateCanaryConfig(t.Context(), canary(t, text), "eve"); gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		`{"id":"q","name":"other","applications":["q"]}`:  "Canary config 'q' does not exist.",
		`{"id":"b","name":"errors","applications":["y"]}`: "already exists in the scope",
	} {
		if _, err := db.UpdateCanaryConfig(t.Context(), canary(t, text), "eve"); gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	updated, err := db.UpdateCanaryConfig(t.Context(), canary(t, fmt.Sprintf(`{"id":%q,"name":"errors","applications":["x"]}`, first.ID)), "bob")
	if err != nil || updated.Attrs["createdTimestamp"] != json.Number("5") || updated.Attrs["updatedTimestamp"] == json.Number("5") {
		t.Errorf("updated %+v, %v", updated, err)
	}
	if got, err := db.CanaryConfig(t.Context(), first.ID); err != nil || !cmp.Equal(got, updated) {
		t.Errorf("stored %+v, %v", got, err)
	}
	var names []string
	all, err := db.CanaryConfigs(t.Context())
	for _, c := range all {
		names = append(names, c.Name)
	}
	if want := []string{"alpha", "errors", "errors"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("listed %v, %v", names, err)
	}
	for range 2 {
		err = db.DeleteCanaryConfig(t.Context(), "b", "eve")
	}
	if _, getErr := db.CanaryConfig(t.Context(), "b"); gennaker.KindOf(err) != gennaker.NotFound || gennaker.KindOf(getErr) != gennaker.NotFound {
		t.Errorf("deleted twice: %v, %v", err, getErr)
	}
	want := []string{"createCanaryConfig by ann", "createCanaryConfig by ann", "createCanaryConfig by ann", "updateCanaryConfig by bob", "deleteCanaryConfig by eve"}
	if diff := cmp.Diff(want, actions(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	for _, app := range []string{"Demo", "other"} {
		a, err := gennaker.NewApplication(map[string]any{"name": app, "email": "a@b"})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.SaveApplication(t.Context(), a, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	get := func(app string) map[string]any {
		t.Helper()
		doc, err := db.Notifications(t.Context(), app)
		if err != nil || doc == nil {
			t.Fatal(doc, err)
		}
		return doc
	}
	if got := get("demo"); len(got) != 0 {
		t.Errorf("at first %v", got)
	}
	if err := db.SaveNotifications(t.Context(), "DEMO", value(t, `{"slack":[{"address":"#x","kept":1.50}],"odd":true}`), "ann"); err != nil {
		t.Fatal(err)
	}
	got := get("demo")
	if got["lastModifiedBy"] != "ann" || got["lastModified"] == nil {
		t.Errorf("stamps: %v", got)
	}
	maps.DeleteFunc(got, func(key string, _ any) bool { return strings.HasPrefix(key, "lastModified") })
	if diff := cmp.Diff(value(t, `{"slack":[{"address":"#x","kept":1.50}],"odd":true}`), got); diff != "" {
		t.Error(diff)
	}
	for range 2 { // the second time there is nothing to do
		if err := db.SaveNotifications(t.Context(), "demo", nil, "bob"); err != nil || len(get("demo")) != 0 {
			t.Errorf("deleted: %v, %v", err, get("demo"))
		}
	}
	for _, app := range []string{"demo", "other"} {
		if err := db.SaveNotifications(t.Context(), app, value(t, `{"email":[]}`), "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.DeleteApplication(t.Context(), "demo", "eve"); err != nil || len(get("demo")) != 0 || len(get("other")) == 0 {
		t.Errorf("with its application: %v, %v, %v", err, get("demo"), get("other"))
	}
	want := []string{
		"createApplication by ann", "createApplication by ann", "createNotifications by ann", "deleteNotifications by bob",
		"createNotifications by ann", "createNotifications by ann", "deleteNotifications by eve", "deleteApplication by eve",
	}
	if diff := cmp.Diff(want, actions(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestStrategiesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	pipeline := save(t, db, `{"name":"Deploy","application":"demo"}`)
	strategy := save(t, db, `{"name":"deploy","application":"demo","strategy":true}`)
	if got, err := db.Pipeline(t.Context(), "demo", "Deploy"); err != nil || got.ID != pipeline.ID {
		t.Errorf("by name: %+v, %v", got, err)
	}
	if got, err := db.Pipeline(t.Context(), "demo", strategy.ID); err != nil || !got.Strategy() {
		t.Errorf("by ID: %+v, %v", got, err)
	}
	_, err := db.SavePipeline(t.Context(), parsed(t, `{"name":"DEPLOY","application":"demo","strategy":true}`), "ann", false)
	if err == nil || !strings.Contains(err.Error(), "A strategy with name DEPLOY already exists in application demo") {
		t.Errorf("the same name again: %v", err)
	}
	if err := db.DeletePipeline(t.Context(), "demo", "deploy", "ann"); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Pipelines(t.Context(), "demo"); err != nil || len(got) != 1 || got[0].ID != strategy.ID {
		t.Errorf("left: %+v, %v", got, err)
	}
}

func TestCronTriggersHaveIDs(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	ids := func(p gennaker.Pipeline) (out []string) {
		for _, v := range p.Doc.Value["triggers"].([]any) {
			trigger, _ := v.(map[string]any)
			id, _ := trigger["id"].(string)
			out = append(out, id)
		}
		return out
	}
	const triggers = `"triggers":[{"type":"cron","id":"mine"},{"type":"CRON"},{"type":"git"},7]`
	first := ids(save(t, db, `{"name":"new","application":"demo",%s}`, triggers))
	if first[0] == "mine" || first[0] == "" || first[1] == "" || first[0] == first[1] || first[2] != "" {
		t.Errorf("new: %v", first)
	}
	kept := ids(save(t, db, `{"id":"p","name":"with an ID","application":"demo",%s}`, triggers))
	if kept[0] != "mine" || kept[1] == "" {
		t.Errorf("with an ID: %v", kept)
	}
	p := save(t, db, `{"id":"p","name":"with an ID","application":"demo","regenerateCronTriggerIds":true,%s}`, triggers)
	if again := ids(p); again[0] == "mine" || p.Doc.Value["regenerateCronTriggerIds"] != nil {
		t.Errorf("regenerated: %v", p.Doc.Value)
	}
}

func TestConditionalSaves(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	first := save(t, db, `{"id":"p","name":"Deploy","application":"demo"}`)
	ts := fmt.Sprint(first.Doc.Value["updateTs"])
	doc := parsed(t, `{"id":"p","name":"Deploy","application":"demo"}`)
	if _, err := db.SavePipeline(t.Context(), doc, "ann", true); err != nil {
		t.Errorf("a document that says nothing of what it was made from: %v", err)
	}
	_, err := db.ReplacePipeline(t.Context(), doc, "eve", ts)
	if gennaker.KindOf(err) != gennaker.Conflict || !strings.Contains(err.Error(), "The submitted pipeline is stale.  submitted updateTs "+ts) || gennaker.HintOf(err) == "" {
		t.Errorf("stale: %v", err)
	}
	now, err := db.PipelineByID(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	for _, ts := range []string{fmt.Sprint(now.Doc.Value["updateTs"]), ""} {
		if _, err := db.ReplacePipeline(t.Context(), doc, "ann", ts); err != nil {
			t.Errorf("with %q: %v", ts, err)
		}
	}
	if _, err := db.ReplacePipeline(t.Context(), parsed(t, `{"id":"q","name":"Other","application":"demo"}`), "eve", ""); gennaker.KindOf(err) != gennaker.Conflict {
		t.Errorf("what is not there: %v", err)
	}
}

func TestRevisionsInPages(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	for n := range 5 {
		save(t, db, `{"id":"p","name":"Deploy","application":"demo","n":%d}`, n+1)
	}
	numbers := func(before, limit int) (out []int) {
		t.Helper()
		revs, err := db.PipelineRevisions(t.Context(), "p", before, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range revs {
			out = append(out, r.Number)
		}
		return out
	}
	for _, tt := range []struct {
		before, limit int
		want          []int
	}{{0, 0, []int{5, 4, 3, 2, 1}}, {0, 2, []int{5, 4}}, {4, 2, []int{3, 2}}, {1, 2, nil}, {-1, 1, []int{5}}} {
		if got := numbers(tt.before, tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("before %d, limit %d: %v", tt.before, tt.limit, got)
		}
	}
	if rev, err := db.PipelineRevision(t.Context(), "p", 3); err != nil || rev.Number != 3 || value(t, string(rev.Document))["n"] != json.Number("3") {
		t.Errorf("revision 3: %+v, %v", rev, err)
	}
	for _, number := range []int{0, -1, 6, 1 << 62} {
		if _, err := db.PipelineRevision(t.Context(), "p", number); gennaker.KindOf(err) != gennaker.NotFound {
			t.Errorf("revision %d: %v", number, err)
		}
	}
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	var told []string
	db.OnChange(func(c store.Change) { told = append(told, string(c.Kind)+" "+c.Application+"/"+c.Name) })
	a, err := gennaker.NewApplication(map[string]any{"name": "Demo", "email": "a@b"})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.SaveApplication(t.Context(), a, "ann"); err != nil {
		t.Fatal(err)
	}
	save(t, db, `{"id":"p","name":"Deploy","application":"demo"}`)
	if _, err := db.SavePipeline(t.Context(), parsed(t, `{"name":"deploy","application":"demo"}`), "eve", false); err == nil {
		t.Error("saved twice")
	}
	if err := db.SaveNotifications(t.Context(), "demo", value(t, `{"slack":[]}`), "ann"); err != nil {
		t.Fatal(err)
	}
	if err := db.DeletePipeline(t.Context(), "demo", "p", "ann"); err != nil {
		t.Fatal(err)
	}
	if err := db.DeletePipeline(t.Context(), "demo", "p", "eve"); err == nil {
		t.Error("deleted twice")
	}
	if err := db.DeleteApplication(t.Context(), "demo", "ann"); err != nil {
		t.Fatal(err)
	}
	save(t, db, `{"id":"s","name":"Slowly","application":"demo","strategy":true}`)
	if err := db.DeletePipeline(t.Context(), "demo", "s", "ann"); err != nil {
		t.Fatal(err)
	}
	project, err := gennaker.NewProject(map[string]any{"name": "All", "email": "a@b"})
	if err != nil {
		t.Fatal(err)
	}
	saved, err := db.SaveProject(t.Context(), project, "ann")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.DeleteProject(t.Context(), saved.ID, "ann"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"application Demo/", "pipeline demo/Deploy", "notification demo/", "pipeline demo/Deploy", "application demo/",
		"strategy demo/Slowly", "strategy demo/Slowly", "project /All", "project /" + saved.ID,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}
