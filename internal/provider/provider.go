// Package provider is the contract with the places that Gennaker deploys to.
//
// An account belongs to one provider. [Inventory] tells what is there,
// [Operations] change it. Answers are live: a read sees every operation that
// returned before it began. Methods are safe for concurrent use and stop when
// their context ends. Package providertest holds the definition that every
// implementation passes.
package provider

import (
	"context"
	"io"

	"github.com/gennaker/gennaker"
)

// Inventory tells what is in an account.
type Inventory interface {
	// ServerGroups returns the server groups of an application, or of all for
	// "", by name; of those being destroyed too, until they are gone. Names of
	// applications match without case.
	ServerGroups(ctx context.Context, application string) ([]gennaker.ServerGroup, error)
	// ServerGroup returns one server group. Errors: NotFound.
	ServerGroup(ctx context.Context, region, name string) (gennaker.ServerGroup, error)
	// Clusters returns the clusters of an application, or of all for "", by
	// application and name. It looks at server groups, and at no instance.
	Clusters(ctx context.Context, application string) ([]Cluster, error)
	// Search returns the items of some types, or kinds, that mention text, which
	// is in lower case, in no order; at most MaxItems.
	Search(ctx context.Context, text string, types []string) ([]Item, error)
	// LoadBalancers returns all load balancers, by name.
	LoadBalancers(ctx context.Context) ([]gennaker.LoadBalancer, error)
	// Watch calls changed, from one goroutine, after every change. It begins with
	// one of anything, as soon as no later change can be missed. It returns when
	// ctx ends.
	Watch(ctx context.Context, changed func(Change))
}

// Change says what changed. Anything of an account may have if there is no
// Application, as after a lost connection; but only in the Region, if there is
// one. Without a ServerGroup it is another thing of the application, as a load
// balancer or a job.
type Change struct{ Application, Region, ServerGroup string }

// Operations change server groups. Each has a key: called again with the same
// key after it was done, it changes nothing and answers the same. They return
// when the change is decided and durable, not when it is complete: that shows
// in the inventory.
type Operations interface {
	// Create makes the next server group of the cluster that spec names, and
	// returns its name. Its instances begin to start; unless spec.Disabled they
	// join the load balancers when they are healthy.
	// Errors: Invalid for a spec that can never run (artifact missing, wrong
	// digest, unknown load balancer or region, capacity).
	Create(ctx context.Context, key string, spec gennaker.ServerGroupSpec) (name string, err error)
	// Resize sets the capacity. Instances too many leave the load balancers,
	// finish their requests, and stop. Errors: NotFound, Invalid.
	Resize(ctx context.Context, key string, ref gennaker.ServerGroupRef, to gennaker.Capacity) error
	// Enable lets all instances get requests again, as soon as they are healthy.
	// Errors: NotFound.
	Enable(ctx context.Context, key string, ref gennaker.ServerGroupRef) error
	// Disable takes ceil(percent/100 × instances) of the instances, counted
	// with those that already are, out of the load balancers: no new request
	// reaches them; they show Draining while requests are in flight, then
	// OutOfService. The server group is Disabled from 100 percent on; instances
	// that start later are out of service too. Errors: NotFound, Invalid.
	Disable(ctx context.Context, key string, ref gennaker.ServerGroupRef, percent int) error
	// Destroy disables the server group, lets it drain, stops its instances and
	// forgets it. One that does not exist is destroyed.
	Destroy(ctx context.Context, key string, ref gennaker.ServerGroupRef) error
	// Terminate replaces instances: each drains and stops, then another starts.
	// Names that do not exist are terminated. Errors: NotFound for the group.
	Terminate(ctx context.Context, key string, ref gennaker.ServerGroupRef, instances []string) error
}

// LoadBalancing makes and removes load balancers.
type LoadBalancing interface {
	// UpsertLoadBalancer makes the load balancer, or changes where it listens.
	// Errors: Invalid for a name or address that cannot be; Conflict if the
	// address is taken.
	UpsertLoadBalancer(ctx context.Context, lb gennaker.LoadBalancer) error
	// DeleteLoadBalancer lets its requests finish and removes it. One that does
	// not exist is deleted. Errors: Conflict while server groups name it.
	DeleteLoadBalancer(ctx context.Context, region, name string) error
}

// Logs reads what instances wrote to stdout and stderr.
type Logs interface {
	// Logs returns the last tail bytes that an instance wrote (a stopped one's
	// too, as long as they are kept), and with follow what it writes until ctx
	// ends or the reader is closed. An empty instance reads all of the group,
	// each line led by the instance's name. Errors: NotFound.
	Logs(ctx context.Context, ref gennaker.ServerGroupRef, instance string, tail int64, follow bool) (io.ReadCloser, error)
}

// Jobs runs processes that end.
type Jobs interface {
	// RunJob runs a job, once for its key however often it is called, and returns
	// its name, which is gennaker.JobName of application, name and key. It
	// returns when it is durable that the job will run; how it goes shows in Job,
	// and Watch tells of changes. A job runs at most once: if it is lost how it
	// ended, it is Failed with that reason. A key is known for as long as its job
	// is: for a month or thousands of later jobs.
	// Errors: Invalid for a spec that can never run (nothing to run, command
	// missing, artifact missing or with a wrong digest); Unavailable while too
	// many jobs run.
	RunJob(ctx context.Context, key string, spec gennaker.JobSpec) (name string, err error)
	// Job returns a job, running or ended. What it put out is forgotten before
	// the job is. Errors: NotFound.
	Job(ctx context.Context, name string) (gennaker.Job, error)
	// CancelJob stops a job: it will be Failed, and canceled, unless it has ended
	// already. One that is not known will never run: a RunJob with its key that
	// comes later finds it canceled. Errors: Invalid for what is no name of a job.
	CancelJob(ctx context.Context, name string) error
	// JobLogs returns the last tail bytes that a job wrote to stdout and stderr,
	// and with follow what it writes until it ends, ctx does, or the reader is
	// closed. Errors: NotFound.
	JobLogs(ctx context.Context, name string, tail int64, follow bool) (io.ReadCloser, error)
}

// Provider is everything that can be done with one account.
type Provider struct {
	Account gennaker.Account
	Inventory
	Operations
	LoadBalancing
	Logs
	Jobs      // nil if jobs cannot be run there
	Manifests // nil if the account has no objects that manifests describe
	Routes    // nil if it has no routes with weights
	Resources // nil if it is no cluster of containers

	// State returns how well it is known what is there; nil is always well.
	State func() gennaker.AccountState
}
