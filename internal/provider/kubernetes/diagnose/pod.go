package diagnose

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// pod returns what is wrong with a pod, if anything.
func (f Facts) pod(p *corev1.Pod) (finding, bool) {
	w, bad := f.podCause(p)
	w.pod = p.Name
	// What is said of several pods must not name one of them.
	if len(f.Pods) > 1 {
		w.text = strings.ReplaceAll(w.text, p.Name, "the pod")
	}
	return w, bad
}

func (f Facts) podCause(p *corev1.Pod) (finding, bool) {
	if p.Status.Phase == corev1.PodSucceeded {
		return finding{}, false
	}
	if w, bad := evicted(p); bad {
		return w, true
	}
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w, bad := f.container(p, c); bad {
			w.container = c.Name
			return w, true
		}
	}
	if w, bad := f.unscheduled(p); bad {
		return w, true
	}
	if p.Status.Phase == corev1.PodPending {
		return f.pending(p)
	}
	return f.unready(p)
}

func evicted(p *corev1.Pod) (finding, bool) {
	switch {
	case p.Status.Reason == "NodeLost" || p.Status.Phase == corev1.PodUnknown:
		return finding{code: NodeLost, text: fmt.Sprintf("the node %s does not answer", cmp.Or(p.Spec.NodeName, "of the pod")),
			hint: "the pod is replaced when the node comes back, or is deleted"}, true
	case p.Status.Reason == "Evicted" || p.Status.Reason == "Preempting" || p.Status.Reason == "Terminated" || p.Status.Reason == "Shutdown":
		return finding{code: Evicted, text: "its node has thrown it out: " + cmp.Or(sentence(p.Status.Message), p.Status.Reason),
			hint: "give it requests that it really needs, so that it is put where there is room"}, true
	}
	return finding{}, false
}

// container returns what is wrong with a container.
func (f Facts) container(p *corev1.Pod, c corev1.ContainerStatus) (finding, bool) {
	switch w, t := c.State.Waiting, c.State.Terminated; {
	case w != nil:
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
			return f.image(p, c), true
		case "CreateContainerConfigError":
			return configuration(w.Message), true
		case "CreateContainerError", "RunContainerError", "StartError", "PreStartHookError", "PostStartHookError", "PreCreateHookError":
			return cannotStart(c.Name, cmp.Or(w.Message, w.Reason)), true
		case "CrashLoopBackOff":
			return f.crash(p, c, c.LastTerminationState.Terminated), true
		}
	case t != nil && (t.ExitCode != 0 || t.Signal != 0):
		return f.crash(p, c, t), true
	case t == nil && c.RestartCount > 0 && !c.Ready && c.LastTerminationState.Terminated != nil && c.LastTerminationState.Terminated.ExitCode != 0:
		return f.crash(p, c, c.LastTerminationState.Terminated), true
	}
	return finding{}, false
}

// What registries say, and what it means.
var registrySays = []struct {
	pattern    *regexp.Regexp
	what, hint string
}{
	{regexp.MustCompile(`(?i)toomanyrequests|too many requests|\b429\b|pull rate limit`), "the registry limits how often it is asked", "wait, or pull with credentials that have a higher limit"},
	{regexp.MustCompile(`(?i)unauthorized|authentication required|no basic auth|access denied|\bdenied\b|forbidden|\b401\b|\b403\b`), "the registry refuses it", "check the name, and that imagePullSecrets of the pod or its service account hold credentials for it"},
	{regexp.MustCompile(`(?i)not ?found|manifest unknown|name unknown|\b404\b`), "the registry has no such image", "check the name and the tag, and that the image was pushed"},
	{regexp.MustCompile(`(?i)no match for platform|no matching manifest|exec format`), "there is none for the architecture of the node", "build the image for it, or choose other nodes"},
	{regexp.MustCompile(`(?i)no such host|server misbehaving|timeout|timed out|connection refused|unreachable|reset by peer|\bEOF\b`), "the node cannot reach the registry", "check the registry's name, and the network and DNS of the node"},
	{regexp.MustCompile(`(?i)x509|certificate`), "the node does not trust the registry's certificate", "install the registry's authority on the nodes"},
	{regexp.MustCompile(`(?i)no space left`), "the disk of the node is full", "free space on the node, or let it collect unused images"},
}

