package store_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/store"
)

func parsed(t testing.TB, format string, args ...any) gennaker.Pipeline {
	t.Helper()
	p, err := gennaker.ParsePipeline(fmt.Appendf(nil, format, args...))
	if err != nil {
		t.Fatalf("ParsePipeline: %v", err)
	}
	return p
}

func save(t *testing.T, db *store.DB, format string, args ...any) gennaker.Pipeline {
	t.Helper()
	p, err := db.SavePipeline(t.Context(), parsed(t, format, args...), "ann", false)
	if err != nil {
		t.Fatalf("SavePipeline: %v", err)
	}
	return p
}

func TestSavePipelineKeepsTheDocument(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	text := `{"name":" Deploy <prod> ","application":"demo","n":1.50,"big":12345678901234567890,"e":1E+2,
		"stages":[{"refId":"1","type":"wait","waitTime":"${ 3 }","unknown":{"a":[null,true]}}],"note":"a\u0000<b>&\u2028"}`
	saved := save(t, db, "%s", text)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(saved.ID) {
		t.Errorf("ID = %q, want a random UUID", saved.ID)
	}
	got, err := db.PipelineByID(t.Context(), saved.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(saved.Doc.Value, got.Doc.Value); diff != "" {
		t.Errorf("what was returned and what is stored (-returned +stored):\n%s", diff)
	}
	want := parsed(t, "%s", text).Doc.Value
	want["name"] = "Deploy <prod>"
	modified, _ := got.Doc.Value["lastModified"].(json.Number)
	if updated, _ := got.Doc.Value["updateTs"].(string); updated == "" || updated != modified.String() || got.Doc.Value["lastModifiedBy"] != "ann" {
		t.Errorf("stamps: %v", got.Doc.Value)
	}
	for _, k := range []string{"id", "lastModified", "updateTs", "lastModifiedBy"} {
		delete(got.Doc.Value, k)
	}
	if diff := cmp.Diff(want, got.Doc.Value); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func TestSavePipelineRefuses(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	first := save(t, db, `{"id":"one","name":"Deploy","application":"demo"}`)
	second, err := db.SavePipeline(t.Context(), parsed(t, `{"id":"one","name":"Deploy","application":"demo","lastModified":%s}`, first.Doc.Value["lastModified"]), "bob", true)
	if err != nil {
		t.Fatalf("save of what was read: %v", err)
	}
	if second.Doc.Value["lastModified"] == first.Doc.Value["lastModified"] {
		t.Error("two saves have the same lastModified")
	}
	tests := map[string]struct {
		text  string
		stale bool
		want  string // of the message
	}{
		"name taken":     {`{"name":"deploy ","application":"DEMO"}`, false, "A pipeline with name deploy already exists in application DEMO"},
		"stale":          {fmt.Sprintf(`{"id":"one","name":"Deploy","application":"demo","lastModified":%s}`, first.Doc.Value["lastModified"]), true, "The submitted pipeline is stale.  submitted updateTs"},
		"id too long":    {fmt.Sprintf(`{"id":%q,"name":"x","application":"demo"}`, strings.Repeat("x", 256)), false, "at most 255 bytes"},
		"rename to that": {`{"id":"two","name":"DEPLOY","application":"demo"}`, false, "already exists"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := db.SavePipeline(t.Context(), parsed(t, "%s", tt.text), "eve", tt.stale)
			if gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("SavePipeline = %v, want Invalid with %q", err, tt.want)
			}
		})
	}
	if ps, err := db.Pipelines(t.Context(), "demo"); err != nil || len(ps) != 1 || ps[0].Doc.Value["lastModifiedBy"] != "bob" {
		t.Errorf("after the refusals: %v, %v", ps, err)
	}
	if _, err := db.SavePipeline(t.Context(), gennaker.Pipeline{}, "eve", false); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("save of nothing = %v, want Invalid", err)
	}
	save(t, db, `{"name":"Deploy","application":"other"}`)
}

