package node

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/state"
)

// create makes a server group and returns its name. It is decided and durable
// then; instances start afterwards.
//
// Errors: Invalid for what can never run; Conflict if the cluster is full;
// Unavailable if it could not be made durable.
func (n *node) create(ctx context.Context, key string, spec gennaker.ServerGroupSpec) (string, error) {
	if name, ok := n.made(key); ok {
		return name, nil
	}
	m, err := validate(spec)
	if err != nil {
		return "", err
	}
	spec.Region = Region
	slices.Sort(spec.LoadBalancers)
	spec.LoadBalancers = slices.Compact(spec.LoadBalancers)
	if err := n.missing(spec.LoadBalancers); err != nil {
		return "", err
	}
	n.unpacking.RLock() // until the record says that the files are in use
	defer n.unpacking.RUnlock()
	files, err := n.unpack(ctx, spec.Artifact)
	if err != nil {
		return "", err
	}
	if _, _, err := executable(spec.Command, files); err != nil {
		return "", err
	}
	g, err := n.add(key, m.Cluster, spec, files)
	if err != nil {
		return "", err
	}
	n.Log.InfoContext(ctx, "made a server group", "group", g.name, "artifact", files.Digest, "desired", spec.Capacity.Desired)
	g.tend()
	n.route()
	g.changed()
	return g.name, nil
}

// add gives the new server group its number and makes it durable.
func (n *node) add(key, cluster string, spec gennaker.ServerGroupSpec, files state.Artifact) (*group, error) {
	n.creating.Lock()
	defer n.creating.Unlock()
	if name, ok := n.made(key); ok { // by another call meanwhile
		if g, err := n.find(name); err == nil {
			return g, nil
		}
	}
	if err := n.missing(spec.LoadBalancers); err != nil {
		return nil, err
	}
	c := n.cluster(cluster)
	serial, err := c.Take(func(name string) bool {
		_, err := n.find(name)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	if err := n.store.SaveCluster(c); err != nil {
		return nil, err
	}
	rec := state.Group{
		Name: gennaker.ServerGroupName(cluster, serial), Cluster: cluster, Serial: serial, Key: key,
		Spec: spec, Artifact: files, Created: gennaker.At(time.Now()), Capacity: spec.Capacity, Disabled: spec.Disabled,
	}
	rec.Fit()
	// A server group of the same name, a thousand numbers ago, left its logs.
	if err := os.RemoveAll(n.logDir(rec.Name)); err != nil {
		return nil, gennaker.Errorf(gennaker.Unavailable, "remove old logs: %w", err)
	}
	if err := os.MkdirAll(n.logDir(rec.Name), 0o700); err != nil {
		return nil, gennaker.Errorf(gennaker.Unavailable, "make the directory for logs: %w", err)
	}
	if err := n.store.SaveGroup(rec); err != nil {
		_ = n.store.DeleteGroup(rec.Name) // it may be there without being durable
		return nil, err
	}
	g := newGroup(n, rec)
	n.mu.Lock()
	n.groups[rec.Name] = g
	n.clusters[cluster] = c
	n.mu.Unlock()
	return g, nil
}

// cluster returns the record of a cluster. If there is none, or it was lost,
// numbers go on behind those of the server groups that exist.
func (n *node) cluster(name string) state.Cluster {
	n.mu.RLock()
	defer n.mu.RUnlock()
	c := n.clusters[name]
	c.Name = name
	for _, g := range n.groups {
		if g.cluster == name {
			c.Next = max(c.Next, g.serial+1)
		}
	}
	return c
}

// destroy begins to destroy a server group. One that does not exist is
// destroyed.
func (n *node) destroy(key, name string) error {
	g, err := n.find(name)
	if err != nil {
		return nil
	}
	err = g.do(key, func(rec *state.Group) error {
		rec.Destroy()
		return nil
	})
	if gennaker.KindOf(err) == gennaker.NotFound {
		return nil
	}
	return err
}

// bury forgets a server group whose instances are gone. It tries until it can
// or the node ends; the next node goes on.
func (n *node) bury(g *group) {
	for wait := firstBackoff; ; wait = min(2*wait, maxBackoff) {
		err := n.remove(g)
		if err == nil {
			break
		}
		n.Log.Warn("a destroyed server group could not be forgotten", "group", g.name, "error", err)
		select {
		case <-n.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
	now := time.Now() // from here on the logs are kept for a while
	_ = os.Chtimes(n.logDir(g.name), now, now)
	n.Log.Info("destroyed a server group", "group", g.name)
	n.route()
	g.changed()
}

// remove keeps the key of a server group, then deletes its record.
func (n *node) remove(g *group) error {
	n.creating.Lock()
	defer n.creating.Unlock()
	g.change.Lock() // a save that was scheduled must not come after
	defer g.change.Unlock()
	c := n.cluster(g.cluster)
	g.mu.Lock()
	key := g.rec.Key
	g.mu.Unlock()
	c.Forget(key, g.name)
	if err := n.store.SaveCluster(c); err != nil {
		return err
	}
	if err := n.store.DeleteGroup(g.name); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clusters[g.cluster] = c
	delete(n.groups, g.name)
	return nil
}
