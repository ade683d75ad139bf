package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"

	"go.yaml.in/yaml/v3"
)

// jsonNodes reads JSON values, one behind the other, as YAML nodes with their
// positions. YAML's own reader does not take all of JSON: escaped surrogates,
// long keys, tabs.
func jsonNodes(text []byte) ([]*yaml.Node, error) {
	r := jsonReader{dec: json.NewDecoder(bytes.NewReader(text)), text: text}
	r.dec.UseNumber()
	for i, c := range text {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	var out []*yaml.Node
	for {
		n, err := r.value(0)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
}

type jsonReader struct {
	dec   *json.Decoder
	text  []byte
	lines []int // offset of each line but the first
}

var errDeep = errors.New("nested too deep")

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > MaxDepth+1 { // the caller says where
		return nil, errDeep
	}
	offset := r.start()
	tok, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode}
	n.Line = 1 + sort.SearchInts(r.lines, offset+1)
	n.Column = 1 + offset
	if n.Line > 1 {
		n.Column -= r.lines[n.Line-2]
	}
	switch tok := tok.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if tok == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for r.dec.More() { // the keys of a mapping are values as well
			e, err := r.value(depth + 1)
			if err != nil {
				return nil, inside(err)
			}
			n.Content = append(n.Content, e)
		}
		_, err := r.dec.Token()
		return n, inside(err)
	case string:
		n.Tag, n.Value, n.Style = "!!str", tok, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!float", tok.String()
		if _, err := tok.Int64(); err == nil {
			n.Tag = "!!int"
		}
	case bool:
		n.Tag, n.Value = "!!bool", "false"
		if tok {
			n.Value = "true"
		}
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

// inside returns err as it is within a value, where a text must not end.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// start returns where the next token stands.
func (r *jsonReader) start() int {
	i := int(r.dec.InputOffset())
	for i < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[i]) >= 0 {
		i++
	}
	return i
}
