package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker/e2e/lab"
)

// child makes this test binary a process that holds a control plane until it
// is killed.
const child = "GENNAKER_LAB_CHILD"

func TestDeployment(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	labels := map[string]string{"app": "hello"}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "hello"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(3)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podSpec()},
		},
	}
	if _, err := l.Client.AppsV1().Deployments(namespace).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	lab.Eventually(t, "three replicas are available", func(ctx context.Context) (bool, error) {
		d, err := l.Client.AppsV1().Deployments(namespace).Get(ctx, "hello", metav1.GetOptions{})
		return err == nil && d.Status.AvailableReplicas == 3, err
	})
	pods, err := l.Client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=hello"})
	if err != nil {
		t.Fatal(err)
	}
	addresses := map[string]bool{}
	for _, p := range pods.Items {
		addresses[p.Status.PodIP] = true
	}
	if len(addresses) != 3 || addresses[""] {
		t.Errorf("the pods' addresses are %v; want three", addresses)
	}
}

func TestBehaviours(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	for name, c := range map[string]struct {
		annotations map[string]string
		want        string // of summary
		event       string
	}{
		"ready":              {nil, "Running ready", ""},
		"never-ready":        {map[string]string{"kubelab/behaviour": "never-ready", "kubelab/message": "probe: no"}, "Running", "probe: no"},
		"image-pull-backoff": {map[string]string{"kubelab/behaviour": "image-pull-backoff"}, "Pending ImagePullBackOff", `Failed to pull image "hello:1"`},
		"crash-loop":         {map[string]string{"kubelab/behaviour": "crash-loop", "kubelab/exit-code": "7"}, "Running CrashLoopBackOff after 7", "Back-off restarting"},
		"crash-after":        {map[string]string{"kubelab/crash-after": "10ms"}, "Running CrashLoopBackOff after 1", "Back-off restarting"},
		"fail":               {map[string]string{"kubelab/behaviour": "fail", "kubelab/exit-code": "3", "kubelab/message": "why"}, "Failed 3 why", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pods := l.Client.CoreV1().Pods(namespace)
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: c.annotations}, Spec: podSpec()}
			if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			got := ""
			defer func() { t.Logf("the last state was %q", got) }()
			lab.Eventually(t, "the pod is "+c.want, func(ctx context.Context) (bool, error) {
				p, err := pods.Get(ctx, name, metav1.GetOptions{})
				got = summary(p)
				return err == nil && got == c.want, err
			})
			if c.event == "" {
				return
			}
			lab.Eventually(t, "an event says "+c.event, func(ctx context.Context) (bool, error) {
				events, err := l.Client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + name})
				for _, e := range events.Items {
					if strings.HasPrefix(e.Message, c.event) {
						return true, err
					}
				}
				return false, err
			})
		})
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	pods := l.Client.CoreV1().Pods(l.Namespace(t))
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "hello", Annotations: map[string]string{"kubelab/log": "one\ntwo\nthree"}},
		Spec:       podSpec(),
	}
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	lab.Eventually(t, "the pod runs", func(ctx context.Context) (bool, error) {
		p, err := pods.Get(ctx, "hello", metav1.GetOptions{})
		return summary(p) == "Running ready", err
	})
	text, err := pods.GetLogs("hello", &corev1.PodLogOptions{TailLines: new(int64(2))}).DoRaw(t.Context())
	if err != nil || string(text) != "two\nthree\n" {
		t.Errorf("the log is %q, %v; want its last two lines", text, err)
	}
}

