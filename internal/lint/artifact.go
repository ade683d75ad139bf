package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// artifacts notes the artifacts that are asked for by an ID that nothing has.
func (l *linter) artifacts() {
	if l.templated {
		return
	}
	stages := map[string][]int{} // that provide an ID
	for i := range l.Stages {
		m := l.raw(i)
		for _, id := range append(ids(m["expectedArtifacts"]), ids([]any{m["expectedArtifact"]})...) {
			stages[id] = append(stages[id], i)
		}
	}
	own := map[string]bool{}
	for _, id := range ids(l.Doc.Value["expectedArtifacts"]) {
		own[id] = true
	}
	all := slices.Sorted(maps.Keys(own))
	l.triggered(own, all)
	all = append(all, slices.Sorted(maps.Keys(stages))...)
	for i := range l.Stages {
		wanted := wants{}
		wanted.object(stagePath(i), l.raw(i), 0)
		for _, w := range wanted.found {
			if !own[w.id] && !l.full() {
				l.artifact(i, w, stages[w.id], all)
			}
		}
	}
}

// artifact looks for what stage i asks for and the stages from provide; all are
// the IDs of all artifacts.
func (l *linter) artifact(i int, w want, from []int, all []string) {
	switch {
	case len(from) == 0:
		l.add(Error, ruleArtifact, w.path, meant(w.id, all, "add it to expectedArtifacts of the pipeline, or of a stage before this one"),
			"nothing provides the artifact with the ID '%s'", shorten(w.id))
	case !slices.ContainsFunc(from, func(j int) bool { return j == i || l.ancestors(i)[j] }):
		l.add(Suspect, ruleArtifactOrder, w.path, "let this stage wait for "+l.stageName(from[0]),
			"%s provides the artifact '%s', and need not have ended when this one begins", l.stageName(from[0]), shorten(w.id))
	}
}

// triggered looks for the artifacts that triggers want to have.
func (l *linter) triggered(own map[string]bool, all []string) {
	triggers, _ := l.Doc.Value["triggers"].([]any)
	for i, v := range triggers {
		m, _ := v.(map[string]any)
		list, _ := m["expectedArtifactIds"].([]any)
		for j, v := range list {
			if id, ok := v.(string); ok && id != "" && !own[id] && !l.full() {
				l.add(Suspect, ruleArtifact, fmt.Sprintf("triggers[%d].expectedArtifactIds[%d]", i, j),
					meant(id, all, "add it to expectedArtifacts of the pipeline, or take it out here"),
					"the pipeline expects no artifact with the ID '%s'", shorten(id))
			}
		}
	}
}

// stageName names a stage for people.
func (l *linter) stageName(i int) string {
	return fmt.Sprintf("stage '%s' (refId %s)", shorten(l.Stages[i].Name), shorten(l.Stages[i].RefID))
}

// ids returns the IDs of expected artifacts.
func ids(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, x := range list {
		m, _ := x.(map[string]any)
		if id, ok := m["id"].(string); ok && id != "" {
			out = append(out, id)
		}
	}
	return out
}

// wants collects the artifacts that a stage asks for by ID.
type wants struct{ found []want }

type want struct{ path, id string }

// maxDepth bounds how deep in a stage artifacts are looked for.
const maxDepth = 8

// object looks for keys that name an artifact. What a stage provides itself,
// and manifests, which are somebody else's language, are passed over.
func (w *wants) object(path string, m map[string]any, depth int) {
	if depth > maxDepth {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		at, v := path+"."+key, m[key]
		switch {
		case key == "expectedArtifacts" || key == "expectedArtifact" || foreign(key):
		case key == "manifestArtifactId" && m["source"] == "text": // left over
		case key == "artifactId" || strings.HasSuffix(key, "ArtifactId"):
			if _, inline := m[strings.TrimSuffix(key, "Id")].(map[string]any); !inline {
				w.id(at, v)
			}
		case strings.HasSuffix(key, "ArtifactIds") && key != "expectedArtifactIds":
			list, _ := v.([]any)
			for i, x := range list {
				w.id(fmt.Sprintf("%s[%d]", at, i), x)
			}
		case key == "inputArtifacts" || key == "inputArtifact":
			w.inputs(at, v)
		default:
			w.value(at, v, depth)
		}
	}
}

func (w *wants) value(path string, v any, depth int) {
	switch v := v.(type) {
	case map[string]any:
		w.object(path, v, depth+1)
	case []any:
		for i, x := range v {
			if m, ok := x.(map[string]any); ok {
				w.object(fmt.Sprintf("%s[%d]", path, i), m, depth+1)
			}
		}
	}
}

// inputs looks at inputArtifact or inputArtifacts: each has an id, or the
// artifact itself.
func (w *wants) inputs(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, inline := v["artifact"].(map[string]any); !inline {
			w.id(path+".id", v["id"])
		}
	case []any:
		for i, x := range v {
			if m, ok := x.(map[string]any); ok {
				w.inputs(fmt.Sprintf("%s[%d]", path, i), m)
			}
		}
	}
}

func (w *wants) id(path string, v any) {
	if id, ok := v.(string); ok && id != "" && !dynamic(id) {
		w.found = append(w.found, want{path, id})
	}
}
