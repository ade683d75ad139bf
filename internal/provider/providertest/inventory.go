package providertest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

func loadBalancers(w *world) {
	ctx := w.Context()
	a, b := w.Application+"-a", w.Application+"-b"
	w.upsert(b, w.Listen())
	listen := w.Listen()
	w.upsert(a, listen)
	w.upsert(a, listen) // the same again
	all, err := w.Provider.LoadBalancers(ctx)
	w.must(err)
	var names []string
	for _, lb := range all {
		names = append(names, lb.Name)
	}
	if !slices.IsSorted(names) || !slices.Contains(names, a) || !slices.Contains(names, b) {
		w.Errorf("load balancers are %v, want %s and %s among them, by name", names, a, b)
	}
	lb := w.findBalancer(a)
	if lb.Listen != listen || lb.Application != w.Application || lb.Account != w.Provider.Account.Name ||
		lb.CloudProvider != w.Provider.Account.CloudProvider {
		w.Errorf("load balancer is %+v", lb)
	}

	moved := w.Listen()
	w.upsert(a, moved)
	if got := w.findBalancer(a).Listen; got != moved {
		w.Errorf("it listens on %s, want %s", got, moved)
	}
	w.must(w.Provider.DeleteLoadBalancer(ctx, w.Region, a))
	w.until(func() string {
		if w.findBalancer(a) != nil {
			return a + " should be deleted"
		}
		return ""
	})
	w.must(w.Provider.DeleteLoadBalancer(ctx, w.Region, a))
	w.must(w.Provider.DeleteLoadBalancer(ctx, w.Region, b))
}

func loadBalancerInvalid(w *world) {
	for what, lb := range map[string]gennaker.LoadBalancer{
		"no name":     w.lb("", w.Listen()),
		"bad name":    w.lb("a/b", w.Listen()),
		"no address":  w.lb(w.Application, ""),
		"bad address": w.lb(w.Application, "nowhere"),
		"bad region":  {Name: w.Application, Account: w.Provider.Account.Name, Region: "no-such", Listen: w.Listen()},
	} {
		w.wantKind(what, w.Provider.UpsertLoadBalancer(w.Context(), lb), gennaker.Invalid)
	}
	if w.findBalancer(w.Application) != nil {
		w.Error("a refused load balancer exists")
	}
}

func loadBalancerConflict(w *world) {
	ctx := w.Context()
	lb := w.balancer()
	taken := w.findBalancer(lb).Listen
	w.wantKind("taken address", w.Provider.UpsertLoadBalancer(ctx, w.lb(w.Application+"-other", taken)), gennaker.Conflict)

	name := w.create(w.good(0, lb))
	w.wantKind("in use", w.Provider.DeleteLoadBalancer(ctx, w.Region, lb), gennaker.Conflict)
	w.must(w.Provider.Destroy(ctx, w.key(), w.ref(name)))
	w.untilGone(name)
	w.must(w.Provider.DeleteLoadBalancer(ctx, w.Region, lb))
}

