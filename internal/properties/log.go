package properties

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// What lines of a log begin with that hold properties.
//
// Source: Spinnaker clouddriver PropertyParser.
const (
	propertyLine = "SPINNAKER_PROPERTY_"
	jsonLine     = "SPINNAKER_CONFIG_JSON="
)

// FromLog reads the properties in the log of a job: lines that begin with
// SPINNAKER_PROPERTY_NAME=value, whose names become lower case, and with
// SPINNAKER_CONFIG_JSON={…}. It is nil if there are none. Numbers are
// json.Number.
//
// Errors: JSON that is no object.
func FromLog(log string) (map[string]any, error) {
	var found map[string]any
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\r\n")
		var more map[string]any
		if rest, ok := strings.CutPrefix(line, propertyLine); ok {
			name, value, ok := strings.Cut(rest, "=")
			if name == "" || !ok {
				continue
			}
			more = map[string]any{strings.ToLower(name): value}
		} else if text, ok := strings.CutPrefix(line, jsonLine); ok {
			var err error
			if more, err = Object(text); err != nil {
				return nil, fmt.Errorf("a line of its log that begins with %s cannot be used: %w", jsonLine, err)
			}
		}
		if more != nil && found == nil {
			found = map[string]any{}
		}
		maps.Copy(found, more)
	}
	return found, nil
}

// Object reads a text that is one JSON object. Numbers are json.Number.
//
// Errors: what else it is, in half a sentence.
func Object(text string) (map[string]any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty")
		}
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	if m == nil {
		return nil, errors.New("it is null, not a JSON object")
	}
	if dec.More() {
		return nil, errors.New("there is more behind its JSON object")
	}
	return m, nil
}
