package kubernetes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"

	admission "k8s.io/api/admission/v1"
	registration "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker/e2e/lab"
)

// review is what a webhook of a test answers.
type review func(*admission.AdmissionRequest) *admission.AdmissionResponse

// serveReviews serves a webhook that the cluster can ask; it returns how.
func (s *scene) serveReviews(answer review) registration.WebhookClientConfig {
	s.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked admission.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		asked.Response = answer(asked.Request)
		asked.Response.UID = asked.Request.UID
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(asked)
	}))
	s.Cleanup(server.Close)
	url := server.URL + "/review"
	return registration.WebhookClientConfig{URL: &url, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}
}

// inSpace selects the namespace of the scene.
func (s *scene) inSpace() *v1.LabelSelector {
	return &v1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": s.space}}
}

func about(resource string, operations ...registration.OperationType) []registration.RuleWithOperations {
	return []registration.RuleWithOperations{{
		Operations: operations, Rule: registration.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{resource}},
	}}
}

// denySecrets has a webhook deny every Secret of the scene's namespace. It
// returns the webhook's name.
func (s *scene) denySecrets(reason string) string {
	s.Helper()
	name := s.space + ".example.com"
	hooks := s.lab.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := hooks.Create(s.Context(), &registration.ValidatingWebhookConfiguration{
		ObjectMeta: v1.ObjectMeta{Name: s.space},
		Webhooks: []registration.ValidatingWebhook{{
			Name: name, AdmissionReviewVersions: []string{"v1"}, SideEffects: new(registration.SideEffectClassNone), FailurePolicy: new(registration.Fail),
			NamespaceSelector: s.inSpace(), Rules: about("secrets", registration.OperationAll),
			ClientConfig: s.serveReviews(func(*admission.AdmissionRequest) *admission.AdmissionResponse {
				return &admission.AdmissionResponse{Result: &v1.Status{Message: reason, Code: http.StatusForbidden}}
			}),
		}},
	}, v1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = hooks.Delete(context.Background(), s.space, v1.DeleteOptions{}) })
	// The API server learns of it by a watch.
	lab.Eventually(s.T, "the webhook is asked", func(ctx context.Context) (bool, error) {
		_, err := s.lab.Client.CoreV1().Secrets(s.space).Create(ctx, &core.Secret{ObjectMeta: v1.ObjectMeta{Name: "asked"}}, v1.CreateOptions{DryRun: []string{v1.DryRunAll}})
		return err != nil, nil
	})
	return name
}

// behaveByImage lets pods with an image :bad never become ready, and the others
// write a line: simulated nodes read annotations, not images.
func (s *scene) behaveByImage() {
	s.Helper()
	hooks := s.lab.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	if _, err := hooks.Create(s.Context(), &registration.MutatingWebhookConfiguration{
		ObjectMeta: v1.ObjectMeta{Name: s.space},
		Webhooks: []registration.MutatingWebhook{{
			Name: s.space + ".example.com", AdmissionReviewVersions: []string{"v1"}, SideEffects: new(registration.SideEffectClassNone), FailurePolicy: new(registration.Fail),
			NamespaceSelector: s.inSpace(), Rules: about("pods", registration.Create),
			ClientConfig: s.serveReviews(func(r *admission.AdmissionRequest) *admission.AdmissionResponse {
				notes := map[string]string{"kubelab/log": "hello"}
				if bytes.Contains(r.Object.Raw, []byte(":bad")) {
					notes = map[string]string{"kubelab/behaviour": "never-ready"}
				}
				patch, _ := json.Marshal([]any{map[string]any{"op": "add", "path": "/metadata/annotations", "value": notes}}) // strings
				return &admission.AdmissionResponse{Allowed: true, Patch: patch, PatchType: new(admission.PatchTypeJSONPatch)}
			}),
		}},
	}, v1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = hooks.Delete(context.Background(), s.space, v1.DeleteOptions{}) })
	lab.Eventually(s.T, "the webhook is asked", func(ctx context.Context) (bool, error) {
		pod, err := s.lab.Client.CoreV1().Pods(s.space).Create(ctx, &core.Pod{
			ObjectMeta: v1.ObjectMeta{Name: "asked"}, Spec: core.PodSpec{Containers: []core.Container{{Name: "main", Image: "x"}}},
		}, v1.CreateOptions{DryRun: []string{v1.DryRunAll}})
		return err == nil && pod.Annotations["kubelab/log"] != "", nil
	})
}