func inventory(w *world) {
	ctx := w.Context()
	if none, err := w.Provider.ServerGroups(ctx, w.Application); err != nil || none == nil || len(none) != 0 {
		w.Errorf("server groups of a new application: %v, %v, want an empty slice", none, err)
	}
	lb := w.balancer()
	want := []string{}
	for _, stack := range []string{"z", "a", "m", ""} {
		spec := w.good(0, lb)
		spec.Stack = stack
		want = append(want, w.create(spec))
	}
	slices.Sort(want)

	names := func(groups []gennaker.ServerGroup) []string {
		out := []string{}
		for _, g := range groups {
			out = append(out, g.Name)
		}
		return out
	}
	mine, err := w.Provider.ServerGroups(ctx, w.Application)
	w.must(err)
	if diff := cmp.Diff(want, names(mine)); diff != "" {
		w.Errorf("server groups of the application (-want +got):\n%s", diff)
	}
	all, err := w.Provider.ServerGroups(ctx, "")
	w.must(err)
	if got := names(all); !slices.IsSorted(got) {
		w.Errorf("all server groups are not in order: %v", got)
	}
	for _, name := range want {
		if !slices.Contains(names(all), name) {
			w.Errorf("%s is missing in all server groups", name)
		}
	}
	other, err := w.Provider.ServerGroups(ctx, strings.ToUpper(w.Application))
	w.must(err)
	if diff := cmp.Diff(want, names(other)); diff != "" {
		w.Errorf("server groups of the application in upper case (-want +got):\n%s", diff)
	}
	w.clusters(lb, mine)
	w.search(lb, mine)
	prefix, err := w.Provider.ServerGroups(ctx, w.Application[:len(w.Application)-1])
	w.must(err)
	if len(prefix) != 0 {
		w.Errorf("server groups of another application: %v", names(prefix))
	}
	var behind []string
	for _, g := range w.findBalancer(lb).ServerGroups {
		behind = append(behind, g.Name)
	}
	slices.Sort(behind)
	if diff := cmp.Diff(want, behind); diff != "" {
		w.Errorf("behind the load balancer (-want +got):\n%s", diff)
	}
}

// clusters are those that the server groups make up, of one application and of
// all.
func (w *world) clusters(lb string, groups []gennaker.ServerGroup) {
	w.Helper()
	want := provider.Clusters(groups)
	for _, application := range []string{w.Application, strings.ToUpper(w.Application)} {
		got, err := w.Provider.Clusters(w.Context(), application)
		w.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			w.Errorf("clusters of %s (-want +got):\n%s", application, diff)
		}
	}
	if len(want) != len(groups) || !slices.Equal(want[0].LoadBalancers, []string{lb}) || len(want[0].ServerGroups) != 1 {
		w.Errorf("clusters are %+v", want)
	}
	all, err := w.Provider.Clusters(w.Context(), "")
	w.must(err)
	all = slices.DeleteFunc(all, func(c provider.Cluster) bool { return c.Application != w.Application })
	if diff := cmp.Diff(want, all); diff != "" {
		w.Errorf("its clusters among all (-want +got):\n%s", diff)
	}
	if none, err := w.Provider.Clusters(w.Context(), w.Application+"-none"); err != nil || none == nil || len(none) != 0 {
		w.Errorf("clusters of nothing are %v, %v, want an empty slice", none, err)
	}
}

// search finds by what mentions a text, and by type.
func (w *world) search(lb string, groups []gennaker.ServerGroup) {
	w.Helper()
	found := func(text string, types ...string) []string {
		w.Helper()
		items, err := w.Provider.Search(w.Context(), text, types)
		w.must(err)
		out := []string{}
		for _, i := range items {
			out = append(out, i.Type+" "+i.Name)
		}
		slices.Sort(out)
		return out
	}
	want := []string{provider.LoadBalancerItem + " " + lb}
	for _, g := range groups {
		want = append(want, provider.ServerGroupItem+" "+g.Name)
	}
	slices.Sort(want)
	text := strings.ToLower(w.Application)
	if diff := cmp.Diff(want, found(text, provider.ServerGroupItem, provider.LoadBalancerItem, provider.InstanceItem)); diff != "" {
		w.Errorf("a search for %q (-want +got):\n%s", text, diff)
	}
	if got := found(text, provider.SecurityGroupItem); len(got) > 0 {
		w.Errorf("among firewalls it finds %v", got)
	}
	if got := found(text+"-no-such-thing", provider.ServerGroupItem); len(got) > 0 {
		w.Errorf("of nothing it finds %v", got)
	}
}

// watch: begins with a change of anything, names what changed, ends with ctx.
func watch(w *world) {
	changes := make(chan provider.Change, 1000)
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Provider.Watch(ctx, func(c provider.Change) { changes <- c })
	}()
	timer := time.After(deadline)
	if first := <-changes; first != (provider.Change{}) {
		w.Errorf("the first change is %v, want one of anything", first)
	}
	name := w.create(w.good(0))
	for seen := false; !seen; {
		select {
		case c := <-changes:
			seen = c == provider.Change{Application: w.Application, Region: w.Region, ServerGroup: name} || c == provider.Change{}
		case <-timer:
			w.Fatal("Watch did not report the creation of a server group")
		}
	}
	cancel()
	select {
	case <-done:
	case <-timer:
		w.Fatal("Watch did not return when its context ended")
	}
}

