package slim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gennaker/gennaker/internal/provider/kubernetes/slim"
)

func TestObject(t *testing.T) {
	t.Parallel()
	written := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	fields := []metav1.ManagedFieldsEntry{{Manager: "kubelet", Time: &written}, {Manager: "nobody"}}
	for name, tt := range map[string]struct{ given, want runtime.Object }{
		"a pod": {
			&corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "a", ManagedFields: fields, Annotations: map[string]string{
					"moniker.spinnaker.io/application": "web", "prometheus.io/scrape": "true", "gennaker.io/large": strings.Repeat("x", 5000),
				}},
				Spec: corev1.PodSpec{
					NodeName: "n", Containers: []corev1.Container{{Name: "c", Env: []corev1.EnvVar{{Name: "A", Value: "secret"}}}},
					Volumes: []corev1.Volume{{Name: "v"}},
				},
				Status: corev1.PodStatus{
					Phase: corev1.PodRunning, PodIP: "10.0.0.1", PodIPs: []corev1.PodIP{{IP: "10.0.0.1"}}, Message: strings.Repeat("y", 2000),
					Conditions:        []corev1.PodCondition{{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue}},
					ContainerStatuses: []corev1.ContainerStatus{{Name: "c", Image: "i", ImageID: "sha256:1", Ready: true}},
				},
			},
			&corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{"moniker.spinnaker.io/application": "web"}},
				Spec:       corev1.PodSpec{NodeName: "n"},
				Status: corev1.PodStatus{
					Phase: corev1.PodRunning, PodIP: "10.0.0.1", Message: strings.Repeat("y", 1024) + "…",
					Conditions:            []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
					InitContainerStatuses: []corev1.ContainerStatus{}, ContainerStatuses: []corev1.ContainerStatus{{Name: "c", Image: "i", Ready: true}},
				},
			},
		},
		"a slice": {
			&discoveryv1.EndpointSlice{
				ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "shop", ManagedFields: fields},
				Endpoints: []discoveryv1.Endpoint{
					{Addresses: []string{"10.0.0.1"}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "a", UID: "u"}}, {Addresses: []string{"10.0.0.2"}},
				},
				Ports: []discoveryv1.EndpointPort{{}},
			},
			&discoveryv1.EndpointSlice{
				ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "shop", Annotations: map[string]string{slim.ChangedAt: "2026-01-02T03:04:05Z"}},
				Endpoints: []discoveryv1.Endpoint{
					{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "a", Namespace: "shop"}}, {Addresses: []string{"10.0.0.2"}},
				},
			},
		},
		"another": {
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c", GenerateName: "g"}, Data: map[string]string{"a": "b"}},
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"a": "b"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // what is slim stays as it is
				if _, err := slim.Object(tt.given); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, tt.given); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
	if _, err := slim.Object("a"); err == nil {
		t.Error("a text is taken for an object")
	}
}