func TestGateway(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	client, err := dynamic.NewForConfig(l.Config)
	if err != nil {
		t.Fatal(err)
	}
	route := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1",
		"kind":       "HTTPRoute",
		"metadata":   map[string]any{"name": "hello"},
		"spec": map[string]any{"rules": []any{map[string]any{
			"backendRefs": []any{map[string]any{"name": "hello", "port": int64(80), "weight": int64(1)}},
		}}},
	}}
	routes := schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
	if _, err := client.Resource(routes).Namespace(l.Namespace(t)).Create(t.Context(), route, metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t, lab.Nodes(1))
	namespace := l.Namespace(t)
	proxy := l.Proxy(t)
	through := client(t, proxy.Kubeconfig)
	created, err := l.Client.CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap("kept"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l.Restart(t)
	for name, c := range map[string]kubernetes.Interface{"directly": l.Client, "through the proxy": through} {
		got, err := c.CoreV1().ConfigMaps(namespace).Get(t.Context(), "kept", metav1.GetOptions{})
		if err != nil || got.UID != created.UID {
			t.Errorf("%s: after the restart there is %v, %v", name, got, err)
		}
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t, lab.Nodes(1), lab.APIServer("--watch-cache=false"))
	maps := l.Client.CoreV1().ConfigMaps(l.Namespace(t))
	old, err := maps.Create(t.Context(), configMap("old"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"newer", "newest"} {
		if _, err := maps.Create(t.Context(), configMap(name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	l.Compact(t)
	w, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: old.ResourceVersion})
	if err == nil {
		defer w.Stop()
		e := <-w.ResultChan()
		err = apierrors.FromObject(e.Object)
	}
	if !apierrors.IsResourceExpired(err) {
		t.Errorf("a watch from before the compaction says %v; want expired", err)
	}
}

func TestServiceAccount(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	rule := rbacv1.PolicyRule{Verbs: []string{"list"}, APIGroups: []string{""}, Resources: []string{"pods"}}
	narrow := l.ServiceAccount(t, namespace, rule)
	wide := l.ClusterAccount(t, namespace, rule)
	for name, c := range map[string]struct {
		kubeconfig string
		elsewhere  bool
	}{
		"account":         {narrow, false},
		"through a proxy": {l.Proxy(t).Through(t, narrow), false},
		"cluster account": {wide, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			core := client(t, c.kubeconfig).CoreV1()
			if _, err := core.Pods(namespace).List(t.Context(), metav1.ListOptions{}); err != nil {
				t.Errorf("it may not list pods: %v", err)
			}
			if _, err := core.Secrets(namespace).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
				t.Errorf("it lists secrets: %v", err)
			}
			_, err := core.Pods("default").List(t.Context(), metav1.ListOptions{})
			if allowed := !apierrors.IsForbidden(err); allowed != c.elsewhere {
				t.Errorf("it lists pods elsewhere: %t (%v); want %t", allowed, err, c.elsewhere)
			}
		})
	}
}

