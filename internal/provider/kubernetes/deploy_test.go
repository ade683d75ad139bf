package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbac "k8s.io/api/rbac/v1"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func names(list []gennaker.Manifest) []string {
	var out []string
	for _, m := range list {
		out = append(out, manifest.Ref("", m).ManifestName())
	}
	return out
}

// TestDeploy has later objects name earlier ones, which get versions.
func TestDeploy(t *testing.T) {
	s := open(t)
	d := s.deployment("")
	d.Manifests = s.parse(strings.Replace(deploymentText, `image: "example.com/api:1"`, `image: "example.com/api:1", envFrom: [{configMapRef: {name: settings}}]`, 1) + `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---` + service)
	d.Required = []gennaker.Artifact{{Type: "docker/image", Name: "example.com/api", Reference: "example.com/api:2"}}
	s.proxy.Reset()
	out, err := s.Deploy(t.Context(), s.key(), d)
	s.must(err)
	if diff := cmp.Diff([]string{"configMap settings-v000", "service web", "deployment api"}, names(out.Manifests)); diff != "" {
		t.Errorf("deployed (-want +got):\n%s", diff)
	}
	if n := s.count("create", "") + s.count("patch", "") + s.count("update", ""); n != 3 {
		t.Errorf("%d changing requests for three objects", n)
	}
	v := s.until("deployment api", stable)
	containers, _ := field(v.Manifest, "spec", "template", "spec", "containers").([]any)
	container, _ := containers[0].(map[string]any)
	if container["image"] != "example.com/api:2" {
		t.Errorf("image %v", container["image"])
	}
	var refs []string
	for _, a := range out.Bound {
		refs = append(refs, a.Reference)
	}
	slices.Sort(refs)
	if diff := cmp.Diff([]string{"example.com/api:2", "settings-v000"}, refs); diff != "" {
		t.Errorf("bound (-want +got):\n%s", diff)
	}
	if v.Moniker.App != "shop" || v.Moniker.Cluster != "deployment api" {
		t.Errorf("moniker %+v", v.Moniker)
	}

	// The same again makes no new version of the config map; another content does.
	again, err := s.Deploy(t.Context(), s.key(), d)
	s.must(err)
	if got := names(again.Manifests)[0]; got != "configMap settings-v000" {
		t.Errorf("an unchanged config map became %s", got)
	}
	set, _ := d.Manifests[1]["data"].(map[string]any)
	set["color"] = "green"
	changed, err := s.Deploy(t.Context(), s.key(), d)
	s.must(err)
	if got := names(changed.Manifests)[0]; got != "configMap settings-v001" {
		t.Errorf("a changed config map became %s", got)
	}
}

