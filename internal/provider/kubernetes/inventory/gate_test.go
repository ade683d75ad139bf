package inventory

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker"
)

// TestGate has a hundred watches lose their server for ten minutes: one of them
// at a time asks whether it is back, ever more rarely, and then all go on.
func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			g           gate
			opened      atomic.Int64
			down        atomic.Bool
			asked, busy atomic.Int64
			all         sync.WaitGroup
		)
		g.init(func() { opened.Add(1) })
		g.answered()
		down.Store(true)
		begin := make(chan struct{})
		for range 100 {
			all.Go(func() {
				_, err := through(t.Context(), &g, true, func() (int, error) {
					if !down.Load() {
						return 1, nil
					}
					<-begin // the first hundred are on their way when the server goes
					if asked.Add(1) > 100 && busy.Add(1) > 1 {
						t.Error("two try at a time")
					}
					time.Sleep(10 * time.Millisecond)
					if asked.Load() > 100 {
						busy.Store(0)
					}
					return 0, errors.New("connection refused")
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(begin)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		err, since, asOf := g.state()
		if gennaker.KindOf(err) != gennaker.Unavailable || since.IsZero() || asOf.IsZero() || opened.Load() > 0 {
			t.Errorf("state %v since %s as of %s, opened %d times: want it shut", err, since, asOf, opened.Load())
		}
		if n := asked.Load() - 100; n < 60 || n > 250 {
			t.Errorf("asked %d times in ten minutes, want it about every 5 s", n)
		}
		down.Store(false)
		back := time.Now()
		all.Wait()
		if took := time.Since(back); took > longestProbe*3/2+spread {
			t.Errorf("all are back after %s, want it within the longest pause", took)
		}
		if err, _, _ := g.state(); err != nil || opened.Load() != 1 {
			t.Errorf("state %v, opened %d times: want it open, once", err, opened.Load())
		}
	})
}

// TestGateCanceled gives up the right to try with the context.
func TestGateCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g gate
		g.init(func() {})
		g.shut(errors.New("connection refused"), false)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := through(ctx, &g, true, func() (int, error) { return 0, errors.New("connection refused") })
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
		if n, err := through(t.Context(), &g, true, func() (int, error) { return 1, nil }); n != 1 || err != nil {
			t.Errorf("the next one got %d, %v", n, err)
		}
	})
}

func TestAway(t *testing.T) {
	t.Parallel()
	status := func(code int32) error { return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code}} }
	for name, tt := range map[string]struct {
		err     error
		builtIn bool
		want    bool
	}{
		"none":                          {nil, true, false},
		"no connection":                 {errors.New("connection refused"), false, true},
		"credentials":                   {status(http.StatusUnauthorized), false, true},
		"forbidden":                     {status(http.StatusForbidden), true, false},
		"expired":                       {status(http.StatusGone), true, false},
		"storm":                         {status(http.StatusTooManyRequests), true, false},
		"server unavailable":            {status(http.StatusServiceUnavailable), true, true},
		"another server is unavailable": {status(http.StatusServiceUnavailable), false, false},
	} {
		if got := away(tt.err, tt.builtIn); got != tt.want {
			t.Errorf("%s: away is %t, want %t", name, got, tt.want)
		}
	}
}

// TestChoose watches each kind once, in the version that the model wants, or that
// is watched already, or else the preferred one.
func TestChoose(t *testing.T) {
	t.Parallel()
	verbs := metav1.Verbs{"get", "list", "watch"}
	lists := []*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "pods", Kind: "Pod", Namespaced: true, Verbs: verbs}, {Name: "pods/log", Kind: "Pod", Verbs: metav1.Verbs{"get"}},
			{Name: "secrets", Kind: "Secret", Namespaced: true, Verbs: verbs}, {Name: "endpoints", Kind: "Endpoints", Verbs: verbs},
			{Name: "bindings", Kind: "Binding", Verbs: metav1.Verbs{"create"}},
		}},
		{GroupVersion: "autoscaling/v3", APIResources: []metav1.APIResource{{Name: "horizontalpodautoscalers", Kind: "HorizontalPodAutoscaler", Verbs: verbs}}},
		{GroupVersion: "autoscaling/v2", APIResources: []metav1.APIResource{{Name: "horizontalpodautoscalers", Kind: "HorizontalPodAutoscaler", Verbs: verbs}}},
		{GroupVersion: "example.com/v2", APIResources: []metav1.APIResource{{Name: "gadgets", Kind: "Gadget", Verbs: verbs}}},
		{GroupVersion: "example.com/v1", APIResources: []metav1.APIResource{{Name: "gadgets", Kind: "Gadget", Verbs: verbs}}},
	}
	for name, tt := range map[string]struct {
		cfg  Config
		want []string
		now  map[schema.GroupResource]string // the versions that are watched
	}{
		"stays": {want: []string{"autoscaling/v2 horizontalpodautoscalers", "example.com/v1 gadgets", "v1 pods", "v1 secrets"}, now: map[schema.GroupResource]string{
			{Group: "example.com", Resource: "gadgets"}: "v1", {Group: "autoscaling", Resource: "horizontalpodautoscalers"}: "v3",
		}},
		"is served no more": {want: []string{"autoscaling/v2 horizontalpodautoscalers", "example.com/v2 gadgets", "v1 pods", "v1 secrets"}, now: map[schema.GroupResource]string{
			{Group: "example.com", Resource: "gadgets"}: "v1beta1",
		}},
		"all":          {cfg: Config{}, want: []string{"autoscaling/v2 horizontalpodautoscalers", "example.com/v2 gadgets", "v1 pods", "v1 secrets"}},
		"only gadgets": {cfg: Config{Kinds: []string{"gadget.example.com"}}, want: []string{"autoscaling/v2 horizontalpodautoscalers", "example.com/v2 gadgets", "v1 pods"}},
		"no secrets":   {cfg: Config{OmitKinds: []string{"secret", "Pod"}}, want: []string{"autoscaling/v2 horizontalpodautoscalers", "example.com/v2 gadgets"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := choose(lists, tt.cfg, tt.now)
			for _, want := range tt.want {
				found := false
				for _, r := range got {
					found = found || r.gvr.GroupVersion().String()+" "+r.gvr.Resource == want
				}
				if !found {
					t.Errorf("%s is not watched: %v", want, got)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("%d kinds are watched, want %d: %v", len(got), len(tt.want), got)
			}
			if p, ok := got[schema.GroupResource{Resource: "secrets"}]; ok && p.typed != nil {
				t.Error("more than the metadata of secrets is read")
			}
		})
	}
}
