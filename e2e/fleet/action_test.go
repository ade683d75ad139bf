package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker"
)

// object is open JSON.
type object = map[string]any

// TestActions sends what Deck sends when its users act on what it shows, each
// body as Deck's Kubernetes package builds it.
func TestActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.eventually("the cluster is known", func() string {
		if len(w.groups()) == 0 {
			return "it shows nothing"
		}
		return ""
	})
	for name, act := range map[string]func(*world){
		"scale": (*world).scale, "restart": (*world).restart, "undo": (*world).undo, "pause and resume": (*world).pause,
		"disable and enable": (*world).disable, "edit": (*world).edit, "patch": (*world).patch, "delete": (*world).remove, "orphan": (*world).orphan,
		"job": (*world).job,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			act(&world{T: t, lab: w.lab, proxy: w.proxy, server: w.server.On(t), namespace: w.namespace})
		})
	}
}

// about returns the job of an action on an object, as Deck begins it.
func (w *world) about(kind, manifest string, more object) object {
	out := object{
		"type": kind, "manifestName": manifest, "location": w.namespace, "account": "prod", "reason": nil, "cloudProvider": "kubernetes",
		"user": "[anonymous]",
	}
	maps.Copy(out, more)
	return out
}

// task runs a job as Deck does, which must succeed, and returns its stages.
func (w *world) task(description string, job object) []gennaker.Stage {
	w.Helper()
	body, err := json.Marshal(object{"application": "shop", "description": description, "job": []any{job}})
	if err != nil {
		w.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.server.URL()+"/tasks", bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := w.http().Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	var made struct{ Ref, Message string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || res.StatusCode != http.StatusOK {
		w.Fatalf("%s: %s %s: %v", description, res.Status, made.Message, err)
	}
	for task, err := range w.server.WatchTask(w.Context(), path.Base(made.Ref)) {
		if err != nil {
			w.Fatal(err)
		}
		if !task.Status.Complete() {
			continue
		}
		if task.Status != gennaker.Succeeded {
			text, _ := json.Marshal(task.Execution.Stages)
			w.Fatalf("%s: %s: %s", description, task.Status, text)
		}
		return task.Execution.Stages
	}
	return nil
}

// read returns a Deployment.
func (w *world) read(name string) *apps.Deployment {
	w.Helper()
	d, err := w.lab.Client.AppsV1().Deployments(w.namespace).Get(w.Context(), name, meta.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// shown waits until what a path of the API answers is as it should be.
func (w *world) shown(what, path string, into any, so func() bool) {
	w.Helper()
	w.eventually(what, func() string {
		w.get(path, into)
		if so() {
			return ""
		}
		return fmt.Sprintf("%+v", into)
	})
}

func (w *world) scale() {
	w.deployment("scaled", nil)
	w.task("Scale manifest", w.about("scaleManifest", "deployment scaled", object{"replicas": 3}))
	if n := *w.read("scaled").Spec.Replicas; n != 3 {
		w.Errorf("it has %d replicas", n)
	}
}

// restart: Deck gives no reason then.
func (w *world) restart() {
	w.deployment("restarted", nil)
	job := w.about("rollingRestartManifest", "deployment restarted", nil)
	delete(job, "reason")
	w.task("Rolling restart of manifest", job)
	if w.read("restarted").Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] == "" {
		w.Error("its pods are not made anew")
	}
}

// undo goes back to the revision that Deck offers: the number of an older server
// group of the manager.
func (w *world) undo() {
	w.deployment("undone", nil)
	change := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"undone:2"}]}}}}`)
	_, err := w.lab.Client.AppsV1().Deployments(w.namespace).Patch(w.Context(), "undone", types.StrategicMergePatchType, change, meta.PatchOptions{})
	if err != nil {
		w.Fatal(err)
	}
	var revision int
	var managers []gennaker.ServerGroupManager
	w.shown("both revisions show", "/applications/shop/serverGroupManagers", &managers, func() bool {
		for _, m := range managers {
			if m.Name != "deployment undone" || len(m.ServerGroups) != 2 {
				continue
			}
			first, last := m.ServerGroups[1].Moniker.Sequence, m.ServerGroups[0].Moniker.Sequence
			if first != nil && last != nil && *first != *last {
				revision = min(*first, *last)
				return true
			}
		}
		return false
	})
	w.task("Undo rollout of manifest", w.about("undoRolloutManifest", "deployment undone", object{"revision": revision}))
	if image := w.read("undone").Spec.Template.Spec.Containers[0].Image; image != "undone:1" {
		w.Errorf("it runs %s", image)
	}
}

func (w *world) pause() {
	w.deployment("paused", nil)
	w.task("Pause rollout of manifest", w.about("pauseRolloutManifest", "deployment paused", nil))
	if !w.read("paused").Spec.Paused {
		w.Error("it is not paused")
	}
	w.task("Resume rollout of manifest", w.about("resumeRolloutManifest", "deployment paused", nil))
	if w.read("paused").Spec.Paused {
		w.Error("it is still paused")
	}
}

// disable takes a ReplicaSet from behind its Service, and puts it back. Deck
// offers either by its load balancers and whether it is disabled.
func (w *world) disable() {
	labels := map[string]string{"app": "front", "version": "v000"}
	m := w.meta("front-v000")
	m.Annotations["traffic.spinnaker.io/load-balancers"], m.Labels = `["service front"]`, labels
	pods := core.PodTemplateSpec{
		ObjectMeta: meta.ObjectMeta{Labels: map[string]string{"app": "front", "version": "v000", "lb": "front"}},
		Spec:       core.PodSpec{Containers: []core.Container{{Name: "main", Image: "front:1"}}},
	}
	_, err := w.lab.Client.CoreV1().Services(w.namespace).Create(w.Context(), &core.Service{
		ObjectMeta: w.meta("front"), Spec: core.ServiceSpec{Selector: map[string]string{"lb": "front"}, Ports: []core.ServicePort{{Port: 80}}},
	}, meta.CreateOptions{})
	if err == nil {
		_, err = w.lab.Client.AppsV1().ReplicaSets(w.namespace).Create(w.Context(), &apps.ReplicaSet{
			ObjectMeta: m, Spec: apps.ReplicaSetSpec{Replicas: new(int32(1)), Selector: &meta.LabelSelector{MatchLabels: labels}, Template: pods},
		}, meta.CreateOptions{})
	}
	if err != nil {
		w.Fatal(err)
	}
	var all []gennaker.ServerGroup
	w.shown("it serves", "/applications/shop/serverGroups", &all, func() bool {
		return slices.ContainsFunc(all, func(g gennaker.ServerGroup) bool {
			return g.Name == "replicaSet front-v000" && g.InstanceCounts.Up == 1 && !g.Disabled
		})
	})
	var group struct {
		Disabled, IsDisabled bool
		LoadBalancers        []string
	}
	at := "/applications/shop/serverGroups/prod/" + w.namespace + "/replicaSet%20front-v000?includeDetails=false"
	w.task("Disable Manifest: replicaSet front-v000", w.about("disableManifest", "replicaSet front-v000", nil))
	w.get(at, &group)
	if !group.Disabled || !group.IsDisabled || len(group.LoadBalancers) != 1 {
		w.Errorf("disabled, it is %+v", group)
	}
	w.task("Enable Manifest: replicaSet front-v000", w.about("enableManifest", "replicaSet front-v000", nil))
	w.get(at, &group)
	if group.Disabled || len(group.LoadBalancers) != 1 {
		w.Errorf("enabled, it is %+v", group)
	}
}

// deploy sends what Deck's form for manifests does.
func (w *world) deploy(manifest, moniker object) {
	w.Helper()
	w.task("Deploy manifest", object{
		"type": "deployManifest", "cloudProvider": "kubernetes", "manifest": nil, "manifests": []any{manifest},
		"relationships": object{"loadBalancers": []any{}, "securityGroups": []any{}}, "moniker": moniker, "account": "prod", "versioned": nil,
		"manifestArtifactAccount": "embedded-artifact", "source": "text", "user": "[anonymous]",
	})
}

// edit deploys what GET /manifests shows, changed: Deck sends all of it, the
// status and what the cluster wrote into its metadata too.
func (w *world) edit() {
	labels := object{"app": "edited"}
	w.deploy(object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": "edited", "namespace": w.namespace},
		"spec": object{
			"replicas": 2, "selector": object{"matchLabels": labels},
			"template": object{"metadata": object{"labels": labels}, "spec": object{"containers": []any{object{"name": "main", "image": "edited:1"}}}},
		},
	}, object{"app": "shop"})
	var view struct {
		Manifest object
		Moniker  object
	}
	w.get("/manifests/prod/"+w.namespace+"/deployment%20edited", &view)
	view.Manifest["spec"].(object)["template"].(object)["spec"].(object)["containers"].([]any)[0].(object)["image"] = "edited:2"
	w.deploy(view.Manifest, view.Moniker)
	if image := w.read("edited").Spec.Template.Spec.Containers[0].Image; image != "edited:2" {
		w.Errorf("it runs %s", image)
	}
}

func (w *world) patch() {
	w.deployment("patched", nil)
	job := w.about("patchManifest", "deployment patched", object{
		"mode": "static", "source": "text", "options": object{"mergeStrategy": "strategic", "record": true},
		"patchBody": []any{object{"metadata": object{"labels": object{"patched": "yes"}}}}, "app": "shop", "kind": "deployment",
	})
	w.task("Patch manifest", job)
	if w.read("patched").Labels["patched"] != "yes" {
		w.Error("it has no label")
	}
}

func (w *world) remove() {
	w.deployment("removed", nil)
	w.task("Delete manifest", w.about("deleteManifest", "deployment removed", object{"options": object{"orphanDependants": false, "gracePeriodSeconds": 0}}))
	_, err := w.lab.Client.AppsV1().Deployments(w.namespace).Get(w.Context(), "removed", meta.GetOptions{})
	if !apierrors.IsNotFound(err) {
		w.Errorf("it is there: %v", err)
	}
}

// orphan: what a Deployment made stays when Deck's user asks for that, which it
// spells in its own way.
func (w *world) orphan() {
	w.deployment("orphaned", nil)
	owned := func(ctx context.Context) int {
		all, err := w.lab.Client.AppsV1().ReplicaSets(w.namespace).List(ctx, meta.ListOptions{LabelSelector: "app=orphaned"})
		if err != nil {
			w.Fatal(err)
		}
		return len(all.Items)
	}
	w.eventually("it has a ReplicaSet", func() string {
		if owned(w.Context()) == 1 {
			return ""
		}
		return "none"
	})
	w.task("Delete manifest", w.about("deleteManifest", "deployment orphaned", object{"options": object{"orphanDependants": true}}))
	if n := owned(w.Context()); n != 1 {
		w.Errorf("%d ReplicaSets are left, want 1", n)
	}
}

// job runs a Job, and looks for what it wrote as Deck does: at its newest pod,
// which the state of the job names.
func (w *world) job() {
	stages := w.task("Run job", object{
		"type": "runJobManifest", "account": "prod", "credentials": "prod", "cloudProvider": "kubernetes", "application": "shop", "source": "text",
		"user": "[anonymous]", "manifest": object{
			"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"name": "migrate", "namespace": w.namespace},
			"spec": object{"backoffLimit": 0, "template": object{
				"metadata": object{"annotations": object{"kubelab/run-for": "50ms", "kubelab/log": "migrated"}},
				"spec":     object{"restartPolicy": "Never", "containers": []any{object{"name": "main", "image": "migrate:1"}}},
			}},
		},
	})
	status, _ := stages[0].Context["jobStatus"].(object)
	pod, _ := status["mostRecentPodName"].(string)
	name, _ := status["name"].(string)
	if pods, _ := status["pods"].([]any); pod == "" || len(pods) != 1 {
		w.Fatalf("the state of the job names no pod: %v", status)
	}
	var job struct {
		JobState, MostRecentPodName string
		Pods                        []struct{ Name string }
	}
	w.get("/applications/shop/jobs/prod/"+w.namespace+"/job%20"+name, &job)
	if job.JobState != "Succeeded" || job.MostRecentPodName != pod || len(job.Pods) != 1 {
		w.Errorf("the job is %+v", job)
	}
	var console struct{ Output []gennaker.ContainerOutput }
	w.get("/instances/prod/"+w.namespace+"/pod%20"+pod+"/console?provider=kubernetes", &console)
	if !slices.Equal(console.Output, []gennaker.ContainerOutput{{Name: "main", Output: "migrated\n"}}) {
		w.Errorf("console %+v", console)
	}
}
