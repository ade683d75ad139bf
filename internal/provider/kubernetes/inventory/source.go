package inventory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gennaker/gennaker/internal/provider/kubernetes/slim"
)

// Bounds of what one account may do at a time, and how soon it tries again.
const (
	maxLists      = 8 // at a time
	longestList   = 10 * time.Second
	firstRetry    = 200 * time.Millisecond
	longestRetry  = 15 * time.Second
	refusedRetry  = 5 * time.Minute
	steadyAfter   = 10 * time.Second // a watch that lasted so long was no failure
	defaultClient = "gennaker"
)

// scope is what one watch is about.
type scope struct {
	resource  schema.GroupResource
	namespace string // "" is all
}

func (s scope) String() string {
	if s.namespace == "" {
		return s.resource.String()
	}
	return s.resource.String() + " in " + s.namespace
}

// source keeps the objects of one resource in the index by one watch.
type source struct {
	inv  *Inventory
	at   scope
	res  resource
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	synced  bool
	refused bool   // the credentials may not watch it
	version string // up to which the index has seen everything
	release func() // gives back the slot that it lists in; nil if it has none
}

func (s *source) progress() (synced, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced, s.refused
}

// run watches until ctx ends. It returns from a watch that the server ended,
// or that has lost its place, only to begin another: the index keeps what it
// has until the new list takes its place.
func (s *source) run(ctx context.Context) {
	defer close(s.done)
	ctx = klog.NewContext(ctx, klog.Logger{}) // what the reflector says, the gate and we say once for all
	reflector := cache.NewReflectorWithOptions(s.listWatch(), s.example(), s, cache.ReflectorOptions{
		Name: s.inv.cfg.Account + "/" + s.at.String(), TypeDescription: s.res.kind.String(),
		Backoff: &wait.Backoff{Duration: firstRetry, Factor: 2, Cap: longestRetry, Jitter: 1, Steps: 8},
	})
	for pauses := firstRetry; ctx.Err() == nil; {
		s.hold(s.inv.slot(ctx))
		began := time.Now()
		err := reflector.ListAndWatchWithContext(ctx)
		s.hold(nil)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyAfter {
			pauses = firstRetry
		}
		wait := pauses/2 + rand.N(pauses)
		switch pauses = min(2*pauses, longestRetry); {
		case apierrors.IsForbidden(err):
			s.refuse(err)
			wait = refusedRetry/2 + rand.N(refusedRetry)
		case apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
			s.inv.lookAgain() // it may have gone, and this source with it
		case err != nil:
			s.inv.log.WarnContext(ctx, "cannot watch", "what", s.at.String(), "error", err, "again_in", wait)
		}
		pause(ctx, wait)
	}
}

func (s *source) refuse(err error) {
	s.mu.Lock()
	first := !s.refused
	s.refused = true
	s.mu.Unlock()
	if first {
		s.inv.log.Debug("left out", "what", s.at.String(), "reason", err)
		s.inv.index.replace(s.res.kind, s.at.namespace, nil, "")
		s.look(false)
		s.inv.checkSynced()
	}
}

// look notes whether endpoints can be seen.
func (s *source) look(may bool) {
	if s.res.kind == sliceKind {
		s.inv.index.see(s.at.namespace, may)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// slot waits for the right to list, and returns what gives it back: when the
// list is done, or after a while, so that none who hangs stops the others.
func (i *Inventory) slot(ctx context.Context) (release func()) {
	select {
	case i.slots <- struct{}{}:
	case <-ctx.Done():
		return func() {}
	}
	var once sync.Once
	release = func() { once.Do(func() { <-i.slots }) }
	time.AfterFunc(longestList, release)
	return release
}

// hold gives back the slot that the source has, and keeps another.
func (s *source) hold(release func()) {
	s.mu.Lock()
	have := s.release
	s.release = release
	s.mu.Unlock()
	if have != nil {
		have()
	}
}

// listWatch asks the cluster, behind the account's gate.
func (s *source) listWatch() cache.ListerWatcher {
	list, open := s.inv.requests(s.res, s.at.namespace)
	selector := s.fields()
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = selector
			return through(ctx, &s.inv.gate, s.res.builtIn(), func() (runtime.Object, error) { return list(ctx, o) })
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector, o.Watch = selector, true
			return through(ctx, &s.inv.gate, s.res.builtIn(), func() (watch.Interface, error) { return open(ctx, o) })
		},
	}
}

// fields returns the field selector: what the kind asks for, less the omitted
// namespaces.
func (s *source) fields() string {
	var all []string
	if s.res.typed != nil && s.res.typed.fields != "" {
		all = append(all, s.res.typed.fields)
	}
	if s.res.namespaced && s.at.namespace == "" {
		for _, n := range s.inv.cfg.OmitNamespaces {
			all = append(all, "metadata.namespace!="+n)
		}
	}
	return strings.Join(all, ",")
}

func (s *source) example() any {
	if s.res.typed != nil {
		return s.res.typed.example()
	}
	return &metav1.PartialObjectMetadata{}
}

