// Package load sends requests to an HTTP service at a constant rate, whatever the
// service does, and counts those that got no proper answer.
//
// The one idea: an open loop. Every request has its time, which does not depend
// on earlier answers, and its latency is measured from that time; so a service
// that stops for a second has a second's worth of late or lost requests, not one.
//
//	l, err := load.Run(ctx, load.Config{URL: "http://127.0.0.1:8080/", Rate: 200})
//	fmt.Println(l.Snapshot().Lost)
//	cancel()
//	result := l.Wait()
//
// A request is lost if no complete response came in time or its status is 500 or
// more. The client is an ordinary one: it may repeat a GET by itself if a kept
// connection turns out to be closed, as browsers do.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gennaker/gennaker"
)

// Config says what is sent. Shares are from 0 to 1, and drawn independently of
// each other.
type Config struct {
	URL                string        // of the service; GET requests go here
	Rate               float64       // requests per second, more than 0
	NewConnectionShare float64       // over a connection of their own; 0 means 0.5, less than 0 none
	PostShare          float64       // POST, of those that are not slow; 0 means 0.2, less than 0 none
	PostPath           string        // where POST goes, relative to URL; "" is URL itself
	SlowShare          float64       // GET SlowPath; 0 means 0.02 if there is a SlowPath
	SlowPath           string        // relative to URL; may have a query
	DownloadPath       string        // relative to URL; if set, one GET of it is always running
	MaxInFlight        int           // a request that would be one more is lost; 0 means 10,000
	Timeout            time.Duration // of a request; of a download, without a byte; 0 means 60 s
}

// Load is a load that is being sent.
type Load struct {
	config               Config
	base                 *url.URL
	keep, fresh          *http.Client
	random               *rand.Rand // used by the dispatching goroutine only
	running              sync.WaitGroup
	get, slow, post, dld string // URLs

	mu        sync.Mutex
	s         Snapshot // its Latency is not maintained
	latencies *hdrhistogram.Histogram
}

// Snapshot is what became of the requests until a moment. Sent is Done + Lost +
// InFlight.
type Snapshot struct {
	Sent, Done, Lost int64
	InFlight         int64
	Downloads        int64            // complete ones; they are counted in Sent and Done as well
	Versions         map[string]int64 // Done by the response header X-Version, "" without; at most 100, the rest as "other"
	Latency          Latency
	Samples          []Loss // the first 20 that were lost
}

// Latency is how long the requests that are done took from when they were due,
// without the slow ones and downloads. All are zero if there was none.
type Latency struct {
	Mean, P50, P90, P99, P999, Max time.Duration
}

// Loss is a lost request.
type Loss struct {
	At      time.Time // when it was found lost, UTC
	Request string    // method and URL
	Reason  string
}

// String returns the loss in one line.
func (l Loss) String() string {
	return fmt.Sprintf("%s %s: %s", l.At.Format("15:04:05.000"), l.Request, l.Reason)
}

const (
	samples    = 20
	versions   = 100
	maxLatency = 10 * time.Minute
	payload    = "a small request body, so that there is something to send"
	pause      = 50 * time.Millisecond // between a download that failed and the next
	maxRate    = 100_000
)

// Run starts to send and returns at once. No request starts after ctx ended;
// those in flight, a download too, are then waited for and not cut off: see Wait.
//
// Errors: Invalid if the configuration makes no sense.
func Run(ctx context.Context, c Config) (*Load, error) {
	l, err := newLoad(c)
	if err != nil {
		return nil, err
	}
	l.running.Go(func() { l.dispatch(ctx) })
	if c.DownloadPath != "" {
		l.running.Go(func() { l.download(ctx) })
	}
	return l, nil
}

func newLoad(c Config) (*Load, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme == "" || base.Host == "" {
		return nil, gennaker.Errorf(gennaker.Invalid, "%q is not the URL of a service", c.URL).WithHint("write http://host:port/path")
	}
	if c.Rate <= 0 || c.Rate > maxRate {
		return nil, gennaker.Errorf(gennaker.Invalid, "rate %g is not from 0 to %d requests per second", c.Rate, maxRate)
	}
	c.NewConnectionShare = share(c.NewConnectionShare, 0.5)
	c.PostShare = share(c.PostShare, 0.2)
	c.SlowShare = share(c.SlowShare, 0.02)
	if c.SlowPath == "" {
		c.SlowShare = 0
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 10_000
	}
	if c.Timeout == 0 {
		c.Timeout = 60 * time.Second
	}
	l := &Load{
		config: c, base: base, keep: newClient(false), fresh: newClient(true),
		random:    rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		latencies: hdrhistogram.New(1, maxLatency.Microseconds(), 3),
		s:         Snapshot{Versions: map[string]int64{}},
		get:       base.String(),
	}
	for _, p := range []struct {
		path string
		to   *string
	}{{c.SlowPath, &l.slow}, {c.PostPath, &l.post}, {c.DownloadPath, &l.dld}} {
		u, err := base.Parse(p.path)
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "%q is not a path", p.path)
		}
		*p.to = u.String()
	}
	return l, nil
}

