package manifest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// LoadBalancersOf returns the Services that an object's annotation puts it
// behind, as written: "service web".
//
// Errors: Invalid for an annotation that is no list of strings.
func LoadBalancersOf(m gennaker.Manifest) ([]string, error) {
	v, ok := Annotations(m)[LoadBalancersAnnotation]
	if !ok {
		return nil, nil
	}
	var out []string
	if err := json.Unmarshal([]byte(v), &out); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s of %s is no list of names: %q", LoadBalancersAnnotation, describe(m), v).
			WithHint(`write a JSON list, as in '["service web"]'`)
	}
	return out, nil
}

// SetLoadBalancers writes the Services into the annotation; none leave m as it
// is.
//
// Errors: Invalid if the annotation is there already and names others.
func SetLoadBalancers(m gennaker.Manifest, services []string) (gennaker.Manifest, error) {
	if len(services) == 0 {
		return m, nil
	}
	if _, there := Annotations(m)[LoadBalancersAnnotation]; there {
		has, err := LoadBalancersOf(m)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(has, services) {
			return nil, gennaker.Errorf(gennaker.Invalid, "%s is behind %s by its annotation %s, and the stage puts it behind %s",
				describe(m), strings.Join(has, ", "), LoadBalancersAnnotation, strings.Join(services, ", ")).
				WithHint("take the annotation out of the manifest, or name the same Services in the same order")
		}
		return m, nil
	}
	b, _ := json.Marshal(services) // strings
	return SetAnnotations(m, map[string]string{LoadBalancersAnnotation: string(b)}), nil
}

// ServiceName returns the name of the Service that "service web" means.
//
// Errors: Invalid for another kind.
func ServiceName(loadBalancer string) (string, error) {
	kind, name, err := gennaker.ParseManifestName(loadBalancer)
	if err != nil {
		return "", gennaker.Errorf(gennaker.Invalid, "%q does not name a Service", loadBalancer).WithHint(`write "service" and its name, as in "service web"`)
	}
	if k, known := LookupKind(kind); !known || k.Name != "Service" {
		return "", gennaker.Errorf(gennaker.Invalid, "traffic cannot be moved by a %s (%q)", kind, loadBalancer).
			WithHint(`name a Service, as in "service web"`)
	}
	return name, nil
}

// selectorOf returns the labels that a Service selects by.
func selectorOf(service gennaker.Manifest) map[string]string {
	return texts(service, "spec", "selector")
}

// Selects reports whether a Service sends requests to pods with these labels.
func Selects(service gennaker.Manifest, podLabels map[string]string) bool {
	selector := selectorOf(service)
	for k, v := range selector {
		if got, ok := podLabels[k]; !ok || got != v {
			return false
		}
	}
	return len(selector) > 0
}

// Join puts the pods of a workload that is yet to be deployed behind a Service:
// its pod template, or a Pod itself, gets the labels that the Service selects by.
//
// Errors: Invalid if the Service selects by nothing, or by a label that the
// workload has already, which could never be taken away to stop the traffic.
// Source: strategies, B5.
func Join(m, service gennaker.Manifest) (gennaker.Manifest, error) {
	selector, err := usable(m, service)
	if err != nil {
		return nil, err
	}
	labels := PodLabels(m)
	for _, k := range slices.Sorted(maps.Keys(selector)) {
		if _, ok := labels[k]; ok {
			return nil, gennaker.Errorf(gennaker.Invalid, "Service selector must have no label keys in common with target workload: %s and %s have %s",
				describe(service), describe(m), k).
				WithHint("let the Service select by a label of its own, which the manifest does not have: it is given and taken to move traffic")
		}
	}
	m = Clone(m)
	into := child(metadatas(m)[len(metadatas(m))-1], "labels")
	for k, v := range selector {
		into[k] = v
	}
	return m, nil
}

