package app_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/simulate"
	stages "github.com/gennaker/gennaker/internal/stage"
)

// scene is what a definition takes for granted. It is made for it, alike in the
// simulation and on a server.
type scene struct {
	regions   map[string][]string // account → its regions
	balancers []gennaker.LoadBalancer
	groups    []gennaker.ServerGroup
	manifests []simulate.Object   // that are in clusters
	children  map[string]object   // ID → pipeline that a stage starts or looks at
	fetched   fetch.Config        // accounts of artifacts
	artifacts map[string][]object // ID of such a pipeline → what an execution of it came with
}

// sceneOf reads off a definition what there is in the world that it is from.
func sceneOf(doc object) *scene {
	sc := &scene{regions: map[string][]string{}, children: map[string]object{}, artifacts: map[string][]object{}}
	for _, st := range objects(doc["stages"]) {
		sc.places(st, "")
		sc.objects(st, asText(doc["application"]))
		id, _ := st["pipeline"].(string)
		if kind := st["type"]; id == "" || kind != "pipeline" && kind != "findArtifactFromExecution" {
			continue
		}
		sc.children[id] = object{
			"id": id, "application": st["application"], "name": "child " + id,
			"stages": []any{object{"refId": "1", "type": "wait", "name": "Trivial", "requisiteStageRefIds": []any{}, "waitTime": 0}},
		}
		expected := append(objects(st["expectedArtifacts"]), objects([]any{st["expectedArtifact"]})...)
		for _, e := range expected {
			if a, ok := e["matchArtifact"].(object); ok {
				sc.artifacts[id] = append(sc.artifacts[id], object{
					"type": a["type"], "name": a["name"], "location": locationOf(a, doc), "version": "v001", "reference": fmt.Sprint(a["name"], "-v001"),
				})
			}
		}
	}
	return sc
}

// objects returns the objects of a list.
func objects(v any) []object {
	list, _ := v.([]any)
	var out []object
	for _, x := range list {
		if m, ok := x.(object); ok {
			out = append(out, m)
		}
	}
	return out
}

// places notes the accounts, regions, load balancers and server groups that v
// names; account is the one of what is around it.
func (sc *scene) places(v any, account string) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			sc.places(x, account)
		}
	case object:
		account = cmp.Or(plainText(v["credentials"]), plainText(v["account"]), account)
		if account != "" {
			sc.place(v, account)
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			sc.places(v[k], account)
		}
	}
}

// plainText returns a text without expressions, or "".
func plainText(v any) string {
	s, _ := v.(string)
	if strings.Contains(s, "${") {
		return ""
	}
	return s
}

func (sc *scene) place(m object, account string) {
	regions := []string{plainText(m["region"])}
	list, _ := m["regions"].([]any)
	for _, r := range list {
		regions = append(regions, plainText(r))
	}
	zones, _ := m["availabilityZones"].(object)
	regions = append(regions, slices.Sorted(maps.Keys(zones))...)
	regions = slices.DeleteFunc(regions, func(r string) bool { return r == "" })
	for _, r := range regions {
		if !slices.Contains(sc.regions[account], r) {
			sc.regions[account] = append(sc.regions[account], r)
		}
	}
	if _, ok := sc.regions[account]; !ok {
		sc.regions[account] = nil
	}
	group := plainText(m["asgName"])
	if cluster := plainText(m["cluster"]); cluster != "" && m["target"] != nil {
		group = cluster + "-v000"
	}
	balancers, _ := m["loadBalancers"].([]any)
	for _, r := range regions {
		if group != "" {
			sc.group(gennaker.ServerGroup{Name: group, Account: account, Region: r, Capacity: gennaker.Capacity{Min: 1, Desired: 1, Max: 1}})
		}
		for _, b := range balancers {
			if name := plainText(b); name != "" {
				sc.balancer(gennaker.LoadBalancer{Name: name, Account: account, Region: r, Listen: fmt.Sprintf("127.0.0.1:%d", 30_000+len(sc.balancers))})
			}
		}
	}
}

func (sc *scene) group(g gennaker.ServerGroup) {
	if !slices.ContainsFunc(sc.groups, func(o gennaker.ServerGroup) bool {
		return o.Name == g.Name && o.Account == g.Account && o.Region == g.Region
	}) {
		sc.groups = append(sc.groups, g)
	}
}

func (sc *scene) balancer(lb gennaker.LoadBalancer) {
	if !slices.ContainsFunc(sc.balancers, func(o gennaker.LoadBalancer) bool {
		return o.Name == lb.Name && o.Account == lb.Account && o.Region == lb.Region
	}) {
		sc.balancers = append(sc.balancers, lb)
	}
}

// outcome is what became of a definition, in the simulation or on a server.
type outcome struct {
	status gennaker.Status
	stages map[string]gennaker.Status // by refId
	why    map[string]string          // by refId, of those that did not succeed
}

// outcomeOf sums up an execution.
func outcomeOf(x gennaker.Execution) outcome {
	out := outcome{status: x.Status, stages: map[string]gennaker.Status{}, why: map[string]string{}}
	names := map[string]string{} // ID → refId of the stage of the pipeline that it belongs to
	for _, st := range x.Stages {
		top := st
		for range x.Stages {
			i := slices.IndexFunc(x.Stages, func(p gennaker.Stage) bool { return p.ID == top.ParentStageID })
			if i < 0 {
				break
			}
			top = x.Stages[i]
		}
		names[st.ID] = top.RefID
		if top.ID == st.ID {
			out.stages[st.RefID] = st.Status
		}
	}
	for _, st := range x.Stages {
		ref := names[st.ID]
		if why := failure(st); why != "<nil>" && out.stages[ref] != gennaker.Succeeded && out.why[ref] == "" {
			out.why[ref] = strings.Trim(why, "[]")
		}
	}
	return out
}

