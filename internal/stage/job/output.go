package job

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/properties"
)

// maxProperties bounds how many outputs a job has.
const maxProperties = 1000

// put returns the properties that a job put out, nil if it was not to and did
// not, and in half a sentence what is wrong with them.
func put(j gennaker.Job, file, log string) (found map[string]any, problem string) {
	found, err := properties.FromLog(log)
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
		return properties.Object(j.Files[i].Content)
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
