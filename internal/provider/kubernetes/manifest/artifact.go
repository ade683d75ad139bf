package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// The types of artifacts that objects name.
const (
	imageType      = "docker/image"
	configMapType  = "kubernetes/configMap"
	secretType     = "kubernetes/secret"
	deploymentType = "kubernetes/deployment"
	replicaSetType = "kubernetes/replicaSet"
)

// Image is a reference to a container image taken apart.
type Image struct {
	Name   string // registry and repository: "registry.example.com:5000/shop/cart"
	Tag    string // "" if it has none
	Digest string // "sha256:…", "" if it has none
}

// ParseImage takes a reference apart. What follows a colon is a tag only behind
// the last slash: before it is the registry's port.
func ParseImage(reference string) Image {
	var i Image
	i.Name, i.Digest, _ = strings.Cut(reference, "@")
	if colon := strings.LastIndex(i.Name, ":"); colon > strings.LastIndex(i.Name, "/") {
		i.Name, i.Tag = i.Name[:colon], i.Name[colon+1:]
	}
	return i
}

// slot is a place in an object where the name of something else stands.
type slot struct {
	in     map[string]any
	key    string
	kind   string // type of the artifacts that fit
	folded bool   // an image: tag and digest do not count
}

func (s slot) reference() string { r, _ := s.in[s.key].(string); return r }

// name returns what an artifact's name must be to fit.
func (s slot) name(exact bool) string {
	if s.folded && !exact {
		return ParseImage(s.reference()).Name
	}
	return s.reference()
}

