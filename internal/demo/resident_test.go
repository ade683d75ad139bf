package demo_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/e2e/product"
)

var binary = "" // of the program; TestMain builds it

func TestMain(m *testing.M) { product.Main(m, &binary) }

// started is a server with a node, both of which end with the test.
func started(t *testing.T) *product.Server {
	t.Helper()
	if testing.Short() {
		t.Skip("the program is not built with -short")
	}
	s := product.Start(t, binary)
	t.Cleanup(func() {
		s.Kill() // before the node, which it would start again
		if out, err := exec.Command(binary, "node", "stop", "--instances", "--data", s.Data).CombinedOutput(); err != nil {
			t.Errorf("stop the node: %v: %s", err, out)
		}
	})
	s.Configure(map[string]any{"local": map[string]any{"enabled": true}})
	return s
}

// until asks for the demo until it is as it should be.
func until(t *testing.T, s *product.Server, what string, so func(gennaker.DemoStatus) bool) gennaker.DemoStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		d, err := s.Demo(ctx)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if so(d) {
			return d
		}
		if d.State == gennaker.DemoStopped {
			t.Fatalf("%s: it stopped: %s", what, d.Reason)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: waited too long; %+v", what, d)
		}
	}
}

func runs(t *testing.T, s *product.Server) []string {
	t.Helper()
	list, err := s.Executions(t.Context(), client.ExecutionQuery{Application: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, x := range list {
		reference, _ := x.Trigger.Parameters["artifact"].(string)
		out = append(out, x.Name+" "+filepath.Base(reference)+" "+string(x.Status))
	}
	return out
}

func waits(d gennaker.DemoStatus) bool { return strings.Contains(d.Step, "judgment") }

// TestResident: the demo lives in the server, survives its death, loses nothing,
// goes on when somebody judges, and leaves nothing behind.
func TestResident(t *testing.T) {
	t.Parallel()
	s := started(t)
	if d, err := s.Demo(t.Context()); err != nil || d.State != gennaker.DemoAbsent {
		t.Fatalf("%+v, %v", d, err)
	}
	if d, err := s.StopDemo(t.Context()); err != nil || d.State != gennaker.DemoAbsent {
		t.Errorf("stop what is not there: %+v, %v", d, err)
	}
	if d, err := s.StartDemo(t.Context()); err != nil || d.State != gennaker.DemoStarting || len(d.Versions) != 5 {
		t.Fatalf("%+v, %v", d, err)
	}
	until(t, s, "v2", func(d gennaker.DemoStatus) bool { return strings.HasPrefix(d.Step, "v2") && d.Sent > 0 })
	s.Kill()
	s.Up()
	before := until(t, s, "v4, by another server", waits)
	if before.State != gennaker.DemoRunning || before.Lost != 0 {
		t.Errorf("%+v", before)
	}
	if _, err := s.StartDemo(t.Context()); err != nil {
		t.Error(err)
	}
	loaded := until(t, s, "traffic", func(d gennaker.DemoStatus) bool { return d.Sent > before.Sent+100 })
	if loaded.Lost != 0 {
		t.Errorf("%d requests were lost", loaded.Lost)
	}
	after := until(t, s, "v4", func(d gennaker.DemoStatus) bool {
		judge(t, s)
		return d.Step == ""
	})
	if after.Lost != 0 {
		t.Errorf("%d requests were lost", after.Lost)
	}
	want := []string{
		"Deploy v1 SUCCEEDED", "Deploy v2 SUCCEEDED", "Deploy v3 TERMINAL", "Deploy gradually v4 SUCCEEDED", "Validate . SUCCEEDED", "Validate . SUCCEEDED",
	}
	if diff := cmp.Diff(want, runs(t, s)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	taken(t, s)
}

// judge says of every version that somebody asks about that it is good.
func judge(t *testing.T, s *product.Server) {
	t.Helper()
	list, err := s.Executions(t.Context(), client.ExecutionQuery{Application: "demo", Statuses: []gennaker.Status{gennaker.Running}, Expand: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		for _, st := range x.Stages {
			if st.Type != "manualJudgment" || st.Context["judgmentStatus"] != nil || len(st.Tasks) == 0 || st.Tasks[0].Status != gennaker.Running {
				continue
			}
			if _, err := s.Judge(t.Context(), x.ID, st.ID, client.Judgment{Continue: true}); err != nil && gennaker.KindOf(err) != gennaker.Conflict {
				t.Fatal(err)
			}
		}
	}
}

// taken takes the demo away.
func taken(t *testing.T, s *product.Server) {
	t.Helper()
	if d, err := s.StopDemo(t.Context()); err != nil || d.State != gennaker.DemoStopping {
		t.Fatalf("%+v, %v", d, err)
	}
	if d := until(t, s, "gone", func(d gennaker.DemoStatus) bool { return d.State == gennaker.DemoAbsent }); d.Address != "" || len(d.Versions) != 0 {
		t.Errorf("%+v", d)
	}
	if groups, err := s.ServerGroups(t.Context(), "demo"); err != nil || len(groups) != 0 {
		t.Errorf("server groups %v, %v", groups, err)
	}
	if all, err := s.LoadBalancers(t.Context(), "demo"); err != nil || len(all) != 0 {
		t.Errorf("load balancers %v, %v", all, err)
	}
	if _, err := s.Client.Application(t.Context(), "demo"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("the application: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.Data, "demo")); !os.IsNotExist(err) {
		t.Errorf("its files: %v", err)
	}
}

// TestResidentIsTakenAwayWhileItStarts, and what it refuses to touch.
func TestResidentIsTakenAwayWhileItStarts(t *testing.T) {
	t.Parallel()
	s := started(t)
	s.Application("demo")
	if _, err := s.StartDemo(t.Context()); gennaker.KindOf(err) != gennaker.Conflict || gennaker.HintOf(err) == "" {
		t.Errorf("over somebody's application: %v", err)
	}
	id, err := s.DeleteApplication(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	for task, err := range s.WatchTask(t.Context(), id) {
		if err != nil || task.Status.Complete() && task.Status != gennaker.Succeeded {
			t.Fatalf("%+v, %v", task, err)
		}
	}
	if _, err := s.StartDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, s, "v2", func(d gennaker.DemoStatus) bool { return strings.HasPrefix(d.Step, "v2") })
	taken(t, s)
}

// TestNoNodeNoDemo: a server without an account of its machine says so.
func TestNoNodeNoDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the program is not built with -short")
	}
	s := product.Start(t, binary)
	if _, err := s.StartDemo(t.Context()); gennaker.KindOf(err) != gennaker.Conflict || !strings.Contains(gennaker.HintOf(err), "local.enabled") {
		t.Errorf("got %v", err)
	}
	res, err := http.Get(s.URL() + "/ui/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page bytes.Buffer
	if _, err := page.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK || !strings.Contains(page.String(), "<html") {
		t.Errorf("the pages: %d, %v", res.StatusCode, err)
	}
}
