package cluster

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Bounds of repeating: six attempts within some three seconds. Who called has
// the longer patience.
const (
	attempts   = 6
	firstDelay = 50 * time.Millisecond
	maxDelay   = 2 * time.Second
)

// repeater repeats requests whose repetition changes nothing, when the
// connection broke or the server failed. Answers that say when to come back
// are left to client-go, which obeys them.
type repeater struct{ next http.RoundTripper }

func repeating(next http.RoundTripper) http.RoundTripper { return repeater{next} }

// RoundTrip implements http.RoundTripper.
func (t repeater) RoundTrip(req *http.Request) (*http.Response, error) {
	delay := firstDelay
	for n := 1; ; n++ {
		resp, err := t.next.RoundTrip(req)
		if n == attempts || !again(req, resp, err) {
			return resp, err //nolint:wrapcheck // a round tripper passes errors on
		}
		next, ok := rewind(req)
		if !ok || !wait(req.Context(), delay/2+rand.N(delay)) {
			return resp, err //nolint:wrapcheck // as above
		}
		if resp != nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
			_ = resp.Body.Close()
		}
		req, delay = next, min(2*delay, maxDelay)
	}
}

// WrappedRoundTripper lets client-go see the transport below.
func (t repeater) WrappedRoundTripper() http.RoundTripper { return t.next }

// again reports whether a request may and should be sent once more.
func again(req *http.Request, resp *http.Response, err error) bool {
	if err != nil {
		return repeatable(req) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	if resp.Header.Get("Retry-After") != "" {
		return false
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests: // it was not even looked at
		return true
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return repeatable(req)
	}
	return false
}

// repeatable reports whether a request that was carried out already may be
// carried out again: reading, applying, and merging are what they are, however
// often; creating, deleting and patches of steps are not.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		return req.URL.Query().Get("watch") == "" && !strings.HasSuffix(req.URL.Path, "/log")
	case http.MethodPatch:
		how := types.PatchType(req.Header.Get("Content-Type"))
		return how == types.ApplyYAMLPatchType || how == types.MergePatchType
	}
	return false
}

// rewind returns req with its body from the beginning.
func rewind(req *http.Request) (*http.Request, bool) {
	next := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return next, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, false
	}
	next.Body = body
	return next, true
}

// wait returns false if ctx ended before d passed.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
