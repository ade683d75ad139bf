package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"

	"go.yaml.in/yaml/v3"

	"github.com/gennaker/gennaker"
)

// Flatten reads the "manifests" of a stage: an object, or a list of objects,
// lists and objects of kind List, in which null is nothing.
//
// Errors: TooLarge beyond the bounds; Invalid, naming the place.
func Flatten(manifests any) ([]gennaker.Manifest, error) {
	var out []gennaker.Manifest
	err := flatten(manifests, "manifests", 0, func(m map[string]any, path string) error {
		if len(out) == MaxObjects {
			return gennaker.Errorf(gennaker.TooLarge, "there are more than %d objects", MaxObjects).WithHint("deploy them in several stages")
		}
		n, err := Normalize(m)
		if err != nil {
			return gennaker.Errorf(gennaker.Invalid, "%s: %w", path, err)
		}
		out = append(out, n)
		return nil
	})
	return out, err
}

func flatten(v any, path string, depth int, add func(map[string]any, string) error) error {
	if depth > MaxDepth {
		return gennaker.Errorf(gennaker.Invalid, "%s is nested more than %d deep", path, MaxDepth)
	}
	var items []any
	switch v := v.(type) {
	case nil:
		return nil
	case []gennaker.Manifest:
		for _, m := range v {
			items = append(items, map[string]any(m))
		}
	case []map[string]any:
		for _, m := range v {
			items = append(items, m)
		}
	case []any:
		items = v
	case gennaker.Manifest:
		return flatten(map[string]any(v), path, depth, add)
	case map[string]any:
		kind, _ := v["kind"].(string)
		list, ok := v["items"].([]any)
		if kind != "List" && (!ok || !strings.HasSuffix(kind, "List")) {
			return add(v, path)
		}
		items, path = list, path+".items"
	default:
		return gennaker.Errorf(gennaker.Invalid, "%s is no object", path).
			WithHint("a manifest is an object with apiVersion, kind and metadata")
	}
	for i, e := range items {
		if err := flatten(e, fmt.Sprintf("%s[%d]", path, i), depth+1, add); err != nil {
			return err
		}
	}
	return nil
}

// Check returns what is wrong with objects that are to be deployed together, so
// far as that can be told without a cluster: the first 100 problems. Paths are as
// in "manifests[2].metadata.name". Their namespaces are final. stage is the stage's
// field "versioned", which with what the account says of kinds decides how long
// names may be.
func Check(list []gennaker.Manifest, stage *bool, custom Custom) []gennaker.Problem {
	var c checker
	if len(list) > MaxObjects {
		c.report("", "has %d objects, more than %d", len(list), MaxObjects)
	}
	type identity struct{ kind, group, namespace, name string }
	seen := map[identity]int{}
	for i, m := range list {
		c.prefix = fmt.Sprintf("manifests[%d]", i)
		c.object(m, stage, custom)
		kind, name := KindOf(m), Name(m)
		if name == "" || kind.Name == "" {
			continue
		}
		id := identity{kind.Name, kind.Group, Namespace(m), name}
		if first, twice := seen[id]; twice {
			c.report("metadata.name", "%s is the same object as manifests[%d]", describe(m), first)
			continue
		}
		seen[id] = i
	}
	return c.problems
}

// Refuse returns the error that problems are, or nil if there are none.
//
// Errors: Invalid.
func Refuse(problems []gennaker.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &gennaker.Error{
		Kind:     gennaker.Invalid,
		Message:  "the manifests cannot be deployed: " + first(problems),
		Hint:     "nothing was deployed; correct what is named",
		Problems: problems,
	}
}

// first returns the first problem, and how many there are besides.
func first(problems []gennaker.Problem) string {
	if len(problems) == 1 {
		return problems[0].String()
	}
	return fmt.Sprintf("%s (and %d more problems)", problems[0], len(problems)-1)
}