func TestPipelinesAreFoundAndSorted(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	for id, fields := range map[string]string{
		"a": `"name":"beta"`, "b": `"name":"Alpha"`, "c": `"name":"zeta","index":0`, "d": `"name":"eta","index":"1"`, "e": `"name":"b"`,
	} {
		save(t, db, `{"id":%q,"application":"Demo",%s}`, id, fields)
	}
	save(t, db, `{"id":"o","application":"a","name":"other"}`)
	ids := func(application string) (out string) {
		ps, err := db.Pipelines(t.Context(), application)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			out += p.ID
		}
		return out
	}
	if got := ids("dEMO"); got != "cdbea" {
		t.Errorf("order = %q, want %q", got, "cdbea")
	}
	if got := ids(""); got != "ocdbea" {
		t.Errorf("order of all = %q, want %q", got, "ocdbea")
	}
	// The index survives a save that does not name it, and moves with one that does.
	save(t, db, `{"id":"c","application":"Demo","name":"zeta"}`)
	save(t, db, `{"id":"d","application":"Demo","name":"eta","index":-1}`)
	if got := ids("Demo"); got != "dcbea" {
		t.Errorf("order = %q, want %q", got, "dcbea")
	}
	tests := map[string]struct{ application, nameOrID, want string }{
		"name":            {"demo", "Alpha", "b"},
		"name before id":  {"demo", "b", "e"},
		"id":              {"demo", "a", "a"},
		"wrong case":      {"demo", "alpha", ""},
		"other's id":      {"demo", "o", ""},
		"no such":         {"demo", "nope", ""},
		"no such project": {"nope", "Alpha", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := db.Pipeline(t.Context(), tt.application, tt.nameOrID)
			if tt.want == "" {
				if gennaker.KindOf(err) != gennaker.NotFound {
					t.Errorf("Pipeline = %v, %v, want NotFound", p.ID, err)
				}
				return
			}
			if err != nil || p.ID != tt.want {
				t.Errorf("Pipeline = %q, %v, want %q", p.ID, err, tt.want)
			}
		})
	}
}

