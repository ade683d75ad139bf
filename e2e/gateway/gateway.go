// Package gateway is a data plane of the Gateway API for tests: it listens,
// follows HTTPRoutes and EndpointSlices by watching them, and sends requests to
// pods by the weights of the routes.
//
// It behaves like the slower ones of the real ones: it accepts a route in its
// status at once, and sends requests by it only after a lag.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	discovery "k8s.io/api/discovery/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	v1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Controller is who sets the status of routes.
const Controller = "gennaker.io/test-gateway"

// Config is what a gateway serves.
type Config struct {
	REST      *rest.Config
	Namespace string
	Name      string        // of the Gateway that routes name as their parent; no such object is needed
	Listen    string        // host:port; "" is 127.0.0.1 and a free port
	Lag       time.Duration // how long requests go on by what was before a change
}

// A Gateway is a data plane that runs.
type Gateway struct {
	cfg    Config
	addr   string
	table  atomic.Pointer[table]
	routes cache.GenericLister
	slices discoverylisters.EndpointSliceLister
	client dynamic.Interface
	dirty  chan struct{}
}

// table is where requests go, as of one moment.
type table struct{ rules []rule }

// rule is a prefix of paths with the weights of its backends.
type rule struct {
	prefix   string
	total    int
	backends []backend
}

type backend struct {
	weight    int
	endpoints []string // host:port
}

// Start serves until ctx ends.
func Start(ctx context.Context, cfg Config) (*Gateway, error) {
	g := &Gateway{cfg: cfg, dirty: make(chan struct{}, 1)}
	g.table.Store(&table{})
	client, err := kubernetes.NewForConfig(cfg.REST)
	if err != nil {
		return nil, err
	}
	if g.client, err = dynamic.NewForConfig(cfg.REST); err != nil {
		return nil, err
	}
	typed := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(cfg.Namespace))
	untyped := dynamicinformer.NewFilteredDynamicSharedInformerFactory(g.client, 0, cfg.Namespace, nil)
	slices, routes := typed.Discovery().V1().EndpointSlices(), untyped.ForResource(v1.SchemeGroupVersion.WithResource("httproutes"))
	g.slices, g.routes = slices.Lister(), routes.Lister()
	changed := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { g.mark() }, UpdateFunc: func(any, any) { g.mark() }, DeleteFunc: func(any) { g.mark() },
	}
	for _, informer := range []cache.SharedIndexInformer{slices.Informer(), routes.Informer()} {
		if _, err := informer.AddEventHandler(changed); err != nil {
			return nil, err
		}
	}
	typed.Start(ctx.Done())
	untyped.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), slices.Informer().HasSynced, routes.Informer().HasSynced) {
		return nil, errors.New("the gateway's watches did not begin")
	}
	return g, g.serve(ctx)
}

func (g *Gateway) serve(ctx context.Context) error {
	listen := g.cfg.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	g.addr = ln.Addr().String()
	server := &http.Server{Handler: g.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(ln) }()
	go g.follow(ctx)
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return nil
}

// URL returns where the gateway listens.
func (g *Gateway) URL() string { return "http://" + g.addr }

func (g *Gateway) mark() {
	select {
	case g.dirty <- struct{}{}:
	default:
	}
}

// follow makes a new table after each change, and uses it after the lag. Changes
// follow one another at the same distance as they came.
func (g *Gateway) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.dirty:
		}
		t, routes := g.build()
		time.AfterFunc(g.cfg.Lag, func() { g.table.Store(t) })
		for _, r := range routes {
			if err := g.accept(ctx, r); err != nil && ctx.Err() == nil {
				time.AfterFunc(time.Second, g.mark)
			}
		}
	}
}

// build returns the table as it should be, and the routes in it.
func (g *Gateway) build() (*table, []*v1.HTTPRoute) {
	objects, err := g.routes.List(labels.Everything())
	if err != nil {
		return &table{}, nil
	}
	t := &table{}
	var routes []*v1.HTTPRoute
	for _, o := range objects {
		var route v1.HTTPRoute
		u, ok := o.(*unstructured.Unstructured)
		if !ok || runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &route) != nil || !g.owns(&route) {
			continue
		}
		routes = append(routes, &route)
		for _, r := range route.Spec.Rules {
			t.rules = append(t.rules, g.rule(r))
		}
	}
	return t, routes
}

