package access

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// CustomResource says what a kind is taken for.
type CustomResource struct {
	Kind          string   `json:"kubernetesKind"`          // with its group: Gadget.example.com
	SpinnakerKind string   `json:"spinnakerKind,omitzero"`  // a class of package manifest; default unclassified
	Priority      Priority `json:"deployPriority,omitzero"` // lower ones are deployed first; default that of workloads, 100
	Versioned     bool     `json:"versioned,omitzero"`      // each deployment makes an object of its own, with a number in its name
	Namespaced    *bool    `json:"namespaced,omitzero"`     // not needed: the cluster says so
}

// Priority is a number, or Spinnaker's name of one. In JSON it is text or a
// number.
type Priority string

// UnmarshalJSON implements [json.Unmarshaler].
func (p *Priority) UnmarshalJSON(b []byte) error {
	if text := (*string)(p); json.Unmarshal(b, text) == nil {
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("read a priority: %w", err)
	}
	*p = Priority(n)
	return nil
}

// maxCustom bounds the customResources of an account.
const maxCustom = 1000

// Custom returns what a says of kinds. It was checked.
func (a Account) Custom() manifest.Custom {
	var out manifest.Custom
	for _, c := range a.CustomResources {
		k := manifest.Kind{Versioned: c.Versioned}
		k.Name, k.Group, _ = strings.Cut(c.Kind, ".")
		k.Class, _ = manifest.ParseClass(c.SpinnakerKind)
		k.Priority, _ = manifest.ParsePriority(string(c.Priority))
		out = append(out, k)
	}
	return out
}

func (a Account) checkCustom() []gennaker.Problem {
	var out []gennaker.Problem
	if len(a.CustomResources) > maxCustom {
		return []gennaker.Problem{{Path: "customResources", Message: fmt.Sprintf("has more than %d entries", maxCustom)}}
	}
	seen := map[string]bool{}
	for i, c := range a.CustomResources {
		wrong := func(field, format string, args ...any) {
			out = append(out, gennaker.Problem{Path: fmt.Sprintf("customResources[%d].%s", i, field), Message: fmt.Sprintf(format, args...)})
		}
		switch kind := strings.ToLower(c.Kind); {
		case kind == "":
			wrong("kubernetesKind", "is missing: write the kind with its group, as in Gadget.example.com")
		case seen[kind]:
			wrong("kubernetesKind", "%q stands twice", c.Kind)
		default:
			seen[kind] = true
		}
		if _, ok := manifest.ParseClass(c.SpinnakerKind); !ok {
			wrong("spinnakerKind", "%q is none of serverGroups, serverGroupManagers, loadBalancers, securityGroups, configs, instances and unclassified", c.SpinnakerKind)
		}
		if _, ok := manifest.ParsePriority(string(c.Priority)); !ok {
			wrong("deployPriority", "%q is neither a number nor the name of a priority, as WORKLOAD_PRIORITY", c.Priority)
		}
	}
	return out
}
