package cli

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

func TestAlike(t *testing.T) {
	t.Parallel()
	names := []string{"Deploy to prod", "Deploy to test", "nightly", "release"}
	for name, tt := range map[string]struct {
		asked string
		want  []string
	}{
		"typing mistake":   {"nihgtly", []string{"nightly"}},
		"case":             {"NIGHTLY", []string{"nightly"}},
		"part":             {"prod", []string{"Deploy to prod"}},
		"several":          {"deploy", []string{"Deploy to prod", "Deploy to test"}},
		"nothing like it":  {"backup", nil},
		"empty":            {"", nil},
		"more than a name": {"release-it", []string{"release"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, alike(tt.asked, names)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTableFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 6).Draw(t, "columns")
		tab := newTable(rapid.SliceOfN(rapid.StringMatching(`[A-Z]{1,12}`), columns, columns).Draw(t, "heading")...)
		for _, row := range rapid.SliceOfN(rapid.SliceOfN(rapid.StringMatching(`[a-zé\n]{0,40}`), columns, columns), 0, 5).Draw(t, "rows") {
			tab.add(row...)
		}
		width := rapid.IntRange(columns*10, 200).Draw(t, "width")
		var b strings.Builder
		if err := tab.write(&b, width, false); err != nil {
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
	tab := newTable("ID", "STATUS", "NAME")
	tab.add("1", "SUCCEEDED", "SUCCEEDED?")
	tab.add("22", "TERMINAL", "\x1b[2Jx\u202ey")
	var b strings.Builder
	if err := tab.write(&b, 0, true); err != nil {
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
	if diff := cmp.Diff(want, tree(story(), now, 0, false)); diff != "" {
		t.Error(diff)
	}
	for _, l := range tree(story(), now, 20, false) {
		if utf8.RuneCountInString(l) > 20 {
			t.Errorf("wider than 20: %q", l)
		}
	}
	if got := tree(story(), now, 0, true)[3]; got != "  \x1b[33m!\x1b[0m Check  FAILED_CONTINUE  1s" {
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
			got := tree(gennaker.Execution{ID: "E1", Name: "p", Status: gennaker.Running, Stages: []gennaker.Stage{s}}, time.Unix(0, 0), 0, false)
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
	if diff := cmp.Diff(want, changes(gennaker.Execution{}, story())); diff != "" {
		t.Error(diff)
	}
	if got := changes(story(), story()); len(got) > 0 {
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
			got, lines := frame(rows, tt.drawn, tt.height)
			if got != tt.want || lines != tt.lines {
				t.Errorf("got %q, %d lines", got, lines)
			}
		})
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	exception := map[string]any{"exception": map[string]any{"details": map[string]any{
		"error": "Unexpected Task Failure", "errors": []any{"no such file", "give up"}, "hint": "make it",
	}}}
	for name, tt := range map[string]struct {
		execution  gennaker.Execution
		want, hint string
	}{
		"success": {gennaker.Execution{Status: gennaker.Succeeded}, "", ""},
		"the stage inside tells why, not the ignored one before": {
			gennaker.Execution{Status: gennaker.Terminal, Stages: []gennaker.Stage{
				{ID: "1", Name: "Ignored", Status: gennaker.FailedContinue, Context: exception},
				{ID: "2", Name: "Deploy", Status: gennaker.Terminal},
				{ID: "3", Name: "Inner", ParentStageID: "2", Status: gennaker.Terminal, Context: exception},
			}}, `stage "Inner" failed: no such file; give up`, "make it",
		},
		"a task is its cause": {
			gennaker.Execution{Type: gennaker.TypeOrchestration, Status: gennaker.Terminal, Stages: []gennaker.Stage{
				{Name: "save", Status: gennaker.Terminal, Context: map[string]any{"exception": map[string]any{"details": map[string]any{"error": "taken"}}}},
			}}, "taken", "",
		},
		"no reason": {
			gennaker.Execution{Status: gennaker.Terminal, Stages: []gennaker.Stage{{Name: "x", Status: gennaker.Stopped}}},
			`stage "x" failed: it does not say why`, "",
		},
		"a reason of another shape": {
			gennaker.Execution{Status: gennaker.Terminal, Stages: []gennaker.Stage{{Name: "x", Status: gennaker.Terminal, Context: map[string]any{"exception": "boom"}}}},
			`stage "x" failed: it does not say why`, "",
		},
		"no stage": {gennaker.Execution{Status: gennaker.Terminal}, "the execution ended as TERMINAL", ""},
		"canceled": {
			gennaker.Execution{Status: gennaker.Canceled, Canceled: true, CanceledBy: "ann"}, "the execution was canceled by ann", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := outcome(tt.execution)
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			f, ok := err.(*failure)
			if !ok || f.cause != tt.want || f.hint != tt.hint {
				t.Errorf("got %#v", err)
			}
		})
	}
}

// FuzzDocument holds that any file is read or refused, that a refusal has a
// kind, and that an id can be added to whatever was read.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"name":"x"}`, "name: x\nstages:\n- type: wait\n", "{}", "a: &a [*a]", "? [x]\n: y", "- 1", "a: 1\na: 2", "\t", "{a: b}", "---\n...\n---\n", "1: 2\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &session{env: Env{Stdin: strings.NewReader(text)}}
		d, err := s.read("-")
		if err != nil {
			if k := gennaker.KindOf(err); k != gennaker.Invalid && k != gennaker.TooLarge {
				t.Fatalf("kind %s: %v", k, err)
			}
			return
		}
		again, err := gennaker.ParseDocument(d.with("id", "p\x00\"1"))
		if err != nil {
			t.Fatal(err)
		}
		if again.Value["id"] != "p\x00\"1" {
			t.Errorf("id is %q", again.Value["id"])
		}
		_ = d.locate(d.doc.Invalid([]gennaker.Problem{{Path: "stages[0].type", Message: "x"}}))
	})
}
