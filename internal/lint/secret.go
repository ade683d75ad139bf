package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// secrets notes the values of Secrets among the manifests of a stage. One that
// an expression makes is not written there.
func (l *linter) secrets(i int, m map[string]any) {
	for _, key := range []string{"manifest", "manifests", "patchBody"} {
		path := stagePath(i) + "." + key
		if list, ok := m[key].([]any); ok {
			for j, v := range list {
				l.secret(fmt.Sprintf("%s[%d]", path, j), v)
			}
			continue
		}
		l.secret(path, m[key])
	}
}

func (l *linter) secret(path string, v any) {
	m, _ := v.(map[string]any)
	kind, _ := m["kind"].(string)
	secret := strings.EqualFold(kind, "Secret")
	if list, ok := m["items"].([]any); ok && !secret {
		for i, v := range list {
			l.secret(fmt.Sprintf("%s.items[%d]", path, i), v)
		}
		return
	}
	if !secret {
		return
	}
	for _, field := range []string{"data", "stringData"} {
		values, _ := m[field].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if text, ok := values[name].(string); !ok || text == "" || dynamic(text) {
				continue
			}
			l.add(Suspect, ruleSecret, path+"."+field+"."+name, "deploy it from an artifact, or let something in the cluster make it",
				"the value of a Secret is written here, for everybody who may read the pipeline")
			return
		}
	}
}