func (w *world) read(name, instance string, tail int64) string {
	w.Helper()
	r, err := w.Provider.Logs.Logs(w.Context(), w.ref(name), instance, tail, false)
	w.must(err)
	defer r.Close()
	text, err := io.ReadAll(r)
	w.must(err)
	return string(text)
}

// find reads from r until text was read.
func find(r io.Reader, text string) error {
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), text) {
		n, err := r.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			if strings.Contains(got.String(), text) {
				return nil
			}
			return fmt.Errorf("%q is not in %q: %w", text, got.String(), err)
		}
	}
	return nil
}

const wholeLog = 1 << 20

func logs(w *world) {
	ctx, cancel := context.WithTimeout(w.Context(), deadline)
	defer cancel()
	name := w.created(1)
	instance := w.group(name).Instances[0].Name
	r, err := w.Provider.Logs.Logs(ctx, w.ref(name), instance, wholeLog, true)
	w.must(err)
	w.must(find(r, w.Output)) // from here on it is in the log
	w.must(r.Close())
	if text := w.read(name, instance, wholeLog); !strings.Contains(text, w.Output) {
		w.Errorf("log is %q, want %q in it", text, w.Output)
	}
	if text := w.read(name, instance, 3); len(text) != 3 {
		w.Errorf("the last 3 bytes are %q", text)
	}
	if text := w.read(name, instance, 0); text != "" {
		w.Errorf("the last 0 bytes are %q", text)
	}
	_, err = w.Provider.Logs.Logs(ctx, w.ref(name), "no-such", 10, false)
	w.wantKind("Logs of an unknown instance", err, gennaker.NotFound)
}

func groupLogs(w *world) {
	ctx, cancel := context.WithTimeout(w.Context(), deadline)
	defer cancel()
	name := w.created(2)
	for _, i := range w.group(name).Instances {
		r, err := w.Provider.Logs.Logs(ctx, w.ref(name), i.Name, wholeLog, true)
		w.must(err)
		w.must(find(r, w.Output))
		w.must(r.Close())
	}
	text := w.read(name, "", wholeLog)
	for _, i := range w.group(name).Instances {
		led := false
		for line := range strings.Lines(text) {
			led = led || strings.HasPrefix(line, i.Name) && strings.Contains(line, w.Output)
		}
		if !led {
			w.Errorf("log of the group is %q, want a line of %s", text, i.Name)
		}
	}
}

// follow: shows what comes later, and ends when it is closed or ctx ends.
func follow(w *world) {
	name := w.create(w.good(0))
	for _, end := range []string{"ctx", "close"} {
		ctx, cancel := context.WithCancel(w.Context())
		r, err := w.Provider.Logs.Logs(ctx, w.ref(name), "", wholeLog, true)
		w.must(err)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = io.Copy(io.Discard, r)
		}()
		if end == "ctx" {
			cancel()
		} else if err := r.Close(); err != nil {
			w.Errorf("Close: %v", err)
		}
		select {
		case <-ended:
		case <-time.After(deadline):
			w.Errorf("the reader did not end after %s", end)
		}
		cancel()
		_ = r.Close()
	}

	ctx, cancel := context.WithTimeout(w.Context(), deadline)
	defer cancel()
	r, err := w.Provider.Logs.Logs(ctx, w.ref(name), "", wholeLog, true)
	w.must(err)
	defer r.Close()
	reading, found := make(chan struct{}), make(chan error, 1)
	go func() {
		close(reading)
		found <- find(r, w.Output)
	}()
	<-reading // so that it mostly has to wait
	w.must(w.Provider.Resize(w.Context(), w.key(), w.ref(name), pinned(1)))
	w.must(<-found)
}
