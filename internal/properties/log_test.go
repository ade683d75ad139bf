package properties_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/properties"
)

func TestFromLog(t *testing.T) { // Spinnaker clouddriver PropertyParser
	t.Parallel()
	for name, tt := range map[string]struct {
		log  string
		want map[string]any
		err  string
	}{
		"nothing":                      {"", nil, ""},
		"other lines":                  {"hello\n SPINNAKER_PROPERTY_A=b\nxSPINNAKER_CONFIG_JSON={}\n", nil, ""},
		"names become lower case":      {"SPINNAKER_PROPERTY_A_b=C\n", map[string]any{"a_b": "C"}, ""},
		"the first = ends the name":    {"SPINNAKER_PROPERTY_A=b=c\r\n", map[string]any{"a": "b=c"}, ""},
		"no value, no name":            {"SPINNAKER_PROPERTY_A\nSPINNAKER_PROPERTY_=b\n", nil, ""},
		"the last one wins":            {"SPINNAKER_PROPERTY_A=b\nSPINNAKER_CONFIG_JSON={\"a\": 1}", map[string]any{"a": json.Number("1")}, ""},
		"an object as it is":           {`SPINNAKER_CONFIG_JSON={"B": {"c": [true]}}`, map[string]any{"B": map[string]any{"c": []any{true}}}, ""},
		"no object":                    {"SPINNAKER_CONFIG_JSON=[1]", nil, "it is not a JSON object"},
		"nothing where an object is":   {"SPINNAKER_CONFIG_JSON=", nil, "it is empty"},
		"more than an object":          {"SPINNAKER_CONFIG_JSON={} {}", nil, "there is more behind its JSON object"},
		"null where an object must be": {"SPINNAKER_CONFIG_JSON=null", nil, "it is null"},
	} {
		got, err := properties.FromLog(tt.log)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", name, err, tt.err)
		}
	}
}

func FuzzFromLog(f *testing.F) {
	f.Add("SPINNAKER_PROPERTY_A=b\nSPINNAKER_CONFIG_JSON={\"a\": 1}\n")
	f.Fuzz(func(t *testing.T, log string) {
		found, err := properties.FromLog(log)
		if err == nil && len(found) > 0 && !strings.Contains(log, "SPINNAKER_") {
			t.Errorf("%q holds no properties, but %v were found", log, found)
		}
	})
}