// slots returns the places of an object, in order of their types: images,
// config maps and secrets of every pod template anywhere in it, those of a Pod,
// and what an autoscaler scales.
//
// Source: clouddriver-kubernetes Replacer. There only workloads have them; here
// pod templates of custom resources too.
func slots(m gennaker.Manifest) []slot {
	var out []slot
	switch {
	case Is(m, "HorizontalPodAutoscaler"):
		if target, ok := field[map[string]any](m, "spec", "scaleTargetRef"); ok {
			switch strings.ToLower(text(target, "kind")) {
			case "deployment":
				out = append(out, slot{in: target, key: "name", kind: deploymentType})
			case "replicaset":
				out = append(out, slot{in: target, key: "name", kind: replicaSetType})
			}
		}
	case Is(m, "Pod"):
		if spec, ok := m["spec"].(map[string]any); ok {
			out = podSlots(spec, false)
		}
	default:
		templates(m, func(spec map[string]any) { out = append(out, podSlots(spec, true)...) })
	}
	out = slices.DeleteFunc(out, func(s slot) bool { return s.reference() == "" })
	rank := func(s slot) int { return slices.Index([]string{imageType, configMapType, secretType}, s.kind) }
	slices.SortStableFunc(out, func(a, b slot) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// templates calls found with each spec.template.spec within v, in order of keys.
func templates(v any, found func(spec map[string]any)) {
	switch v := v.(type) {
	case gennaker.Manifest:
		templates(map[string]any(v), found)
	case map[string]any:
		if spec, ok := field[map[string]any](v, "spec", "template", "spec"); ok {
			found(spec)
		}
		for _, k := range sortedKeys(v) {
			templates(v[k], found)
		}
	case []any:
		for _, e := range v {
			templates(e, found)
		}
	}
}

// podSlots returns the places of a pod's specification.
func podSlots(spec map[string]any, folded bool) []slot {
	var out []slot
	add := func(in map[string]any, ok bool, key, kind string) {
		if ok {
			out = append(out, slot{in: in, key: key, kind: kind})
		}
	}
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for _, c := range maplist(spec, list) {
			out = append(out, slot{in: c, key: "image", kind: imageType, folded: folded})
			for _, e := range maplist(c, "env") {
				ref, ok := field[map[string]any](e, "valueFrom", "configMapKeyRef")
				add(ref, ok, "name", configMapType)
				ref, ok = field[map[string]any](e, "valueFrom", "secretKeyRef")
				add(ref, ok, "name", secretType)
			}
			for _, e := range maplist(c, "envFrom") {
				ref, ok := field[map[string]any](e, "configMapRef")
				add(ref, ok, "name", configMapType)
				ref, ok = field[map[string]any](e, "secretRef")
				add(ref, ok, "name", secretType)
			}
		}
	}
	for _, v := range maplist(spec, "volumes") {
		ref, ok := field[map[string]any](v, "configMap")
		add(ref, ok, "name", configMapType)
		ref, ok = field[map[string]any](v, "secret")
		add(ref, ok, "secretName", secretType)
		for _, s := range maplist(v, "projected", "sources") {
			ref, ok = field[map[string]any](s, "configMap")
			add(ref, ok, "name", configMapType)
			ref, ok = field[map[string]any](s, "secret")
			add(ref, ok, "name", secretType)
		}
	}
	return out
}

// maplist returns the objects of the list at path.
func maplist(m map[string]any, path ...string) []map[string]any {
	list, _ := field[[]any](m, path...)
	var out []map[string]any
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

// Binding says how artifacts are bound to an object.
type Binding struct {
	Account string // artifacts of other accounts do not fit
	// MatchNameOnly wants the whole image, with its tag, to be the artifact's
	// name (Spinnaker's setting "match-name-only").
	MatchNameOnly bool
}

// Bind puts the references of artifacts in the places of an object that name
// them, and returns those artifacts. An image is compared without tag and
// digest, but in a plain Pod, where it must be the artifact's name. Config maps,
// secrets and what an autoscaler scales must be in the object's namespace and in
// the account, if the artifact names one. Of several that fit the first is put
// in; all count as bound.
//
// Source: strategies, B4; clouddriver-kubernetes ArtifactReplacer.
func (b Binding) Bind(m gennaker.Manifest, artifacts []gennaker.Artifact) (gennaker.Manifest, []gennaker.Artifact) {
	m = Clone(m)
	namespace := Namespace(m)
	bound := make([]bool, len(artifacts))
	for _, s := range slots(m) {
		name, done := s.name(b.MatchNameOnly), false
		for i, a := range artifacts {
			if a.Type != s.kind || a.Name != name || a.Reference == "" || !b.fits(a, namespace) {
				continue
			}
			if !done {
				s.in[s.key], done = a.Reference, true
			}
			bound[i] = true
		}
	}
	var out []gennaker.Artifact
	for i, a := range artifacts {
		if bound[i] {
			out = append(out, a)
		}
	}
	return m, out
}

func (b Binding) fits(a gennaker.Artifact, namespace string) bool {
	if !strings.HasPrefix(a.Type, "kubernetes/") {
		return true
	}
	account, _ := a.Metadata["account"].(string)
	return a.Location == namespace && (account == "" || account == b.Account)
}

// Candidates returns the artifacts to bind, in order of preference: those that
// created ones replace, then the required, then the optional. Two that have type,
// name and location in common are one, of which the first stays.
func Candidates(required, optional, created []gennaker.Artifact) []gennaker.Artifact {
	type key struct{ kind, name, location string }
	seen := map[key]bool{}
	var out []gennaker.Artifact
	created = slices.Clone(created)
	slices.Reverse(created) // the last of one name is the one that runs
	for _, a := range slices.Concat(created, required, optional) {
		k := key{a.Type, a.Name, a.Location}
		if !seen[k] {
			seen[k] = true
			out = append(out, a)
		}
	}
	return out
}

// CheckBound reports the required artifacts that are not among the bound.
//
// Errors: Invalid.
func CheckBound(required, bound []gennaker.Artifact) error {
	var missing []string
	for _, r := range required {
		if !slices.ContainsFunc(bound, func(b gennaker.Artifact) bool {
			return b.Type == r.Type && b.Name == r.Name && b.Version == r.Version && b.Location == r.Location && b.Reference == r.Reference
		}) {
			missing = append(missing, r.Type+" "+cmp.Or(r.Name, r.Reference))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return gennaker.Errorf(gennaker.Invalid, "no manifest uses the required artifact %s", strings.Join(missing, ", ")).
		WithHint("an image is found by its name without tag: compare it with the image of the manifest's containers, or do not require the artifact")
}

// Found returns the artifacts that an object names, each once: images, config
// maps, secrets, and what an autoscaler scales.
//
// Source: clouddriver-kubernetes ArtifactReplacer.findAll, for
// findArtifactsFromResource.
func Found(m gennaker.Manifest) []gennaker.Artifact {
	out := []gennaker.Artifact{}
	for _, s := range slots(m) {
		a := gennaker.Artifact{Type: s.kind, Name: s.name(false), Reference: s.reference()}
		if !slices.ContainsFunc(out, func(o gennaker.Artifact) bool { return o.Type == a.Type && o.Reference == a.Reference }) {
			out = append(out, a)
		}
	}
	return out
}

// Images returns the images of a workload's or Pod's containers, each once, in
// order: those of containers first.
func Images(m gennaker.Manifest) []string {
	out := []string{}
	for _, s := range slots(m) {
		if s.kind == imageType && !slices.Contains(out, s.reference()) {
			out = append(out, s.reference())
		}
	}
	return out
}

// ArtifactOf returns the artifact that a deployed object is. It reads the
// annotations that Annotate wrote.
func ArtifactOf(account string, m gennaker.Manifest) gennaker.Artifact {
	a := Annotations(m)
	kind := KindOf(m)
	name, version := unquote(a[ArtifactNameAnnotation]), unquote(a[ArtifactVersionAnnotation])
	if base, n, ok := cutVersion(Name(m)); ok && version != "" {
		name, version = base, versionText(n)
	}
	return gennaker.Artifact{
		Type:      "kubernetes/" + kind.String(),
		Name:      cmp.Or(name, Name(m)),
		Location:  Namespace(m),
		Version:   version,
		Reference: Name(m),
		Metadata:  map[string]any{"account": account},
	}
}