func TestPipelineHistoryOutlivesIt(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	for i := range 3 {
		save(t, db, `{"id":"p","application":"demo","name":"Deploy %d"}`, i)
	}
	if err := db.DeletePipeline(t.Context(), "DEMO", " deploy 2", "bob"); err != nil {
		t.Fatal(err)
	}
	if err := db.DeletePipeline(t.Context(), "demo", "Deploy 2", "bob"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("second deletion = %v, want NotFound", err)
	}
	if _, err := db.PipelineByID(t.Context(), "p"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("read after the deletion = %v, want NotFound", err)
	}
	save(t, db, `{"id":"p","application":"demo","name":"Back"}`)
	revisions, err := db.PipelineHistory(t.Context(), "p", 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range revisions {
		var doc struct{ Name string }
		if err := json.Unmarshal(r.Document, &doc); err != nil || r.At.IsZero() {
			t.Errorf("revision %+v: %v", r, err)
		}
		got = append(got, fmt.Sprintf("%d %s %t %s", r.Number, r.Author, r.Deleted, doc.Name))
	}
	want := []string{"5 ann false Back", "4 bob true Deploy 2", "3 ann false Deploy 2", "2 ann false Deploy 1", "1 ann false Deploy 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if two, err := db.PipelineHistory(t.Context(), "p", 2); err != nil || len(two) != 2 {
		t.Errorf("limit 2 gave %d, %v", len(two), err)
	}
}

func TestApplications(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	saveApp := func(attrs map[string]any, by string) {
		t.Helper()
		a, err := gennaker.NewApplication(attrs)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.SaveApplication(t.Context(), a, by); err != nil {
			t.Fatal(err)
		}
	}
	saveApp(map[string]any{"name": "Shop", "email": "a@b.c", "port": json.Number("1.0"), "createTs": "7"}, "ann")
	first, err := db.Application(t.Context(), "sHOP")
	if err != nil {
		t.Fatal(err)
	}
	created, _ := first.Attrs["createTs"].(string)
	if created == "" || created == "7" || first.Attrs["updateTs"] != created || first.Attrs["lastModifiedBy"] != "ann" || first.Attrs["port"] != json.Number("1.0") {
		t.Errorf("attributes: %v", first.Attrs)
	}
	if first.Name != "Shop" || first.Email != "a@b.c" {
		t.Errorf("application: %+v", first)
	}
	saveApp(map[string]any{"name": "shop", "email": "d@e.f"}, "bob")
	saveApp(map[string]any{"name": "bar", "email": "x@y.z"}, "bob")
	all, err := db.Applications(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "bar" || all[1].Email != "d@e.f" || all[1].Attrs["createTs"] != created {
		t.Errorf("Applications = %v, %v", all, err)
	}
	if err := db.SaveApplication(t.Context(), gennaker.Application{}, "ann"); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("save of nothing = %v, want Invalid", err)
	}

	p := save(t, db, `{"application":"SHOP","name":"Deploy"}`)
	if err := db.DeleteApplication(t.Context(), "SHOP", "eve"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Application(t.Context(), "shop"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("read after the deletion = %v, want NotFound", err)
	}
	if err := db.DeleteApplication(t.Context(), "shop", "eve"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("second deletion = %v, want NotFound", err)
	}
	if ps, err := db.Pipelines(t.Context(), "shop"); err != nil || len(ps) != 0 {
		t.Errorf("pipelines outlived their application: %v, %v", ps, err)
	}
	for what, history := range map[string]func() ([]gennaker.Revision, error){
		"application": func() ([]gennaker.Revision, error) { return db.ApplicationHistory(t.Context(), "Shop", 1) },
		"pipeline":    func() ([]gennaker.Revision, error) { return db.PipelineHistory(t.Context(), p.ID, 1) },
	} {
		if rs, err := history(); err != nil || len(rs) != 1 || !rs[0].Deleted || rs[0].Author != "eve" {
			t.Errorf("history of the %s: %+v, %v", what, rs, err)
		}
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	save(t, db, `{"id":"p","application":"demo","name":"Deploy"}`)
	p := save(t, db, `{"id":"p","application":"demo","name":"Deploy 2"}`)
	if err := db.DeletePipeline(t.Context(), "demo", "p", "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SavePipeline(t.Context(), gennaker.Pipeline{}, "eve", false); err == nil {
		t.Fatal("saved nothing")
	}
	cancel := store.AuditEntry{Who: "eve", Action: "cancelExecution", Target: "execution/X", Why: "wrong version", At: gennaker.Millis(5)}
	if err := db.Audit(t.Context(), cancel); err != nil {
		t.Fatal(err)
	}
	got, err := db.AuditEntries(t.Context(), 0)
	if err != nil || len(got) != 4 {
		t.Fatalf("AuditEntries = %+v, %v", got, err)
	}
	cancel.ID = 4
	if diff := cmp.Diff(cancel, got[0]); diff != "" {
		t.Errorf("own entry (-want +got):\n%s", diff)
	}
	for i, want := range []struct {
		who, action   string
		before, after bool
	}{{"bob", "deletePipeline", true, false}, {"ann", "updatePipeline", true, true}, {"ann", "createPipeline", false, true}} {
		e := got[i+1]
		if e.Who != want.who || e.Action != want.action || e.Target != "pipeline/p" || (e.Before != nil) != want.before || (e.After != nil) != want.after || e.At.IsZero() {
			t.Errorf("entry %d = %+v, want %+v", i+1, e, want)
		}
	}
	if !strings.Contains(string(got[1].Before), `"Deploy 2"`) || !strings.Contains(string(got[1].Before), fmt.Sprint(p.Doc.Value["updateTs"])) {
		t.Errorf("before the deletion: %s", got[1].Before)
	}
	if two, err := db.AuditEntries(t.Context(), 2); err != nil || len(two) != 2 || two[0].ID != 4 {
		t.Errorf("limit 2 gave %+v, %v", two, err)
	}
}

// What a user wrote comes back as it was, whatever it is.
func FuzzPipelineRoundTrip(f *testing.F) {
	f.Add([]byte(`{"application":"a","name":"b","stages":[{"type":"wait","waitTime":1e400}],"x":[{},"\u0000","<\ud800>"]}`))
	f.Add([]byte(`{"application":"A","name":"É","index":"1e999","id":7}`))
	f.Add([]byte(`{"application":"a","name":"b","index":-0.0,"lastModified":"x","Name":1}`))
	db, err := store.Open(f.Context(), f.TempDir()+"/fuzz.db", discard())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := gennaker.ParsePipeline(text)
		if err != nil {
			return
		}
		if old, err := db.Pipelines(t.Context(), p.Application); err == nil {
			for _, o := range old { // of other rounds
				if err := db.DeletePipeline(t.Context(), o.Application, o.ID, "fuzz"); err != nil {
					t.Fatalf("delete: %v", err)
				}
			}
		}
		saved, err := db.SavePipeline(t.Context(), p, "fuzz", true)
		if k := gennaker.KindOf(err); err != nil && (k == gennaker.Invalid || k == gennaker.TooLarge) {
			return
		}
		if err != nil {
			t.Fatalf("save of %q: %v", text, err)
		}
		got, err := db.Pipeline(t.Context(), p.Application, p.Name)
		if err != nil || got.ID != saved.ID {
			t.Fatalf("read of %q: %v", text, err)
		}
		want := p.Doc.Value
		for _, k := range []string{"id", "name", "application", "lastModified", "updateTs", "lastModifiedBy", "regenerateCronTriggerIds"} {
			delete(want, k)
			delete(got.Doc.Value, k)
		}
		withoutCronIDs(want)
		withoutCronIDs(got.Doc.Value)
		if diff := cmp.Diff(want, got.Doc.Value); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	})
}
