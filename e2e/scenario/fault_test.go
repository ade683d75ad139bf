package scenario

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	admission "k8s.io/api/admission/v1"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/e2e/product"
)

// slowly is a version whose pods are ready after a while, so that there is time
// for something to happen.
const slowly = `{kubelab/ready-after: 2s}`

// switched demands that web-v001 has replaced web-v000, and that nothing else is
// there.
func (w *world) switched() {
	w.Helper()
	equal(w, "traffic", w.traffic("bluegreen"), "web-v001 100")
	equals(w, "versions", w.replicaSets(), "web-v000", "web-v001")
}

// TestRestart kills the API server while a version is deployed; what etcd knew of
// the past is gone when it is back.
func TestRestart(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t, lab.Nodes(1), lab.APIServer("--watch-cache=false"))
	w := &world{T: t, lab: l, account: name}
	w.place()
	w.server = product.Start(t, binary, account(l.Kubeconfig))
	w.server.Application(w.app)
	w.front("bluegreen")
	id := w.begin(w.deploy(behaving(`{kubelab/ready-after: 5s}`), w.managed("bluegreen")))
	w.waits(id, "deployManifest", "web-v001")
	l.Compact(t)
	l.Restart(t)
	w.succeeded(id)
	w.switched()
}

// TestStorms deploys while the API server refuses every second request, or
// forgets what it was watching.
func TestStorms(t *testing.T) {
	t.Parallel()
	half := func(e lab.Effect) lab.Effect {
		var n atomic.Int32
		return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
			if n.Add(1)%2 == 0 {
				forward.ServeHTTP(w, r)
				return
			}
			e(w, r, forward)
		}
	}
	for name, c := range map[string]struct {
		match lab.Request
		n     int
		e     lab.Effect
	}{
		"429":      {lab.Request{}, -1, half(lab.TooManyRequests(time.Second))},
		"500":      {lab.Request{}, -1, half(lab.Fail(http.StatusInternalServerError, meta.StatusReasonInternalError))},
		"dropped":  {lab.Request{}, -1, half(lab.Drop())},
		"expired":  {lab.Request{Verb: "watch"}, 20, lab.Expire()},
		"relisted": {lab.Request{Verb: "list"}, 20, lab.Expire()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p := alone(t)
			w.front("bluegreen")
			id := w.begin(w.deploy(behaving(slowly), w.managed("bluegreen")))
			w.waits(id, "deployManifest", "web-v001")
			p.Inject(c.match, c.n, c.e)
			p.CutWatches()
			w.succeeded(id)
			p.Heal()
			w.switched()
		})
	}
}

// TestLostAnswers loses the answer of each request that changes something, after
// the API server did it: nothing is done twice.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	w, p := alone(t)
	w.front("bluegreen")
	seen := w.witness()
	for _, verb := range []string{"create", "patch", "update", "delete"} {
		p.Inject(lab.Request{Verb: verb}, -1, once(lab.Lose()))
	}
	w.run(w.deploy(behaving(slowly), w.managed("bluegreen")), w.jobStage(), w.deploy(web), w.stage("rollingRestartManifest", `{manifestName: deployment web}`),
		w.stage("scaleManifest", `{manifestName: deployment web, replicas: 3}`))
	w.switchedOnce(seen)
}

// once lets the effect happen to the first request of each kind about each
// object, so that what is repeated succeeds.
func once(e lab.Effect) lab.Effect {
	seen := make(chan map[string]bool, 1)
	seen <- map[string]bool{}
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		key := r.Method + r.URL.Path
		all := <-seen
		first := !all[key]
		all[key] = true
		seen <- all
		if first {
			e(w, r, forward)
			return
		}
		forward.ServeHTTP(w, r)
	}
}

// TestFaults is what the cluster refuses, told in sentences.
func TestFaults(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.parallel(map[string]func(*world){
		"webhook":   webhook,
		"conflict":  conflict,
		"namespace": namespace,
		"quota":     quota,
	})
	t.Run("role", func(t *testing.T) {
		t.Parallel()
		limited(t)
	})
}

// webhook: an admission webhook refuses the new version.
func webhook(w *world) {
	w.front("bluegreen")
	review := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var in admission.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		in.Response = &admission.AdmissionResponse{UID: in.Request.UID, Result: &meta.Status{Message: "images must be signed"}}
		_ = json.NewEncoder(rw).Encode(in)
	}))
	w.Cleanup(review.Close)
	hook := admissionregistration.ValidatingWebhook{
		Name: "signed.example.com",
		ClientConfig: admissionregistration.WebhookClientConfig{
			URL: &review.URL, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: review.Certificate().Raw}),
		},
		Rules: []admissionregistration.RuleWithOperations{{
			Operations: []admissionregistration.OperationType{admissionregistration.Create},
			Rule:       admissionregistration.Rule{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"replicasets"}},
		}},
		NamespaceSelector:       &meta.LabelSelector{MatchLabels: map[string]string{core.LabelMetadataName: w.namespace}},
		SideEffects:             new(admissionregistration.SideEffectClassNone),
		AdmissionReviewVersions: []string{"v1"},
	}
	hooks := w.lab.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	made, err := hooks.Create(w.Context(), &admissionregistration.ValidatingWebhookConfiguration{
		ObjectMeta: meta.ObjectMeta{Name: w.namespace}, Webhooks: []admissionregistration.ValidatingWebhook{hook},
	}, meta.CreateOptions{})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = hooks.Delete(context.Background(), made.Name, meta.DeleteOptions{}) })
	lab.Eventually(w, "the API server knows the webhook", func(ctx context.Context) (bool, error) {
		set := w.replicaSet("web-v000")
		set.ObjectMeta = meta.ObjectMeta{Name: "probe", Namespace: w.namespace}
		_, err := w.lab.Client.AppsV1().ReplicaSets(w.namespace).Create(ctx, set, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
		return err != nil && strings.Contains(err.Error(), "images must be signed"), nil
	})
	w.says(w.fails(w.deploy(dark, w.managed("bluegreen"))), "the admission webhook signed.example.com denied it", "images must be signed")
	equal(w, "traffic", w.traffic("bluegreen"), "web-v000 100")
	equals(w, "versions", w.replicaSets(), "web-v000")
}

