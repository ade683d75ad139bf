package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gennaker/gennaker"
)

// Bounds of what users write.
const (
	MaxListBytes = 5 << 20         // of all documents of one text, and of what they expand to
	MaxBytes     = 1<<20 + 512<<10 // of one object, as JSON: what etcd takes
	MaxObjects   = 1000
	MaxDepth     = 256 // definitions of custom resources reach 60
)

// Documents is what a text holds, and where.
type Documents struct {
	Manifests []gennaker.Manifest // in order; lists taken apart

	sources []source
}

// source is where a manifest comes from.
type source struct {
	document int // from 1
	node     *yaml.Node
}

// Parse reads objects from YAML or JSON: several documents, lists of objects and
// objects of kind List, within each other too. Documents without content are
// left out.
//
// YAML is read as kubectl does: yes, no, on and off are truth values, keys that
// are numbers become strings, << merges. Unlike there a key may not stand twice.
//
// Errors: TooLarge beyond the bounds, counting what aliases expand to; Invalid,
// with a problem for each document that cannot be read: its number, line and
// column. After one that is no YAML at all the rest is not read.
func Parse(text []byte) (*Documents, error) {
	if len(text) > MaxListBytes {
		return nil, gennaker.Errorf(gennaker.TooLarge, "the manifests have %d bytes, more than %d", len(text), MaxListBytes).
			WithHint("deploy them in several stages")
	}
	p := parser{out: &Documents{}}
	for document, err := range nodes(text) {
		p.document++
		if err != nil {
			p.problem(err)
			break
		}
		if err := p.flatten(document, 0); err != nil {
			return nil, err
		}
	}
	if len(p.problems) > 0 {
		return nil, &gennaker.Error{
			Kind:     gennaker.Invalid,
			Message:  "the manifests cannot be read: " + first(p.problems),
			Hint:     "documents are separated by lines of ---; look at the line that is named, and at the one before",
			Problems: p.problems,
		}
	}
	return p.out, nil
}

type parser struct {
	out      *Documents
	document int
	spent    int // bytes that objects take as JSON, and lists to look through
	object   int // of these, of the present object
	open     []*yaml.Node
	problems []gennaker.Problem
}

// position is an error at a place in the text.
type position struct {
	line, column int
	message      string
}

func (p *position) Error() string { return p.message }

func at(n *yaml.Node, format string, args ...any) error {
	return &position{n.Line, n.Column, fmt.Sprintf(format, args...)}
}

// short bounds what is quoted of a text.
func short(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// maxProblems bounds what is said of one text, or one list.
const maxProblems = 100

func (p *parser) problem(err error) {
	out := gennaker.Problem{Message: fmt.Sprintf("document %d: %v", p.document, err)}
	if at, ok := errors.AsType[*position](err); ok {
		out.Line, out.Column = at.line, at.column
	}
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, out)
	}
}

// flatten adds the objects of a node.
func (p *parser) flatten(n *yaml.Node, depth int) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	p.object = 0
	if err := p.spend(2); err != nil {
		return err
	}
	switch {
	case depth > MaxDepth:
		p.problem(at(n, "nested more than %d deep", MaxDepth))
		return nil
	case n.Kind == yaml.DocumentNode:
		return p.each(n.Content, depth)
	case n.Kind == yaml.SequenceNode:
		return p.each(n.Content, depth)
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		return nil
	case n.Kind != yaml.MappingNode:
		p.problem(at(n, "%q is no object", short(n.Value)))
		return nil
	}
	if kind, items := value(n, "kind"), value(n, "items"); kind != nil && strings.HasSuffix(kind.Value, "List") {
		if items != nil && items.Kind == yaml.SequenceNode {
			return p.each(items.Content, depth)
		}
		if kind.Value == "List" {
			return nil
		}
	}
	return p.add(n)
}