// image explains why an image cannot be had.
func (f Facts) image(p *corev1.Pod, c corev1.ContainerStatus) finding {
	w := c.State.Waiting
	said := w.Message
	if e := f.last(func(e *corev1.Event) bool {
		return about(e, p) && e.Reason == "Failed" && strings.Contains(e.Message, "pull image")
	}); e != nil && (said == "" || strings.HasPrefix(said, "Back-off")) {
		said = e.Message
	}
	out := finding{code: ImagePull}
	switch w.Reason {
	case "InvalidImageName":
		out.text, out.hint = fmt.Sprintf("%q is no name of an image", c.Image), "write it as registry/name:tag"
		return out
	case "ErrImageNeverPull":
		out.text = fmt.Sprintf("the image %s is not on the node, and imagePullPolicy is Never", c.Image)
		out.hint = "set imagePullPolicy to IfNotPresent"
		return out
	}
	out.text, out.hint = fmt.Sprintf("the image %s cannot be pulled", c.Image), "look at the events of the pod for what the registry says"
	for _, r := range registrySays {
		if r.pattern.MatchString(strings.ReplaceAll(said, c.Image, "")) {
			out.text, out.hint = fmt.Sprintf("the image %s cannot be pulled: %s", c.Image, r.what), r.hint
			break
		}
	}
	out.detail = quoted(lastClause(said, c.Image))
	return out
}

func quoted(said string) string {
	if said == "" {
		return ""
	}
	return " (" + said + ")"
}

// lastClause returns the end of a chain of errors, which says the most.
func lastClause(said, image string) string {
	if strings.HasPrefix(said, "Back-off pulling image") && !strings.Contains(said, "ErrImagePull") {
		return ""
	}
	if _, after, ok := strings.Cut(said, "desc = "); ok {
		said = after
	}
	clauses := strings.Split(sentence(said), ": ")
	out := clauses[len(clauses)-1]
	for i := len(clauses) - 2; i >= 0 && len(out) < 16 && clauses[i] != image; i-- {
		out = clauses[i] + ": " + out
	}
	if len(out) < 16 { // it says no more than what we make of it
		return ""
	}
	return out
}

// configuration explains what a container is configured by and lacks.
func configuration(message string) finding {
	hint := "deploy it before, or in the same stage, and check its name and namespace"
	if strings.Contains(message, "couldn't find key") {
		hint = "add the key, or mark it optional"
	}
	if strings.Contains(message, "runAsNonRoot") {
		return finding{code: Config, text: "a container may not run: " + sentence(message), hint: "set runAsUser to a number other than 0, or build the image with one"}
	}
	return finding{code: Config, text: "a container lacks its configuration: " + sentence(message), hint: hint}
}

func cannotStart(name, message string) finding {
	if i := strings.LastIndex(message, "exec: "); i >= 0 { // behind it stands what the runtime's own programs say
		message = message[i:]
	}
	w := finding{code: Start, text: fmt.Sprintf("the container %s cannot be started: %s", name, sentence(message))}
	if strings.Contains(message, "executable file not found") || strings.Contains(message, "no such file or directory") {
		w.hint = "check command and args: the image has no such program"
	}
	return w
}

