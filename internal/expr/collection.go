package expr

import (
	"maps"
	"slices"

	"github.com/gennaker/gennaker/internal/expr/syntax"

	"github.com/gennaker/gennaker/internal/expr/value"
)

func (r *run) target(n syntax.Node) (any, *Error) {
	if n == nil {
		v, _ := r.context()
		return v, nil
	}
	return r.eval(n)
}

// index is target[key]: an element of a list or text, or a value of a map,
// which is null if the map has no such key.
func (r *run) index(n *syntax.Index) (any, *Error) {
	target, err := r.target(n.Target)
	if err != nil {
		return nil, err
	}
	key, err := r.key(target, n.Key)
	if err != nil {
		return nil, err
	}
	switch target := target.(type) {
	case nil:
		if n.Safe {
			return nil, nil
		}
		return nil, r.null(n.Target, n.At(), "["+value.ScalarString(key)+"]")
	case map[string]any:
		return r.value(target, key, n)
	case Object:
		name, ok := key.(string)
		if !ok {
			return nil, failure(n.Key.At(), "%s is not the name of a property", value.Describe(key))
		}
		return r.get(target, name, n.Key.At(), place{node: n.Target})
	case []any:
		i, plain := r.position(key, len(target))
		if plain != nil {
			return nil, placed(plain, n.Key.At())
		}
		return r.member(target[i], n.Key.At())
	case string:
		if err := r.Spend(len(target)); err != nil {
			return nil, placed(err, n.At())
		}
		u := value.Units(target)
		i, plain := r.position(key, len(u))
		if plain != nil {
			return nil, placed(plain, n.Key.At())
		}
		return value.FromUnits(u[i : i+1]), nil
	}
	return nil, failure(n.At(), "%s cannot be indexed", value.Describe(target)).WithHint("lists, maps and texts can")
}

// key evaluates an index. As in SpEL, a bare name as the index of a map stands
// for itself: m[name] is m['name'], and m[#root.name] looks the name up.
func (r *run) key(target any, n syntax.Node) (any, *Error) {
	if _, ok := target.(map[string]any); ok {
		if name, ok := n.(*syntax.Property); ok && name.Target == nil {
			return name.Name, nil
		}
	}
	return r.eval(n)
}

func (r *run) value(m map[string]any, key any, n *syntax.Index) (any, *Error) {
	name := value.ScalarString(key)
	if err := r.Spend(len(name) / 8); err != nil {
		return nil, placed(err, n.At())
	}
	if name == "execution" && (isRoot(n.Target) || n.Target == nil && len(r.this) == 0) {
		if e := r.theExecution(); e != nil {
			return e, nil
		}
	}
	if v, ok := m[name]; ok {
		return r.member(v, n.Key.At())
	}
	if v, ok := derived(m, name); ok {
		return v, nil
	}
	if v, ok := r.inherited(m, name); ok {
		return r.member(v, n.Key.At())
	}
	if r.missing == nil {
		r.missing = failure(n.At(), "there is no '%s'%s", name, place{node: n.Target}).
			WithHint("%s", value.Suggest(name, slices.Sorted(maps.Keys(m))))
	}
	return nil, nil
}

func (r *run) position(key any, length int) (int, error) {
	i, err := value.ToInt(key)
	if err != nil {
		return 0, value.Refuse("an element is [0], a property of each is .![name]", "%s is not a position in a list", value.Describe(key))
	}
	if i < 0 || i >= int64(length) {
		return 0, value.Refuse("write .?[…] and ?. where there may be none", "there is no element %d among %d", i, length)
	}
	return int(i), nil
}

// pair is an element of a map within a selection or projection.
func pair(m map[string]any, key string) map[string]any {
	return map[string]any{"key": key, "value": m[key]}
}

// elements returns what a selection or projection visits, and for a map the
// keys.
func (r *run) elements(target any, at int) ([]any, []string, *Error) {
	if m, ok := value.Entries(target); ok {
		if err := r.Spend(128 * len(m)); err != nil {
			return nil, nil, placed(err, at)
		}
		keys := slices.Sorted(maps.Keys(m))
		out := make([]any, len(keys))
		for i, k := range keys {
			out[i] = pair(m, k)
		}
		return out, keys, nil
	}
	if items, ok := target.([]any); ok {
		return items, nil, nil
	}
	return nil, nil, failure(at, "%s has no elements to choose from", value.Describe(target)).
		WithHint("selections and projections are for lists and maps")
}

// maxSelections bounds selections within each other.
const maxSelections = 100

// within evaluates n with v as #this.
func (r *run) within(v any, n syntax.Node) (any, *Error) {
	v, err := r.member(v, n.At())
	if err != nil {
		return nil, err
	}
	if len(r.this) >= maxSelections {
		return nil, failure(n.At(), "selections nest more than %d deep", maxSelections)
	}
	r.this = append(r.this, v)
	defer func() { r.this = r.this[:len(r.this)-1] }()
	return r.eval(n)
}

func (r *run) selection(n *syntax.Selection) (any, *Error) {
	target, err := r.target(n.Target)
	if err != nil || target == nil && n.Safe {
		return nil, err
	}
	if target == nil {
		return nil, r.null(n.Target, n.At(), "elements")
	}
	items, keys, err := r.elements(target, n.At())
	if err != nil {
		return nil, err
	}
	var chosen []int
	for i, v := range items {
		v, err := r.within(v, n.Cond)
		if err != nil {
			return nil, err
		}
		ok, boolean := v.(bool)
		if !boolean {
			return nil, failure(n.Cond.At(), "the condition is %s, neither true nor false", value.Describe(v)).
				WithHint("compare it with something, as in name == 'x' or #toBoolean(x)")
		}
		if ok {
			chosen = append(chosen, i)
			if n.Which == '^' {
				break
			}
		}
	}
	if n.Which == '$' && len(chosen) > 0 {
		chosen = chosen[len(chosen)-1:]
	}
	if keys != nil {
		m, _ := value.Entries(target)
		return chosenPairs(m, keys, chosen, n.Which), placed(r.Spend(32*len(chosen)), n.At())
	}
	if n.Which != '?' {
		if len(chosen) == 0 {
			return nil, nil
		}
		return r.member(items[chosen[0]], n.At())
	}
	out := make([]any, len(chosen))
	for i, at := range chosen {
		out[i] = items[at]
	}
	return out, placed(r.Spend(16*len(out)), n.At())
}

// chosenPairs returns the chosen pairs as a map: null if one was wanted and
// there is none.
func chosenPairs(m map[string]any, keys []string, chosen []int, which byte) any {
	if which != '?' && len(chosen) == 0 {
		return nil
	}
	out := make(map[string]any, len(chosen))
	for _, i := range chosen {
		out[keys[i]] = m[keys[i]]
	}
	return out
}

func (r *run) projection(n *syntax.Projection) (any, *Error) {
	target, err := r.target(n.Target)
	if err != nil || target == nil && n.Safe {
		return nil, err
	}
	if target == nil {
		return nil, r.null(n.Target, n.At(), "elements")
	}
	items, _, err := r.elements(target, n.At())
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	for i, v := range items {
		if out[i], err = r.within(v, n.Each); err != nil {
			return nil, err
		}
	}
	return out, placed(r.Spend(16*len(out)), n.At())
}
