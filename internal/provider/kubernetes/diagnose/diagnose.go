package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Code is the class of a cause.
type Code string

// The codes, the most specific first: of several causes that as many pods have,
// the first is the one that is told.
const (
	Admission     Code = "admission"     // a pod was refused by a webhook, a policy, or Pod Security
	Quota         Code = "quota"         // a quota or limit range lets no more pods be made
	NotCreated    Code = "notCreated"    // a pod could not be made for another reason
	Config        Code = "config"        // what a container is configured by is missing
	Volume        Code = "volume"        // a volume cannot be mounted
	Claim         Code = "claim"         // a volume is not provisioned
	ImagePull     Code = "imagePull"     // an image cannot be had
	OutOfMemory   Code = "outOfMemory"   // a container had more memory than its limit
	Liveness      Code = "liveness"      // a container is killed because its liveness or startup probe fails
	Crash         Code = "crash"         // a container ends by itself
	Start         Code = "start"         // a container cannot be started
	Unschedulable Code = "unschedulable" // no node takes a pod
	NodeLost      Code = "nodeLost"      // a node does not answer
	Evicted       Code = "evicted"       // a node, or the cluster, has thrown a pod out
	Sandbox       Code = "sandbox"       // the node cannot prepare the pod, mostly its network
	Readiness     Code = "readiness"     // a readiness probe fails
	Gate          Code = "gate"          // somebody else has not said yet that the pod is ready
	JobFailed     Code = "jobFailed"     // a job has failed
	Deadline      Code = "deadline"      // a deployment made no progress in time
	Deleting      Code = "deleting"      // it is being deleted, and something holds it
)

var codes = []Code{
	Admission, Quota, NotCreated, Config, Volume, Claim, ImagePull, OutOfMemory, Liveness, Crash, Start, Unschedulable,
	NodeLost, Evicted, Sandbox, Readiness, Gate, JobFailed, Deadline, Deleting,
}

// Facts is what is known of a workload. Objects may lack their spec.
type Facts struct {
	Workload metav1.Object   // a Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or other; nil if only pods are known
	Members  []metav1.Object // the ReplicaSets of a Deployment, the Jobs of a CronJob
	Pods     []*corev1.Pod   // of its newest version
	Events   []*corev1.Event // warnings of the workload, its members, its pods and claims, in any order
	Claims   []*corev1.PersistentVolumeClaim
	Logs     map[string]string // last lines that a container wrote before it ended, by "pod/container"
}

// Cause is why a workload is not ready.
type Cause struct {
	Code      Code   `json:"code"`
	Sentence  string `json:"sentence"`
	Hint      string `json:"hint,omitzero"`
	Pods      int    `json:"pods,omitzero"`      // that have it
	Of        int    `json:"of,omitzero"`        // pods in all
	Pod       string `json:"pod,omitzero"`       // one that has it
	Container string `json:"container,omitzero"` // of that pod
	WantsLogs bool   `json:"-"`                  // Facts.Logs of Pod and Container would say more
}

// finding is what is wrong with one pod, or with the workload.
type finding struct {
	code      Code
	text      string // what is wrong; the same for every pod that has it
	detail    string // what this one pod says of it besides
	hint      string
	pod       string
	container string
	logs      bool
}

// Explain returns the cause; ok is false if nothing is wrong that can be seen,
// so that waiting may be all that is needed.
func Explain(f Facts) (c Cause, ok bool) {
	var found []finding
	pods := 0
	for _, p := range f.Pods {
		if p.DeletionTimestamp != nil && f.Workload != nil && len(f.Pods) > 1 {
			continue // it makes room for another
		}
		pods++
		if w, bad := f.pod(p); bad {
			found = append(found, w)
		}
	}
	// Pods that are missing are of no use to the others: it comes first, if any.
	if w, bad := f.missing(); bad {
		return w.cause(0, pods), true
	}
	if len(found) == 0 {
		w, bad := f.workload()
		return w.cause(0, pods), bad
	}
	worst := mostCommon(found)
	n := 0
	for _, w := range found {
		if w.text == worst.text {
			n++
		}
	}
	return worst.cause(n, pods), true
}