// signals are those that programs die of.
var signals = map[int32]string{1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM"}

// crash explains why a container ended.
func (f Facts) crash(p *corev1.Pod, c corev1.ContainerStatus, t *corev1.ContainerStateTerminated) finding {
	again := ""
	if c.RestartCount > 0 {
		again = fmt.Sprintf(", and was restarted %s", times(int(c.RestartCount)))
	}
	if t == nil {
		return finding{code: Crash, text: fmt.Sprintf("the container %s ends again and again", c.Name), logs: true, hint: "read its logs"}
	}
	if t.Reason == "OOMKilled" {
		return finding{code: OutOfMemory, text: fmt.Sprintf("the container %s needed more memory than its limit and was killed", c.Name), detail: again,
			hint: "raise resources.limits.memory, or have it use less"}
	}
	if t.Reason == "ContainerCannotRun" || t.Reason == "StartError" {
		return cannotStart(c.Name, cmp.Or(t.Message, t.Reason))
	}
	if e := f.probe(p, c.Name, "Liveness", "Startup"); e != nil && (t.ExitCode == 137 || t.ExitCode == 143 || t.ExitCode == 0) {
		return finding{code: Liveness, text: fmt.Sprintf("the container %s is killed because its %s", c.Name, probeText(e.Message)),
			hint: "give it more time (initialDelaySeconds, failureThreshold, a startup probe), or mend what the probe asks"}
	}
	how := fmt.Sprintf("with exit code %d", t.ExitCode)
	signal := t.Signal
	if signal == 0 && t.ExitCode > 128 {
		signal = t.ExitCode - 128
	}
	if name := signals[signal]; name != "" {
		how = fmt.Sprintf("by %s (exit code %d)", name, t.ExitCode)
	}
	out := finding{code: Crash, text: fmt.Sprintf("the container %s ends %s", c.Name, how), hint: "its logs say why"}
	wrote := strings.TrimSpace(f.Logs[p.Name+"/"+c.Name])
	switch {
	case wrote != "":
		out.detail = ": " + lastLines(wrote)
		out.hint = "that is the last that it wrote; its logs have the rest"
	case t.Message != "":
		out.detail = ": " + lastLines(t.Message)
	default:
		out.logs = true
	}
	return out
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Bounds of what is quoted.
const (
	maxLines  = 3
	maxQuoted = 400
)

// cry is how a line begins that says why a program ends, before a trace of
// where it was.
var cry = regexp.MustCompile(`^(panic|fatal error|Caused by|Exception in thread [^:]*): ?\S`)

// lastLines returns the last lines of an output as one, or the one by which the
// program said why it ends.
func lastLines(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	for _, line := range slices.Backward(lines) {
		if cry.MatchString(line) {
			lines = []string{line}
			break
		}
	}
	out := strings.Join(lines[max(0, len(lines)-maxLines):], " / ")
	if len(out) > maxQuoted {
		out = "…" + strings.ToValidUTF8(out[len(out)-maxQuoted:], "")
	}
	return out
}

// unscheduled explains why no node takes a pod.
func (f Facts) unscheduled(p *corev1.Pod) (finding, bool) {
	i := slices.IndexFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	})
	if i < 0 {
		return finding{}, false
	}
	c := p.Status.Conditions[i]
	if c.Reason == corev1.PodReasonSchedulingGated {
		return finding{code: Gate, text: "it waits for a scheduling gate to be lifted", hint: "who set spec.schedulingGates must lift it"}, true
	}
	if c.Message == "" {
		return finding{}, false
	}
	reasons, _, _ := strings.Cut(c.Message, " preemption:")
	reasons = strings.TrimSuffix(strings.TrimSpace(reasons), ".")
	switch {
	case strings.Contains(reasons, "unbound immediate PersistentVolumeClaims"):
		if w, bad := f.claim(p); bad {
			return w, true
		}
		return finding{code: Claim, text: "a volume that it claims is not there yet", hint: "look at the events of its PersistentVolumeClaims"}, true
	case strings.Contains(reasons, "persistentvolumeclaim") && strings.Contains(reasons, "not found"):
		return finding{code: Claim, text: "it cannot be put on a node: " + reasons, hint: "deploy the PersistentVolumeClaim"}, true
	}
	hint := "add nodes that fit, or change what the pod asks for"
	switch {
	case strings.Contains(reasons, "Insufficient"):
		hint = "lower the requests, free room, or add nodes"
	case strings.Contains(reasons, "untolerated taint"):
		hint = "tolerate the taint, or run it where there is none"
	case strings.Contains(reasons, "affinity") || strings.Contains(reasons, "selector"):
		hint = "check nodeSelector and affinity against the labels of the nodes"
	}
	return finding{code: Unschedulable, text: "no node takes it: " + reasons, hint: hint}, true
}

// claim explains why a volume that a pod claims is not there.
func (f Facts) claim(p *corev1.Pod) (finding, bool) {
	for _, c := range f.Claims {
		used := slices.ContainsFunc(p.Spec.Volumes, func(v corev1.Volume) bool {
			return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == c.Name
		})
		if !used || c.Status.Phase == corev1.ClaimBound {
			continue
		}
		why := "nobody has provisioned it"
		if e := f.last(func(e *corev1.Event) bool {
			return e.InvolvedObject.Kind == "PersistentVolumeClaim" && e.InvolvedObject.Name == c.Name
		}); e != nil {
			why = sentence(e.Message)
		}
		class := "the default storage class"
		if c.Spec.StorageClassName != nil && *c.Spec.StorageClassName != "" {
			class = "storage class " + *c.Spec.StorageClassName
		}
		return finding{code: Claim, text: fmt.Sprintf("the volume that it claims by %s (%s) is not there: %s", c.Name, class, why),
			hint: "check that the storage class exists, and that its provisioner runs"}, true
	}
	return finding{}, false
}

