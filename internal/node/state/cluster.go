package state

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// MaxForgotten bounds how many keys of destroyed server groups a cluster
// remembers.
const MaxForgotten = 256

// Cluster is what is remembered of a cluster beyond its server groups.
type Cluster struct {
	Format    int         `json:"format"`
	Name      string      `json:"name"`
	Next      int         `json:"next"`               // serial of the next server group
	Destroyed []Destroyed `json:"destroyed,omitzero"` // oldest first, at most MaxForgotten
}

// Destroyed is a server group that is gone.
type Destroyed struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// Take returns the serial for a new server group, and notes that it is used.
// Names for which taken holds are skipped.
//
// Errors: Conflict if all names are taken.
func (c *Cluster) Take(taken func(name string) bool) (serial int, err error) {
	for range gennaker.MaxSequence {
		serial = c.Next
		c.Next++
		if !taken(gennaker.ServerGroupName(c.Name, serial)) {
			return serial, nil
		}
	}
	return 0, gennaker.Errorf(gennaker.Conflict, "cluster %s has %d server groups", c.Name, gennaker.MaxSequence).
		WithHint("destroy some of them first")
}

// Forget notes that the server group that was made with key is gone.
func (c *Cluster) Forget(key, name string) {
	d := Destroyed{Key: key, Name: name}
	if key == "" || slices.Contains(c.Destroyed, d) {
		return
	}
	c.Destroyed = append(slices.Clone(c.Destroyed), d)
	if n := len(c.Destroyed) - MaxForgotten; n > 0 {
		c.Destroyed = slices.Delete(c.Destroyed, 0, n)
	}
}

func (c *Cluster) check() error {
	if c.Name == "" || strings.ContainsAny(c.Name, "/\x00") || c.Next < 0 || len(c.Destroyed) > MaxForgotten {
		return fmt.Errorf("cluster %q is not possible", c.Name)
	}
	return nil
}

// Balancer is the record of a load balancer.
type Balancer struct {
	Format      int    `json:"format"`
	Name        string `json:"name"`
	Application string `json:"application,omitzero"`
	Listen      string `json:"listen"`
}

func (b *Balancer) check() error {
	if b.Name == "" || strings.ContainsAny(b.Name, "/\x00") || b.Listen == "" {
		return fmt.Errorf("load balancer %q is not possible", b.Name)
	}
	return nil
}