// mostCommon returns the finding that most pods have; of several the most
// specific.
func mostCommon(found []finding) finding {
	count := map[string]int{}
	for _, w := range found {
		count[w.text]++
	}
	return slices.MinFunc(found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(count[b.text], count[a.text]), cmp.Compare(slices.Index(codes, a.code), slices.Index(codes, b.code)))
	})
}

func (w finding) cause(n, of int) Cause {
	c := Cause{Code: w.code, Sentence: w.text + w.detail, Hint: w.hint, Pods: n, Of: of, Pod: w.pod, Container: w.container, WantsLogs: w.logs}
	switch {
	case n == 0:
	case of == 1:
		c.Sentence = fmt.Sprintf("pod %s: %s", w.pod, c.Sentence)
	case n == of && n == 2:
		c.Sentence = "both pods: " + c.Sentence
	case n == of:
		c.Sentence = fmt.Sprintf("all %d pods: %s", of, c.Sentence)
	default:
		c.Sentence = fmt.Sprintf("%d of %d pods: %s", n, of, c.Sentence)
	}
	return c
}

// desired returns how many pods there should be.
func (f Facts) desired() int {
	n := func(p *int32) int {
		if p == nil {
			return 1
		}
		return int(*p)
	}
	switch w := f.Workload.(type) {
	case *appsv1.Deployment:
		return n(w.Spec.Replicas)
	case *appsv1.ReplicaSet:
		return n(w.Spec.Replicas)
	case *appsv1.StatefulSet:
		return n(w.Spec.Replicas)
	case *appsv1.DaemonSet:
		return int(w.Status.DesiredNumberScheduled)
	case *batchv1.Job:
		return max(0, min(n(w.Spec.Parallelism), n(w.Spec.Completions)-int(w.Status.Succeeded)))
	}
	return 0
}

// missing returns why pods that should be there could not be made.
func (f Facts) missing() (finding, bool) {
	if len(f.Pods) >= f.desired() {
		return finding{}, false
	}
	message := f.refusal()
	if message == "" {
		return finding{}, false
	}
	return notCreated(message), true
}

// refusal returns what was said when a pod was to be made: by the condition of
// the workload, which goes when it is true no more, or else the last event.
func (f Facts) refusal() string {
	for _, o := range append([]metav1.Object{f.Workload}, f.Members...) {
		switch w := o.(type) {
		case *appsv1.ReplicaSet:
			for _, c := range w.Status.Conditions {
				if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
					return c.Message
				}
			}
		case *appsv1.Deployment:
			for _, c := range w.Status.Conditions {
				if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
					return c.Message
				}
			}
		}
	}
	if e := f.last(func(e *corev1.Event) bool {
		return e.Reason == "FailedCreate" && e.InvolvedObject.Kind != "Pod"
	}); e != nil {
		return e.Message
	}
	return ""
}

