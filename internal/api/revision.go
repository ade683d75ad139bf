package api

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/gennaker/gennaker"
)

// Limits of histories: what they hold unless asked, and at most.
const (
	HistoryLimit = 20
	MaxHistory   = 1000
)

// Revisions returns the documents of revisions, each with who saved it and when,
// as Front50 writes them into it.
func Revisions(revisions []gennaker.Revision) ([]map[string]any, error) {
	out := make([]map[string]any, 0, len(revisions))
	for _, rev := range revisions {
		doc := map[string]any{}
		dec := json.NewDecoder(bytes.NewReader(rev.Document))
		dec.UseNumber() // as they were written
		if err := dec.Decode(&doc); err != nil {
			return nil, fmt.Errorf("decode revision %d: %w", rev.Number, err)
		}
		setDefault(doc, "lastModifiedBy", rev.Author)
		setDefault(doc, "updateTs", fmt.Sprint(rev.At.Epoch()))
		out = append(out, doc)
	}
	return out, nil
}

func setDefault(m map[string]any, key string, v any) {
	if m[key] == nil {
		m[key] = v
	}
}
