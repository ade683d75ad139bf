package manifest

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/gennaker/gennaker"
)

// Selector chooses by one label. Kind is EQUALS, NOT_EQUALS, CONTAINS,
// NOT_CONTAINS, EXISTS or NOT_EXISTS, in any case; ANY chooses all.
//
// Source: clouddriver-kubernetes KubernetesSelector.
type Selector struct {
	Key    string
	Kind   string
	Values []string
}

// Selection chooses objects that several selectors choose, all of them. The zero
// value chooses all objects.
type Selection struct{ requirements labels.Requirements }

// Select combines selectors. EQUALS and NOT_EQUALS look at the first value;
// NOT_EQUALS and NOT_CONTAINS choose objects without the label too.
//
// Errors: Invalid, naming the selector.
func Select(selectors []Selector) (Selection, error) {
	var out Selection
	for _, s := range selectors {
		var op selection.Operator
		values := s.Values
		switch strings.ToUpper(s.Kind) {
		case "ANY":
			continue
		case "EQUALS":
			op, values = selection.Equals, values[:min(1, len(values))]
		case "NOT_EQUALS":
			op, values = selection.NotEquals, values[:min(1, len(values))]
		case "CONTAINS":
			op = selection.In
		case "NOT_CONTAINS":
			op = selection.NotIn
		case "EXISTS":
			op, values = selection.Exists, nil
		case "NOT_EXISTS":
			op, values = selection.DoesNotExist, nil
		default:
			return Selection{}, gennaker.Errorf(gennaker.Invalid, "label selector %q has the kind %q", s.Key, s.Kind).
				WithHint("the kinds are EQUALS, NOT_EQUALS, CONTAINS, NOT_CONTAINS, EXISTS, NOT_EXISTS")
		}
		r, err := labels.NewRequirement(s.Key, op, values)
		if err != nil {
			return Selection{}, gennaker.Errorf(gennaker.Invalid, "label selector %q cannot be used: %w", s.Key, err).
				WithHint("a selector has a key, a kind and, but for EXISTS and NOT_EXISTS, values, all as Kubernetes' labels may be")
		}
		out.requirements = append(out.requirements, *r)
	}
	return out, nil
}

// Empty reports whether s chooses all objects.
func (s Selection) Empty() bool { return len(s.requirements) == 0 }

// Matches reports whether the labels of m are chosen.
func (s Selection) Matches(m gennaker.Manifest) bool {
	set := labels.Set(Labels(m))
	return !slices.ContainsFunc(s.requirements, func(r labels.Requirement) bool { return !r.Matches(set) })
}

// String returns the selection as Kubernetes' API takes it (labelSelector).
func (s Selection) String() string {
	return labels.NewSelector().Add(s.requirements...).String()
}

// InCluster reports whether an object belongs to a cluster of an application, as
// its annotations say; that is how dynamic targets are found.
func InCluster(m gennaker.Manifest, application, cluster string) bool {
	a := Annotations(m)
	return unquote(a[ClusterAnnotation]) == cluster && (application == "" || unquote(a[ApplicationAnnotation]) == application)
}

// The criteria of dynamic targets.
const (
	Newest       = "newest"
	SecondNewest = "second_newest"
	Oldest       = "oldest"
	Largest      = "largest"
	Smallest     = "smallest"
)

// Choose returns the object of a cluster that a criterion means: by age, or by
// replicas, of which an object without any has fewest. Among equals the one with
// the higher number is newer, and the newer one larger.
//
// Errors: Invalid for an unknown criterion; NotFound if there are too few.
// Source: strategies, B7; clouddriver-kubernetes ManifestController. What is
// newer among equals is left open there.
func Choose(criteria string, objects []gennaker.Manifest) (gennaker.Manifest, error) {
	age := func(a, b gennaker.Manifest) int {
		return cmp.Or(Created(a).Compare(Created(b)), cmp.Compare(sequence(a), sequence(b)), strings.Compare(Name(a), Name(b)))
	}
	size := func(a, b gennaker.Manifest) int {
		return cmp.Or(cmp.Compare(replicasOr(a, -1), replicasOr(b, -1)), age(a, b))
	}
	order, fromEnd, need := age, 1, 1
	switch criteria {
	case Newest:
	case SecondNewest:
		fromEnd, need = 2, 2
	case Oldest:
		fromEnd = len(objects)
	case Largest:
		order = size
	case Smallest:
		order, fromEnd = size, len(objects)
	default:
		return nil, gennaker.Errorf(gennaker.Invalid, "there is no criterion %q", criteria).
			WithHint("choose newest, second_newest, oldest, largest or smallest")
	}
	if len(objects) < need {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no %s of %d objects", strings.ReplaceAll(criteria, "_", " "), len(objects)).
			WithHint("the target is looked for in the cluster, kind and namespace of the stage: see whether it was deployed there")
	}
	sorted := slices.SortedStableFunc(slices.Values(objects), order)
	return sorted[len(sorted)-fromEnd], nil
}

func sequence(m gennaker.Manifest) int {
	if s := MonikerOf(m).Sequence; s != nil {
		return *s
	}
	return -1
}

func replicasOr(m gennaker.Manifest, otherwise int) int {
	if n, ok := Replicas(m); ok {
		return n
	}
	return otherwise
}
