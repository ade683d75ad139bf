package manifest

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
)

// masked stands where a secret was.
const masked = "****"

// minMasked is the shortest text that MaskText replaces: shorter ones stand
// everywhere by chance.
const minMasked = 4

// Mask returns an object that may be stored, shown and logged: without the
// managers of its fields, as kubectl shows it, which are long and refused when
// they are sent back; of a Secret with each value, and what kubectl noted of
// them, as "****". Keys stay. What is given is not changed.
func Mask(m gennaker.Manifest) gennaker.Manifest {
	m = withoutManagers(m)
	if !IsSecret(m) {
		return m
	}
	m = Clone(m)
	for _, key := range []string{"data", "stringData"} {
		switch values := m[key].(type) {
		case nil:
		case map[string]any:
			for k := range values {
				values[k] = masked
			}
		default:
			m[key] = masked // refused by any cluster, and may be one all the same
		}
	}
	if _, ok := Annotations(m)[KubectlAnnotation]; ok {
		child(m, "metadata", "annotations")[KubectlAnnotation] = masked
	}
	return m
}

// withoutManagers returns m, or a copy that shares all but its metadata.
func withoutManagers(m gennaker.Manifest) gennaker.Manifest {
	metadata, _ := m["metadata"].(map[string]any)
	if _, ok := metadata["managedFields"]; !ok {
		return m
	}
	metadata = maps.Clone(metadata)
	delete(metadata, "managedFields")
	m = maps.Clone(m)
	m["metadata"] = metadata
	return m
}

// MaskText returns text without the values of Secrets, as they are, quoted and as
// base64: for what others wrote about them, such as the answers of admission
// webhooks. Values of fewer than 4 bytes stay.
func MaskText(text string, secrets ...gennaker.Manifest) string {
	var values []string
	add := func(v string) {
		if len(v) < minMasked {
			return
		}
		values = append(values, v)
		if quoted := strconv.Quote(v); quoted != `"`+v+`"` {
			values = append(values, quoted[1:len(quoted)-1])
		}
	}
	for _, m := range secrets {
		if !IsSecret(m) {
			continue
		}
		for _, v := range texts(m, "stringData") {
			add(v)
			add(base64.StdEncoding.EncodeToString([]byte(v)))
		}
		for _, v := range texts(m, "data") {
			add(v)
			if plain, err := base64.StdEncoding.DecodeString(v); err == nil {
				add(string(plain))
			}
		}
	}
	// A value may be part of another: the longest goes first.
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, v := range values {
		text = strings.ReplaceAll(text, v, masked)
	}
	return text
}
