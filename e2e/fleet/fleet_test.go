package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/e2e/product"
	"github.com/gennaker/gennaker/internal/api/apitest"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { product.Main(m, &binary) }

// world is a server with two clusters: one in which shop runs, through a proxy,
// and one that nobody has ever reached.
type world struct {
	*testing.T
	lab       *lab.Lab
	proxy     *lab.Proxy
	server    *product.Server
	namespace string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	l := lab.Cluster(t)
	w := &world{T: t, lab: l, proxy: l.Proxy(t), namespace: l.Namespace(t)}
	nobody := l.Proxy(t)
	nobody.Down()
	w.server = product.Start(t, binary,
		map[string]any{"name": "prod", "kubeconfigFile": w.proxy.Kubeconfig, "namespaces": []string{w.namespace}},
		map[string]any{"name": "dead", "kubeconfigFile": nobody.Kubeconfig},
	)
	w.server.Application("shop")
	w.deployment("web", map[string]string{"kubelab/log": "listening"})
	w.deployment("cart", map[string]string{"kubelab/behaviour": "crash-loop", "kubelab/exit-code": "3", "kubelab/log": "panic: no database"})
	_, err := l.Client.CoreV1().Services(w.namespace).Create(t.Context(), &core.Service{
		ObjectMeta: w.meta("web"), Spec: core.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []core.ServicePort{{Port: 80}}},
	}, meta.CreateOptions{})
	if err == nil {
		_, err = l.Client.NetworkingV1().NetworkPolicies(w.namespace).Create(t.Context(), &networking.NetworkPolicy{
			ObjectMeta: w.meta("web"), Spec: networking.NetworkPolicySpec{
				PodSelector: meta.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
				Ingress:     []networking.NetworkPolicyIngressRule{{Ports: []networking.NetworkPolicyPort{{Port: new(intstr.FromInt32(80))}}}},
			},
		}, meta.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) meta(name string) meta.ObjectMeta {
	return meta.ObjectMeta{Name: name, Annotations: map[string]string{"moniker.spinnaker.io/application": "shop"}}
}

// deployment makes one whose pods behave as their annotations say.
func (w *world) deployment(name string, annotations map[string]string) {
	w.Helper()
	labels := map[string]string{"app": name}
	_, err := w.lab.Client.AppsV1().Deployments(w.namespace).Create(w.Context(), &apps.Deployment{
		ObjectMeta: w.meta(name),
		Spec: apps.DeploymentSpec{
			Replicas: new(int32(2)), Selector: &meta.LabelSelector{MatchLabels: labels},
			Template: core.PodTemplateSpec{
				ObjectMeta: meta.ObjectMeta{Labels: labels, Annotations: annotations},
				Spec:       core.PodSpec{Containers: []core.Container{{Name: "main", Image: name + ":1"}}},
			},
		},
	}, meta.CreateOptions{})
	if err != nil {
		w.Fatal(err)
	}
}

// eventually waits until so returns "", else what is missing.
func (w *world) eventually(what string, so func() string) {
	w.Helper()
	missing := ""
	defer func() {
		if missing != "" {
			w.Logf("%s: %s", what, missing)
		}
	}()
	lab.Eventually(w, what, func(context.Context) (bool, error) {
		missing = so()
		return missing == "", nil
	})
}

// command runs a command line, which must succeed.
func (w *world) command(args ...string) (stdout, stderr string) {
	w.Helper()
	var out, err bytes.Buffer
	cmd := exec.CommandContext(w.Context(), binary, append(args, "--server", w.server.URL())...)
	cmd.Stdout, cmd.Stderr = &out, &err
	if failed := cmd.Run(); failed != nil {
		w.Fatalf("gennaker %s: %v\n%s%s", strings.Join(args, " "), failed, out.String(), err.String())
	}
	return out.String(), err.String()
}

// http returns a client that holds every answer to its description.
func (w *world) http() *http.Client {
	return &http.Client{Transport: apitest.Transport(w, http.DefaultTransport)}
}

// get reads a path of the API.
func (w *world) get(path string, into any) http.Header {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.server.URL()+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	res, err := w.http().Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		w.Fatalf("GET %s: %s: %v", path, res.Status, err)
	}
	return res.Header
}

