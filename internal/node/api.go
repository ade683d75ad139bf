package node

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/state"
)

// handler answers with a value, nil for none, or an error.
type handler func(w http.ResponseWriter, r *http.Request) (any, error)

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, err := h(w, r)
	switch {
	case err != nil:
		writeError(w, err)
	case v == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, v)
	}
}

func baseContext(ctx context.Context) func(net.Listener) context.Context {
	return func(net.Listener) context.Context { return ctx }
}

// routes returns the API; stop ends the node.
func (n *node) routes(stop context.CancelCauseFunc) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /ping", handler(n.getPing))
	mux.Handle("GET /server-groups", handler(n.getServerGroups))
	mux.Handle("GET /server-groups/{name}", handler(n.getServerGroup))
	mux.Handle("POST /server-groups", handler(n.postServerGroup))
	mux.Handle("POST /server-groups/{name}/{operation}", handler(n.postOperation))
	mux.HandleFunc("GET /server-groups/{name}/logs", n.getLogs)
	mux.Handle("GET /load-balancers", handler(n.getLoadBalancers))
	mux.Handle("PUT /load-balancers/{name}", handler(n.putLoadBalancer))
	mux.Handle("DELETE /load-balancers/{name}", handler(n.deleteLoadBalancer))
	mux.Handle("POST /jobs", handler(n.postJob))
	mux.Handle("GET /jobs/{name}", handler(n.getJob))
	mux.Handle("DELETE /jobs/{name}", handler(n.deleteJob))
	mux.HandleFunc("GET /jobs/{name}/logs", n.getJobLogs)
	mux.HandleFunc("GET /watch", n.getWatch)
	mux.Handle("POST /stop", handler(func(_ http.ResponseWriter, r *http.Request) (any, error) {
		if r.URL.Query().Get("instances") == "true" {
			n.stopInstances()
		}
		defer stop(nil)
		return nil, nil
	}))
	return mux
}

func (n *node) getPing(http.ResponseWriter, *http.Request) (any, error) {
	return Status{PID: os.Getpid(), Version: n.Version, Since: n.since, Problems: append([]string{}, n.problems...), Jobs: n.runningJobs()}, nil
}

func (n *node) getServerGroups(_ http.ResponseWriter, r *http.Request) (any, error) {
	application := r.URL.Query().Get("application")
	all := []gennaker.ServerGroup{}
	for _, g := range n.list() {
		if application == "" || strings.EqualFold(g.spec.Application, application) {
			all = append(all, g.view())
		}
	}
	return all, nil
}

func (n *node) getServerGroup(_ http.ResponseWriter, r *http.Request) (any, error) {
	g, err := n.find(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return g.view(), nil
}

func (n *node) postServerGroup(w http.ResponseWriter, r *http.Request) (any, error) {
	req, err := readJSON[CreateRequest](w, r)
	if err != nil {
		return nil, err
	}
	name, err := n.create(r.Context(), req.Key, req.Spec)
	if err != nil {
		return nil, err
	}
	return CreateResponse{Name: name}, nil
}

func (n *node) postOperation(w http.ResponseWriter, r *http.Request) (any, error) {
	req, err := readJSON[OperationRequest](w, r)
	if err != nil {
		return nil, err
	}
	name, operation := r.PathValue("name"), r.PathValue("operation")
	if operation == "destroy" {
		return nil, n.destroy(req.Key, name)
	}
	var change func(*state.Group) error
	switch operation {
	case "resize":
		change = func(g *state.Group) error { return g.Resize(req.Capacity) }
	case "enable":
		change = func(g *state.Group) error { g.Enable(); return nil }
	case "disable":
		change = func(g *state.Group) error { return g.Disable(req.Percent) }
	case "terminate":
		change = func(g *state.Group) error { g.Terminate(req.Instances); return nil }
	default:
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no operation %q", operation)
	}
	g, err := n.find(name)
	if err != nil {
		return nil, err
	}
	return nil, g.do(req.Key, change)
}

func (n *node) getLoadBalancers(http.ResponseWriter, *http.Request) (any, error) {
	return n.loadBalancers(), nil
}

func (n *node) putLoadBalancer(w http.ResponseWriter, r *http.Request) (any, error) {
	lb, err := readJSON[gennaker.LoadBalancer](w, r)
	if err != nil {
		return nil, err
	}
	lb.Name = r.PathValue("name")
	return nil, n.upsertBalancer(r.Context(), lb)
}

func (n *node) deleteLoadBalancer(_ http.ResponseWriter, r *http.Request) (any, error) {
	return nil, n.deleteBalancer(r.Context(), r.PathValue("name"))
}

func (n *node) postJob(w http.ResponseWriter, r *http.Request) (any, error) {
	req, err := readJSON[RunJobRequest](w, r)
	if err != nil {
		return nil, err
	}
	name, err := n.runJob(r.Context(), req.Key, req.Spec)
	if err != nil {
		return nil, err
	}
	return CreateResponse{Name: name}, nil
}

func (n *node) getJob(_ http.ResponseWriter, r *http.Request) (any, error) {
	j, err := n.findJob(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return j.view(), nil
}

func (n *node) deleteJob(_ http.ResponseWriter, r *http.Request) (any, error) {
	return nil, n.cancelJob(r.Context(), r.PathValue("name"))
}

// getWatch streams changes, one JSON value a line, until the client goes.
func (n *node) getWatch(w http.ResponseWriter, r *http.Request) {
	sub := n.hub.subscribe()
	defer n.hub.unsubscribe(sub)
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc, rc := json.NewEncoder(w), http.NewResponseController(w)
	changes := []Change{{}}
	for {
		for _, c := range changes {
			if enc.Encode(c) != nil {
				return
			}
		}
		if rc.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-sub.ready:
			changes = n.hub.take(sub)
		}
	}
}

// queryInt reads a number from the query. Errors: Invalid.
func queryInt(r *http.Request, name string, unset int64) (int64, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return unset, nil
	}
	i, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, gennaker.Errorf(gennaker.Invalid, "%s must be a number, got %.100q", name, v)
	}
	return i, nil
}