type checker struct {
	prefix   string
	problems []gennaker.Problem
}

func (c *checker) report(field, format string, args ...any) {
	if len(c.problems) == maxProblems {
		return
	}
	p := c.prefix
	if field != "" {
		p += "." + field
	}
	c.problems = append(c.problems, gennaker.Problem{Path: strings.TrimPrefix(p, "."), Message: fmt.Sprintf(format, args...)})
}

var kindPattern = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)

func (c *checker) object(m gennaker.Manifest, stage *bool, custom Custom) {
	if b, err := json.Marshal(m); err != nil {
		c.report("", "is no JSON: %v", err)
	} else if len(b) > MaxBytes {
		c.report("", "has %d bytes as JSON, more than %d, which no cluster stores", len(b), MaxBytes)
	}
	if v := text(m, "apiVersion"); v == "" {
		c.report("apiVersion", "is missing: say which version of the API the object is of, as in apps/v1")
	} else if msg := badAPIVersion(v); msg != "" {
		c.report("apiVersion", "%q is none: %s", short(v), msg)
	}
	if v := text(m, "kind"); v == "" {
		c.report("kind", "is missing: say what the object is, as in Deployment")
	} else if !kindPattern.MatchString(v) {
		c.report("kind", "%q is none: a kind is a word with a large first letter", short(v))
	}
	if _, ok := m["metadata"].(map[string]any); !ok {
		c.report("metadata", "is missing: it holds the object's name")
		return
	}
	strategy, problems := strategyOf(m)
	c.name(m, strategy.Method != Create && versioned(m, strategy, stage, custom))
	if v, ok := field[any](m, "metadata", "namespace"); ok && v != "" {
		if ns, ok := v.(string); !ok {
			c.report("metadata.namespace", "must be a string")
		} else if errs := validation.IsDNS1123Label(ns); len(errs) > 0 {
			c.report("metadata.namespace", "%q is no name of a namespace: %s", short(ns), errs[0])
		}
	}
	c.pairs(m, "metadata.labels", validation.IsValidLabelValue)
	c.pairs(m, "metadata.annotations", nil)
	c.pairs(m, "spec.template.metadata.labels", validation.IsValidLabelValue)
	c.pairs(m, "spec.template.metadata.annotations", nil)
	for _, p := range problems {
		c.report(p.Path, "%s", p.Message)
	}
	if _, err := LoadBalancersOf(m); err != nil {
		c.report(annotationPath(LoadBalancersAnnotation), "is no JSON list of names, as in %s", `["service web"]`)
	}
}

func badAPIVersion(v string) string {
	group, version, ok := strings.Cut(v, "/")
	if !ok {
		group, version = "", group
	}
	if errs := validation.IsDNS1123Subdomain(group); ok && len(errs) > 0 {
		return errs[0]
	}
	if errs := validation.IsDNS1035Label(version); len(errs) > 0 {
		return errs[0]
	}
	return ""
}

// name checks the name, or the beginning of the one that the cluster makes up.
func (c *checker) name(m gennaker.Manifest, numbered bool) {
	for _, key := range []string{"name", "generateName"} {
		if v, ok := field[any](m, "metadata", key); ok && v != nil {
			if _, ok := v.(string); !ok {
				c.report("metadata."+key, "must be a string: write it in quotes")
				return
			}
		}
	}
	kind, name := KindOf(m), Name(m)
	if name == "" {
		if prefix := GenerateName(m); prefix == "" {
			c.report("metadata.name", "is missing")
		} else if msg := badName(kind, strings.TrimRight(prefix, "-.")+"x"); msg != "" {
			c.report("metadata.generateName", "%q cannot begin a name: %s", short(prefix), msg)
		}
		return
	}
	if msg := badName(kind, name); msg != "" {
		c.report("metadata.name", "%q is no name of a %s: %s", short(name), kind, msg)
		return
	}
	long := len(name)
	if numbered {
		long = len(VersionedName(name, 0))
	}
	switch {
	case long <= kind.MaxName:
	case numbered:
		c.report("metadata.name", "%q has %d bytes with its version -v000, more than the %d that the name of a %s may have", short(name), long, kind.MaxName, kind)
	default:
		c.report("metadata.name", "%q has %d bytes, more than the %d that the name of a %s may have", short(name), long, kind.MaxName, kind)
	}
}