var missingObject = regexp.MustCompile(`(configmap|secret|persistentvolumeclaim) "([^"]+)" not found`)

// pending explains why a pod that has a node does not begin.
func (f Facts) pending(p *corev1.Pod) (finding, bool) {
	mount := f.last(func(e *corev1.Event) bool {
		return about(e, p) && (e.Reason == "FailedMount" || e.Reason == "FailedAttachVolume" || e.Reason == "FailedMapVolume")
	})
	sandbox := f.last(func(e *corev1.Event) bool { return about(e, p) && e.Reason == "FailedCreatePodSandBox" })
	switch {
	case mount != nil:
		if m := missingObject.FindStringSubmatch(mount.Message); m != nil {
			return finding{code: Volume, text: fmt.Sprintf("a volume cannot be mounted: the %s %s does not exist", m[1], m[2]),
				hint: "deploy it before, or in the same stage, and check its name and namespace"}, true
		}
		return finding{code: Volume, text: "a volume cannot be mounted: " + sentence(mount.Message), hint: "check the volume, and what provides it"}, true
	case sandbox != nil:
		return finding{code: Sandbox, text: "its node cannot prepare it: " + sentence(sandbox.Message), hint: "check the network plug-in of the node"}, true
	}
	return f.claim(p)
}

// unready explains why a pod that runs gets no requests.
func (f Facts) unready(p *corev1.Pod) (finding, bool) {
	i := slices.IndexFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
	if i >= 0 && p.Status.Conditions[i].Status == corev1.ConditionTrue {
		return finding{}, false
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.Ready {
			continue
		}
		if e := f.probe(p, c.Name, "Startup", "Readiness", "Liveness"); e != nil {
			return finding{code: Readiness, container: c.Name, text: fmt.Sprintf("the container %s runs, and its %s", c.Name, probeText(e.Message)),
				hint: "look at what the probe asks for, and at the container's logs"}, true
		}
	}
	for _, g := range p.Spec.ReadinessGates {
		set := slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == g.ConditionType && c.Status == corev1.ConditionTrue
		})
		if !set {
			return finding{code: Gate, text: fmt.Sprintf("its readiness gate %s is not open", g.ConditionType), hint: "the controller that opens it must run"}, true
		}
	}
	if i >= 0 && strings.HasPrefix(p.Status.Conditions[i].Reason, "Node") {
		return finding{code: NodeLost, text: fmt.Sprintf("the node %s is not ready", p.Spec.NodeName)}, true
	}
	return finding{}, false
}

// probe returns the last event of a failing probe of a container, of the first
// kind that there is one of.
func (f Facts) probe(p *corev1.Pod, container string, kinds ...string) *corev1.Event {
	for _, kind := range kinds {
		e := f.last(func(e *corev1.Event) bool {
			path := e.InvolvedObject.FieldPath
			return about(e, p) && e.Reason == "Unhealthy" && strings.HasPrefix(e.Message, kind) &&
				(path == "" || strings.Contains(path, "{"+container+"}"))
		})
		if e != nil {
			return e
		}
	}
	return nil
}

// probeText makes "readiness probe fails: …" of "Readiness probe failed: …".
func probeText(message string) string {
	kind, said, _ := strings.Cut(sentence(message), " probe failed: ")
	return strings.ToLower(kind) + " probe fails: " + lastLines(strings.Replace(said, "HTTP probe failed with statuscode:", "HTTP status", 1))
}

// about returns whether an event is about a pod.
func about(e *corev1.Event, p *corev1.Pod) bool {
	if e.InvolvedObject.UID != "" && p.UID != "" {
		return e.InvolvedObject.UID == p.UID
	}
	return e.InvolvedObject.Kind == "Pod" && e.InvolvedObject.Name == p.Name && e.InvolvedObject.Namespace == p.Namespace
}

// sentence returns a message as the end of a sentence: in one line, bounded,
// without its full stop.
func sentence(s string) string {
	s = strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
	if len(s) > maxQuoted {
		s = strings.ToValidUTF8(s[:maxQuoted], "") + "…"
	}
	return s
}
