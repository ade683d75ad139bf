package gennaker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
)

// triggerFields is Trigger without its methods.
type triggerFields Trigger

// MarshalJSON writes the fields and Other in one object; a field wins.
func (t Trigger) MarshalJSON() ([]byte, error) {
	known, err := json.Marshal(triggerFields(t))
	if err != nil || len(t.Other) == 0 {
		return known, err
	}
	out := maps.Clone(t.Other)
	if err := json.Unmarshal(known, &out); err != nil {
		return nil, fmt.Errorf("merge trigger: %w", err)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads the fields, and keeps every other key in Other.
func (t *Trigger) UnmarshalJSON(b []byte) error {
	var f triggerFields
	var other map[string]any
	for _, into := range []any{&f, &other} {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber() // a build number is not 17.0
		if err := dec.Decode(into); err != nil {
			return err
		}
	}
	for _, k := range []string{"type", "user", "correlationId", "parameters", "artifacts", "notifications", "dryRun"} {
		delete(other, k)
	}
	if len(other) > 0 {
		f.Other = other
	}
	*t = Trigger(f)
	return nil
}
