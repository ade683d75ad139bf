package lab_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gennaker/gennaker/e2e/lab"
)

func TestReal(t *testing.T) {
	t.Parallel()
	t.Cleanup(func() { // after the node's end
		left, err := filepath.Glob("/sys/fs/cgroup/*/kubelab")
		if _, found := os.Stat("/sys/class/net/kubelab0"); err != nil || found == nil || len(left) > 0 {
			t.Errorf("the node left a device (%v) or cgroups (%v, %v)", found, left, err)
		}
	})
	l := lab.Real(t)
	namespace := l.Namespace(t)
	labels := map[string]string{"app": "hello"}
	container := corev1.Container{
		Name: "hello", Image: "lab.local/hello:v2", ImagePullPolicy: corev1.PullIfNotPresent,
		ReadinessProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}},
			PeriodSeconds: 1,
		},
	}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "hello"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{container}},
			},
		},
	}
	if _, err := l.Client.AppsV1().Deployments(namespace).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "hello"},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
	}
	service, err := l.Client.CoreV1().Services(namespace).Create(t.Context(), service, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lab.Eventually(t, "two replicas are available", func(ctx context.Context) (bool, error) {
		d, err := l.Client.AppsV1().Deployments(namespace).Get(ctx, "hello", metav1.GetOptions{})
		return err == nil && d.Status.AvailableReplicas == 2, err
	})
	client := &http.Client{Timeout: 3 * time.Second}
	lab.Eventually(t, "the Service answers this machine", func(ctx context.Context) (bool, error) {
		r, err := client.Get("http://" + service.Spec.ClusterIP)
		if err != nil {
			return false, nil // kube-proxy hasn't seen it yet
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		return bytes.HasPrefix(text, []byte("hello version=v2 ")), err
	})
	out, err := exec.CommandContext(t.Context(), lab.Program(t, "kubectl"), "--kubeconfig", l.Kubeconfig, "-n", namespace, "logs", "deploy/hello").Output()
	if err != nil || !strings.Contains(string(out), "listening on :8080") {
		t.Errorf("kubectl logs says %q, %v", out, err)
	}
}