func (g *Gateway) owns(r *v1.HTTPRoute) bool {
	for _, p := range r.Spec.ParentRefs {
		if string(p.Name) == g.cfg.Name {
			return true
		}
	}
	return false
}

func (g *Gateway) rule(r v1.HTTPRouteRule) rule {
	out := rule{prefix: "/"}
	for _, m := range r.Matches {
		if m.Path != nil && m.Path.Value != nil {
			out.prefix = *m.Path.Value
		}
	}
	for _, ref := range r.BackendRefs {
		b := backend{weight: 1, endpoints: g.endpoints(string(ref.Name))}
		if ref.Weight != nil {
			b.weight = int(*ref.Weight)
		}
		out.total += b.weight
		out.backends = append(out.backends, b)
	}
	return out
}

// endpoints returns the ready endpoints of a Service.
func (g *Gateway) endpoints(service string) []string {
	slices, err := g.slices.List(labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: service}))
	if err != nil {
		return nil
	}
	var out []string
	for _, s := range slices {
		if len(s.Ports) == 0 || s.Ports[0].Port == nil {
			continue
		}
		port := strconv.Itoa(int(*s.Ports[0].Port))
		for _, e := range s.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				out = append(out, net.JoinHostPort(e.Addresses[0], port))
			}
		}
	}
	return out
}

// accept sets the status of a route, as a controller does that has read it.
func (g *Gateway) accept(ctx context.Context, route *v1.HTTPRoute) error {
	for _, p := range route.Status.Parents {
		if len(p.Conditions) > 0 && p.Conditions[0].ObservedGeneration == route.Generation {
			return nil
		}
	}
	condition := func(kind string) meta.Condition {
		return meta.Condition{
			Type: kind, Status: meta.ConditionTrue, Reason: kind, ObservedGeneration: route.Generation, LastTransitionTime: meta.Now(),
		}
	}
	status := v1.HTTPRouteStatus{RouteStatus: v1.RouteStatus{Parents: []v1.RouteParentStatus{{
		ParentRef: v1.ParentReference{Name: v1.ObjectName(g.cfg.Name)}, ControllerName: Controller,
		Conditions: []meta.Condition{condition(string(v1.RouteConditionAccepted)), condition(string(v1.RouteConditionResolvedRefs))},
	}}}}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		return err
	}
	patch := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1.GroupVersion.String(), "kind": "HTTPRoute",
		"metadata": map[string]any{"name": route.Name, "namespace": route.Namespace}, "status": content,
	}}
	_, err = g.client.Resource(v1.SchemeGroupVersion.WithResource("httproutes")).Namespace(route.Namespace).
		ApplyStatus(ctx, route.Name, patch, meta.ApplyOptions{FieldManager: Controller, Force: true})
	return err
}

// pick returns an endpoint for a path; "" is none.
func (t *table) pick(path string) string {
	for _, r := range t.rules {
		if !strings.HasPrefix(path, r.prefix) || r.total == 0 {
			continue
		}
		at := rand.IntN(r.total)
		for _, b := range r.backends {
			if at -= b.weight; at >= 0 {
				continue
			}
			if len(b.endpoints) == 0 {
				return "" // the share of a backend without endpoints is an error, says the Gateway API
			}
			return b.endpoints[rand.IntN(len(b.endpoints))]
		}
	}
	return ""
}

func (g *Gateway) handler() http.Handler {
	transport := &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := g.table.Load().pick(r.URL.Path)
		if to == "" {
			http.Error(w, "no endpoint", http.StatusServiceUnavailable)
			return
		}
		proxy := &httputil.ReverseProxy{
			Transport: transport,
			Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(&url.URL{Scheme: "http", Host: to}) },
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, fmt.Sprintf("%s: %v", to, err), http.StatusBadGateway)
			},
		}
		proxy.ServeHTTP(w, r)
	})
}
