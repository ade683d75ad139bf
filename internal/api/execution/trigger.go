package execution

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/expr"
)

// triggerMatch says which triggers are searched for: all that hold want, a part
// of one. Texts in it fit without case, or as regular expressions; objects fit
// with more keys, and lists with more elements in any order.
//
// Source: Spinnaker orca's TaskController, checkObjectMatchesSubset.
type triggerMatch struct {
	want map[string]any
	left int // comparisons with patterns that may still be made
}

const (
	maxPattern     = 1000    // bytes of one
	maxComparisons = 100_000 // of one request
)

// decodeTrigger reads the query parameter "trigger": base64 of JSON. The letters
// may be those of URLs, and the padding may be missing.
func decodeTrigger(r *api.Request) (map[string]any, error) {
	text := r.Query("trigger")
	if text == "" {
		return nil, nil
	}
	// A + in a query is a space to those who decode it.
	text = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(text, "="))
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, api.ErrQuery("trigger", "must be base64 of a JSON object: %v", err)
	}
	doc, err := gennaker.ParseDocument(decoded)
	if err != nil {
		return nil, api.ErrQuery("trigger", "must be base64 of a JSON object: %v", err)
	}
	return doc.Value, nil
}

// fits reports whether a trigger is one of those. Errors: Invalid for what would
// be too much work.
func (m *triggerMatch) fits(t gennaker.Trigger) (bool, error) {
	if len(m.want) == 0 {
		return true, nil
	}
	text, err := json.Marshal(t)
	if err != nil {
		return false, err
	}
	doc, err := gennaker.ParseDocument(text)
	if err != nil {
		return false, err
	}
	return m.value(doc.Value, m.want)
}

func (m *triggerMatch) value(have, want any) (bool, error) {
	switch want := want.(type) {
	case string:
		have, ok := have.(string)
		if !ok {
			return false, nil
		}
		return m.text(have, want)
	case map[string]any:
		have, ok := have.(map[string]any)
		if !ok {
			return false, nil
		}
		for k, w := range want {
			if ok, err := m.value(have[k], w); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case []any:
		have, ok := have.([]any)
		if !ok {
			return false, nil
		}
		return m.list(have, want)
	case json.Number:
		have, ok := have.(json.Number)
		return ok && sameNumber(have, want), nil
	}
	return have == want, nil // null, true, false
}

func (m *triggerMatch) text(have, want string) (bool, error) {
	if strings.EqualFold(have, want) {
		return true, nil
	}
	if len(want) > maxPattern || !strings.ContainsAny(want, `\^$.|?*+()[]{}`) {
		return false, nil
	}
	if m.left--; m.left < 0 {
		return false, gennaker.Errorf(gennaker.Invalid, "more than %d comparisons with patterns would be needed", maxComparisons).
			WithHint("search a shorter time, or for texts without patterns")
	}
	ok, err := expr.FullMatch(want, have)
	if err != nil {
		return false, api.ErrQuery("trigger", "%q is neither a text nor a pattern that can be searched for: %v", want, err)
	}
	return ok, nil
}

// list reports whether every element of want has one of have to itself that it
// fits.
func (m *triggerMatch) list(have, want []any) (bool, error) {
	if len(want) > len(have) {
		return false, nil
	}
	owner := make([]int, len(have)) // which of want has it, from 1 on
	for i := range want {
		if ok, err := m.place(i, have, want, owner, make([]bool, len(have))); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// place gives want[i] an element of have, which others may have to leave for it.
func (m *triggerMatch) place(i int, have, want []any, owner []int, tried []bool) (bool, error) {
	for j := range have {
		if tried[j] {
			continue
		}
		if ok, err := m.value(have[j], want[i]); err != nil {
			return false, err
		} else if !ok {
			continue
		}
		tried[j] = true
		if owner[j] > 0 {
			if ok, err := m.place(owner[j]-1, have, want, owner, tried); err != nil {
				return false, err
			} else if !ok {
				continue
			}
		}
		owner[j] = i + 1
		return true, nil
	}
	return false, nil
}

// sameNumber compares numbers by value: 1 is 1.0.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, err1 := a.Float64()
	y, err2 := b.Float64()
	return err1 == nil && err2 == nil && x == y
}
