package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync/atomic"
	"unicode/utf8"
)

// doc is the open JSON of a stage in memory. It is replaced, never changed; the
// decoded form is kept while the execution is being worked on.
type doc struct {
	Doc
	decoded atomic.Pointer[values]
}

// values is a decoded doc. It is shared, and must not be changed.
type values struct{ context, outputs map[string]any }

// read returns the decoded form.
func (d *doc) read() (values, error) {
	if v := d.decoded.Load(); v != nil {
		return *v, nil
	}
	v := values{context: map[string]any{}, outputs: map[string]any{}}
	if len(d.Context) > 0 {
		if err := json.Unmarshal(d.Context, &v.context); err != nil {
			return v, fmt.Errorf("decode stage context: %w", err)
		}
	}
	if len(d.Outputs) > 0 {
		if err := json.Unmarshal(d.Outputs, &v.outputs); err != nil {
			return v, fmt.Errorf("decode stage outputs: %w", err)
		}
	}
	d.decoded.Store(&v)
	return v, nil
}

// newDoc encodes a stage's open JSON.
func newDoc(v values) (*doc, error) {
	d := &doc{}
	var err error
	if d.Context, err = encodeObject(v.context); err != nil {
		return nil, fmt.Errorf("encode stage context: %w", err)
	}
	if d.Outputs, err = encodeObject(v.outputs); err != nil {
		return nil, fmt.Errorf("encode stage outputs: %w", err)
	}
	if context, ok := asDecoded(v.context); ok {
		if outputs, ok := asDecoded(v.outputs); ok {
			d.decoded.Store(&values{context: context, outputs: outputs})
		}
	}
	return d, nil
}

func encodeObject(m map[string]any) (json.RawMessage, error) {
	if len(m) == 0 {
		return json.RawMessage("{}"), nil
	}
	return json.Marshal(m)
}

// asDecoded returns a copy of m with the Go types that its JSON decodes to; not
// ok if that can only be told by decoding it.
func asDecoded(m map[string]any) (out map[string]any, ok bool) {
	out = make(map[string]any, len(m))
	for k, v := range m {
		if out[k], ok = decodedValue(v); !ok || !utf8.ValidString(k) {
			return nil, false
		}
	}
	return out, true
}

func decodedValue(v any) (any, bool) {
	switch v := v.(type) {
	case nil, bool, float64:
		return v, true
	case string:
		return v, utf8.ValidString(v)
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case map[string]any:
		if v == nil {
			return nil, true
		}
		return asDecoded(v)
	case []any:
		if v == nil {
			return nil, true
		}
		out := make([]any, len(v))
		for i := range v {
			var ok bool
			if out[i], ok = decodedValue(v[i]); !ok {
				return nil, false
			}
		}
		return out, true
	}
	return nil, false
}

// with returns d with values put over its own, or d itself if they change
// nothing. A key of drop is left out of the context.
func (d *doc) with(context, outputs map[string]any, drop ...string) (*doc, error) {
	if len(context)+len(outputs)+len(drop) == 0 {
		return d, nil
	}
	v, err := d.read()
	if err != nil {
		return nil, err
	}
	v = values{context: maps.Clone(v.context), outputs: maps.Clone(v.outputs)}
	for _, k := range drop {
		delete(v.context, k)
	}
	maps.Copy(v.context, context)
	for k, x := range outputs {
		if k != "stageTimeoutMs" {
			v.outputs[k] = x
		}
	}
	n, err := newDoc(v)
	if err != nil {
		return nil, err
	}
	n.LastModified = d.LastModified
	if string(n.Context) == string(d.Context) && string(n.Outputs) == string(d.Outputs) {
		return d, nil
	}
	return n, nil
}