// Add implements [cache.ReflectorStore], as do the next four.
func (s *source) Add(obj any) error {
	o, err := slim.Object(obj)
	if err != nil {
		return err
	}
	m, err := meta.Accessor(o)
	if err != nil {
		return fmt.Errorf("read an object of %s: %w", s.at, err)
	}
	s.inv.index.put(s.res.kind, m)
	if s.res.kind == crdKind {
		s.inv.lookAgain()
	}
	return nil
}

// Update is Add.
func (s *source) Update(obj any) error { return s.Add(obj) }

// Delete forgets an object.
func (s *source) Delete(obj any) error {
	m, err := meta.Accessor(obj)
	if err != nil {
		return fmt.Errorf("read an object of %s: %w", s.at, err)
	}
	s.inv.index.remove(s.res.kind, m.GetNamespace(), m.GetName(), m.GetUID())
	if s.res.kind == crdKind {
		s.inv.lookAgain()
	}
	return nil
}

// Replace takes a list for all that there is.
func (s *source) Replace(list []any, version string) error {
	objects := make([]metav1.Object, 0, len(list))
	for _, obj := range list {
		o, err := slim.Object(obj)
		if err != nil {
			return err
		}
		m, err := meta.Accessor(o)
		if err != nil {
			return fmt.Errorf("read an object of %s: %w", s.at, err)
		}
		objects = append(objects, m)
	}
	s.look(true)
	s.inv.index.replace(s.res.kind, s.at.namespace, objects, version)
	s.mu.Lock()
	s.synced, s.refused = true, false
	s.mu.Unlock()
	s.UpdateResourceVersion(version)
	s.hold(nil)
	s.inv.checkSynced()
	if s.res.kind == crdKind {
		s.inv.lookAgain() // one may have come since the kinds were looked up, and no event tells of it
	}
	return nil
}

// Resync does nothing: what was seen was acted upon.
func (*source) Resync() error { return nil }

// Transformer implements [cache.TransformingStore]: a stream of the first
// objects holds them slim already.
func (*source) Transformer() cache.TransformFunc { return slim.Object }

// UpdateResourceVersion implements [cache.ResourceVersionUpdater].
func (s *source) UpdateResourceVersion(version string) {
	s.mu.Lock()
	s.version = version
	s.mu.Unlock()
	s.inv.gate.hear()
	s.inv.index.reached(s.res.kind)
}

// seen returns whether the index has seen all up to version.
func (s *source) seen(version string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced && !older(s.version, version)
}

// codec makes the clients of the kinds that are held as their own types.
type codec struct {
	config  *rest.Config
	http    *http.Client
	params  runtime.ParameterCodec
	factory serializer.CodecFactory

	mu      sync.Mutex
	clients map[schema.GroupVersion]rest.Interface
}

func newCodec(cfg *rest.Config, client *http.Client) (*codec, error) {
	types := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(types), gatewayv1.Install(types)); err != nil {
		return nil, fmt.Errorf("register the kinds: %w", err)
	}
	return &codec{
		config: cfg, http: client, clients: map[schema.GroupVersion]rest.Interface{},
		params: runtime.NewParameterCodec(types), factory: serializer.NewCodecFactory(types),
	}, nil
}

func (c *codec) client(gv schema.GroupVersion) (rest.Interface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.clients[gv]; r != nil {
		return r, nil
	}
	cfg := rest.CopyConfig(c.config)
	cfg.GroupVersion, cfg.APIPath = &gv, "/apis"
	if gv.Group == corev1.GroupName {
		cfg.APIPath = "/api"
	}
	cfg.NegotiatedSerializer = c.factory.WithoutConversion()
	cfg.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	cfg.ContentType = "application/json"
	if gv.Group == gatewayv1.GroupName {
		cfg.AcceptContentTypes = "application/json"
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = defaultClient
	}
	r, err := rest.RESTClientForConfigAndClient(cfg, c.http)
	if err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", gv, err)
	}
	c.clients[gv] = r
	return r, nil
}

type (
	lister  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watcher func(context.Context, metav1.ListOptions) (watch.Interface, error)
)

// requests returns how to list and to watch a resource.
func (i *Inventory) requests(res resource, namespace string) (lister, watcher) {
	if res.typed == nil {
		c := i.metadata.Resource(res.gvr)
		if namespace == "" {
			return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return c.List(ctx, o) }, c.Watch
		}
		n := c.Namespace(namespace)
		return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return n.List(ctx, o) }, n.Watch
	}
	request := func(o *metav1.ListOptions) (*rest.Request, error) {
		c, err := i.codec.client(res.gvr.GroupVersion())
		if err != nil {
			return nil, err
		}
		return c.Get().NamespaceIfScoped(namespace, namespace != "").Resource(res.gvr.Resource).
			SpecificallyVersionedParams(o, i.codec.params, corev1.SchemeGroupVersion), nil
	}
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			r, err := request(&o)
			if err != nil {
				return nil, err
			}
			return r.Do(ctx).Get()
		}, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			r, err := request(&o)
			if err != nil {
				return nil, err
			}
			return r.Watch(ctx)
		}
}
