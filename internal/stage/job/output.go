package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/properties"
)

// What lines of a log begin with that hold properties.
//
// Source: Spinnaker clouddriver PropertyParser.
const (
	propertyLine = "SPINNAKER_PROPERTY_"
	jsonLine     = "SPINNAKER_CONFIG_JSON="
)

// maxProperties bounds how many outputs a job has.
const maxProperties = 1000

// put returns the properties that a job put out, nil if it was not to and did
// not, and in half a sentence what is wrong with them.
func put(j gennaker.Job, file, log string) (found map[string]any, problem string) {
	found, err := fromLog(log)
	if err != nil {
		return nil, err.Error()
	}
	if file != "" {
		more, err := fromFile(j, file)
		if err != nil {
			return found, fmt.Sprintf("its property file %q cannot be used: %v", file, err)
		}
		if found == nil {
			found = map[string]any{}
		}
		maps.Copy(found, more)
	}
	if len(found) > maxProperties {
		return nil, fmt.Sprintf("it put out %d properties, more than %d", len(found), maxProperties)
	}
	return found, ""
}

// fromLog reads the properties in a log; nil if there are none.
func fromLog(log string) (map[string]any, error) {
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
			if more, err = object(text); err != nil {
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

// fromFile reads the property file that a job wrote.
func fromFile(j gennaker.Job, name string) (map[string]any, error) {
	i := slices.IndexFunc(j.Files, func(f gennaker.JobFile) bool { return f.Name == name })
	switch {
	case i < 0:
		return nil, errors.New("it is not kept any more")
	case j.Files[i].Problem != "":
		return nil, errors.New(j.Files[i].Problem)
	}
	if strings.EqualFold(path.Ext(name), ".json") {
		return object(j.Files[i].Content)
	}
	m, err := properties.Parse(j.Files[i].Content)
	if err != nil {
		return nil, err
	}
	found := make(map[string]any, len(m))
	for k, v := range m {
		found[k] = v
	}
	return found, nil
}

// object reads a text that is one JSON object. Numbers keep their digits.
func object(text string) (map[string]any, error) {
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