// conflict: another field manager holds what the manifest sets.
func conflict(w *world) {
	w.run(w.deploy(web))
	other := []byte(`{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 7}}`)
	_, err := w.lab.Client.AppsV1().Deployments(w.namespace).Patch(w.Context(), "web", types.ApplyPatchType, other,
		meta.PatchOptions{FieldManager: "tuner", Force: new(true)})
	if err != nil {
		w.Fatal(err)
	}
	w.says(w.fails(w.deploy(web)), "Deployment web", ".spec.replicas is owned by tuner", "strategy.spinnaker.io/server-side-apply: force-conflicts")
	equal(w, "replicas", *w.deployment("web").Spec.Replicas, 7)
	forced := strings.Replace(web, "metadata: {name: web, ", "metadata: {name: web, annotations: {strategy.spinnaker.io/server-side-apply: force-conflicts}, ", 1)
	w.run(w.deploy(forced))
	equal(w, "replicas that are taken", *w.deployment("web").Spec.Replicas, 2)
}

// namespace: it is deleted while something is deployed to it.
func namespace(w *world) {
	w.front("bluegreen")
	id := w.begin(w.deploy(behaving(misfortunes["never ready"].behaviour), w.managed("bluegreen")))
	w.waits(id, "deployManifest", "web-v001")
	if err := w.lab.Client.CoreV1().Namespaces().Delete(w.Context(), w.namespace, meta.DeleteOptions{}); err != nil {
		w.Fatal(err)
	}
	w.says(w.failed(id), "web-v001", "$N")
	lab.Eventually(w, "the namespace is gone", func(ctx context.Context) (bool, error) {
		_, err := w.lab.Client.CoreV1().Namespaces().Get(ctx, w.namespace, meta.GetOptions{})
		return err != nil, nil
	})
	w.says(w.fails(w.deploy(dark)), "there is no namespace $N", "kubectl create namespace $N")
}

// quota: the namespace takes no more versions.
func quota(w *world) {
	w.front("bluegreen")
	_, err := w.lab.Client.CoreV1().ResourceQuotas(w.namespace).Create(w.Context(), &core.ResourceQuota{
		ObjectMeta: meta.ObjectMeta{Name: "versions"},
		Spec:       core.ResourceQuotaSpec{Hard: core.ResourceList{"count/replicasets.apps": resource.MustParse("1")}},
	}, meta.CreateOptions{})
	if err != nil {
		w.Fatal(err)
	}
	lab.Eventually(w, "the quota counts", func(ctx context.Context) (bool, error) {
		q, err := w.lab.Client.CoreV1().ResourceQuotas(w.namespace).Get(ctx, "versions", meta.GetOptions{})
		return err == nil && len(q.Status.Used) > 0, err
	})
	w.says(w.fails(w.deploy(dark, w.managed("bluegreen"))), "the quota versions is exceeded", "count/replicasets.apps=1")
	equal(w, "traffic", w.traffic("bluegreen"), "web-v000 100")
}

// limited: an account that may read everything and write nothing but config maps
// says which verb is missing.
func limited(t *testing.T) {
	t.Helper()
	l := lab.Cluster(t)
	w := &world{T: t, lab: l, account: name}
	w.place()
	kubeconfig := l.ServiceAccount(t, w.namespace,
		rbac.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}},
		rbac.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"create", "patch"}})
	w.server = product.Start(t, binary, within(account(kubeconfig), w.namespace))
	w.server.Application(w.app)
	w.run(w.deploy("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"))
	f := w.fails(w.deploy(dark))
	w.says(f, "the account may not create replicasets.apps in namespace $N", "--verb=create --resource=replicasets.apps")
	w.says(w.fails(w.stage("deleteManifest", `{manifestName: configMap settings-v000}`)), "the account may not delete configmaps in namespace $N")
	d, err := w.server.CheckAccount(t.Context(), name, nil)
	if err != nil || d.OK || !slices.ContainsFunc(d.Problems, func(p problem) bool { return p.Kind == "forbidden" && len(p.Missing) > 0 }) {
		t.Errorf("the account's diagnosis is %+v, %v", d, err)
	}
}