func (p *parser) each(list []*yaml.Node, depth int) error {
	for _, n := range list {
		if err := p.flatten(n, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// add reads one object.
func (p *parser) add(n *yaml.Node) error {
	if len(p.out.Manifests) == MaxObjects {
		return gennaker.Errorf(gennaker.TooLarge, "there are more than %d objects", MaxObjects).WithHint("deploy them in several stages")
	}
	p.open = nil
	v, err := p.convert(n, 1)
	switch m, _ := v.(map[string]any); {
	case gennaker.KindOf(err) == gennaker.TooLarge && err != nil:
		return err
	case err != nil:
		p.problem(err)
	default:
		p.out.Manifests = append(p.out.Manifests, m)
		p.out.sources = append(p.out.sources, source{p.document, n})
	}
	return nil
}

// spend counts what an object or a list takes, and stops before it is too much:
// so the aliases of a small text cannot become a large one.
func (p *parser) spend(n int) error {
	p.object += n
	p.spent += n
	switch {
	case p.object > MaxBytes:
		return gennaker.Errorf(gennaker.TooLarge, "document %d: an object is larger than %d bytes, which no cluster stores", p.document, MaxBytes).
			WithHint("aliases count with all that they stand for")
	case p.spent > MaxListBytes:
		return gennaker.Errorf(gennaker.TooLarge, "the manifests are larger than %d bytes", MaxListBytes).
			WithHint("deploy them in several stages; aliases count with all that they stand for")
	}
	return nil
}

// convert returns the value of a node as an object has it.
func (p *parser) convert(n *yaml.Node, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, at(n, "nested more than %d deep", MaxDepth)
	}
	if err := p.spend(2); err != nil {
		return nil, err
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		return out, p.mapping(n, out, depth)
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, e := range n.Content {
			v, err := p.convert(e, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.AliasNode:
		if slices.Contains(p.open, n.Alias) {
			return nil, at(n, "the anchor %q contains itself", n.Value)
		}
		p.open = append(p.open, n.Alias)
		v, err := p.convert(n.Alias, depth)
		p.open = p.open[:len(p.open)-1]
		return v, err
	default:
		if err := p.spend(len(n.Value)); err != nil {
			return nil, err
		}
		return scalar(n)
	}
}

// mapping reads a node into a map. What stands in it holds over what is merged.
func (p *parser) mapping(n *yaml.Node, out map[string]any, depth int) error {
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() == "!!merge" {
			merges = append(merges, n.Content[i+1])
			continue
		}
		k, err := key(n.Content[i])
		if err != nil {
			return err
		}
		if _, twice := out[k]; twice {
			return at(n.Content[i], "the key %q stands twice", short(k))
		}
		if err := p.spend(len(k) + 4); err != nil {
			return err
		}
		if out[k], err = p.convert(n.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	for _, m := range merges {
		v, err := p.convert(m, depth+1)
		if err != nil {
			return err
		}
		sources, ok := v.([]any)
		if !ok {
			sources = []any{v}
		}
		for _, s := range sources {
			from, ok := s.(map[string]any)
			if !ok {
				return at(m, "<< needs a mapping, or a list of mappings")
			}
			for k, v := range from {
				if _, ok := out[k]; !ok {
					out[k] = v
				}
			}
		}
	}
	return nil
}

// key returns a key as a string, as JSON has them.
func key(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", at(n, "a key must be a string")
	}
	v, err := scalar(n)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	}
	return "", at(n, "a key must be a string, not null")
}

// scalar returns the value of a scalar: nil, a string, a bool, an int64 or a
// float64.
func scalar(n *yaml.Node) (any, error) {
	switch tag := n.ShortTag(); tag {
	case "!!str":
		if n.Style == 0 {
			switch n.Value {
			case "yes", "Yes", "YES", "on", "On", "ON":
				return true, nil
			case "no", "No", "NO", "off", "Off", "OFF":
				return false, nil
			}
		}
		return n.Value, nil
	case "!!timestamp", "!!merge":
		return n.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool", "!!int", "!!float", "!!binary":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, at(n, "%q cannot be read as %s", short(n.Value), strings.TrimPrefix(tag, "!!"))
		}
		if u, ok := v.(uint64); ok {
			v = float64(u)
		}
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return nil, at(n, "%s is no number that an object can hold", short(n.Value))
		}
		v, err := normal(v, "", 0)
		if err != nil {
			return nil, at(n, "%q cannot be read", short(n.Value))
		}
		return v, nil
	default:
		return nil, at(n, "the tag %s is not known", short(n.Tag))
	}
}

// value returns the value of a key of a mapping, or nil.
func value(n *yaml.Node, k string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if name, err := key(n.Content[i]); err == nil && name == k {
			if v := n.Content[i+1]; v.Kind == yaml.AliasNode {
				return v.Alias
			}
			return n.Content[i+1]
		}
	}
	return nil
}

// nodes yields the documents of a text. After an error there are no more.
func nodes(text []byte) func(yield func(*yaml.Node, error) bool) {
	if start := bytes.TrimLeft(text, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		if list, err := jsonNodes(text); err == nil {
			return func(yield func(*yaml.Node, error) bool) {
				for _, n := range list {
					if !yield(n, nil) {
						return
					}
				}
			}
		}
	}
	return func(yield func(*yaml.Node, error) bool) {
		for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
			var n yaml.Node
			err := dec.Decode(&n)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, syntaxError(text, err))
				return
			}
			if !yield(&n, nil) {
				return
			}
		}
	}
}

var (
	yamlError     = regexp.MustCompile(`(?s)^(?:yaml: )?(?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError takes the line out of the message of the YAML reader, which says
// no column: that of the line's first letter. Of an unknown anchor it says
// neither.
func syntaxError(text []byte, err error) error {
	found := yamlError.FindStringSubmatch(err.Error())
	out := &position{message: found[2]}
	lines := bytes.Split(text, []byte("\n"))
	if anchor := unknownAnchor.FindStringSubmatch(out.message); anchor != nil {
		before := text[:max(0, bytes.Index(text, []byte("*"+anchor[1])))]
		out.line, out.column = 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n')
		return out
	}
	line, _ := strconv.Atoi(found[1])
	out.line = min(max(line, 1), len(lines))
	l := lines[out.line-1]
	out.column = 1 + len(l) - len(bytes.TrimLeft(l, " "))
	return out
}