// TestNothingLeft kills a process that holds a control plane.
func TestNothingLeft(t *testing.T) {
	if os.Getenv(child) != "" {
		fmt.Println("HELD", filepath.Dir(lab.Cluster(t).Kubeconfig))
		select {} // until it is killed
	}
	t.Parallel()
	lab.Cluster(t) // built, or why not
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingLeft$", "-test.v")
	c.Env = append(os.Environ(), child+"=1")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	dir := ""
	for s := bufio.NewScanner(out); dir == "" && s.Scan(); {
		dir, _ = strings.CutPrefix(s.Text(), "HELD ")
		if dir == s.Text() {
			dir = ""
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "kubeconfig")); err != nil {
		t.Errorf("there is no control plane: %v", err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // it was killed
	lab.Eventually(t, "the control plane has gone, and its directory", func(context.Context) (bool, error) {
		_, err := os.Stat(dir)
		return os.IsNotExist(err), nil
	})
}

func TestProxy(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	maps := lab.Request{Resource: "configmaps"}
	create := lab.Request{Verb: "create", Resource: "configmaps"}
	for name, harm := range map[string]func(*testing.T, *lab.Proxy, kubernetes.Interface){
		"429 is asked again": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			p.Inject(maps, 1, lab.TooManyRequests(time.Second))
			if err := list(t, c, namespace); err != nil {
				t.Error(err)
			}
			if n := p.Count(maps); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		},
		"500 once": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			p.Inject(lab.Request{Verb: "list"}, 1, lab.Fail(http.StatusInternalServerError, metav1.StatusReasonInternalError))
			if err := list(t, c, namespace); !apierrors.IsInternalError(err) {
				t.Errorf("%v, want an internal error", err)
			}
			if err := list(t, c, namespace); err != nil {
				t.Error(err)
			}
		},
		"500 until healed": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			p.Inject(lab.Request{}, -1, lab.Fail(http.StatusInternalServerError, metav1.StatusReasonInternalError))
			for range 3 {
				if err := list(t, c, namespace); err == nil {
					t.Error("it answers")
				}
			}
			p.Heal()
			if err := list(t, c, namespace); err != nil {
				t.Error(err)
			}
		},
		"the answer is lost": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			p.Inject(create, 1, lab.Lose())
			if _, err := c.CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap("lost"), metav1.CreateOptions{}); err == nil {
				t.Error("it is answered")
			}
			if _, err := l.Client.CoreV1().ConfigMaps(namespace).Get(t.Context(), "lost", metav1.GetOptions{}); err != nil {
				t.Errorf("it had no effect: %v", err)
			}
		},
		"the request is lost": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			p.Inject(create, 1, lab.Drop())
			if _, err := c.CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap("dropped"), metav1.CreateOptions{}); err == nil {
				t.Error("it is answered")
			}
			if _, err := l.Client.CoreV1().ConfigMaps(namespace).Get(t.Context(), "dropped", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("it had an effect: %v", err)
			}
		},
		"down and up": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			p.Down()
			if err := list(t, c, namespace); err == nil {
				t.Error("it answers")
			}
			p.Up(t)
			if err := list(t, c, namespace); err != nil {
				t.Error(err)
			}
		},
		"held": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			arrived, release := make(chan lab.Request), make(chan struct{})
			p.Inject(maps, 1, lab.Hold(arrived, release))
			done := make(chan error, 1)
			go func() { done <- list(t, c, namespace) }()
			if r := <-arrived; r.Verb != "list" || r.Namespace != namespace {
				t.Errorf("held %+v", r)
			}
			close(release)
			if err := <-done; err != nil {
				t.Error(err)
			}
		},
		"watches are cut": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			w := begin(t, c, namespace)
			p.CutWatches()
			for range w.ResultChan() { // what there was; then it is closed
			}
		},
		"watches expire": func(t *testing.T, p *lab.Proxy, c kubernetes.Interface) {
			p.Inject(lab.Request{Verb: "watch"}, 1, lab.Expire())
			w, err := c.CoreV1().ConfigMaps(namespace).Watch(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Stop()
			if err := apierrors.FromObject((<-w.ResultChan()).Object); !apierrors.IsResourceExpired(err) {
				t.Errorf("the watch says %v, want expired", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := l.Proxy(t)
			harm(t, p, client(t, p.Kubeconfig))
		})
	}
}

// begin watches, and returns when there was a first event.
func begin(t *testing.T, c kubernetes.Interface, namespace string) watch.Interface {
	t.Helper()
	if _, err := c.CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap("watched"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w, err := c.CoreV1().ConfigMaps(namespace).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	if e := <-w.ResultChan(); e.Type != watch.Added {
		t.Fatalf("the watch begins with %v", e)
	}
	return w
}

func list(t *testing.T, c kubernetes.Interface, namespace string) error {
	t.Helper()
	_, err := c.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{})
	return err
}

func client(t *testing.T, kubeconfig string) kubernetes.Interface {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "hello", Image: "hello:1"}}}
}

// summary says what a pod is, and what its container does.
func summary(p *corev1.Pod) string {
	words := []string{string(p.Status.Phase)}
	for _, c := range p.Status.ContainerStatuses {
		if c.Ready {
			words = append(words, "ready")
		}
		if w := c.State.Waiting; w != nil {
			words = append(words, w.Reason)
		}
		if e := c.State.Terminated; e != nil {
			words = append(words, fmt.Sprint(e.ExitCode), e.Message)
		}
		if e := c.LastTerminationState.Terminated; e != nil {
			words = append(words, "after", fmt.Sprint(e.ExitCode))
		}
	}
	return strings.Join(words, " ")
}
