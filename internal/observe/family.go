package observe

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// family is the metrics of one name.
type family struct {
	name   string // as Spinnaker's operators know it, with dots
	suffix string // what Prometheus wants behind it: the unit, and total
	labels []string
	help   string
}

// wire returns the name in the words of Prometheus: dots are underscores, and
// the unit is behind it.
func (f family) wire() string {
	return strings.ReplaceAll(f.name, ".", "_") + f.suffix
}

func (f family) counter() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.wire(), Help: f.help}, f.labels)
}

func (f family) histogram(buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: f.wire(), Help: f.help, Buckets: buckets}, f.labels)
}

func (f family) gauge(read func() int) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: f.wire(), Help: f.help}, func() float64 { return float64(read()) })
}

// sum is a counter that is counted elsewhere.
func (f family) sum(read func() int) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: f.wire(), Help: f.help}, func() float64 { return float64(read()) })
}

func (f family) desc() *prometheus.Desc {
	return prometheus.NewDesc(f.wire(), f.help, f.labels, nil)
}

// The families. Those that Spinnaker has have its names.
var (
	queueDepth = family{"queue.ready.depth", "", nil,
		"Tasks that are ready and wait for a worker."}
	queueLag = family{"queue.message.lag", "_seconds", nil,
		"How long a task, or the planning of a stage, was ready before a worker began with it."}
	executionsStarted = family{"executions.started", "_total", []string{"application"},
		"Executions that began to run; again when they were restarted."}
	executionsCompleted = family{"executions.completed", "_total", []string{"application", "status"},
		"Executions that ended; again when they were restarted."}
	stageDuration = family{"stage.duration", "_seconds", []string{"type", "status"},
		"How long stages took, from their start to their end; 0 for one that never started."}
	gateRequests = family{"gate.requests", "_seconds", []string{"route", "status"},
		"How long requests took until their answer began; of a stream, until its header was sent."}
	cacheAge = family{"cache.age", "_seconds", []string{"account"},
		"How old what is shown of an account may be at most; 0 while it is watched."}
	eventStreams = family{"event.streams.open", "", nil,
		"Streams that clients have open: events, and logs that are followed."}
	tracesSent = family{"traces.sent", "_total", nil,
		"Executions whose trace the collector took."}
	tracesLost = family{"traces.lost", "_total", nil,
		"Executions whose trace was lost: the collector did not take it, or too many waited."}
	buildInfo = family{"gennaker.build.info", "", []string{"version"},
		"1, with the version of the server."}
)
