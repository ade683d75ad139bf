package scenario

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/e2e/product"
)

// TestKills ends the server without warning, again and again during one
// pipeline: when each task begins, and when the API server has done what it was
// asked and nobody was told. The next server ends what this one began, and
// nothing is done twice.
func TestKills(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"bluegreen", "rollingredblack"} {
		for when, kill := range map[string]func(*world, *lab.Proxy, string){"tasks": atTasks, "writes": atWrites} {
			t.Run(strategy+" "+when, func(t *testing.T) {
				t.Parallel()
				w, p := alone(t)
				w.front(strategy)
				seen := w.witness()
				version := w.deploy(behaving(`{kubelab/ready-after: 1s}`), w.managed(strategy, `{scaleDown: true}`))
				stages := []object{version, w.jobStage(), w.deploy(web), w.stage("rollingRestartManifest", `{manifestName: deployment web}`)}
				kill(w, p, w.prepare(stages...))
				w.switchedOnce(seen)
				equal(w, "traffic", w.traffic(strategy), "web-v001 100")
				equal(w, "pods of the old version", *w.replicaSet("web-v000").Spec.Replicas, 0)
				equal(w, "pods of the new version", w.replicaSet("web-v001").Status.ReadyReplicas, 2)
			})
		}
	}
}

// prepare saves a pipeline that is not started yet.
func (w *world) prepare(stages ...object) (pipeline string) {
	w.Helper()
	w.server.Save(w.app, "kills", stages...)
	return "kills"
}

// atTasks kills the server whenever a task begins that did not before.
func atTasks(w *world, _ *lab.Proxy, pipeline string) {
	id := w.server.Begin(w.app, pipeline, nil)
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	seen := map[string]bool{}
	for kills := 0; ; {
		again := false
		for x, err := range w.server.Watch(ctx, id) {
			if ctx.Err() != nil {
				w.Fatalf("after %d kills: %s", kills, product.Explain(x))
			}
			if err != nil {
				again = true
				break
			}
			if x.Status.Complete() {
				w.ended(x, kills)
				return
			}
			if begun(x, seen) {
				kills, again = kills+1, true
				break
			}
		}
		if again {
			w.server.Kill()
			w.server.Up()
		}
	}
}

// begun reports whether a task runs that was not seen before, and notes it.
func begun(x gennaker.Execution, seen map[string]bool) (news bool) {
	for _, s := range x.Stages {
		for _, t := range s.Tasks {
			key := s.ID + "/" + t.ID
			if t.Status == gennaker.Running && !seen[key] {
				seen[key], news = true, true
			}
		}
	}
	return news
}

// maxKills is how many requests of one verb end the server. A pipeline has fewer,
// unless some are done twice.
const maxKills = 40

// atWrites kills the server whenever it has changed an object, and was not told
// so yet.
func atWrites(w *world, p *lab.Proxy, pipeline string) {
	did := make(chan string)
	for _, verb := range []string{"create", "patch", "update", "delete"} {
		p.Inject(lab.Request{Verb: verb}, maxKills, func(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
			forward.ServeHTTP(httptest.NewRecorder(), r.Clone(context.Background())) // it is done, whatever becomes of who asked
			select {
			case did <- r.Method + " " + r.URL.Path:
			case <-r.Context().Done():
			}
			panic(http.ErrAbortHandler)
		})
	}
	id := w.server.Begin(w.app, pipeline, nil)
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	done := make(chan gennaker.Execution, 1)
	go func() { done <- w.server.Await(ctx, id) }()
	for kills := 0; ; kills++ {
		select {
		case x := <-done:
			w.ended(x, kills)
			return
		case <-ctx.Done():
			w.Fatalf("the execution does not end after %d kills", kills)
		case <-did:
			w.server.Kill()
			w.server.Up()
		}
	}
}

// ended demands that an execution has succeeded though there were some kills.
func (w *world) ended(x gennaker.Execution, kills int) {
	w.Helper()
	if x.Status != gennaker.Succeeded || kills < 5 {
		w.Fatalf("after %d kills: %s", kills, product.Explain(x))
	}
	w.Logf("%d kills", kills)
}
