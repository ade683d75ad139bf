package manifest

import (
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
)

// Custom is what an account says of kinds, in place of what is known of them:
// Class, Priority and Versioned, by Name and Group. A kind without a group is one
// of Kubernetes' own. Nil says nothing.
//
// Source: clouddriver-kubernetes CustomKubernetesResource.
type Custom []Kind

// KindOf returns the kind of an object. The class of one that is in the table
// stays: as that it is shown.
func (c Custom) KindOf(m gennaker.Manifest) Kind {
	k := KindOf(m)
	for _, own := range c {
		if !strings.EqualFold(own.Name, k.Name) || !strings.EqualFold(own.Group, k.Group) && !(own.Group == "" && native(k.Group)) {
			continue
		}
		k.Priority, k.Versioned = own.Priority, own.Versioned
		if k.Plural == "" {
			k.Class = own.Class
		}
		break
	}
	return k
}

// ParseClass reads a class as users write it, in any case. "" is Unclassified.
func ParseClass(s string) (Class, bool) {
	if s == "" {
		return Unclassified, true
	}
	for _, c := range []Class{ServerGroups, ServerGroupManagers, LoadBalancers, SecurityGroups, Configs, Instances, Unclassified} {
		if strings.EqualFold(string(c), s) {
			return c, true
		}
	}
	return "", false
}

// priorities are Spinnaker's names of them.
//
// Source: clouddriver-kubernetes KubernetesHandler.DeployPriority.
var priorities = map[string]int{
	"LOWEST_PRIORITY":                          lowest,
	"WORKLOAD_ATTACHMENT_PRIORITY":             110,
	"WORKLOAD_CONTROLLER_PRIORITY":             workloads,
	"WORKLOAD_PRIORITY":                        workloads,
	"WORKLOAD_MODIFIER_PRIORITY":               90,
	"PDB_PRIORITY":                             90,
	"API_SERVICE_PRIORITY":                     80,
	"NETWORK_RESOURCE_PRIORITY":                70,
	"MOUNTABLE_DATA_PRIORITY":                  50,
	"MOUNTABLE_DATA_BACKING_RESOURCE_PRIORITY": 40,
	"SERVICE_ACCOUNT_PRIORITY":                 40,
	"STORAGE_CLASS_PRIORITY":                   40,
	"ADMISSION_PRIORITY":                       40,
	"RESOURCE_DEFINITION_PRIORITY":             30,
	"ROLE_BINDING_PRIORITY":                    30,
	"ROLE_PRIORITY":                            20,
	"NAMESPACE_PRIORITY":                       0,
}

// workloads is the priority of Deployments and their like.
const workloads = 100

// ParsePriority reads a priority of deployment: a number, or Spinnaker's name of
// one in any case. "" is that of workloads.
func ParsePriority(s string) (int, bool) {
	if s == "" {
		return workloads, true
	}
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return int(n), true
	}
	n, ok := priorities[strings.ToUpper(s)]
	return n, ok
}
