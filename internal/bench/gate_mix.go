package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ask is one request of the mix.
type ask struct{ method, path, body string }

// mix returns what a request of the load is: an ask with its share of all, in
// percent. %A is an application, %E an execution, %P the ID of a pipeline.
//
// Source: the requests of Deck's pages about an application, which it repeats
// every half a minute and after each event, and of spin's commands.
func mix() []struct {
	share int
	ask
} {
	const running = "&statuses=RUNNING,SUSPENDED,PAUSED,NOT_STARTED"
	return []struct {
		share int
		ask
	}{
		{22, ask{"GET", "/applications/%A/pipelines?limit=25&expand=false" + running, ""}},
		{10, ask{"GET", "/applications/%A/pipelines?limit=2&expand=false", ""}},
		{8, ask{"GET", "/applications/%A/tasks?limit=30&statuses=RUNNING", ""}},
		{8, ask{"GET", "/applications/%A/pipelineConfigs", ""}},
		{8, ask{"GET", "/applications/%A/serverGroups?expand=false", ""}},
		{5, ask{"GET", "/applications/%A/loadBalancers", ""}},
		{4, ask{"GET", "/applications/%A/serverGroupManagers", ""}},
		{2, ask{"GET", "/securityGroups", ""}},
		{4, ask{"GET", "/applications/%A?expand=false", ""}},
		{4, ask{"GET", "/applications", ""}},
		{2, ask{"GET", "/credentials?expand=true", ""}},
		{2, ask{"GET", "/auth/user", ""}},
		{9, ask{"GET", "/pipelines/%E", ""}},
		{4, ask{"GET", "/version", ""}}, // spin, from here on
		{3, ask{"GET", "/applications/%A/pipelineConfigs/" + shortPipeline, ""}},
		{2, ask{"GET", "/executions?pipelineConfigIds=%P&limit=10", ""}},
		{1, ask{"GET", "/executions?executionIds=%E&limit=1", ""}},
		{1, ask{"POST", "/pipelines", "%S"}},
		{1, ask{"POST", "/pipelines/%A/" + shortPipeline, `{"type":"manual","parameters":{}}`}},
	}
}

// draw returns a request, with everything filled in.
func (l gateLoad) draw() ask {
	n := rand.IntN(100)
	for _, a := range mix() {
		if n -= a.share; n >= 0 {
			continue
		}
		i := rand.IntN(l.history.executions)
		app := name(i % l.history.applications)
		fill := strings.NewReplacer("%A", app, "%E", fmt.Sprintf("01HX%022d", i), "%P", pipelineID(app, i/l.history.applications%2),
			"%S", string(waits(app, fmt.Sprint("saved ", i%10), 3)))
		return ask{a.method, fill.Replace(a.path), fill.Replace(a.body)}
	}
	panic("the shares are not 100")
}

// sent is what became of requests.
type sent struct {
	mu                       sync.Mutex
	all, reads, writes, late latencies // late is how late this program sent them
	failed                   int
	first                    error // of those that failed
}

// latencies are durations, whose quantiles are in seconds.
type latencies struct{ h *hdrhistogram.Histogram } // microseconds

func newLatencies() latencies { return latencies{hdrhistogram.New(1, maxTake.Microseconds(), 3)} }

func (l latencies) add(d time.Duration) {
	_ = l.h.RecordValue(min(d, maxTake).Microseconds()) // it is within the bounds
}

// at returns how long at most a percentage of them took.
func (l latencies) at(percentile float64) float64 {
	return float64(l.h.ValueAtPercentile(percentile)) / 1e6
}

// maxTake bounds what is measured of a request.
const maxTake = time.Minute

// note remembers what became of a request: how late it was sent, how long it took
// from when it was due.
func (s *sent) note(a ask, late, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late.add(late)
	s.all.add(took)
	if a.method == http.MethodGet {
		s.reads.add(took)
	} else {
		s.writes.add(took)
	}
	if err != nil {
		s.failed++
		if s.first == nil {
			s.first = err
		}
	}
}

// send sends requests in an open loop: each has its time, whatever becomes of
// those before it, and its latency counts from then.
func (l gateLoad) send(ctx context.Context, url string) *sent {
	out := &sent{all: newLatencies(), reads: newLatencies(), writes: newLatencies(), late: newLatencies()}
	c := &http.Client{Timeout: maxTake, Transport: &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true}}
	defer c.CloseIdleConnections()
	var all sync.WaitGroup
	began, n := time.Now(), int(l.lasts.Seconds()*float64(l.rate))
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			late, a := time.Since(due), l.draw()
			err := a.do(ctx, c, url)
			out.note(a, late, time.Since(due), err)
		})
	}
	all.Wait()
	return out
}

// do sends a request as a browser does, and reads the answer.
func (a ask) do(ctx context.Context, c *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, a.method, url+a.path, strings.NewReader(a.body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-RateLimit-App", "deck")
	res, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", a.method, a.path, err)
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("%s %s: %s: %.300s", a.method, a.path, res.Status, text)
	}
	return nil
}
