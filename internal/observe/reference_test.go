package observe

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/reference/metrics.md")

const page = "../../docs/reference/metrics.md"

// TestReference holds docs/reference/metrics.md.
func TestReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	fmt.Fprintf(&b, `# Metrics

This page is made from the code; `+"`go test ./internal/observe -update`"+` writes it.

`+"`GET /metrics`"+` answers them in the text format of Prometheus, 0.0.4; see
[how to observe the server](../howto/observe.md). They count since the server was started. The names are Spinnaker's
where that has them, or made in its way, in the words of Prometheus: dots are underscores, and the unit, or `+"`_total`"+`
of what only grows, is behind them.

| metric | name with dots | type | labels | what |
| --- | --- | --- | --- | --- |
`)
	for _, f := range []struct {
		family
		kind string
	}{
		{queueDepth, "gauge"},
		{queueLag, "histogram"},
		{executionsStarted, "counter"},
		{executionsCompleted, "counter"},
		{stageDuration, "histogram"},
		{gateRequests, "histogram"},
		{cacheAge, "gauge"},
		{eventStreams, "gauge"},
		{tracesSent, "counter"},
		{tracesLost, "counter"},
		{buildInfo, "gauge"},
	} {
		labels := ""
		if len(f.labels) > 0 {
			labels = "`" + strings.Join(f.labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", f.wire(), f.name, f.kind, labels, f.help)
	}
	fmt.Fprintf(&b, `
Beside these are `+"`go_…`"+` and `+"`process_…`"+`, which the runtime of Go and the operating system tell: memory, processor
time, goroutines, open files.

Labels are bounded. `+"`application`"+` has the first %d that executions are of, `+"`type`"+` the first %d types of
stages, and all others are `+"`%s`"+`; of more than %d accounts the first are told, by name. `+"`route`"+` is
a row of the table of routes, as `+"`GET /applications/{app}`"+`, or `+"`none`"+`. The traces are there if a collector is
configured.
`, maxApplications, maxStageTypes, other, maxAccounts)
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil { //nolint:gosec // a page that everyone may read
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("docs/reference/metrics.md is old; run go test ./internal/observe -update\n%s", diff)
	}
}

// TestEveryFamilyIsInTheReference: what is counted is what the page has.
func TestEveryFamilyIsInTheReference(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	zero := func() int { return 0 }
	m := NewMetrics(Sources{Ready: zero, Streams: zero, Ages: func() map[string]time.Duration { return nil }, Traces: &Traces{}})
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if name := f.GetName(); !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the page has no %s", name)
		}
	}
}
