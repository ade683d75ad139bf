package storm

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/demo/load"
	"github.com/gennaker/gennaker/internal/node/state"
	"github.com/gennaker/gennaker/internal/store"
)

// checkRequests demands that no request was lost.
func (w *world) checkRequests(loads map[string]*load.Load) {
	var sent, downloads int64
	var slowest time.Duration
	for stack, l := range loads {
		s := l.Wait()
		sent += s.Sent
		downloads += s.Downloads
		slowest = max(slowest, s.Latency.Max)
		if s.Lost > 0 {
			w.t.Errorf("%s lost %d of %d requests, first: %v", stack, s.Lost, s.Sent, s.Samples)
		}
		if s.Done == 0 {
			w.t.Errorf("%s answered no request", stack)
		}
	}
	w.t.Logf("%d requests, %d downloads; the slowest answer took %v", sent, downloads, slowest.Round(time.Millisecond))
}

// check compares what is with what must be, when all scripts have ended.
func (w *world) check(summary string) {
	if w.t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.checkProcesses(ctx)
	w.kill()
	db, err := store.Open(ctx, filepath.Join(w.data, "gennaker.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	all := map[string]gennaker.Execution{}
	for before := ""; ; {
		page, err := db.Executions(ctx, gennaker.ExecutionQuery{Before: before, Expand: true})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, x := range page {
			all[x.ID] = x
		}
		before = page[len(page)-1].ID
	}
	w.checkExecutions(all)
	made := w.checkCreations(all)
	w.t.Logf("%s; %d executions (%d of them children) created %d server groups", summary, len(all), len(all)-len(w.expected), made)
}

// checkExecutions demands that everything that was accepted is there, once, and
// ended as it should.
func (w *world) checkExecutions(all map[string]gennaker.Execution) {
	children := map[string]bool{}
	for _, x := range all {
		for _, st := range x.Stages {
			if id, _ := st.Context["executionId"].(string); st.Type == "pipeline" && id != "" {
				children[id] = true
			}
		}
	}
	for id, want := range w.expected {
		x, there := all[id]
		switch {
		case !there:
			w.t.Errorf("%s: execution %s was accepted, and is not there", want.what, id)
		case x.Status != want.status:
			w.t.Errorf("%s: execution %s ended as %s, not %s", want.what, id, x.Status, want.status)
		}
	}
	for id, x := range all {
		if _, ours := w.expected[id]; !ours && !children[id] {
			w.t.Errorf("execution %s of %s%s was started a second time, or by nobody", id, x.Name, x.Description)
		}
		if !x.Status.Complete() {
			w.t.Errorf("execution %s of %s%s is still %s:\n%s", id, x.Name, x.Description, x.Status, describe(x))
		}
		for _, st := range x.Stages {
			if !st.Status.Complete() && st.Status != gennaker.NotStarted {
				w.t.Errorf("execution %s of %s%s is %s, and its stage %s is still %s", id, x.Name, x.Description, x.Status, st.Name, st.Status)
			}
		}
	}
}

// checkCreations demands that the server groups which the node made, and those
// which it destroyed since, are those that stages know of: none was created
// twice, none was forgotten. It returns how many there are.
func (w *world) checkCreations(all map[string]gennaker.Execution) int {
	by := map[string]string{} // execution that created a server group
	for _, x := range all {
		for _, name := range created(x) {
			if other := by[name]; other != "" {
				w.t.Errorf("%s was created by %s and by %s", name, other, x.ID)
			}
			by[name] = x.ID
		}
	}
	_, contents, err := state.Open(filepath.Join(app.NodeDir(w.data), "state"), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	made, complete := map[string]bool{}, true
	for _, g := range contents.Groups {
		made[g.Name] = true
	}
	for _, c := range contents.Clusters {
		for _, d := range c.Destroyed {
			made[d.Name] = true
		}
		complete = complete && len(c.Destroyed) < state.MaxForgotten
	}
	for name := range made {
		if by[name] == "" {
			w.t.Errorf("the node made %s, and no stage knows of it", name)
		}
	}
	for name, id := range by {
		if complete && !made[name] {
			w.t.Errorf("execution %s created %s, and the node does not know of it", id, name)
		}
	}
	if !w.nodeKilled {
		w.checkNumbers(by, contents.Clusters)
	}
	return len(by)
}

// checkNumbers demands that no number of a server group is missing. A node that
// is killed may have used one up for nothing.
func (w *world) checkNumbers(by map[string]string, clusters []state.Cluster) {
	for _, c := range clusters {
		for n := range c.Next {
			if name := gennaker.ServerGroupName(c.Name, n); by[name] == "" {
				w.t.Errorf("the node used the number of %s, and no stage knows of it", name)
			}
		}
	}
}

// checkProcesses demands that the processes are those of the inventory, each
// once.
func (w *world) checkProcesses(ctx context.Context) {
	want := map[int]string{}
	differs := ""
	for ; ctx.Err() == nil; pause(ctx, 50*time.Millisecond) { // what is being destroyed takes a moment
		groups, err := w.node.ServerGroups(ctx, "")
		if err != nil {
			w.t.Fatal(err)
		}
		clear(want)
		for _, g := range groups {
			for _, i := range g.Instances {
				want[i.PID] = i.Name
			}
		}
		got := w.processes()
		if slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(maps.Keys(want))) {
			return
		}
		differs = fmt.Sprintf("processes %v run, and the inventory has %v", got, want)
	}
	w.t.Error(differs)
}
