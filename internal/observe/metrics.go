package observe

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"github.com/gennaker/gennaker"
)

// Sources are asked whenever the metrics are read. They must answer at once.
type Sources struct {
	Version string
	Ready   func() int                      // tasks that wait for a worker
	Streams func() int                      // streams that are open
	Ages    func() map[string]time.Duration // how old what is shown of each account may be
	Traces  *Traces                         // may be nil
}

// How many values a label has at most; the others are "other".
const (
	maxApplications = 200
	maxStageTypes   = 200
	maxAccounts     = 200
	other           = "other"
)

// Metrics count what happens in this process. They are safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	lag       prometheus.Observer
	started   *prometheus.CounterVec
	completed *prometheus.CounterVec
	stages    *prometheus.HistogramVec
	requests  *prometheus.HistogramVec

	applications, stageTypes labels
}

// NewMetrics returns metrics that count from 0.
func NewMetrics(s Sources) *Metrics {
	lag := queueLag.histogram([]float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5, 30})
	m := &Metrics{
		registry: prometheus.NewRegistry(), lag: lag.WithLabelValues(),
		started: executionsStarted.counter(), completed: executionsCompleted.counter(),
		stages:       stageDuration.histogram([]float64{.1, .5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400}),
		requests:     gateRequests.histogram([]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}),
		applications: labels{most: maxApplications}, stageTypes: labels{most: maxStageTypes},
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: buildInfo.wire(), Help: buildInfo.help}, buildInfo.labels)
	build.WithLabelValues(s.Version).Set(1)
	m.registry.MustRegister(lag, m.started, m.completed, m.stages, m.requests, build,
		queueDepth.gauge(s.Ready), eventStreams.gauge(s.Streams), ages{cacheAge.desc(), s.Ages},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.Traces != nil {
		m.registry.MustRegister(tracesSent.sum(s.Traces.Sent), tracesLost.sum(s.Traces.Lost))
	}
	return m
}

// Text returns all metrics in the text format of Prometheus, 0.0.4.
func (m *Metrics) Text() (string, error) {
	families, err := m.registry.Gather()
	if err != nil {
		return "", fmt.Errorf("gather metrics: %w", err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			return "", fmt.Errorf("write the metrics of %s: %w", f.GetName(), err)
		}
	}
	return b.String(), nil
}

// Request counts a request, "" being the route of one that has none: for
// api.Config.Observe.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *Metrics) executionStarted(application string) {
	m.started.WithLabelValues(m.applications.bound(application)).Inc()
}

func (m *Metrics) executionEnded(application string, s gennaker.Status) {
	m.completed.WithLabelValues(m.applications.bound(application), string(s)).Inc()
}

func (m *Metrics) stageEnded(stageType string, s gennaker.Status, took time.Duration) {
	m.stages.WithLabelValues(m.stageTypes.bound(stageType), string(s)).Observe(took.Seconds())
}

func (m *Metrics) taskWaited(wait time.Duration) { m.lag.Observe(wait.Seconds()) }

// labels bounds the values of a label: those that come first keep their names.
type labels struct {
	most int

	mu    sync.RWMutex
	known map[string]bool
}

func (l *labels) bound(value string) string {
	l.mu.RLock()
	known, full := l.known[value], len(l.known) >= l.most
	l.mu.RUnlock()
	switch {
	case known:
		return value
	case full:
		return other
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[string]bool{}
	}
	if len(l.known) >= l.most && !l.known[value] {
		return other
	}
	l.known[value] = true
	return value
}

// ages collects how old what is known of accounts is.
type ages struct {
	desc *prometheus.Desc
	read func() map[string]time.Duration
}

// Describe tells what is collected: prometheus.Collector.
func (a ages) Describe(out chan<- *prometheus.Desc) { out <- a.desc }

// Collect asks: prometheus.Collector. Of too many accounts it tells the first.
func (a ages) Collect(out chan<- prometheus.Metric) {
	all := a.read()
	for i, account := range slices.Sorted(maps.Keys(all)) {
		if i == maxAccounts {
			return
		}
		out <- prometheus.MustNewConstMetric(a.desc, prometheus.GaugeValue, all[account].Seconds(), account)
	}
}