// TestDeployOnce loses the answer to each changing request in turn, and deploys
// again under the same key: nothing is made twice.
func TestDeployOnce(t *testing.T) {
	s := open(t)
	const job = `
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {strategy.spinnaker.io/recreate: "true"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: "example.com/m:1"}]}}}
`
	text := fmt.Sprintf(replicaSet, 1) + "---" + job + `---
apiVersion: v1
kind: ConfigMap
metadata: {generateName: note-}
---` + deploymentText
	s.deploy(job) // to be deleted and made again
	before, _ := field(s.view("job migrate").Manifest, "metadata", "uid").(string)
	for _, lost := range []lab.Request{
		{Verb: "create", Resource: "replicasets"}, {Verb: "create", Resource: "jobs"}, {Verb: "delete", Resource: "jobs"},
		{Verb: "create", Resource: "configmaps"}, {Verb: "patch", Resource: "deployments"},
	} {
		lost.Namespace = s.space
		s.proxy.Inject(lost, 1, lab.Lose())
	}
	key, d := s.key(), s.deployment(text)
	s.proxy.Reset()
	var out provider.Deployed
	failures := 0
	lab.Eventually(t, "deployed", func(ctx context.Context) (bool, error) {
		var err error
		out, err = s.Deploy(ctx, key, d)
		if err != nil {
			s.refused(err, gennaker.Unavailable)
			failures++
		}
		return err == nil, nil
	})
	if failures == 0 {
		t.Error("no answer was lost")
	}
	if got := names(out.Manifests); len(got) != 4 || !slices.Contains(got, "replicaSet web-v000") || !slices.Contains(got, "job migrate") {
		t.Errorf("deployed %v", got)
	}
	for kind, want := range map[string]int{"ReplicaSet": 2, "ConfigMap": 1, "Job": 1} { // one ReplicaSet is the Deployment's
		lab.Eventually(t, kind, func(ctx context.Context) (bool, error) {
			all, err := s.FindManifests(ctx, provider.ManifestQuery{Location: s.space, Kinds: []string{kind}})
			all = slices.DeleteFunc(all, func(m gennaker.Manifest) bool { return manifest.Name(m) == "kube-root-ca.crt" })
			if len(all) > want {
				t.Fatalf("%v, want %d", names(all), want)
			}
			return len(all) == want, err
		})
	}
	after, _ := field(s.view("job migrate").Manifest, "metadata", "uid").(string)
	if after == before {
		t.Error("the job was not made again")
	}
	s.proxy.Reset()
	if _, err := s.Deploy(t.Context(), key, d); err != nil {
		t.Fatal(err)
	}
	// The name that is made up is that of the key: to make it again is refused.
	if n := s.count("create", "") + s.count("patch", "") + s.count("update", "") + s.count("delete", "") - s.count("create", "configmaps"); n != 0 {
		t.Errorf("done again under its key it made %d changing requests", n)
	}
	// Another operation on the Deployment does not make it forget.
	s.must(s.Rollout(t.Context(), s.key(), s.ref("deployment api"), provider.Rollout{Scale: new(3)}))
	if _, err := s.Deploy(t.Context(), key, d); err != nil {
		t.Fatal(err)
	}
	if n := field(s.view("deployment api").Manifest, "spec", "replicas"); n != int64(3) {
		t.Errorf("a deployment done long ago set %v replicas", n)
	}
}

