package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gennaker/gennaker"
)

// IsSecret reports whether an object is a Secret, or was meant to be one: of
// whatever group, and in any case.
func IsSecret(m gennaker.Manifest) bool { return secretKind(text(m, "kind")) }

func secretKind(kind string) bool { return strings.EqualFold(kind, "Secret") }

// HoldsSecret reports whether a Secret is among the objects of a text, which is
// read as Parse reads it: by itself, in a list, or with its data within another
// object, as operators take them. What cannot be read may hold one and is taken
// to: what Parse refuses, and what has data and does not say its kind.
//
// Comments, and texts within objects, are not looked into.
func HoldsSecret(text []byte) bool {
	if len(text) > MaxListBytes {
		return true
	}
	p := parser{out: &Documents{}}
	for n, err := range nodes(text) {
		if err != nil {
			return true
		}
		p.object = -MaxListBytes // a document may be a list: only the whole is bounded
		if n.Kind == yaml.DocumentNode {
			n = n.Content[0]
		}
		if v, err := p.convert(n, 0); err != nil || carriesSecret(v, true) {
			return true
		}
	}
	return false
}

// carriesSecret reports whether there may be a Secret in a value: an object, or a
// list of them, or what stands within one.
func carriesSecret(v any, object bool) bool {
	switch v := v.(type) {
	case nil:
		return false
	case []any:
		for _, e := range v {
			if carriesSecret(e, object) {
				return true
			}
		}
		return false
	case map[string]any:
		kind, data := text(v, "kind"), v["data"] != nil || v["stringData"] != nil
		switch {
		case object && secretKind(kind), strings.EqualFold(kind, "SecretList"):
			return true // items of the latter need not say what they are
		case data && (secretKind(kind) || object && kind == ""):
			return true
		}
		for k, e := range v {
			if _, list := e.([]any); carriesSecret(e, object && list && k == "items") {
				return true
			}
		}
		return false
	}
	return object // a scalar, where an object should be
}
