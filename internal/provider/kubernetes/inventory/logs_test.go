package inventory_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/diagnose"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// behaving returns a ReplicaSet whose simulated pods do as annotations say.
func behaving(app string, replicas int32, annotations map[string]string) *appsv1.ReplicaSet {
	rs := replicaSet(app, 1, replicas, nil)
	rs.Annotations["traffic.spinnaker.io/load-balancers"] = "[]"
	rs.Spec.Template.Annotations = annotations
	return rs
}

// TestLogs reads what the containers of a server group wrote.
func TestLogs(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	inv := start(t, inventory.Config{REST: l.Config})
	makeReplicaSet(t, l, namespace, behaving("web", 2, map[string]string{"kubelab/log": "first\nsecond\nthird\n"}))
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 2, Up: 2})
	ref := gennaker.ServerGroupRef{Account: "lab", Region: namespace, Name: "replicaSet web-v001"}
	one := group(t, inv, namespace, ref.Name).Instances[0].Name

	if got := logs(t, inv, ref, one, 1000); got != "first\nsecond\nthird\n" {
		t.Errorf("one instance wrote %q", got)
	}
	if got := logs(t, inv, ref, one, 8); got != "third\n" {
		t.Errorf("the last 8 bytes of one instance are %q, want its last whole line", got)
	}
	all := logs(t, inv, ref, "", 1000)
	for _, in := range group(t, inv, namespace, ref.Name).Instances {
		if name := strings.TrimPrefix(in.Name, "pod "); strings.Count(all, name+" ") != 3 {
			t.Errorf("of %s there are not three lines, each led by its name:\n%s", name, all)
		}
	}
	if _, err := inv.Logs(t.Context(), ref, "pod nobody", 10, false); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("logs of an instance that is not there: %v, want NotFound", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := inv.Logs(ctx, ref, one, 1000, true)
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil || line != "first\n" {
		t.Errorf("followed, it wrote %q, %v", line, err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, r); err == nil {
		t.Log("the stream ended by itself")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func logs(t *testing.T, inv *inventory.Inventory, ref gennaker.ServerGroupRef, instance string, tail int64) string {
	t.Helper()
	r, err := inv.Logs(t.Context(), ref, instance, tail, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestExplain finds causes in a cluster: of simulated pods, and of the API
// server and controllers, which are real.
func TestExplain(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	inv := start(t, inventory.Config{REST: l.Config})
	big := behaving("big", 1, nil)
	big.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100000")}
	account := behaving("account", 1, nil)
	account.Spec.Template.Spec.ServiceAccountName = "nobody"
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "few"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/replicasets.apps": resource.MustParse("1000"), corev1.ResourceLimitsMemory: resource.MustParse("1Gi")}},
	}
	limited := behaving("limited", 1, nil)
	limited.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")}
	for name, tt := range map[string]struct {
		rs    *appsv1.ReplicaSet
		quota *corev1.ResourceQuota
		code  diagnose.Code
		says  string
	}{
		"crash":   {rs: behaving("crash", 2, map[string]string{"kubelab/behaviour": "crash-loop", "kubelab/exit-code": "3", "kubelab/log": "cannot open the door"}), code: diagnose.Crash, says: "exit code 3: cannot open the door"},
		"image":   {rs: behaving("image", 2, map[string]string{"kubelab/behaviour": "image-pull-backoff"}), code: diagnose.ImagePull, says: "registry.example/web:1.2.3"},
		"big":     {rs: big, code: diagnose.Unschedulable, says: "Insufficient cpu"},
		"account": {rs: account, code: diagnose.Config, says: `serviceaccount "nobody" not found`},
		"quota":   {rs: limited, quota: quota, code: diagnose.Quota, says: "limits.memory=2Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := namespace
			if tt.quota != nil {
				at = l.Namespace(t)
				if _, err := l.Client.CoreV1().ResourceQuotas(at).Create(t.Context(), tt.quota, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				// The API server learns of its own quotas by a watch: it may let a pod pass before.
				lab.Eventually(t, "the quota holds", func(ctx context.Context) (bool, error) {
					probe := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "probe-"}, Spec: tt.rs.Spec.Template.Spec}
					_, err := l.Client.CoreV1().Pods(at).Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
					return err != nil && strings.Contains(err.Error(), "exceeded quota"), nil
				})
			}
			makeReplicaSet(t, l, at, tt.rs)
			eventually(t, inv, func() string {
				cause, ok := inv.Explain(t.Context(), at, "replicaSet", tt.rs.Name)
				if !ok || cause.Code != tt.code || !strings.Contains(cause.Sentence, tt.says) {
					return fmt.Sprintf("cause %+v, want %s: %s", cause, tt.code, tt.says)
				}
				return ""
			})
		})
	}
}