// settled returns the statuses that time does not decide: without those of stages
// beside one that fails. How far they come is chance.
func (o outcome) settled(doc object) map[string]gennaker.Status {
	above := map[string][]any{}
	for _, st := range objects(doc["stages"]) {
		above[asText(st["refId"])], _ = st["requisiteStageRefIds"].([]any)
	}
	var behind func(ref, other string) bool // that ref waits for other
	behind = func(ref, other string) bool {
		return slices.ContainsFunc(above[ref], func(v any) bool { return v == other || behind(asText(v), other) })
	}
	out := maps.Clone(o.stages)
	for failed, status := range o.stages {
		if status == gennaker.Terminal {
			maps.DeleteFunc(out, func(ref string, _ gennaker.Status) bool {
				return ref != failed && !behind(ref, failed) && !behind(failed, ref)
			})
		}
	}
	return out
}

// simulate runs a definition in a simulation.
func (sc *scene) simulate(t *testing.T, types *stages.Registry, doc object, parameters map[string]any) outcome {
	t.Helper()
	w := simulate.World{
		Registry: types, Strict: true, Now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), Groups: sc.groups, Balancers: sc.balancers,
		Objects: sc.manifests,
	}
	for _, name := range slices.Sorted(maps.Keys(sc.regions)) {
		w.Accounts = append(w.Accounts, gennaker.Account{Name: name, Regions: sc.regions[name]})
	}
	for _, child := range sc.children {
		w.Pipelines = append(w.Pipelines, parse(t, child))
	}
	s, err := simulate.New(w)
	if err != nil {
		t.Fatal(err)
	}
	s.Answers = map[string]simulate.Judgment{"*": {With: "continue"}}
	const month = 30 * 24 * time.Hour
	for id, artifacts := range sc.artifacts {
		if _, err := s.Start(t.Context(), parse(t, sc.children[id]), gennaker.Trigger{Type: "manual", Artifacts: artifacts}); err != nil {
			t.Fatal(err)
		}
		s.Run(month)
	}
	id, err := s.Start(t.Context(), parse(t, doc), gennaker.Trigger{Type: "manual", Parameters: parameters})
	if err != nil {
		t.Errorf("%s does not start in the simulation: %v", doc["name"], err)
		return outcome{}
	}
	s.Run(month)
	x, err := s.Execution(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return outcomeOf(x)
}

func parse(t *testing.T, doc object) gennaker.Pipeline {
	t.Helper()
	p, err := gennaker.ParsePipeline(encode(t, doc))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// server starts a server that has the accounts of the scene, with what is in
// them, its pipelines, and their earlier executions.
func (sc *scene) server(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	w := &world{t: t, data: t.TempDir(), fake: fake.New(fake.Config{}), ctx: ctx, http: &http.Client{Transport: &http.Transport{}}}
	w.settings.Artifacts = sc.fetched
	for name, regions := range sc.regions {
		p := fake.New(fake.Config{Account: gennaker.Account{Name: name, Regions: regions}, Kinds: []string{"*"}})
		w.fleet = append(w.fleet, p.Provider())
		for _, lb := range sc.balancers {
			if lb.Account == name {
				if err := p.UpsertLoadBalancer(ctx, lb); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, g := range sc.groups {
			if g.Account == name {
				if err := p.Adopt(g); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, o := range sc.manifests {
			if o.Account != name {
				continue
			}
			if _, err := p.Deploy(ctx, fmt.Sprint("scene", i), provider.ManifestDeploy{
				Application: o.Application, Manifests: []gennaker.Manifest{o.Manifest}, Services: o.Services,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.start()
	for id, child := range sc.children {
		if err := w.SavePipeline(ctx, encode(t, child)); err != nil {
			t.Fatal(err)
		}
		app, _ := child["application"].(string)
		if artifacts := sc.artifacts[id]; len(artifacts) > 0 {
			earlier, err := w.StartPipeline(ctx, app, id, client.Start{Artifacts: artifacts})
			if err != nil {
				t.Fatal(err)
			}
			w.ended(earlier, gennaker.Succeeded)
		}
	}
	return w
}

// run starts a saved pipeline, skips its waits, answers its judgments, and
// returns the execution when it has ended.
func (w *world) run(application, name string, parameters map[string]any) gennaker.Execution {
	w.t.Helper()
	id, err := w.StartPipeline(w.ctx, application, name, client.Start{Parameters: parameters})
	if err != nil {
		w.t.Errorf("%s does not start on a server: %v", name, err)
		return gennaker.Execution{}
	}
	handled := map[string]bool{}
	return w.until(id, "at its end", func(x gennaker.Execution) bool {
		for _, st := range x.Stages {
			if st.Status != gennaker.Running || handled[st.ID] {
				continue
			}
			var err error
			switch st.Type {
			case "wait", stages.WindowType:
				_, err = w.PatchStage(w.ctx, id, st.ID, map[string]any{"skipRemainingWait": true})
			case "manualJudgment":
				_, err = w.Judge(w.ctx, id, st.ID, client.Judgment{Continue: true})
			}
			handled[st.ID] = err == nil // one that has just ended cannot be changed, and need not
		}
		return x.Status.Complete()
	})
}

// hook answers every webhook, with the artifact in its query if there is one, and
// has every file: see stored.
func hook(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			serveFile(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"artifacts": [{"type": %q, "name": %q}]}`, r.URL.Query().Get("type"), r.URL.Query().Get("name"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}
