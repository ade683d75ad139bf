package expr

import (
	"maps"
	"slices"
)

func (r *run) target(n node) (any, *Error) {
	if n == nil {
		v, _ := r.context()
		return v, nil
	}
	return r.eval(n)
}

// index is target[key]: an element of a list or text, or a value of a map,
// which is null if the map has no such key.
func (r *run) index(n *index) (any, *Error) {
	target, err := r.target(n.target)
	if err != nil {
		return nil, err
	}
	key, err := r.key(target, n.key)
	if err != nil {
		return nil, err
	}
	switch target := target.(type) {
	case nil:
		if n.safe {
			return nil, nil
		}
		return nil, r.null(n.target, n.at(), "["+scalarString(key)+"]")
	case map[string]any:
		return r.value(target, key, n)
	case Object:
		name, ok := key.(string)
		if !ok {
			return nil, failure(n.key.at(), "%s is not the name of a property", describe(key))
		}
		return r.get(target, name, n.key.at(), place{node: n.target})
	case []any:
		i, plain := r.position(key, len(target))
		if plain != nil {
			return nil, placed(plain, n.key.at())
		}
		return r.member(target[i], n.key.at())
	case string:
		if err := r.spend(len(target)); err != nil {
			return nil, placed(err, n.at())
		}
		u := units(target)
		i, plain := r.position(key, len(u))
		if plain != nil {
			return nil, placed(plain, n.key.at())
		}
		return fromUnits(u[i : i+1]), nil
	}
	return nil, failure(n.at(), "%s cannot be indexed", describe(target))
}

// key evaluates an index. As in SpEL, a bare name as the index of a map stands
// for itself: m[name] is m['name'], and m[#root.name] looks the name up.
func (r *run) key(target any, n node) (any, *Error) {
	if _, ok := target.(map[string]any); ok {
		if name, ok := n.(*property); ok && name.target == nil {
			return name.name, nil
		}
	}
	return r.eval(n)
}

func (r *run) value(m map[string]any, key any, n *index) (any, *Error) {
	name := scalarString(key)
	if err := r.spend(len(name) / 8); err != nil {
		return nil, placed(err, n.at())
	}
	if n.target != nil && isRoot(n.target) && name == "execution" && r.execution != nil {
		return r.execution, nil
	}
	if v, ok := m[name]; ok {
		return r.member(v, n.key.at())
	}
	if v, ok := derived(m, name); ok {
		return v, nil
	}
	if r.missing == nil {
		r.missing = failure(n.at(), "there is no '%s'%s", name, place{node: n.target}).
			hint("%s", suggest(name, slices.Sorted(maps.Keys(m))))
	}
	return nil, nil
}

func (r *run) position(key any, length int) (int, error) {
	i, err := toInt(key)
	if err != nil {
		return 0, refuse("an element is [0], a property of each is .![name]", "%s is not a position in a list", describe(key))
	}
	if i < 0 || i >= int64(length) {
		return 0, refuse("write .?[…] and ?. where there may be none", "there is no element %d among %d", i, length)
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
	if m, ok := entries(target); ok {
		if err := r.spend(128 * len(m)); err != nil {
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
	return nil, nil, failure(at, "%s has no elements to choose from", describe(target)).
		hint("selections and projections are for lists and maps")
}

// within evaluates n with v as #this.
func (r *run) within(v any, n node) (any, *Error) {
	v, err := r.member(v, n.at())
	if err != nil {
		return nil, err
	}
	if len(r.this) >= maxNested {
		return nil, failure(n.at(), "selections nest more than %d deep", maxNested)
	}
	r.this = append(r.this, v)
	defer func() { r.this = r.this[:len(r.this)-1] }()
	return r.eval(n)
}

func (r *run) selection(n *selection) (any, *Error) {
	target, err := r.target(n.target)
	if err != nil || target == nil && n.safe {
		return nil, err
	}
	if target == nil {
		return nil, r.null(n.target, n.at(), "elements")
	}
	items, keys, err := r.elements(target, n.at())
	if err != nil {
		return nil, err
	}
	var chosen []int
	for i, v := range items {
		v, err := r.within(v, n.cond)
		if err != nil {
			return nil, err
		}
		ok, plain := toBool(v)
		if plain != nil {
			return nil, placed(plain, n.cond.at())
		}
		if ok {
			chosen = append(chosen, i)
			if n.which == '^' {
				break
			}
		}
	}
	if n.which == '$' && len(chosen) > 0 {
		chosen = chosen[len(chosen)-1:]
	}
	if keys != nil {
		m, _ := entries(target)
		return chosenPairs(m, keys, chosen, n.which), placed(r.spend(32*len(chosen)), n.at())
	}
	if n.which != '?' {
		if len(chosen) == 0 {
			return nil, nil
		}
		return r.member(items[chosen[0]], n.at())
	}
	out := make([]any, len(chosen))
	for i, at := range chosen {
		out[i] = items[at]
	}
	return out, placed(r.spend(16*len(out)), n.at())
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

func (r *run) projection(n *projection) (any, *Error) {
	target, err := r.target(n.target)
	if err != nil || target == nil && n.safe {
		return nil, err
	}
	if target == nil {
		return nil, r.null(n.target, n.at(), "elements")
	}
	items, _, err := r.elements(target, n.at())
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	for i, v := range items {
		if out[i], err = r.within(v, n.each); err != nil {
			return nil, err
		}
	}
	return out, placed(r.spend(16*len(out)), n.at())
}
