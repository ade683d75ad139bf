package show

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
)

func TestTableFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 6).Draw(t, "columns")
		tab := NewTable(rapid.SliceOfN(rapid.StringMatching(`[A-Z]{1,12}`), columns, columns).Draw(t, "heading")...)
		for _, row := range rapid.SliceOfN(rapid.SliceOfN(rapid.StringMatching(`[a-zé\n]{0,40}`), columns, columns), 0, 5).Draw(t, "rows") {
			tab.Add(row...)
		}
		width := rapid.IntRange(columns*10, 200).Draw(t, "width")
		var b strings.Builder
		if err := tab.Write(&b, width, false); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) != 1+len(tab.rows) {
			t.Fatalf("%d lines of %d rows:\n%s", len(lines), len(tab.rows), b.String())
		}
		for _, l := range lines {
			if n := utf8.RuneCountInString(l); n > width {
				t.Fatalf("%d columns of %d: %q", n, width, l)
			}
		}
	})
}

func TestTableColors(t *testing.T) {
	t.Parallel()
	tab := NewTable("ID", "STATUS", "NAME")
	tab.Add("1", "SUCCEEDED", "SUCCEEDED?")
	tab.Add("22", "TERMINAL", "\x1b[2Jx\u202ey")
	var b strings.Builder
	if err := tab.Write(&b, 0, true); err != nil {
		t.Fatal(err)
	}
	want := "ID  STATUS     NAME\n" +
		"1   \x1b[32mSUCCEEDED\x1b[0m  SUCCEEDED?\n" +
		"22  \x1b[31mTERMINAL\x1b[0m    [2Jx y\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// story is an execution in the middle of a deploy stage made of others, in the
// order of the wire: before-stages stand before their parent.
func story() gennaker.Execution {
	at := func(s int64) gennaker.Time { return gennaker.Millis(1_767_323_040_000 + 1000*s) }
	return gennaker.Execution{
		Type: gennaker.TypePipeline, ID: "E1", Name: "Deploy", Status: gennaker.Running, StartTime: at(0),
		Stages: []gennaker.Stage{
			{ID: "c", Name: "Find", ParentStageID: "b", Owner: gennaker.Before, Status: gennaker.Succeeded, StartTime: at(3), EndTime: at(5)},
			{ID: "b", Name: "Roll out", Status: gennaker.Running, StartTime: at(3), Tasks: []gennaker.Task{
				{ID: "1", Name: "createServerGroup", Status: gennaker.Succeeded, StartTime: at(5), EndTime: at(6)},
				{ID: "2", Name: "waitForUpInstances", Status: gennaker.Running, StartTime: at(6)},
			}},
			{ID: "a", Name: "Check", Status: gennaker.FailedContinue, StartTime: at(1), EndTime: at(2)},
			{ID: "d", Name: "Go live?", Type: "manualJudgment", Status: gennaker.Running, StartTime: at(2)},
			{ID: "e", Name: "Clean up\n", Status: gennaker.NotStarted, ParentStageID: "gone"},
		},
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	want := []string{
		"● Deploy  E1  RUNNING  1m40s",
		"  ● Roll out  waitForUpInstances  1m37s",
		"    ✓ Find  2s",
		"  ! Check  FAILED_CONTINUE  1s",
		"  ● Go live?  waits for a judgment  1m38s",
		"  ○ Clean up ",
	}
	now := time.Unix(1_767_323_140, 0)
	if diff := cmp.Diff(want, Tree(story(), now, 0, false)); diff != "" {
		t.Error(diff)
	}
	for _, l := range Tree(story(), now, 20, false) {
		if utf8.RuneCountInString(l) > 20 {
			t.Errorf("wider than 20: %q", l)
		}
	}
	if got := Tree(story(), now, 0, true)[3]; got != "  \x1b[33m!\x1b[0m Check  FAILED_CONTINUE  1s" {
		t.Errorf("colors: %q", got)
	}
}

// TestTreeOfWindow: a stage that waits for an execution window shows when that
// opens, as long as it waits for it.
func TestTreeOfWindow(t *testing.T) {
	t.Parallel()
	const window, open, jitter = "restrictExecutionDuringTimeWindow", "suspendExecutionDuringTimeWindow", "waitForJitter"
	for name, tt := range map[string]struct {
		kind, task, text, want string
	}{
		"waits":           {kind: window, task: open, text: `{"scheduledTime":1767366000000}`, want: "waits until its window opens, at 2026-01-02T15:00:00Z"},
		"not known yet":   {kind: window, task: open, text: `{}`, want: open},
		"it has opened":   {kind: window, task: jitter, text: `{"scheduledTime":1767366000000}`, want: jitter},
		"no time":         {kind: window, task: open, text: `{"scheduledTime":"soon"}`, want: open},
		"of another type": {kind: "wait", task: open, text: `{"scheduledTime":1767366000000}`, want: open},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := gennaker.Stage{
				ID: "w", Name: "Window", Type: tt.kind, Status: gennaker.Running,
				Tasks: []gennaker.Task{{ID: "1", Name: tt.task, Status: gennaker.Running}},
			}
			if err := json.Unmarshal([]byte(tt.text), &s.Context); err != nil {
				t.Fatal(err)
			}
			got := Tree(gennaker.Execution{ID: "E1", Name: "p", Status: gennaker.Running, Stages: []gennaker.Stage{s}}, time.Unix(0, 0), 0, false)
			if want := "  ● Window  " + tt.want; len(got) != 2 || got[1] != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	want := []string{
		"2026-01-02T03:04:00Z RUNNING         pipeline Deploy",
		"2026-01-02T03:04:02Z FAILED_CONTINUE stage    Check",
		"2026-01-02T03:04:02Z RUNNING         stage    Go live?",
		"2026-01-02T03:04:03Z RUNNING         stage    Roll out",
		"2026-01-02T03:04:05Z SUCCEEDED       stage    Roll out / Find",
		"2026-01-02T03:04:06Z SUCCEEDED       task     Roll out / createServerGroup",
		"2026-01-02T03:04:06Z RUNNING         task     Roll out / waitForUpInstances",
	}
	if diff := cmp.Diff(want, Changes(gennaker.Execution{}, story())); diff != "" {
		t.Error(diff)
	}
	if got := Changes(story(), story()); len(got) > 0 {
		t.Errorf("of nothing: %q", got)
	}
}

func TestFrame(t *testing.T) {
	t.Parallel()
	rows := []string{"a", "b", "c", "d"}
	for name, tt := range map[string]struct {
		drawn, height int
		want          string
		lines         int
	}{
		"first":          {0, 24, "a\nb\nc\nd\n", 4},
		"over the last":  {2, 24, "\x1b[2A\r\x1b[Ja\nb\nc\nd\n", 4},
		"height unknown": {0, 0, "a\nb\nc\nd\n", 4},
		"cut":            {3, 4, "\x1b[3A\r\x1b[J… 2 lines more\nc\nd\n", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, lines := Frame(rows, tt.drawn, tt.height)
			if got != tt.want || lines != tt.lines {
				t.Errorf("got %q, %d lines", got, lines)
			}
		})
	}
}

func TestServerGroups(t *testing.T) {
	t.Parallel()
	pods := gennaker.ServerGroup{Name: "replicaSet web-v001", Kind: "ReplicaSet", BuildInfo: gennaker.BuildInfo{Images: []string{"a", "b"}}, Traffic: gennaker.Traffic{Requests: 1}}
	local := gennaker.ServerGroup{Name: "web-v001", Destroying: true, Traffic: gennaker.Traffic{Requests: 7}}
	for name, tt := range map[string]struct {
		all  []gennaker.ServerGroup
		want string
	}{
		"none": {nil, "NAME  STATE  UP  ACCOUNT  REGION  LOAD BALANCERS  REQUESTS  CREATED\n"},
		"pods": {[]gennaker.ServerGroup{pods}, "" +
			"NAME                 STATE    UP   ACCOUNT  REGION  LOAD BALANCERS  IMAGES  CREATED\n" +
			"replicaSet web-v001  enabled  0/0                   -               a,b     -\n"},
		"both": {[]gennaker.ServerGroup{pods, local}, "" +
			"NAME                 STATE       UP   ACCOUNT  REGION  LOAD BALANCERS  IMAGES  REQUESTS  CREATED\n" +
			"replicaSet web-v001  enabled     0/0                   -               a,b     -         -\n" +
			"web-v001             destroying  0/0                   -               -       7         -\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := ServerGroups(tt.all).Write(&b, 0, false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestManifestStates(t *testing.T) {
	t.Parallel()
	yes := gennaker.ManifestCondition{State: true}
	for want, status := range map[string]gennaker.ManifestStatus{
		"x  failed\n":                {Failed: yes, Stable: yes},
		"x  paused\n":                {Paused: yes},
		"x  stable\n":                {Stable: yes, Available: yes},
		"x  available, not stable\n": {Available: yes},
		"x  not stable\n":            {},
	} {
		var b strings.Builder
		if err := Manifest(&b, gennaker.ManifestView{Name: "x", Status: status}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Replace(b.String(), "  \n", "\n", 1); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