// notCreated explains why a pod could not be made.
func notCreated(message string) finding {
	said := message
	if _, after, ok := strings.Cut(said, "is forbidden: "); ok {
		said = after
	}
	said = strings.TrimSuffix(said, ".")
	lower := strings.ToLower(message)
	switch {
	case strings.Contains(message, "admission webhook "):
		_, after, _ := strings.Cut(message, "admission webhook ")
		name, why, _ := strings.Cut(strings.TrimPrefix(after, `"`), `"`)
		why = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(why), "denied the request:"))
		return finding{code: Admission, text: fmt.Sprintf("no pod can be made: the admission webhook %s denies it: %s", name, cmp.Or(why, "it says no reason")),
			hint: "change the pod template so that it complies, or ask who runs that webhook"}
	case strings.Contains(message, "failed calling webhook"):
		_, after, _ := strings.Cut(message, "failed calling webhook ")
		return finding{code: Admission, text: "no pod can be made: an admission webhook does not answer: " + strings.TrimSpace(after),
			hint: "whoever runs the webhook must mend it, or let requests pass while it is away"}
	case strings.Contains(message, "violates PodSecurity"):
		_, after, _ := strings.Cut(message, "violates PodSecurity ")
		return finding{code: Admission, text: "no pod can be made: it violates the namespace's Pod Security level " + after,
			hint: "set the named fields of the securityContext, or run it in a namespace that allows it"}
	case strings.Contains(message, "ValidatingAdmissionPolicy"):
		_, after, _ := strings.Cut(message, "ValidatingAdmissionPolicy ")
		return finding{code: Admission, text: "no pod can be made: the admission policy " + after, hint: "change the pod template so that it complies"}
	case strings.Contains(lower, "exceeded quota"):
		return quota(said)
	case strings.Contains(lower, "failed quota"):
		return finding{code: Quota, text: "no pod can be made: " + said, hint: "a quota of the namespace wants these requests or limits in the pod template"}
	case strings.Contains(lower, "per container") || strings.Contains(lower, "per pod"):
		return finding{code: Quota, text: "no pod can be made: its resources are out of the namespace's limit range: " + said, hint: "change the requests or limits of the pod template"}
	case strings.Contains(lower, "serviceaccount") && strings.Contains(lower, "not found"):
		return finding{code: Config, text: "no pod can be made: " + said, hint: "deploy the service account first, or name another"}
	}
	return finding{code: NotCreated, text: "no pod can be made: " + said}
}

// quota makes a sentence of "exceeded quota: q, requested: a=1,b=2, used: a=9,b=1, limited: a=10,b=10".
func quota(said string) finding {
	parts := map[string]string{}
	rest := said
	for _, name := range []string{"limited", "used", "requested", "exceeded quota"} {
		if before, value, ok := strings.Cut(rest, name+": "); ok {
			parts[name] = strings.Trim(value, ", ")
			rest = before
		}
	}
	text := fmt.Sprintf("no pod can be made: the quota %s is used up: it allows %s, %s is used, and a pod needs %s",
		parts["exceeded quota"], parts["limited"], parts["used"], parts["requested"])
	if parts["exceeded quota"] == "" || parts["limited"] == "" {
		text = "no pod can be made: " + said
	}
	return finding{code: Quota, text: text, hint: "free some of it, run fewer or smaller pods, or have the quota raised"}
}

// workload explains what no pod shows.
func (f Facts) workload() (finding, bool) {
	if f.Workload == nil {
		return finding{}, false
	}
	if f.Workload.GetDeletionTimestamp() != nil && len(f.Workload.GetFinalizers()) > 0 {
		return finding{code: Deleting, text: "it is being deleted, and waits for " + strings.Join(f.Workload.GetFinalizers(), ", "),
			hint: "who set the finalizer must finish its work"}, true
	}
	switch w := f.Workload.(type) {
	case *appsv1.Deployment:
		for _, c := range w.Status.Conditions {
			if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
				return finding{code: Deadline, text: fmt.Sprintf("it made no progress in time: %d of %d pods are available", w.Status.AvailableReplicas, f.desired()),
					hint: "look at its newest pods; spec.progressDeadlineSeconds says how long it may take"}, true
			}
		}
	case *batchv1.Job:
		for _, c := range w.Status.Conditions {
			if c.Type == batchv1.JobFailed && c.Status == corev1.ConditionTrue {
				return finding{code: JobFailed, text: "the job has failed: " + cmp.Or(c.Message, c.Reason)}, true
			}
		}
	}
	return finding{}, false
}

// last returns the newest event of those that matter.
func (f Facts) last(matters func(*corev1.Event) bool) *corev1.Event {
	var out *corev1.Event
	for _, e := range f.Events {
		if matters(e) && (out == nil || when(e).After(when(out).Time)) {
			out = e
		}
	}
	return out
}

// when returns the time of an event, of which there are several spellings.
func when(e *corev1.Event) metav1.Time {
	switch {
	case e.Series != nil:
		return metav1.Time(e.Series.LastObservedTime)
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp
	case !e.EventTime.IsZero():
		return metav1.Time(e.EventTime)
	}
	return e.CreationTimestamp
}
