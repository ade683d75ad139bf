package observe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/observe"
)

var _ engine.Observer = observe.Executions{}

func sources() observe.Sources {
	return observe.Sources{
		Version: "1.2.3",
		Ready:   func() int { return 3 },
		Streams: func() int { return 2 },
		Ages: func() map[string]time.Duration {
			return map[string]time.Duration{"prod": 1500 * time.Millisecond, "local": 0}
		},
	}
}

// lines returns the samples of metrics, of those that are ours.
func lines(t *testing.T, m *observe.Metrics) []string {
	t.Helper()
	text, err := m.Text()
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(text)); err != nil {
		t.Fatalf("Prometheus cannot read it: %v", err)
	}
	var out []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "go_") && !strings.HasPrefix(line, "process_") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := observe.NewMetrics(sources())
	x := observe.Executions{Metrics: m}
	x.ExecutionStarted("shop")
	x.ExecutionStarted("shop")
	x.ExecutionEnded("shop", "01", gennaker.Terminal)
	x.StageEnded("deploy", gennaker.Succeeded, 90*time.Second)
	x.TaskWaited(2 * time.Millisecond)
	m.Request("GET /applications", 200, 7*time.Millisecond)
	m.Request("", 404, time.Millisecond)
	got := strings.Join(lines(t, m), "\n")
	for _, want := range []string{
		`queue_ready_depth 3`,
		`queue_message_lag_seconds_bucket{le="0.001"} 0`,
		`queue_message_lag_seconds_bucket{le="0.005"} 1`,
		`executions_started_total{application="shop"} 2`,
		`executions_completed_total{application="shop",status="TERMINAL"} 1`,
		`stage_duration_seconds_bucket{status="SUCCEEDED",type="deploy",le="60"} 0`,
		`stage_duration_seconds_sum{status="SUCCEEDED",type="deploy"} 90`,
		`gate_requests_seconds_count{route="GET /applications",status="200"} 1`,
		`gate_requests_seconds_count{route="none",status="404"} 1`,
		`cache_age_seconds{account="local"} 0`,
		`cache_age_seconds{account="prod"} 1.5`,
		`event_streams_open 2`,
		`gennaker_build_info{version="1.2.3"} 1`,
	} {
		if !strings.Contains(got+"\n", want+"\n") {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
}

func TestMetricsOfTheProcess(t *testing.T) {
	t.Parallel()
	text, err := observe.NewMetrics(sources()).Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\ngo_goroutines ", "\nprocess_resident_memory_bytes ", "\nprocess_open_fds "} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no%s", want)
		}
	}
}

// TestLabelsAreBounded: whoever makes many applications does not make many
// metrics.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	s := sources()
	s.Ages = func() map[string]time.Duration {
		out := map[string]time.Duration{}
		for i := range 500 {
			out[fmt.Sprint("account", i)] = 0
		}
		return out
	}
	m := observe.NewMetrics(s)
	x := observe.Executions{Metrics: m}
	for i := range 1000 {
		x.ExecutionStarted(fmt.Sprint("app", i))
		x.StageEnded(fmt.Sprint("type", i), gennaker.Succeeded, 0)
	}
	x.ExecutionStarted("app7")
	count := map[string]int{}
	for _, line := range lines(t, m) {
		name, _, _ := strings.Cut(line, "{")
		count[name]++
		for want, of := range map[string]string{
			`{application="app7"}`:  " 2",
			`{application="other"}`: " 800",
		} {
			if strings.HasPrefix(line, "executions_started_total"+want) && !strings.HasSuffix(line, of) {
				t.Errorf("%s, want%s", line, of)
			}
		}
	}
	for name, want := range map[string]int{"executions_started_total": 201, "stage_duration_seconds_count": 201, "cache_age_seconds": 200} {
		if count[name] != want {
			t.Errorf("%d of %s, want %d", count[name], name, want)
		}
	}
}
