package flow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
)

// place is one thing that has a status.
type place struct {
	of    flow.Subject
	stage string
	run   int // of the stage: the tasks of another run are other tasks
	task  int
}

func statuses(s *flow.State) map[place]gennaker.Status {
	out := map[place]gennaker.Status{{of: flow.OfExecution}: s.Status}
	for _, st := range s.Stages {
		out[place{of: flow.OfStage, stage: st.ID}] = st.Status
		for i, t := range st.Tasks {
			out[place{of: flow.OfTask, stage: st.ID, run: st.Run, task: i}] = t.Status
		}
	}
	return out
}

// moves returns the changes between two moments, without a Why.
func moves(was, is map[place]gennaker.Status) []flow.Transition {
	var out []flow.Transition
	for p, from := range was {
		if to, ok := is[p]; ok && to != from {
			out = append(out, flow.Transition{Of: p.of, From: from, To: to})
		}
	}
	return out
}

// legal is the table as a set, without a Why.
func legal() map[flow.Transition]bool {
	out := map[flow.Transition]bool{}
	for _, m := range flow.Transitions() {
		m.Why = ""
		out[m] = true
	}
	return out
}

// TestTransitions holds that every row of the table happens: in a vector, or in
// one of many random executions, which are the same in every run of the test.
func TestTransitions(t *testing.T) {
	t.Parallel()
	missing := map[flow.Transition]bool{}
	for _, m := range flow.Transitions() {
		if m.Why == "" {
			t.Errorf("%s from %s to %s does not say why", m.Of, m.From, m.To)
		}
		m.Why = ""
		if missing[m] {
			t.Errorf("%s from %s to %s stands there twice", m.Of, m.From, m.To)
		}
		missing[m] = true
	}
	files, err := filepath.Glob("testdata/vectors/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for m := range replay(t, section(ar, "pipeline.json"), string(section(ar, "script"))).moved {
			delete(missing, m)
		}
	}
	random := rapid.Custom(func(t *rapid.T) *run { r := disturbed(t); r.restartAll(); return r })
	for seed := 0; len(missing) > 0 && seed < 2_000; seed++ {
		for m := range random.Example(seed).moved {
			delete(missing, m)
		}
	}
	for m := range missing {
		t.Errorf("%s never went from %s to %s", m.Of, m.From, m.To)
	}
}

// TestStatesReference holds that docs/reference/states.md is what the code says;
// -update writes it.
func TestStatesReference(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "docs", "reference", "states.md")
	got := statesPage()
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil { //nolint:gosec // a page that everyone may read
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("docs/reference/states.md is old; run go test ./internal/flow -run TestStatesReference -update\n%s", diff)
	}
}

func statesPage() string {
	var b strings.Builder
	b.WriteString(`# Statuses

This page is made from the code (flow.Transitions and gennaker.Status);
` + "`go test ./internal/flow -run TestStatesReference -update`" + ` writes it. A test
holds that no other change of status happens, and that each of these does. A
change is what one event causes; it may pass through a status that is not seen.

| status | an end | the stages behind it start | ends its branch | counts as success | counts as failure |
| --- | --- | --- | --- | --- | --- |
`)
	yes := map[bool]string{true: "yes"}
	for _, s := range gennaker.Statuses() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", s, yes[s.Complete()], yes[s.Continues()], yes[s.Halt()], yes[s.Successful()], yes[s.Failed()])
	}
	b.WriteString(`
SUSPENDED and BUFFERED are known so that executions recorded by Spinnaker can be
read; nothing here produces them. REDIRECT is only ever the result of a task.
`)
	for _, of := range []flow.Subject{flow.OfExecution, flow.OfStage, flow.OfTask} {
		title := strings.ToUpper(string(of[:1])) + string(of[1:])
		fmt.Fprintf(&b, "\n## %s\n\n```mermaid\nstateDiagram-v2\n    [*] --> NOT_STARTED\n", title)
		var table strings.Builder
		for _, t := range flow.Transitions() {
			if t.Of == of {
				fmt.Fprintf(&b, "    %s --> %s\n", t.From, t.To)
				fmt.Fprintf(&table, "| %s | %s | %s |\n", t.From, t.To, t.Why)
			}
		}
		fmt.Fprintf(&b, "```\n\n| from | to | when |\n| --- | --- | --- |\n%s", table.String())
	}
	return b.String()
}
