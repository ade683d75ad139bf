package inventory

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// How often the cluster is asked which kinds it serves: at once when a custom
// kind changed, once more when the API server will have noticed it everywhere,
// and now and then because of those that no custom resource definition makes.
const (
	lookAtOnce = 100 * time.Millisecond
	lookTwice  = 3 * time.Second
	lookEvery  = 10 * time.Minute
)

// lookAgain has the kinds of the cluster looked up soon.
func (i *Inventory) lookAgain() {
	select {
	case i.rediscover <- struct{}{}:
	default:
	}
}

// discover keeps one source running for each kind, until ctx ends.
func (i *Inventory) discover(ctx context.Context, wg *sync.WaitGroup) {
	retry, twice := firstRetry, false
	for ctx.Err() == nil {
		err := i.look(ctx, wg)
		i.mu.Lock()
		i.foundErr = err
		i.mu.Unlock()
		wait := lookEvery/2 + rand.N(lookEvery)
		switch {
		case err != nil && ctx.Err() == nil:
			wait = retry/2 + rand.N(retry)
			retry = min(2*retry, longestRetry)
			i.log.WarnContext(ctx, "cannot look up the kinds of the cluster", "error", err, "again_in", wait)
		case twice:
			wait, twice, retry = lookTwice, false, firstRetry
		default:
			retry = firstRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-i.rediscover:
			twice = true
			pause(ctx, lookAtOnce) // a custom kind changes several times until it is served
		}
		timer.Stop()
	}
}

// look starts the sources of kinds that have come and stops those of kinds that
// have gone. Those of a group whose own server does not answer stay.
func (i *Inventory) look(ctx context.Context, wg *sync.WaitGroup) error {
	lists, err := through(ctx, &i.gate, true, func() ([]*metav1.APIResourceList, error) {
		_, lists, err := i.discovery.ServerGroupsAndResourcesWithContext(ctx)
		return lists, err
	})
	silent, partly := discovery.GroupDiscoveryFailedErrorGroups(err)
	if err != nil && !partly {
		return err
	}
	current, watched := i.current(), map[schema.GroupResource]string{}
	for _, src := range current {
		watched[src.res.gvr.GroupResource()] = src.res.gvr.Version
	}
	want := map[scope]resource{}
	for name, res := range choose(lists, i.cfg, watched) {
		if !res.namespaced || len(i.cfg.Namespaces) == 0 {
			want[scope{resource: name}] = res
			continue
		}
		for _, n := range i.cfg.Namespaces {
			want[scope{resource: name, namespace: n}] = res
		}
	}
	for at, src := range current {
		if res, ok := want[at]; ok && res.gvr == src.res.gvr {
			continue
		}
		if _, ok := silent[src.res.gvr.GroupVersion()]; ok {
			continue
		}
		i.end(at, src)
	}
	for at, res := range want {
		i.begin(ctx, wg, at, res)
	}
	i.mu.Lock()
	i.found = true
	i.mu.Unlock()
	i.checkSynced()
	return nil
}

func (i *Inventory) current() map[scope]*source {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.sources)
}

func (i *Inventory) begin(ctx context.Context, wg *sync.WaitGroup, at scope, res resource) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sources[at] != nil || ctx.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	src := &source{inv: i, at: at, res: res, stop: stop, done: make(chan struct{})}
	i.sources[at] = src
	wg.Go(func() { src.run(ctx) })
}

// end stops a source and forgets what it had.
func (i *Inventory) end(at scope, src *source) {
	src.stop()
	<-src.done
	i.index.replace(src.res.kind, at.namespace, nil, "")
	i.mu.Lock()
	delete(i.sources, at)
	i.mu.Unlock()
	i.log.Info("kind has gone", "what", at.String())
}

// checkSynced closes synced when everything that the model needs, and may be
// watched, has been read once.
func (i *Inventory) checkSynced() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.found || i.answers() {
		return
	}
	for _, src := range i.sources {
		if synced, refused := src.progress(); src.res.builtIn() && !synced && !refused {
			return
		}
	}
	i.index.began(time.Now())
	close(i.synced)
	i.audience.tell(change{})
}
