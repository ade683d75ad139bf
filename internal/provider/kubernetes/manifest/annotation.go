package manifest

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gennaker/gennaker"
)

// The annotations and labels that Spinnaker writes and reads, and ours.
//
// Source: strategies, B1.
const (
	VersionedAnnotation         = "strategy.spinnaker.io/versioned"
	MaxVersionHistoryAnnotation = "strategy.spinnaker.io/max-version-history"
	RecreateAnnotation          = "strategy.spinnaker.io/recreate"
	ReplaceAnnotation           = "strategy.spinnaker.io/replace"
	ServerSideApplyAnnotation   = "strategy.spinnaker.io/server-side-apply"
	SourceCapacityAnnotation    = "strategy.spinnaker.io/use-source-capacity"
	LoadBalancersAnnotation     = "traffic.spinnaker.io/load-balancers"
	ApplicationAnnotation       = "moniker.spinnaker.io/application"
	ClusterAnnotation           = "moniker.spinnaker.io/cluster"
	StackAnnotation             = "moniker.spinnaker.io/stack"
	DetailAnnotation            = "moniker.spinnaker.io/detail"
	SequenceAnnotation          = "moniker.spinnaker.io/sequence" // a label too
	ArtifactTypeAnnotation      = "artifact.spinnaker.io/type"
	ArtifactNameAnnotation      = "artifact.spinnaker.io/name"
	ArtifactLocationAnnotation  = "artifact.spinnaker.io/location"
	ArtifactVersionAnnotation   = "artifact.spinnaker.io/version"
	IgnoreAnnotation            = "caching.spinnaker.io/ignore"
	JobLogsAnnotation           = "job.spinnaker.io/logs"

	ApplicationLabel = "app.kubernetes.io/name"
	ManagedByLabel   = "app.kubernetes.io/managed-by"
	managedBy        = "spinnaker"

	// LastAppliedAnnotation holds the Digest of what was deployed.
	LastAppliedAnnotation = "gennaker.io/last-applied"
	// KubectlAnnotation holds what kubectl, and so Spinnaker, deployed.
	KubectlAnnotation = "kubectl.kubernetes.io/last-applied-configuration"
	// RevisionAnnotation numbers the ReplicaSets of a Deployment.
	RevisionAnnotation = "deployment.kubernetes.io/revision"
	// RestartedAnnotation of a pod template says when a restart was asked for.
	RestartedAnnotation = "kubectl.kubernetes.io/restartedAt"
)

// Method is how an object is deployed.
type Method string

// The methods; in a manifest that asks for several the first of recreate,
// replace, server-side apply holds.
const (
	Apply           Method = "apply"
	Recreate        Method = "recreate"          // delete what is there, then create
	Replace         Method = "replace"           // put in its place; create if there is none
	ServerSideApply Method = "server-side-apply" //
	Create          Method = "create"            // of metadata.generateName
)

// Strategy is what the annotations of a manifest say about its deployment.
type Strategy struct {
	Versioned         *bool // nil leaves it to the stage and the kind
	MaxVersionHistory int   // versions to keep; 0 keeps all
	Method            Method
	ForceConflicts    bool // of ServerSideApply: take fields from other managers
	UseSourceCapacity bool // take the replicas of what runs now
}

// StrategyOf reads the strategy annotations.
//
// Errors: Invalid, with a problem for each annotation that cannot be read;
// Spinnaker takes those for false.
func StrategyOf(m gennaker.Manifest) (Strategy, error) {
	s, problems := strategyOf(m)
	if len(problems) > 0 {
		return s, &gennaker.Error{
			Kind:     gennaker.Invalid,
			Message:  describe(m) + ": " + problems[0].String(),
			Hint:     "correct the annotation, or leave it out",
			Problems: problems,
		}
	}
	return s, nil
}