// share returns a share with its default.
func share(s, byDefault float64) float64 {
	if s == 0 {
		return byDefault
	}
	return min(max(s, 0), 1)
}

func newClient(fresh bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			DisableKeepAlives:   fresh,
			DisableCompression:  true,
			MaxIdleConnsPerHost: 1000,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Wait returns the result when everything has ended, which begins when the
// context of Run ends.
func (l *Load) Wait() Snapshot {
	l.running.Wait()
	l.keep.CloseIdleConnections()
	l.fresh.CloseIdleConnections()
	return l.Snapshot()
}

// Snapshot returns the figures of this moment; the caller owns them.
func (l *Load) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.s
	s.Versions = maps.Clone(s.Versions)
	s.Samples = slices.Clone(s.Samples)
	if h := l.latencies; h.TotalCount() > 0 {
		at := func(percentile float64) time.Duration {
			return time.Duration(h.ValueAtPercentile(percentile)) * time.Microsecond
		}
		s.Latency = Latency{
			Mean: time.Duration(h.Mean() * float64(time.Microsecond)),
			P50:  at(50), P90: at(90), P99: at(99), P999: at(99.9),
			Max: time.Duration(h.Max()) * time.Microsecond,
		}
	}
	return s
}

// dispatch starts every request at its time. Times are multiples of the interval
// since the start, so that a late timer does not lower the rate.
func (l *Load) dispatch(ctx context.Context) {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := int64(0); ; n++ {
		due := start.Add(time.Duration(float64(n) / l.config.Rate * float64(time.Second)))
		if early := time.Until(due); early > 0 {
			timer.Reset(early)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return
		}
		l.start(ctx, due)
	}
}

// start sends one request in the background.
func (l *Load) start(ctx context.Context, due time.Time) {
	client, method, to, slow := l.keep, http.MethodGet, l.get, false
	if l.random.Float64() < l.config.NewConnectionShare {
		client = l.fresh
	}
	switch draw := l.random.Float64(); {
	case draw < l.config.SlowShare:
		to, slow = l.slow, true
	case l.random.Float64() < l.config.PostShare:
		method, to = http.MethodPost, l.post
	}
	l.mu.Lock()
	l.s.Sent++
	l.s.InFlight++
	full := l.s.InFlight > int64(l.config.MaxInFlight)
	l.mu.Unlock()
	if full {
		l.lost(method+" "+to, "too many requests are in flight")
		return
	}
	l.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.config.Timeout)
		defer cancel()
		version, err := l.send(ctx, client, method, to, func() {})
		if err != nil {
			l.lost(method+" "+to, err.Error())
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.done(version)
		if !slow {
			took := min(time.Since(due), maxLatency)
			_ = l.latencies.RecordValue(max(took.Microseconds(), 1)) // it is within the bounds
		}
	})
}

// download keeps one download running.
func (l *Load) download(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		l.s.Sent++
		l.s.InFlight++
		l.mu.Unlock()
		if l.downloadOnce(context.WithoutCancel(ctx)) {
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// downloadOnce reports whether a download was complete.
func (l *Load) downloadOnce(ctx context.Context) bool {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(l.config.Timeout, func() { cancel(errStalled) })
	defer stalled.Stop()
	version, err := l.send(ctx, l.fresh, http.MethodGet, l.dld, func() { stalled.Reset(l.config.Timeout) })
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		l.lost(http.MethodGet+" "+l.dld, err.Error())
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done(version)
	l.s.Downloads++
	return true
}

var errStalled = errors.New("the download stalled")

// send sends a request and reads the whole response. It calls progress for every
// part of it.
func (l *Load) send(ctx context.Context, client *http.Client, method, to string, progress func()) (version string, err error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL, which the sample has
		}
		return "", err
	}
	defer res.Body.Close()
	n, err := io.Copy(progressWriter(progress), res.Body)
	switch {
	case err != nil:
		return "", fmt.Errorf("response %d of %q broke off after %d bytes: %w", res.StatusCode, res.Header.Get("X-Version"), n, err)
	case res.StatusCode >= http.StatusInternalServerError:
		return "", fmt.Errorf("status %d of %q", res.StatusCode, res.Header.Get("X-Version"))
	}
	return res.Header.Get("X-Version"), nil
}

type progressWriter func()

func (w progressWriter) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}

// done counts a request that was answered. The caller holds l.mu.
func (l *Load) done(version string) {
	l.s.InFlight--
	l.s.Done++
	if _, known := l.s.Versions[version]; !known && len(l.s.Versions) >= versions {
		version = "other"
	}
	l.s.Versions[version]++
}

// lost counts a request that was not.
func (l *Load) lost(request, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.s.InFlight--
	l.s.Lost++
	if len(l.s.Samples) < samples {
		l.s.Samples = append(l.s.Samples, Loss{At: time.Now().UTC(), Request: request, Reason: reason})
	}
}