// groups returns the server groups of shop by the Deployment that made them;
// none while nothing is known of any cluster.
func (w *world) groups() map[string]gennaker.ServerGroup {
	w.Helper()
	all, err := w.server.ServerGroups(w.Context(), "shop")
	if err != nil && gennaker.KindOf(err) != gennaker.Unavailable {
		w.Fatal(err)
	}
	out := map[string]gennaker.ServerGroup{}
	for _, g := range all {
		if len(g.Managers) == 1 {
			out[g.Managers[0].Name] = g
		}
	}
	return out
}

// TestFleet follows a user who looks at an application in a cluster, also after
// the cluster went away.
func TestFleet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.eventually("web serves, and cart crashes", func() string {
		groups := w.groups()
		web, cart := groups["deployment web"], groups["deployment cart"]
		if web.InstanceCounts.Up != 2 || cart.InstanceCounts.Down != 2 || !slices.Equal(web.LoadBalancers, []string{"service web"}) {
			return fmt.Sprintf("web %+v, cart %+v", web.InstanceCounts, cart.InstanceCounts)
		}
		return ""
	})
	web, cart := w.groups()["deployment web"], w.groups()["deployment cart"]
	w.views(web)
	w.commands(web, cart)
	w.away(web)
}

// views reads what Deck does.
func (w *world) views(web gennaker.ServerGroup) {
	w.Helper()
	var managers []gennaker.ServerGroupManager
	w.get("/applications/shop/serverGroupManagers", &managers)
	if len(managers) != 2 || managers[0].Name != "deployment cart" || len(managers[1].ServerGroups) != 1 || managers[1].ServerGroups[0].Name != web.Name {
		w.Errorf("managers %+v", managers)
	}
	at := "/" + w.namespace + "/"
	var balancers []struct {
		Name         string
		ServerGroups []struct {
			Name      string
			Instances []struct{ ID string }
		}
	}
	w.get("/loadBalancers/prod"+at+"service%20web", &balancers)
	if len(balancers) != 1 || len(balancers[0].ServerGroups) != 1 || len(balancers[0].ServerGroups[0].Instances) != 2 {
		w.Errorf("load balancers %+v", balancers)
	}
	var policy gennaker.SecurityGroup
	w.get("/securityGroups/prod"+at+"networkPolicy%20web", &policy)
	if len(policy.Inbound) != 1 || policy.Inbound[0].Ports[0].Start != 80 {
		w.Errorf("firewall %+v", policy)
	}
	var target gennaker.ServerGroup
	w.get("/applications/SHOP/clusters/prod/"+url.PathEscape(web.Cluster)+"/kubernetes"+at+"serverGroups/target/newest?onlyEnabled=true", &target)
	var card []gennaker.ServerGroup
	w.get("/serverGroups?ids=prod:"+w.namespace+":"+url.QueryEscape(web.Name), &card)
	if target.Name != web.Name || len(card) != 1 || card[0].InstanceCounts != web.InstanceCounts {
		w.Errorf("the newest is %s, its card %+v", target.Name, card)
	}
	var page struct {
		Items []struct {
			Name, Status, Application string
			Instances                 []struct{ Name, State string }
		}
	}
	w.get("/api/v1/server-groups?application=SHOP&account=prod&status=up", &page)
	if len(page.Items) != 1 || page.Items[0].Name != web.Name || len(page.Items[0].Instances) != 2 || page.Items[0].Instances[0].State != "Up" {
		w.Errorf("the page is %+v", page)
	}
	// Deck finds an application's firewalls by a search for its name.
	var found []struct{ Results []map[string]any }
	w.get("/search?q=shop&type=securityGroups&pageSize=500", &found)
	if len(found) != 1 || len(found[0].Results) != 1 || found[0].Results[0]["application"] != "shop" || found[0].Results[0]["id"] != "networkPolicy web" {
		w.Errorf("the search finds %+v", found)
	}
	var console struct{ Output []gennaker.ContainerOutput }
	w.get("/instances/prod"+at+web.Instances[0].ID+"/console", &console)
	if !slices.Equal(console.Output, []gennaker.ContainerOutput{{Name: "main", Output: "listening\n"}}) {
		w.Errorf("console %+v", console)
	}
	var account struct {
		Namespaces []string
		Kinds      map[string]string `json:"spinnakerKindMap"`
		State      gennaker.AccountState
	}
	w.get("/credentials/prod", &account)
	if !slices.Equal(account.Namespaces, []string{w.namespace}) || account.Kinds["replicaSet"] != "serverGroups" || !account.State.Connected {
		w.Errorf("account %+v", account)
	}
}

