package kubernetes_test

import (
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

// webhook has the cluster ask a webhook of the test before a Secret is made in
// the test's namespace, which denies it. It returns the webhook's name.
func (s *scene) webhook(reason string) string {
	s.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admission.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		review.Response = &admission.AdmissionResponse{UID: review.Request.UID, Result: &v1.Status{Message: reason, Code: http.StatusForbidden}}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}))
	s.Cleanup(server.Close)
	name := s.space + ".example.com"
	path := server.URL + "/deny"
	none, fail := registration.SideEffectClassNone, registration.Fail
	hooks := s.lab.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := hooks.Create(s.Context(), &registration.ValidatingWebhookConfiguration{
		ObjectMeta: v1.ObjectMeta{Name: s.space},
		Webhooks: []registration.ValidatingWebhook{{
			Name: name, AdmissionReviewVersions: []string{"v1"}, SideEffects: &none, FailurePolicy: &fail,
			ClientConfig:      registration.WebhookClientConfig{URL: &path, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})},
			NamespaceSelector: &v1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": s.space}},
			Rules: []registration.RuleWithOperations{{
				Operations: []registration.OperationType{registration.OperationAll},
				Rule:       registration.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
			}},
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