// badName says what is wrong with a name but its length.
func badName(kind Kind, name string) string {
	var errs []string
	if len(name) > kind.MaxName {
		return ""
	}
	switch {
	case kind.pathNamed:
		errs = content.IsPathSegmentName(name)
	case kind.labelNamed:
		errs = validation.IsDNS1123Label(name)
	default:
		errs = validation.IsDNS1123Subdomain(name)
	}
	if len(errs) > 0 {
		return errs[0]
	}
	return ""
}

// pairs checks labels or annotations: all are strings, which YAML does not read
// true and 1 as.
func (c *checker) pairs(m gennaker.Manifest, at string, valid func(string) []string) {
	v, ok := field[any](m, strings.Split(at, ".")...)
	if !ok || v == nil {
		return
	}
	pairs, ok := v.(map[string]any)
	if !ok {
		c.report(at, "must be a mapping of strings")
		return
	}
	for _, k := range sortedKeys(pairs) {
		where := at + "[" + strconv.Quote(short(k)) + "]"
		if errs := validation.IsQualifiedName(strings.ToLower(k)); len(errs) > 0 {
			c.report(where, "is no key: %s", errs[0])
		}
		s, ok := pairs[k].(string)
		if !ok {
			c.report(where, "must be a string: write \"%s\" in quotes", short(fmt.Sprint(pairs[k])))
			continue
		}
		if valid != nil {
			if errs := valid(s); len(errs) > 0 {
				c.report(where, "%q is no value of a label: %s", short(s), errs[0])
			}
		}
	}
}

// Locate returns problems of Check with the line and column of each path filled
// in, and the document in the message; of a path that is not in the text, those
// of the nearest part around it.
func (d *Documents) Locate(problems []gennaker.Problem) []gennaker.Problem {
	out := make([]gennaker.Problem, len(problems))
	for i, p := range problems {
		out[i] = p
		steps := split(p.Path)
		if len(steps) < 2 || steps[0] != "manifests" || p.Line > 0 {
			continue
		}
		n, err := strconv.Atoi(steps[1])
		if err != nil || n >= len(d.sources) {
			continue
		}
		node := d.sources[n].node
		for _, key := range steps[2:] {
			next := inner(node, key)
			if next == nil {
				break
			}
			node = next
		}
		out[i].Line, out[i].Column = node.Line, node.Column
		out[i].Message = fmt.Sprintf("%s (document %d)", p.Message, d.sources[n].document)
	}
	return out
}

// inner goes one step into a node; nil if there is no such part.
func inner(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.MappingNode {
		return value(n, key)
	}
	if i, err := strconv.Atoi(key); n.Kind == yaml.SequenceNode && err == nil && i >= 0 && i < len(n.Content) {
		return n.Content[i]
	}
	return nil
}

// split takes a path apart: a.b[2]["c.d"] is a, b, 2, c.d.
func split(p string) []string {
	var out []string
	for p != "" {
		if strings.HasPrefix(p, `["`) {
			if quoted, err := strconv.QuotedPrefix(p[1:]); err == nil {
				key, _ := strconv.Unquote(quoted)
				out, p = append(out, key), strings.TrimPrefix(p[1+len(quoted):], "]")
				continue
			}
		}
		p = strings.TrimLeft(p, ".[]")
		end := strings.IndexAny(p, ".[]")
		if end < 0 {
			end = len(p)
		}
		if end > 0 {
			out = append(out, p[:end])
		}
		p = p[end:]
	}
	return out
}
