package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ToJSON writes compact JSON. A text with an expression in it is refused: it
// would be evaluated the next time that the stage's context is.
func (r *Work) ToJSON(v any) (any, error) {
	raw, literal := v.(AsIs)
	if literal {
		v = raw.Value
	}
	var b strings.Builder
	if err := r.writeJSON(&b, v, 0); err != nil {
		return nil, err
	}
	if !literal && strings.Contains(b.String(), "${") {
		return nil, Refuse("write #toJson(#doNotEval(…)) to keep it as it is", "result for toJson cannot contain an expression")
	}
	return b.String(), nil
}

func (r *Work) writeJSON(b *strings.Builder, v any, depth int) error {
	v, err := Normal(v)
	if err != nil {
		return err
	}
	if err := r.Descend(depth); err != nil {
		return err
	}
	before := b.Len()
	switch v := v.(type) {
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := r.writeJSON(b, x, depth+1); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case map[string]any, Object:
		m, _ := Entries(v)
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(m)) {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeText(b, k); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := r.writeJSON(b, m[k], depth+1); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case nil, bool, int64, float64:
		b.WriteString(ScalarString(v))
	default:
		x, err := r.Export(v, depth)
		if err != nil {
			return err
		}
		if i, ok := x.(int64); ok {
			b.WriteString(strconv.FormatInt(i, 10))
		} else if s, ok := x.(string); ok {
			if err := writeText(b, s); err != nil {
				return err
			}
		} else {
			return r.writeJSON(b, x, depth+1)
		}
	}
	return r.Spend(b.Len() - before)
}

// writeText writes a JSON string, without escapes that only HTML needs.
func writeText(b *strings.Builder, s string) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return err
	}
	b.Write(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
	return nil
}

// ReadJSON reads a list if the text starts with [, and an object otherwise.
func (r *Work) ReadJSON(s string) (any, error) {
	if err := r.Spend(8 * len(s)); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("the text is not JSON: at byte %d: %s", syntax.Offset, syntax.Error())
		}
		return nil, errors.New("the text is not JSON: it ends too early")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the text is not JSON: more follows after byte %d", dec.InputOffset())
	}
	switch v.(type) {
	case []any, map[string]any:
		return r.Export(v, 0)
	}
	return nil, fmt.Errorf("%s is neither a list nor an object", Describe(v))
}

// ReadYAML reads the documents of a text: a list of all of them, or the only
// one.
func (r *Work) ReadYAML(s string, all bool) (any, error) {
	if err := r.Spend(32 * len(s)); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(strings.NewReader(s))
	docs := []any{}
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the text is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		v, err := r.yamlValue(&n, 0)
		if err != nil {
			return nil, err
		}
		docs = append(docs, v)
	}
	switch {
	case all:
		return docs, nil
	case len(docs) > 1:
		return nil, Refuse("write #readAllYaml", "the text has %d YAML documents", len(docs))
	case len(docs) == 0:
		return nil, nil
	}
	return docs[0], nil
}

// yamlValue converts a node; each alias counts again, so that few of them
// cannot become much.
func (r *Work) yamlValue(n *yaml.Node, depth int) (any, error) {
	if err := r.Descend(depth); err != nil {
		return nil, err
	}
	if err := r.Spend(64); err != nil {
		return nil, err
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.yamlValue(n.Content[0], depth)
	case yaml.AliasNode:
		return r.yamlValue(n.Alias, depth+1)
	case yaml.SequenceNode, yaml.MappingNode, yaml.ScalarNode:
		if !slices.Contains(yamlTags, n.ShortTag()) {
			return nil, fmt.Errorf("the YAML tag %s on line %d is not allowed", Shorten(n.Tag), n.Line)
		}
	}
	switch n.Kind {
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, x := range n.Content {
			var err error
			if out[i], err = r.yamlValue(x, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case yaml.MappingNode:
		return r.yamlMap(n, depth)
	case yaml.ScalarNode, yaml.DocumentNode, yaml.AliasNode:
	}
	if n.ShortTag() == "!!timestamp" || n.ShortTag() == "!!binary" {
		return n.Value, nil
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, fmt.Errorf("the text is not YAML: line %d: %s", n.Line, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if u, ok := v.(uint64); ok {
		return float64(u), nil
	}
	return Normal(v)
}

var yamlTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!binary", "!!map", "!!seq"}

func (r *Work) yamlMap(n *yaml.Node, depth int) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	merged := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v, err := r.yamlValue(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if n.Content[i].ShortTag() == "!!merge" {
			r.merge(merged, v)
			continue
		}
		if n.Content[i].Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("a YAML key on line %d is not a text", n.Content[i].Line)
		}
		out[n.Content[i].Value] = v
	}
	for k, v := range merged {
		if _, ok := out[k]; !ok {
			out[k] = v
		}
	}
	return out, nil
}

// merge adds what << refers to: a map, or a list of maps, the first first.
func (r *Work) merge(into map[string]any, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if _, ok := into[k]; !ok {
				into[k] = x
			}
		}
	case []any:
		for _, m := range v {
			if m, ok := m.(map[string]any); ok {
				r.merge(into, m)
			}
		}
	}
}
