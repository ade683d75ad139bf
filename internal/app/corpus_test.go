package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/simulate"
	stages "github.com/gennaker/gennaker/internal/stage"
)

// corpus is where real definitions lie: outside of this tree, and not everywhere.
const corpus = "../../../shared/corpus"

// TestCorpus saves, reads back, lints and plans every real definition, runs it in
// a simulation and on a server, and holds docs/reference/compatibility.md.
func TestCorpus(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(corpus); testing.Short() || errors.Is(err, fs.ErrNotExist) {
		t.Logf("a short run, or there is no %s: only the shape of the page is tested", corpus)
		checkCompatibility(t)
		return
	}
	types, err := app.Types()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.ctx = t.Context() // it lives longer than others
	c := &corpusTest{t: t, w: w, types: types, outside: outside(t, types), hook: hook(t), sum: newTally()}
	for dir, try := range map[string]func(string, []byte){"pipeline": c.pipeline, "mpt-v2-template": c.template} {
		files, err := filepath.Glob(filepath.Join(corpus, dir, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c.sum.files++
			try(file, text)
		}
	}
	comparePage(t, "compatibility.md", c.sum.page(types))
	checkCompatibility(t)
}

// corpusTest is what the definitions are tried with.
type corpusTest struct {
	t     *testing.T
	w     *world // where all are saved
	types *stages.Registry
	hook  string // answers webhooks
	sum   *tally

	outside map[string]bool // known types that need more than a fleet
}

// outside returns the types that a simulation takes to succeed, but for webhooks:
// they need accounts of Kubernetes, of artifacts, programs.
func outside(t *testing.T, types *stages.Registry) map[string]bool {
	t.Helper()
	var list []any
	for _, kind := range types.Types() {
		list = append(list, object{"refId": kind, "type": kind, "name": kind, "requisiteStageRefIds": []any{}})
	}
	p := parse(t, object{"application": "corpus", "name": "every type", "stages": list})
	plan, err := simulate.Plan(t.Context(), simulate.World{Registry: types, Now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}, p, gennaker.Trigger{})
	if err != nil || plan.Refused != "" {
		t.Fatalf("a pipeline of every type cannot be planned: %v, %s", err, plan.Refused)
	}
	out := map[string]bool{}
	for _, st := range plan.Stages {
		if st.Assumed && st.Type != "webhook" {
			out[st.Type] = true
		}
	}
	return out
}

// pipeline tries a pipeline.
func (c *corpusTest) pipeline(file string, text []byte) {
	c.t.Helper()
	saved := c.w.saveAndCompare(file, text)
	if saved == nil {
		return
	}
	c.sum.saved++
	if _, err := c.w.PlanPipeline(c.w.ctx, client.PlanRequest{Pipeline: saved}); err != nil {
		c.t.Errorf("%s cannot be planned: %v", file, err)
		return
	}
	c.sum.planned++
	doc := decode(c.t, saved)
	types := map[string]string{}
	unknown := false
	away := map[string]bool{} // types that a wait stands in for
	for _, st := range parse(c.t, doc).Stages {
		types[st.RefID] = st.Type
		if _, err := c.types.Resolve(st.Type, st.Context); err != nil {
			away[st.Type], unknown = true, true
			c.sum.of(st.Type).unknown = true
		} else if c.outside[st.Type] {
			away[st.Type] = true
		}
	}
	c.sum.definition(types)
	c.start(doc, unknown)
	runs := c.variants(doc, away)
	var simulated, served []outcome
	asWritten := 0 // so many of the runs
	for i, v := range runs {
		if !v.helped {
			asWritten++
		}
		sc := sceneOf(v.doc)
		sc.fetched = accounts(v.doc, c.hook)
		w := sc.server(c.t)
		w.saveDocument(v.doc)
		sim := sc.simulate(c.t, c.types, v.doc, v.parameters)
		x := w.run(asText(v.doc["application"]), asText(v.doc["name"]), v.parameters)
		real := outcomeOf(x)
		if diff := cmp.Diff(sim.settled(v.doc), real.settled(v.doc)); diff != "" || sim.status != real.status {
			c.t.Errorf("%s, run %d: %s in the simulation, %s on a server: %s", file, i, sim.status, real.status, diff)
		}
		if i == len(runs)-1 {
			c.sum.expressions(w, x, parse(c.t, doc).Stages)
		}
		simulated, served = append(simulated, sim), append(served, real)
		w.end()
	}
	c.sum.outcome(types, away, simulated, served, asWritten)
}

// start demands that a server starts a saved pipeline, or refuses it for a type.
func (c *corpusTest) start(doc object, unknown bool) {
	c.t.Helper()
	if !unknown {
		return
	}
	_, err := c.w.StartPipeline(c.w.ctx, asText(doc["application"]), asText(doc["name"]), client.Start{Parameters: required(parse(c.t, doc))})
	if err == nil || !strings.Contains(err.Error(), "there is no stage type") {
		c.t.Errorf("the start of %s was answered with %v", doc["name"], err)
		return
	}
	c.sum.refused++
}

// variant is one way to run a definition: as it was written, or with help.
type variant struct {
	doc        object
	parameters map[string]any
	helped     bool
}

// variants returns the ways to run a definition: as it is, once for each choice
// of a parameter, and then with something to run in each cluster that names none.
func (c *corpusTest) variants(doc object, away map[string]bool) []variant {
	doc = decode(c.t, reach(encode(c.t, doc), c.hook))
	helped := false
	for _, st := range objects(doc["stages"]) {
		if st["type"] == "bakeManifest" && len(objects(st["expectedArtifacts"])) > 0 {
			bakes(st)
		} else if away[asText(st["type"])] {
			st["type"], st["waitTime"] = "wait", 0
		}
		if st["type"] == "webhook" {
			st["url"] = c.hook + answer(st)
		}
	}
	choices := []map[string]any{required(parse(c.t, doc))}
	for _, p := range objects(doc["parameterConfig"]) {
		for i, o := range objects(p["options"]) {
			if i > 0 && o["value"] != "" {
				other := maps.Clone(choices[0])
				other[asText(p["name"])] = o["value"]
				choices = append(choices, other)
			}
		}
	}
	with := decode(c.t, encode(c.t, doc))
	for _, st := range objects(with["stages"]) {
		for _, cluster := range append(objects(st["clusters"]), objects([]any{st["cluster"]})...) {
			if st["type"] == "deploy" && cluster["artifact"] == nil {
				cluster["artifact"], helped = object{"reference": "/srv/app"}, true
				delete(cluster, "interestingHealthProviderNames")
			}
		}
	}
	var out []variant
	for _, parameters := range choices {
		out = append(out, variant{doc, parameters, false})
	}
	if helped {
		out = append(out, variant{with, choices[0], true})
	}
	return out
}

// answer returns the query that makes the test's webhook answer with an artifact
// that a stage expects.
func answer(st object) string {
	for _, e := range objects(st["expectedArtifacts"]) {
		if a, ok := e["matchArtifact"].(object); ok {
			return "/?" + url.Values{"type": {asText(a["type"])}, "name": {asText(a["name"])}}.Encode()
		}
	}
	return ""
}

// template saves a template, reads it back, and runs a pipeline that is made
// from it.
func (c *corpusTest) template(file string, text []byte) {
	c.t.Helper()
	doc := decode(c.t, text)
	id := asText(doc["id"])
	w := (&scene{}).server(c.t)
	defer w.end()
	task, err := w.CreateTemplate(w.ctx, text, "stable")
	if err != nil || task.Status != gennaker.Succeeded {
		c.t.Errorf("%s cannot be saved: %s, %v", file, task.Status, err)
		return
	}
	got, err := w.Template(w.ctx, id, "stable")
	if err != nil {
		c.t.Errorf("%s cannot be read: %v", file, err)
		return
	}
	back := decode(c.t, got.Document)
	for _, m := range []object{doc, back} {
		maps.DeleteFunc(m, func(k string, _ any) bool {
			return slices.Contains([]string{"updateTs", "lastModifiedBy", "tag", "digest"}, k)
		})
	}
	if diff := cmp.Diff(doc, back); diff != "" {
		c.t.Errorf("%s changed: %s", file, diff)
		return
	}
	c.sum.saved++
	made := object{
		"application": "corpus", "name": filepath.Base(file), "schema": "v2", "type": "templatedPipeline",
		"template": object{"type": "front50/pipelineTemplate", "reference": "spinnaker://" + id + ":stable"}, "variables": object{},
	}
	w.saveDocument(made)
	plan, err := w.PlanPipeline(w.ctx, client.PlanRequest{Pipeline: encode(c.t, made)})
	if err != nil {
		c.t.Errorf("%s cannot be planned: %v", file, err)
		return
	}
	c.sum.planned++
	sim, types := outcome{status: plan.Status, stages: map[string]gennaker.Status{}}, map[string]string{}
	for _, st := range plan.Stages {
		sim.stages[st.RefID], types[st.RefID] = st.Status, st.Type
	}
	x := w.run("corpus", filepath.Base(file), nil)
	real := outcomeOf(x)
	if diff := cmp.Diff(sim.stages, real.stages); diff != "" {
		c.t.Errorf("%s: %s in the simulation, %s on a server: %s", file, sim.status, real.status, diff)
	}
	c.sum.definition(types)
	c.sum.outcome(types, nil, []outcome{sim}, []outcome{real}, 1)
	inner := maps.Clone(doc["pipeline"].(object))
	inner["application"], inner["name"] = "corpus", made["name"]
	c.sum.expressions(w, x, parse(c.t, inner).Stages)
}

// saveDocument saves a document as it is.
func (w *world) saveDocument(doc object) {
	w.t.Helper()
	if err := w.SavePipeline(w.ctx, encode(w.t, doc)); err != nil {
		w.t.Fatalf("save %s: %v", doc["name"], err)
	}
}

func decode(t *testing.T, text []byte) object {
	t.Helper()
	out := object{}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// asText returns a text, or "".
func asText(v any) string {
	s, _ := v.(string)
	return s
}

// given are values of parameters that an expression could do nothing with if they
// were 1.
var given = map[string]any{"moduleConfig": `{"ns": "demo", "replicas": 2}`}

// required returns values for the parameters that have none by themselves.
func required(p gennaker.Pipeline) map[string]any {
	out := map[string]any{}
	list, _ := p.Doc.Value["parameterConfig"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		name, _ := m["name"].(string)
		if d, ok := m["default"]; name == "" || ok && d != "" {
			continue
		}
		out[name] = "1"
		if v, ok := given[name]; ok {
			out[name] = v
			continue
		}
		if options, _ := m["options"].([]any); len(options) > 0 {
			first, _ := options[0].(map[string]any)
			out[name] = first["value"]
		}
	}
	return out
}

// saveAndCompare saves a definition under a name of its own, and returns what
// was saved; nil if that failed or came back otherwise.
func (w *world) saveAndCompare(file string, text []byte) []byte {
	w.t.Helper()
	read := func(text []byte) object {
		out := object{}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&out); err != nil {
			w.t.Fatalf("%s: %v", file, err)
		}
		return out
	}
	doc := read(text)
	if app, _ := doc["application"].(string); app == "" {
		doc["application"] = "corpus"
	}
	doc["name"] = filepath.Base(file) // several have the same one, and the same id
	delete(doc, "id")
	text, err := json.Marshal(doc)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.SaveAndLintPipeline(w.ctx, text, false); err != nil {
		w.t.Errorf("%s cannot be saved: %v", file, err)
		return nil
	}
	p, err := w.Pipeline(w.ctx, doc["application"].(string), filepath.Base(file))
	if err != nil {
		w.t.Errorf("%s cannot be read: %v", file, err)
		return nil
	}
	got := read(p.Document)
	for _, m := range []object{doc, got} {
		maps.DeleteFunc(m, func(k string, _ any) bool {
			return k == "id" || k == "index" || k == "updateTs" || k == "lastModified" || k == "lastModifiedBy"
		})
		triggers, _ := m["triggers"].([]any)
		for _, v := range triggers {
			if trigger, ok := v.(object); ok && trigger["type"] == "cron" {
				delete(trigger, "id") // a new pipeline's are made anew
			}
		}
	}
	if diff := cmp.Diff(doc, got); diff != "" {
		w.t.Errorf("%s changed: %s", file, diff)
		return nil
	}
	return text
}
