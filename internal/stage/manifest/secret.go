package manifest

import (
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// hidden stands for what is not to be seen. Providers write it too.
const hidden = "****"

// errHidden says that a stage cannot be restarted.
func errHidden() error {
	return gennaker.Errorf(gennaker.Invalid, "the stage has run already, and the data of its Secrets are not kept").
		WithHint("start the pipeline anew instead of restarting the stage")
}

// isSecret reports whether a kind, as users write it, is that of Secrets.
func isSecret(kind string) bool {
	return strings.EqualFold(kind, "Secret") || strings.EqualFold(kind, "secrets")
}

// hideSecrets masks the data of Secrets that stand in the stage itself. With
// secret what the stage has is about a Secret, if it does not say so: a patch.
func (m *maker) hideSecrets(in stage.Input, o stage.Outcome, secret bool) stage.Outcome {
	for _, key := range sourceKeys(in) {
		v := in.Stage.Context[key]
		if text, ok := v.(string); ok {
			if m.tells(text, secret) {
				o = o.WithContext(object{key: hidden})
			}
		} else if v, found := mask(v, secret); found {
			o = o.WithContext(object{key: v})
		}
	}
	return o
}

// tells reports whether a text without expressions has the data of a Secret, or
// cannot be read.
func (m *maker) tells(text string, secret bool) bool {
	if text == "" || stage.HasExpression(text) {
		return false
	}
	all, err := m.parse([]byte(text))
	if err != nil {
		return true
	}
	_, found := mask(openList(all), secret)
	return found
}

// mask returns v with the data of the Secrets in it hidden, and whether there
// were any: if not, it is v itself. Expressions are no data.
func mask(v any, secret bool) (_ any, found bool) {
	return values(v, secret, func(x any) (any, bool) {
		if x == nil || stage.HasExpression(x) {
			return x, false
		}
		return hidden, true
	})
}

// masked reports whether the data of a Secret are hidden.
func masked(v any, secret bool) bool {
	_, found := values(v, secret, func(x any) (any, bool) { return x, x == hidden })
	return found
}

// values returns v with each value of the data of the Secrets in it as change
// says, and whether that changed one. With secret all objects are of Secrets: the
// items of a SecretList, and what patches one, need not say so.
func values(v any, secret bool, change func(any) (any, bool)) (_ any, found bool) {
	switch v := v.(type) {
	case []any:
		out := slices.Clone(v)
		for i, x := range v {
			var changed bool
			out[i], changed = values(x, secret, change)
			found = found || changed
		}
		if found {
			return out, true
		}
	case map[string]any:
		out := maps.Clone(v)
		kind, _ := v["kind"].(string)
		if items, ok := v["items"].([]any); ok {
			out["items"], found = values(items, secret || strings.EqualFold(kind, "SecretList"), change)
		}
		if secret || isSecret(kind) {
			for _, key := range dataKeys(v) {
				if x, changed := each(v[key], change); changed {
					out[key], found = x, true
				}
			}
		}
		if found {
			return out, true
		}
	}
	return v, false
}

// dataKeys returns where the data of a Secret are, or of an operation of a JSON
// patch of one.
func dataKeys(m map[string]any) []string {
	out := []string{"data", "stringData"}
	if path, ok := m["path"].(string); ok {
		first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if first == "" || slices.Contains(out, first) {
			return []string{"value"}
		}
	}
	return out
}

// each changes the values of a mapping, or what stands in its place.
func each(v any, change func(any) (any, bool)) (_ any, found bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return change(v)
	}
	out := maps.Clone(m)
	for k, x := range m {
		var changed bool
		out[k], changed = change(x)
		found = found || changed
	}
	return out, found
}