func strategyOf(m gennaker.Manifest) (Strategy, []gennaker.Problem) {
	annotations := Annotations(m)
	var problems []gennaker.Problem
	problem := func(key, want string) {
		problems = append(problems, gennaker.Problem{
			Path:    annotationPath(key),
			Message: strconv.Quote(annotations[key]) + " must be " + want,
		})
	}
	boolean := func(key string) bool {
		v, ok := annotations[key]
		b := strings.EqualFold(v, "true")
		if ok && !b && !strings.EqualFold(v, "false") {
			problem(key, `"true" or "false"`)
		}
		return b
	}
	s := Strategy{Method: Apply, UseSourceCapacity: boolean(SourceCapacityAnnotation)}
	if _, ok := annotations[VersionedAnnotation]; ok {
		s.Versioned = new(boolean(VersionedAnnotation))
	}
	if v, ok := annotations[MaxVersionHistoryAnnotation]; ok {
		n, err := strconv.Atoi(v)
		if s.MaxVersionHistory = n; err != nil || n < 1 {
			s.MaxVersionHistory = 0
			problem(MaxVersionHistoryAnnotation, "a whole number of at least 1, in quotes")
		}
	}
	recreate, replace := boolean(RecreateAnnotation), boolean(ReplaceAnnotation)
	v, ok := annotations[ServerSideApplyAnnotation]
	force := v == "force-conflicts"
	if ok && !force && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
		problem(ServerSideApplyAnnotation, `"true", "force-conflicts" or "false"`)
	}
	switch {
	case recreate:
		s.Method = Recreate
	case replace:
		s.Method = Replace
	case force || strings.EqualFold(v, "true"):
		s.Method, s.ForceConflicts = ServerSideApply, force
	}
	if Name(m) == "" && GenerateName(m) != "" {
		s.Method = Create
	}
	return s, problems
}

func annotationPath(key string) string { return `metadata.annotations["` + key + `"]` }

// Ignored reports whether an object wants to be hidden
// (caching.spinnaker.io/ignore).
func Ignored(m gennaker.Manifest) bool {
	return strings.EqualFold(Annotations(m)[IgnoreAnnotation], "true")
}

// Identity is what a deployment writes into an object.
type Identity struct {
	// Moniker has the application; an empty Cluster is "<kind> <name>", as in
	// "replicaSet web". Its Sequence is not read: Version is.
	Moniker gennaker.Moniker
	Version *int // nil of an unversioned object
	// SkipTemplateLabels leaves the labels of the pod template alone.
	SkipTemplateLabels bool
}

// Annotate gives an object the annotations, labels and name that say what it is
// to Spinnaker, in its pod template too. Annotations that are there stay; of
// labels, app.kubernetes.io/name stays and the others are overwritten. A
// versioned object gets its numbered name and the digest of what it is now: call
// it when nothing else will be changed.
//
// Errors: Invalid for an application that cannot be a label.
func Annotate(m gennaker.Manifest, id Identity) (gennaker.Manifest, error) {
	if errs := validation.IsValidLabelValue(id.Moniker.App); len(errs) > 0 {
		return nil, gennaker.Errorf(gennaker.Invalid, "application %q cannot be the label %s: %s", id.Moniker.App, ApplicationLabel, errs[0]).
			WithHint("choose a name of at most 63 letters, digits, dots, dashes and underscores that begins and ends with a letter or a digit")
	}
	m = Clone(m)
	kind, name := KindOf(m), Name(m)
	cluster := id.Moniker.Cluster
	if cluster == "" {
		cluster = kind.String() + " " + cmp.Or(name, GenerateName(m))
	}
	version, sequence := "", ""
	if id.Version != nil {
		version, sequence = versionText(*id.Version), strconv.Itoa(*id.Version)
	}
	annotations := map[string]string{
		ArtifactTypeAnnotation:     "kubernetes/" + kind.String(),
		ArtifactNameAnnotation:     name,
		ArtifactLocationAnnotation: Namespace(m),
		ArtifactVersionAnnotation:  version,
		ClusterAnnotation:          cluster,
		ApplicationAnnotation:      id.Moniker.App,
	}
	for k, v := range map[string]string{StackAnnotation: id.Moniker.Stack, DetailAnnotation: id.Moniker.Detail, SequenceAnnotation: sequence} {
		if v != "" {
			annotations[k] = v
		}
	}
	for _, metadata := range metadatas(m) {
		keep(child(metadata, "annotations"), annotations)
	}
	for i, metadata := range metadatas(m) {
		if i > 0 && id.SkipTemplateLabels {
			break
		}
		labels := child(metadata, "labels")
		keep(labels, map[string]string{ApplicationLabel: id.Moniker.App})
		labels[ManagedByLabel] = managedBy
		if sequence != "" {
			labels[SequenceAnnotation] = sequence
		}
	}
	if id.Version != nil {
		child(m, "metadata")["name"] = VersionedName(name, *id.Version)
		child(m, "metadata", "annotations")[LastAppliedAnnotation] = Digest(m)
	}
	return m, nil
}

