package gennaker

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
)

// Difference is one place where two documents differ.
//
// Shape: Path names the place as a Problem's does, "stages[2].name"; a key that
// is no plain name is quoted, `context["a.b"]`. Where lists hold objects that
// say who they are by refId, id or name, an element is named by that, whatever
// its place: `stages[refId="2"].name`; and when they stand in another order, or
// something was put between them, `stages[refId]` was and is that order. Was is
// empty for what is new, Is for what is gone; each is JSON otherwise.
type Difference struct {
	Path string          `json:"path"`
	Was  json.RawMessage `json:"was,omitempty"`
	Is   json.RawMessage `json:"is,omitempty"`
}

// Diff returns where two JSON objects differ, in the order of their sorted keys.
// Numbers are compared as they are written.
func Diff(was, is map[string]any) []Difference {
	d := differ{}
	d.objects("", was, is)
	return d.out
}

type differ struct{ out []Difference }

func (d *differ) add(path string, was, is any, has, had bool) {
	one := Difference{Path: path}
	if had {
		one.Was, _ = json.Marshal(was) // it was JSON
	}
	if has {
		one.Is, _ = json.Marshal(is)
	}
	d.out = append(d.out, one)
}

func (d *differ) values(path string, was, is any) {
	if reflect.DeepEqual(was, is) {
		return
	}
	if a, ok := was.(map[string]any); ok {
		if b, ok := is.(map[string]any); ok {
			d.objects(path, a, b)
			return
		}
	}
	if a, ok := was.([]any); ok {
		if b, ok := is.([]any); ok {
			d.lists(path, a, b)
			return
		}
	}
	d.add(path, was, is, true, true)
}

var plainKey = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$-]*$`)

func (d *differ) objects(path string, was, is map[string]any) {
	keys := map[string]bool{}
	for k := range was {
		keys[k] = true
	}
	for k := range is {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		at := joinPath(path, k)
		if !plainKey.MatchString(k) {
			at = fmt.Sprintf("%s[%s]", path, quoted(k))
		}
		a, had := was[k]
		b, has := is[k]
		if had && has {
			d.values(at, a, b)
			continue
		}
		d.add(at, a, b, has, had)
	}
}

// quoted returns s as JSON writes it.
func quoted(s any) string {
	text, _ := json.Marshal(s) // strings and numbers always marshal
	return string(text)
}

// lists compares by identity, or else place by place; lists that are neither
// are compared as a whole.
func (d *differ) lists(path string, was, is []any) {
	if key := identity(was, is); key != "" {
		d.named(path, key, was, is)
		return
	}
	if len(was) != len(is) || slices.ContainsFunc(was, scalar) || slices.ContainsFunc(is, scalar) {
		d.add(path, was, is, true, true)
		return
	}
	for i := range was {
		d.values(fmt.Sprintf("%s[%d]", path, i), was[i], is[i])
	}
}

func scalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// identity returns the key by which all elements of both lists are told apart.
func identity(lists ...[]any) string {
	for _, key := range []string{"refId", "id", "name"} {
		if !slices.ContainsFunc(lists, func(list []any) bool { return !identifies(key, list) }) {
			return key
		}
	}
	return ""
}

func identifies(key string, list []any) bool {
	seen := map[any]bool{}
	for _, v := range list {
		m, _ := v.(map[string]any)
		switch id := m[key].(type) {
		case string, json.Number:
			if seen[id] {
				return false
			}
			seen[id] = true
		default:
			return false
		}
	}
	return true
}

// named compares lists whose elements have names. What is left and what was put
// behind it needs no order.
func (d *differ) named(path, key string, was, is []any) {
	before, after := index(key, was), index(key, is)
	var stayed, order []any
	for _, v := range was {
		id := idOf(key, v)
		if _, ok := after[id]; ok {
			stayed = append(stayed, id)
		}
	}
	for _, v := range is {
		id := idOf(key, v)
		order = append(order, id)
		if _, ok := before[id]; !ok {
			stayed = append(stayed, id)
		}
	}
	if !slices.Equal(stayed, order) {
		var old []any
		for _, v := range was {
			old = append(old, idOf(key, v))
		}
		d.add(fmt.Sprintf("%s[%s]", path, key), old, order, true, true)
	}
	for _, v := range was {
		id := idOf(key, v)
		at := fmt.Sprintf("%s[%s=%s]", path, key, quoted(id))
		if now, ok := after[id]; ok {
			d.values(at, v, now)
			continue
		}
		d.add(at, v, nil, false, true)
	}
	for _, v := range is {
		if id := idOf(key, v); before[id] == nil {
			d.add(fmt.Sprintf("%s[%s=%s]", path, key, quoted(id)), nil, v, true, false)
		}
	}
}

func idOf(key string, v any) any {
	m, _ := v.(map[string]any)
	return m[key]
}

func index(key string, list []any) map[any]any {
	out := make(map[any]any, len(list))
	for _, v := range list {
		out[idOf(key, v)] = v
	}
	return out
}
