package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/demo/load"
)

// ResidentConfig says where a demo inside a server lives.
type ResidentConfig struct {
	Dir      string         // of its files
	Program  string         // the sample service is a command of it; "" if there is no account of this machine
	Examples fs.FS          // the application and its pipelines
	Client   *client.Client // of the server: it does what any user could
	Log      *slog.Logger
}

// residentRate is how many requests it sends in a second.
const residentRate = 100

// Resident is the demo inside a server: it deploys versions of the sample service
// under a constant load, leaves the last one waiting for a judgment, and lets the
// load go on until it is taken away. It goes on where it was when the server is
// started again. Make one with [NewResident].
type Resident struct {
	ResidentConfig

	mu     sync.Mutex
	memory memory // as it is on disk
	state  gennaker.DemoState
	step   string
	reason string
	load   *load.Load
	halt   context.CancelFunc // of what is done now; nil is nothing
	wake   chan struct{}      // has room for one
}

// NewResident returns what there is of a demo. Nothing is done before Run.
func NewResident(c ResidentConfig) (*Resident, error) {
	r := &Resident{ResidentConfig: c, state: gennaker.DemoAbsent, wake: make(chan struct{}, 1)}
	var err error
	if r.memory, err = remember(c.Dir); err != nil {
		return nil, err
	}
	switch r.memory.Wanted {
	case wantedRunning:
		r.state = gennaker.DemoStarting
	case wantedAbsent:
		r.state = gennaker.DemoStopping
	default:
		return r, nil
	}
	r.wake <- struct{}{}
	return r, nil
}

// Status returns how the demo is.
func (r *Resident) Status() gennaker.DemoStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := gennaker.DemoStatus{
		State: r.state, Step: r.step, Reason: r.reason, Address: r.memory.Listen, Rate: residentRate, Versions: []gennaker.DemoVersion{},
	}
	if r.load != nil {
		now := r.load.Snapshot()
		s.Sent, s.Lost = now.Sent, now.Lost
	}
	if r.state != gennaker.DemoAbsent {
		for _, v := range versions {
			s.Versions = append(s.Versions, gennaker.DemoVersion{Version: v, Reference: r.reference(v), Bad: v == badVersion})
		}
	}
	return s
}

// Start begins the demo, or goes on with one that stopped. One that runs is left
// alone.
//
// Errors: Conflict if there is another application of its name, it is being taken
// away, or there is no account of this machine.
func (r *Resident) Start(ctx context.Context) (gennaker.DemoStatus, error) {
	if r.Program == "" {
		return r.Status(), gennaker.Errorf(gennaker.Conflict, "the demo needs the account of this machine, and this server has none").
			WithHint("set local.enabled to true in the configuration")
	}
	if r.Status().State == gennaker.DemoAbsent {
		if err := r.unused(ctx); err != nil {
			return r.Status(), err
		}
	}
	listen, err := freeAddr(ctx)
	if err != nil {
		return r.Status(), err
	}
	if err := r.want(wantedRunning, listen); err != nil {
		return r.Status(), err
	}
	return r.Status(), nil
}

// unused refuses the name of an application that is somebody's.
func (r *Resident) unused(ctx context.Context) error {
	_, err := r.Client.Application(ctx, application)
	switch {
	case err == nil:
		return gennaker.Errorf(gennaker.Conflict, "there is an application %s already", application).
			WithHint("delete it, or what runs under its name, and start the demo again")
	case gennaker.KindOf(err) == gennaker.NotFound:
		return nil
	}
	return fmt.Errorf("look for an application %s: %w", application, err)
}

// Stop ends the load and takes away what the demo made.
func (r *Resident) Stop(context.Context) (gennaker.DemoStatus, error) {
	err := r.want(wantedAbsent, "")
	return r.Status(), err
}

// want makes durable what is wanted, and lets Run see to it.
func (r *Resident) want(what wanted, listen string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch now := r.memory.Wanted; {
	case now == wantedNothing && what == wantedAbsent, now == what && r.state != gennaker.DemoStopped:
		return nil
	case now == wantedAbsent && what == wantedRunning:
		return gennaker.Errorf(gennaker.Conflict, "the demo is being taken away").WithHint("start it again when it is gone")
	}
	next := r.memory
	next.Wanted = what
	if what == wantedRunning && !next.Prepared { // another may have taken the address of an attempt
		next.Listen = listen
	}
	if err := next.save(r.Dir); err != nil {
		return err
	}
	r.memory, r.reason, r.step = next, "", ""
	r.state = gennaker.DemoStarting
	if what == wantedAbsent {
		r.state = gennaker.DemoStopping
	}
	if r.halt != nil {
		r.halt()
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return nil
}

// Run does what is wanted until ctx ends.
func (r *Resident) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		r.mu.Lock()
		doing, halt := context.WithCancel(ctx)
		r.halt = halt
		do := r.play
		if r.memory.Wanted == wantedAbsent {
			do = r.remove
		}
		r.mu.Unlock()
		err := patiently(doing, do)
		halted := doing.Err() != nil
		halt()
		if err != nil && !halted {
			r.Log.WarnContext(ctx, "the demo stopped", "error", err)
			r.mu.Lock()
			r.state, r.step, r.reason = gennaker.DemoStopped, "", err.Error()
			r.mu.Unlock()
		}
	}
}

// patience bounds how long the demo waits for a server that cannot do something
// now.
const patience = time.Minute

// patiently calls do until it does not fail for something that may work later.
func patiently(ctx context.Context, do func(context.Context) error) error {
	for began := time.Now(); ; {
		err := do(ctx)
		if err == nil || gennaker.KindOf(err) != gennaker.Unavailable || time.Since(began) > patience {
			return err
		}
		if !pause(ctx, time.Second) {
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

// begins says what is done next.
func (r *Resident) begins(step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.step = step
}

// note changes what is remembered.
func (r *Resident) note(change func(*memory)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.memory
	change(&next)
	if err := next.save(r.Dir); err != nil {
		return err
	}
	r.memory = next
	return nil
}

func (r *Resident) remembers() memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.memory
}