// TestRace deploys different versions of one name at the same time.
func TestRace(t *testing.T) {
	s := open(t)
	const n = 6
	got := make([]string, n)
	var all sync.WaitGroup
	for i := range n {
		d := s.deployment(fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {number: "%d"}
`, i))
		key := s.key()
		all.Go(func() {
			out, err := s.Deploy(t.Context(), key, d)
			if err != nil {
				t.Errorf("%d: %v", i, err)
				return
			}
			data, _ := out.Manifests[0]["data"].(map[string]any)
			got[i] = fmt.Sprint(manifest.Name(out.Manifests[0]), " ", data["number"] == fmt.Sprint(i))
		})
	}
	all.Wait()
	slices.Sort(got)
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("settings-v%03d true", i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

func TestObsolete(t *testing.T) {
	s := open(t)
	var out provider.Deployed
	for range 5 {
		out = s.deploy(fmt.Sprintf(replicaSet, 0))
	}
	var got []string
	for _, r := range out.Obsolete {
		got = append(got, r.ManifestName())
	}
	if diff := cmp.Diff([]string{"replicaSet web-v000", "replicaSet web-v001"}, got); diff != "" {
		t.Errorf("obsolete (-want +got):\n%s", diff)
	}
}

// TestNothingBeforeAllIsChecked has the last of several be wrong.
func TestNothingBeforeAllIsChecked(t *testing.T) {
	s := open(t)
	const fine = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fine}\n---\n"
	for name, tt := range map[string]struct {
		text  string
		kind  gennaker.Kind
		words []string
	}{
		"unknown kind":  {"apiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: x}", gennaker.Invalid, []string{"manifests[1]", "the nearest is Deployment"}},
		"other version": {"apiVersion: apps/v7\nkind: Deployment\nmetadata: {name: x}", gennaker.Invalid, []string{"manifests[1]", "apps/v1"}},
		"no name":       {"apiVersion: v1\nkind: Service\nmetadata: {}", gennaker.Invalid, []string{"manifests[1].metadata.name"}},
		"no kind":       {"apiVersion: v1\nmetadata: {name: x}", gennaker.Invalid, []string{"manifests[1].kind"}},
		"twice":         {fine, gennaker.Invalid, []string{"manifests[1]", "manifests[0]"}},
		"long name":     {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + strings.Repeat("x", 250) + "}", gennaker.Invalid, []string{"manifests[1]", "-v000"}},
		"no Service":    {fmt.Sprintf(replicaSet, 1) + "  # behind nothing", gennaker.Invalid, []string{"manifests[1]", "no Service web"}},
	} {
		d := s.deployment(fine + tt.text)
		if name == "no Service" {
			d.Services = []string{"service web"}
		}
		_, err := s.Deploy(t.Context(), s.key(), d)
		s.refused(err, tt.kind, tt.words...)
	}
	d := s.deployment(fine)
	d.Required = []gennaker.Artifact{{Type: "docker/image", Name: "example.com/x", Reference: "example.com/x:1"}}
	_, err := s.Deploy(t.Context(), s.key(), d)
	s.refused(err, gennaker.Invalid, "example.com/x")
	d = s.deployment(fine)
	d.Namespace = "kube-system"
	_, err = s.Deploy(t.Context(), s.key(), d)
	s.refused(err, gennaker.Denied, "kube-system", s.space)
	if n := s.count("create", "") + s.count("patch", "") + s.proxy.Count(lab.Request{Verb: "create", Namespace: "kube-system"}); n != 0 {
		t.Errorf("%d changing requests were made", n)
	}
}

// TestManagers applies what others have applied before.
func TestManagers(t *testing.T) {
	s := open(t)
	client := s.lab.Client.AppsV1().Deployments(s.space)
	d := s.deployment(deploymentText)
	applied := `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api","labels":{"old":"yes"}},"spec":{"replicas":5,"selector":{"matchLabels":{"app":"api"}},"template":{"metadata":{"labels":{"app":"api"}},"spec":{"containers":[{"name":"main","image":"example.com/api:0"}]}}}}`
	if _, err := client.Patch(t.Context(), "api", types.ApplyPatchType, []byte(applied), v1.PatchOptions{FieldManager: "seed"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Deploy(t.Context(), s.key(), d)
	s.refused(err, gennaker.Conflict, "manifests[0]", ".spec.replicas is owned by seed", "force-conflicts")

	forced := s.deployment(strings.Replace(deploymentText, "{name: api}", "{name: api, annotations: {strategy.spinnaker.io/server-side-apply: force-conflicts}}", 1))
	_, err = s.Deploy(t.Context(), s.key(), forced)
	s.must(err)
	if n := field(s.view("deployment api").Manifest, "spec", "replicas"); n != int64(2) {
		t.Errorf("after force-conflicts there are %v replicas", n)
	}

	// kubectl apply, as Spinnaker calls it, owns fields as an update; what is no
	// longer in the manifest goes, as it would have with kubectl.
	s.must(client.Delete(t.Context(), "api", v1.DeleteOptions{}))
	s.untilGone("deployment api")
	was := s.parse(strings.Replace(deploymentText, "{name: api}", "{name: api, labels: {old: \"yes\"}}", 1))[0]
	body, err := json.Marshal(was)
	s.must(err)
	if err := s.lab.Client.AppsV1().RESTClient().Post().Namespace(s.space).Resource("deployments").
		Param("fieldManager", "kubectl-client-side-apply").SetHeader("Content-Type", "application/json").Body(body).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Patch(t.Context(), "api", types.MergePatchType, []byte(`{"spec":{"replicas":7}}`), v1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Deploy(t.Context(), s.key(), d)
	s.must(err)
	v := s.view("deployment api")
	if n := field(v.Manifest, "spec", "replicas"); n != int64(2) {
		t.Errorf("after kubectl there are %v replicas", n)
	}
	if _, there := manifest.Labels(v.Manifest)["old"]; there {
		t.Error("a label that is no longer in the manifest stayed")
	}
}

func TestAdmission(t *testing.T) {
	s := open(t)
	hook := s.denySecrets("the image may not be :latest hunter2222")
	_, err := s.Deploy(t.Context(), s.key(), s.deployment(`
apiVersion: v1
kind: Secret
metadata: {name: pass}
stringData: {word: hunter2222}
`))
	s.refused(err, gennaker.Denied, hook, "the image may not be :latest", "pass")
	if strings.Contains(fmt.Sprint(err, gennaker.HintOf(err)), "hunter2222") {
		t.Errorf("the error shows the secret: %v", err)
	}
}

func TestQuota(t *testing.T) {
	s := open(t)
	s.deploy("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {count/services: \"1\"}}")
	lab.Eventually(t, "the quota is known", func(context.Context) (bool, error) {
		return field(s.view("resourceQuota small").Manifest, "status", "hard") != nil, nil
	})
	s.deploy(service)
	out, err := s.Deploy(t.Context(), s.key(), s.deployment("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---"+strings.Replace(service, "{name: web}", "{name: other}", 1)))
	s.refused(err, gennaker.Denied, "quota small", "raise the quota")
	if got := names(out.Manifests); len(got) != 1 || got[0] != "configMap c-v000" {
		t.Errorf("what was done half way is %v", got)
	}
}

func TestNamespaceGoes(t *testing.T) {
	s := open(t)
	s.deploy(service)
	s.must(s.lab.Client.CoreV1().Namespaces().Delete(t.Context(), s.space, v1.DeleteOptions{}))
	lab.Eventually(t, "refused", func(ctx context.Context) (bool, error) {
		_, err := s.Deploy(ctx, s.key(), s.deployment("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}"))
		switch gennaker.KindOf(err) {
		case gennaker.Conflict:
			s.refused(err, gennaker.Conflict, "is being deleted")
			return true, nil
		case gennaker.NotFound:
			s.refused(err, gennaker.NotFound, "there is no namespace "+s.space)
			return true, nil
		}
		return false, err
	})
}

func TestStorm(t *testing.T) {
	s := open(t)
	s.proxy.Inject(lab.Request{Verb: "patch"}, 3, lab.Fail(500, v1.StatusReasonInternalError))
	s.proxy.Inject(lab.Request{Verb: "get"}, 3, lab.Fail(503, v1.StatusReasonServiceUnavailable))
	s.proxy.Inject(lab.Request{Verb: "create"}, 3, lab.TooManyRequests(0))
	s.proxy.Inject(lab.Request{Verb: "patch"}, 2, lab.Drop())
	s.deploy(deploymentText + "---" + fmt.Sprintf(replicaSet, 1))
	s.until("deployment api", stable)
	s.until("replicaSet web-v000", stable)
}

func TestRBAC(t *testing.T) {
	s := open(t)
	reader := s.lab.ServiceAccount(t, s.space, rbac.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}})
	p := s.provider(reader)
	_, err := p.Deploy(t.Context(), s.key(), s.deployment(deploymentText))
	s.refused(err, gennaker.Denied, "the account may not patch deployments.apps in namespace "+s.space, "kubectl create role")
}

// TestCustom deploys a definition and an object of it at once, and looks for it
// after the definition has gone.
func TestCustom(t *testing.T) {
	s := open(t)
	group := s.space + ".example.com"
	crd := fmt.Sprintf(gadgets+`---
apiVersion: %[1]s/v1
kind: Gadget
metadata: {name: one}
spec: {size: 1}
`, group)
	out := s.deploy(crd)
	if got := names(out.Manifests); len(got) != 2 {
		t.Fatalf("deployed %v", got)
	}
	name := "Gadget." + group + " one"
	s.must(s.Rollout(t.Context(), s.key(), s.ref(name), provider.Rollout{Scale: new(4)}))
	if n := field(s.view(name).Manifest, "spec", "size"); n != int64(4) {
		t.Errorf("scaled to %v", n)
	}
	s.must(s.DeleteManifest(t.Context(), s.key(), s.ref("CustomResourceDefinition gadgets."+group), provider.ManifestDelete{}))
	lab.Eventually(t, "the kind is gone", func(ctx context.Context) (bool, error) {
		_, err := s.Manifest(ctx, s.ref(name))
		kind := gennaker.KindOf(err)
		return err != nil && (kind == gennaker.Invalid || kind == gennaker.NotFound), nil
	})
}

// TestCustomResources deploys objects of a kind of which the account says when
// it is deployed, and that it has versions.
func TestCustomResources(t *testing.T) {
	s := open(t)
	group := s.space + ".example.com"
	s.deploy(fmt.Sprintf(gadgets, group))
	p := s.provider(s.proxy.Kubeconfig, manifest.Kind{Name: "gadget", Group: group, Class: manifest.Configs, Priority: 60, Versioned: true})
	s.run(p)
	text := fmt.Sprintf("apiVersion: %s/v1\nkind: Gadget\nmetadata: {name: one, annotations: {strategy.spinnaker.io/max-version-history: '1'}}\nspec: {size: %%d}\n---%s---%s",
		group, service, "\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n")
	gadget := "gadget." + group + " one-v"
	deploy := func(size int, want, obsolete []string) {
		t.Helper()
		key, d := s.key(), s.deployment(fmt.Sprintf(text, size))
		s.proxy.Inject(lab.Request{Verb: "create", Resource: "gadgets", Namespace: s.space}, 1, lab.Lose())
		out, err := p.Deploy(t.Context(), key, d)
		if err != nil { // the answer was lost
			s.refused(err, gennaker.Unavailable)
			out, err = p.Deploy(t.Context(), key, d)
		}
		s.must(err)
		s.proxy.Reset()
		if diff := cmp.Diff(want, names(out.Manifests)); diff != "" {
			t.Errorf("deployed (-want +got):\n%s", diff)
		}
		var old []string
		for _, ref := range out.Obsolete {
			old = append(old, ref.ManifestName())
		}
		if diff := cmp.Diff(obsolete, old); diff != "" {
			t.Errorf("obsolete (-want +got):\n%s", diff)
		}
		artifact := out.Created[1]
		if artifact.Type != "kubernetes/Gadget."+group || artifact.Name != "one" || !strings.HasSuffix(want[1], " "+artifact.Reference) {
			t.Errorf("artifact %+v", artifact)
		}
	}
	deploy(1, []string{"configMap settings-v000", gadget + "000", "service web"}, nil)
	deploy(1, []string{"configMap settings-v000", gadget + "000", "service web"}, nil)
	deploy(2, []string{"configMap settings-v000", gadget + "001", "service web"}, []string{gadget + "000"})

	lab.Eventually(t, "the kind is watched, and is shown as the account says", func(ctx context.Context) (bool, error) {
		kinds, err := p.Inventory().Kinds(ctx)
		return kinds["Gadget."+group] == "configs", err
	})
	out := s.deploy(fmt.Sprintf(text, 3)) // of an account that says nothing
	if got := names(out.Manifests); got[2] != "gadget."+group+" one" {
		t.Errorf("deployed %v", got)
	}
}

func TestReplaceAndCapacity(t *testing.T) {
	s := open(t)
	s.deploy(deploymentText)
	s.must(s.Rollout(t.Context(), s.key(), s.ref("deployment api"), provider.Rollout{Scale: new(3)}))
	s.deploy(strings.Replace(deploymentText, "{name: api}", `{name: api, annotations: {strategy.spinnaker.io/use-source-capacity: "true"}}`, 1))
	if n := field(s.view("deployment api").Manifest, "spec", "replicas"); n != int64(3) {
		t.Errorf("with use-source-capacity there are %v replicas", n)
	}
	s.until("deployment api", stable) // nobody else changes it from now on
	replaced := strings.Replace(deploymentText, "{name: api}", `{name: api, annotations: {strategy.spinnaker.io/replace: "true"}}`, 1)
	key, d := s.key(), s.deployment(replaced)
	s.proxy.Inject(lab.Request{Verb: "update", Resource: "deployments"}, 1, lab.Lose())
	_, err := s.Deploy(t.Context(), key, d)
	s.refused(err, gennaker.Unavailable)
	s.proxy.Reset()
	_, err = s.Deploy(t.Context(), key, d)
	s.must(err)
	if n := s.count("update", "deployments"); n != 0 {
		t.Errorf("replaced %d times more", n)
	}
	if n := field(s.view("deployment api").Manifest, "spec", "replicas"); n != int64(2) {
		t.Errorf("replaced there are %v replicas", n)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	s := open(t)
	const text = "apiVersion: v1\nkind: Secret\nmetadata: {name: pass, annotations: {strategy.spinnaker.io/versioned: \"false\"}}\nstringData: {word: hunter2222}\n"
	out := s.deploy(text)
	found, err := s.FindManifests(t.Context(), provider.ManifestQuery{Location: s.space, Kinds: []string{"secret"}})
	s.must(err)
	patched, err := s.PatchManifest(t.Context(), s.key(), s.ref("secret pass"), provider.ManifestPatch{Strategy: "merge", Body: []byte(`{"stringData":{"other":"hunter3333"}}`)})
	s.must(err)
	all := fmt.Sprint(out, found, patched, s.view("secret pass"))
	for _, secret := range []string{"hunter2222", "hunter3333", "aHVudGVyMjIyMg", "aHVudGVyMzMzMw"} {
		if strings.Contains(all, secret) {
			t.Errorf("an answer holds %s", secret)
		}
	}
	if !strings.Contains(all, "****") {
		t.Error("nothing was masked")
	}
}