// commands asks as users do.
func (w *world) commands(web, cart gennaker.ServerGroup) {
	w.Helper()
	in := []string{"--account", "prod", "-n", w.namespace}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"server-group", "list", "-a", "shop"}, []string{web.Name, "web:1", "2/2", cart.Name, "0/2"}},
		{[]string{"server-group", "get", strings.TrimPrefix(web.Name, "replicaSet "), "-a", "shop"}, []string{web.Name, web.Instances[0].Name, "Up"}},
		{[]string{"server-group", "logs", web.Name, "-a", "shop", "--instance", web.Instances[0].Name}, []string{"listening"}},
		{[]string{"manifest", "list", "-a", "shop"}, []string{"deployment web", "service web", "networkPolicy web", cart.Name}},
		{append([]string{"manifest", "get", "deployment", "web"}, in...), []string{"stable", "web:1"}},
		{append([]string{"manifest", "get", "deployment", "web", "--raw"}, in...), []string{"kind: Deployment", "replicas: 2"}},
		{append([]string{"manifest", "get", "deployment", "cart"}, in...), []string{"not stable", "because: both pods: ", "exit code 3", "panic: no database", "hint: "}},
		{append([]string{"manifest", "events", "deployment", "cart"}, in...), []string{"BackOff", "restarting failed container"}},
		{append([]string{"manifest", "logs", "deployment", "cart"}, in...), []string{"panic: no database"}},
		{append([]string{"manifest", "logs", cart.Name}, in...), []string{"panic: no database"}},
	} {
		out, _ := w.command(c.args...)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				w.Errorf("gennaker %s does not say %q:\n%s", strings.Join(c.args, " "), want, out)
			}
		}
	}
	if _, warnings := w.command("server-group", "list", "-a", "shop"); !strings.Contains(warnings, "account dead") || strings.Contains(warnings, "account prod") {
		w.Errorf("the warnings are %q, want one of dead alone", warnings)
	}
}

// away looks while the cluster is away, and after it came back.
func (w *world) away(web gennaker.ServerGroup) {
	w.Helper()
	stale := func() string {
		var all []gennaker.ServerGroup
		values := w.get("/applications/shop/serverGroups", &all).Values("X-Gennaker-Stale")
		if len(all) != 2 {
			w.Fatalf("it shows %d server groups, want what was there", len(all))
		}
		i := slices.IndexFunc(values, func(v string) bool { return strings.HasPrefix(v, "prod=") })
		if i < 0 {
			return ""
		}
		if all[0].AsOf.IsZero() {
			w.Error("it does not say when that was so")
		}
		return values[i]
	}
	w.proxy.Down()
	w.eventually("it is said to be old", func() string {
		if stale() == "" {
			return "nothing is said"
		}
		return ""
	})
	out, warnings := w.command("server-group", "list", "-a", "shop")
	if !strings.Contains(out, web.Name) || !strings.Contains(warnings, "account prod does not answer; it is shown as it was at") {
		w.Errorf("the list is\n%s%s", out, warnings)
	}
	w.proxy.Up(w)
	w.eventually("it is there again", stale)
}
