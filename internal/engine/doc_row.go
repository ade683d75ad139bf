package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync/atomic"
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
	return d, nil
}

// encodeObject returns m as JSON. What it decodes to again may differ in Go
// types (numbers become float64), so the decoded form is not kept.
func encodeObject(m map[string]any) (json.RawMessage, error) {
	if len(m) == 0 {
		return json.RawMessage("{}"), nil
	}
	return json.Marshal(m)
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
