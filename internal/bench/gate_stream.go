package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
)

// listener is a client of events: of an application, or of all for "".
type listener struct {
	application string

	mu     sync.Mutex
	events []gennaker.Event
	err    error // why it ended
}

// audience is all clients of events. The first listens to everything, and says
// what the others must have heard.
type audience struct {
	all  []*listener
	stop context.CancelFunc
	done sync.WaitGroup
}

// listen connects n clients, and one that hears everything, and returns when all
// of them are connected.
func listen(ctx context.Context, url string, n, applications int) (*audience, error) {
	a := &audience{}
	ctx, a.stop = context.WithCancel(ctx)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a.all = append(a.all, &listener{})
	for i := range n {
		a.all = append(a.all, &listener{application: name(i % applications)})
	}
	err := each(ctx, len(a.all), submitters, func(_ context.Context, i int) error {
		body, err := a.all[i].connect(ctx, c, url)
		if err != nil {
			return err
		}
		a.done.Go(func() { a.all[i].hear(body) })
		return nil
	})
	if err != nil {
		a.close()
	}
	return a, err
}

func (a *audience) close() {
	a.stop()
	a.done.Wait()
}

// connect returns the stream behind its first lines.
func (l *listener) connect(ctx context.Context, c *http.Client, url string) (*stream, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/events?application="+l.application, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &stream{res, bufio.NewScanner(res.Body)}
	if res.StatusCode != http.StatusOK || !s.lines.Scan() {
		res.Body.Close()
		return nil, fmt.Errorf("a stream of events begins with %s", res.Status)
	}
	return s, nil
}

// stream is a stream of events.
type stream struct {
	res   *http.Response
	lines *bufio.Scanner
}

// hear notes events until the stream ends.
func (l *listener) hear(s *stream) {
	defer s.res.Body.Close()
	err := fmt.Errorf("the stream was cut")
	for s.lines.Scan() {
		text, ok := strings.CutPrefix(s.lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e gennaker.Event
		if err = json.Unmarshal([]byte(text), &e); err != nil {
			break
		}
		l.mu.Lock()
		l.events = append(l.events, e)
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// heard returns the numbers of the events up to one that are for an application.
func (l *listener) heard(application string, upTo uint64) (out []uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.ID <= upTo && (application == "" || e.Application == "" || e.Application == application) {
			out = append(out, e.ID)
		}
	}
	return out, l.err
}

// patience is how long events may be under way.
const patience = 10 * time.Second

// compare returns how many events all clients heard up to now, and how many of
// those that they should have heard they did not; a stream that was cut counts
// as one.
func (a *audience) compare(ctx context.Context) (delivered, lost float64, err error) {
	all := a.all[0]
	everything, err := all.heard("", 1<<63)
	if err != nil || len(everything) == 0 {
		return 0, 0, fmt.Errorf("who hears everything heard %d events: %w", len(everything), err)
	}
	upTo := everything[len(everything)-1]
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, l := range a.all[1:] {
		want, _ := all.heard(l.application, upTo)
		var got []uint64
		_ = poll(ctx, 10*time.Millisecond, func() (bool, error) { // else it is lost
			got, err = l.heard("", upTo)
			return err != nil || slices.Equal(got, want), nil
		})
		delivered += float64(len(got))
		if err != nil {
			lost++
		}
		for _, id := range want {
			if !slices.Contains(got, id) {
				lost++
			}
		}
	}
	return delivered, lost, nil
}
