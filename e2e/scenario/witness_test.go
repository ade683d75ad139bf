package scenario

import (
	"context"
	"slices"
	"strings"
	"sync"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
)

type problem = gennaker.AccountProblem

// witness remembers what there ever was in a namespace: what was made and
// deleted again, or made twice, is seen.
type witness struct {
	mu   sync.Mutex
	made map[string][]string // uids, by kind and name
}

// witness watches from now on.
func (w *world) witness() *witness {
	w.Helper()
	c, out := w.lab.Client, &witness{made: map[string][]string{}}
	options := meta.ListOptions{SendInitialEvents: new(true), ResourceVersionMatch: meta.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true}
	for kind, begin := range map[string]func(context.Context, meta.ListOptions) (watch.Interface, error){
		"job":        c.BatchV1().Jobs(w.namespace).Watch,
		"replicaSet": c.AppsV1().ReplicaSets(w.namespace).Watch,
		"deployment": c.AppsV1().Deployments(w.namespace).Watch,
		"service":    c.CoreV1().Services(w.namespace).Watch,
	} {
		all, err := begin(w.Context(), options)
		if err != nil {
			w.Fatal(err)
		}
		go func() {
			for e := range all.ResultChan() {
				if o, ok := e.Object.(meta.Object); ok && e.Type != watch.Bookmark {
					out.note(kind, o)
				}
			}
		}()
	}
	return out
}

func (s *witness) note(kind string, o meta.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == "replicaSet" && meta.GetControllerOf(o) != nil {
		return // a Deployment's own affair
	}
	name := kind + " " + o.GetName()
	if uid := string(o.GetUID()); !slices.Contains(s.made[name], uid) {
		s.made[name] = append(s.made[name], uid)
	}
}

// count returns how many objects there ever were whose kind and name begin so.
func (s *witness) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, uids := range s.made {
		if strings.HasPrefix(name, prefix) {
			n += len(uids)
		}
	}
	return n
}

// jobStage runs a Job.
func (w *world) jobStage() object {
	w.Helper()
	return w.stage("runJobManifest", `{source: text, application: $A, namespaceOverride: $N}`, object{"manifest": w.object(sprintf(migrate, `{kubelab/run-for: 200ms}`))})
}

// switchedOnce demands that a pipeline which moved web to its second version, ran
// a Job, and deployed, restarted and scaled a Deployment, did each of that once.
func (w *world) switchedOnce(s *witness) {
	w.Helper()
	equal(w, "versions that there ever were", s.count("replicaSet web"), 2)
	equal(w, "jobs that there ever were", s.count("job migrate"), 1)
	equal(w, "deployments that there ever were", s.count("deployment web"), 1)
	d := w.deployment("web")
	lab.Eventually(w, "the restart has gone on", func(ctx context.Context) (bool, error) {
		var err error
		d, err = w.lab.Client.AppsV1().Deployments(w.namespace).Get(ctx, "web", meta.GetOptions{})
		return err == nil && d.Status.ObservedGeneration == d.Generation && d.Status.UpdatedReplicas == *d.Spec.Replicas && d.Status.Replicas == *d.Spec.Replicas, err
	})
	equal(w, "revision of the deployment: made, and restarted once", d.Annotations["deployment.kubernetes.io/revision"], "2")
	var own []string
	for _, r := range w.replicaSets() {
		if !strings.HasPrefix(r, "web-v") {
			own = append(own, r)
		}
	}
	equal(w, "replica sets of the deployment", len(own), 2)
	w.cleanMarks()
}

// cleanMarks demands that nothing is left to be done later.
func (w *world) cleanMarks() {
	w.Helper()
	lab.Eventually(w, "nothing is pending", func(ctx context.Context) (bool, error) {
		sets, err := w.lab.Client.AppsV1().ReplicaSets(w.namespace).List(ctx, meta.ListOptions{LabelSelector: "gennaker.io/pending"})
		if err != nil {
			return false, err
		}
		pods, err := w.lab.Client.CoreV1().Pods(w.namespace).List(ctx, meta.ListOptions{LabelSelector: "gennaker.io/pending"})
		return err == nil && len(sets.Items)+len(pods.Items) == 0, err
	})
}

func ref(w *world, kind, name string) gennaker.ManifestRef {
	return gennaker.ManifestRef{Account: w.account, Location: w.namespace, Kind: kind, Name: name}
}