// usable returns the selector of a Service by whose labels the pods of m can come
// and go.
func usable(m, service gennaker.Manifest) (map[string]string, error) {
	selector := selectorOf(service)
	if len(selector) == 0 {
		return nil, gennaker.Errorf(gennaker.Invalid, "Service must have a non-empty selector in order to be attached to a workload: %s has none", describe(service)).
			WithHint("give the Service a spec.selector with a label of its own")
	}
	own := texts(m, "spec", "selector", "matchLabels")
	for _, k := range slices.Sorted(maps.Keys(selector)) {
		if _, ok := own[k]; ok {
			return nil, gennaker.Errorf(gennaker.Invalid, "%s selects its pods by the label %s, and so does %s", describe(m), k, describe(service)).
				WithHint("let the Service select by a label of its own: one that the workload selects by cannot be taken from its pods")
		}
	}
	return selector, nil
}

// PatchOperation is a step of a JSON patch (RFC 6902).
type PatchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// AttachPatch returns the JSON patch that gives target the labels that a Service
// selects by: in the pod template of a workload, or on a Pod. An empty patch
// means that it has them.
//
// Errors: Invalid if the Service selects by nothing, or by what the workload
// selects by.
func AttachPatch(target, service gennaker.Manifest) ([]PatchOperation, error) {
	selector, err := usable(target, service)
	if err != nil {
		return nil, err
	}
	path, labels := podLabelsPath(target)
	patch := []PatchOperation{}
	if labels == nil {
		patch = append(patch, PatchOperation{Op: "add", Path: path, Value: map[string]any{}})
	}
	for _, k := range slices.Sorted(maps.Keys(selector)) {
		has, ok := labels[k]
		switch {
		case !ok:
			patch = append(patch, PatchOperation{Op: "add", Path: path + "/" + escape(k), Value: selector[k]})
		case has != selector[k]:
			patch = append(patch, PatchOperation{Op: "replace", Path: path + "/" + escape(k), Value: selector[k]})
		}
	}
	return patch, nil
}

// DetachPatch returns the JSON patch that takes from target the labels that a
// Service selects by. An empty patch means that it has
// none of them. To stop all traffic to a pod it is enough that one is missing;
// they are all taken, as Spinnaker does.
//
// Errors: as of AttachPatch.
func DetachPatch(target, service gennaker.Manifest) ([]PatchOperation, error) {
	selector, err := usable(target, service)
	if err != nil {
		return nil, err
	}
	path, labels := podLabelsPath(target)
	patch := []PatchOperation{}
	for _, k := range slices.Sorted(maps.Keys(selector)) {
		if _, ok := labels[k]; ok {
			patch = append(patch, PatchOperation{Op: "remove", Path: path + "/" + escape(k)})
		}
	}
	return patch, nil
}

// podLabelsPath returns where the labels of target's pods stand, and what they
// are; nil if there are none at all.
func podLabelsPath(target gennaker.Manifest) (string, map[string]any) {
	if template, ok := field[map[string]any](target, "spec", "template", "metadata"); ok {
		labels, _ := template["labels"].(map[string]any)
		return "/spec/template/metadata/labels", labels
	}
	labels, _ := field[map[string]any](target, "metadata", "labels")
	return "/metadata/labels", labels
}

// escape writes a key as part of a JSON pointer (RFC 6901).
func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// Disabled reports whether a server group gets no requests though it is meant
// to: its annotation names Services, and none of those given selects its pods.
//
// Source: strategies, B5; clouddriver-kubernetes KubernetesServerGroup.
func Disabled(m gennaker.Manifest, services []gennaker.Manifest) bool {
	meant, err := LoadBalancersOf(m)
	if err != nil || len(meant) == 0 {
		return false
	}
	labels := PodLabels(m)
	return !slices.ContainsFunc(services, func(s gennaker.Manifest) bool {
		return Namespace(s) == Namespace(m) && Selects(s, labels)
	})
}