// metadatas returns the metadata of an object, and that of its pod template if
// it has one. A template without metadata gets some only where a pod comes of
// it: what "template" is in other objects is theirs.
func metadatas(m gennaker.Manifest) []map[string]any {
	out := []map[string]any{child(m, "metadata")}
	template, ok := field[map[string]any](m, "spec", "template")
	if !ok {
		return out
	}
	if metadata, ok := template["metadata"].(map[string]any); ok {
		return append(out, metadata)
	}
	if Is(m, "Job", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet") {
		return append(out, child(template, "metadata"))
	}
	return out
}

// keep adds what is not there yet.
func keep(into map[string]any, add map[string]string) {
	for k, v := range add {
		if _, ok := into[k]; !ok {
			into[k] = v
		}
	}
}

// MonikerOf returns which application and cluster an object belongs to: by its
// annotations, else by its labels, else by its name, of which the application is
// the part before the first dash. The number of a Deployment's ReplicaSet is its
// revision.
//
// Source: clouddriver-kubernetes KubernetesManifestAnnotater.getMoniker; the
// labels are ours, as charts write app.kubernetes.io/name.
func MonikerOf(m gennaker.Manifest) gennaker.Moniker {
	annotations, labels := Annotations(m), Labels(m)
	named := nameMoniker(Name(m))
	annotation := func(key, otherwise string) string {
		if v, ok := annotations[key]; ok {
			return unquote(v)
		}
		return otherwise
	}
	out := gennaker.Moniker{
		App:      annotation(ApplicationAnnotation, cmp.Or(labels[ApplicationLabel], named.App)),
		Cluster:  annotation(ClusterAnnotation, named.Cluster),
		Stack:    annotation(StackAnnotation, ""),
		Detail:   annotation(DetailAnnotation, ""),
		Sequence: named.Sequence,
	}
	candidates := []string{annotations[SequenceAnnotation], labels[SequenceAnnotation]}
	if Is(m, "ReplicaSet") {
		candidates = append(candidates, annotations[RevisionAnnotation])
	}
	for _, s := range candidates {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 {
			out.Sequence = &n
			break
		}
	}
	return out
}

// nameMoniker reads names as Frigga does, and those of Kubernetes' own objects
// ("system:node") as belonging to an application "system".
func nameMoniker(name string) gennaker.Moniker {
	if !strings.HasPrefix(name, "system:") {
		m := gennaker.ParseServerGroupName(name)
		return gennaker.Moniker{App: m.App, Cluster: m.Cluster, Sequence: m.Sequence}
	}
	base, n, ok := cutVersion(name)
	if !ok {
		return gennaker.Moniker{App: "system", Cluster: name}
	}
	return gennaker.Moniker{App: "system", Cluster: base, Sequence: &n}
}

// unquote reads annotations that old versions of Spinnaker wrote as JSON.
func unquote(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		var out string
		if json.Unmarshal([]byte(s), &out) == nil {
			return out
		}
	}
	return s
}

// describe names an object in an error: "replicaSet web".
func describe(m gennaker.Manifest) string {
	return KindOf(m).String() + " " + short(cmp.Or(Name(m), GenerateName(m)))
}
