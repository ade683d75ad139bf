package match

import (
	"cmp"
	"errors"
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
)

// The two types of what is stored within an artifact: one as text in the
// execution, the other in a store beside it.
const (
	embedded = "embedded/base64"
	remote   = "remote/base64"
)

const (
	// maxPattern is the length of the longest text that is read as a pattern, in
	// bytes.
	maxPattern = 1000
	// maxWork bounds the comparisons with patterns that one resolution makes: it
	// is 20,000 simple ones, or 100 that may backtrack.
	maxWork = 200_000
)

// fields are those that are compared, in this order; account, metadata,
// provenance and UUID are not.
var fields = []struct {
	name string
	of   func(gennaker.Artifact) string
}{
	{"type", func(a gennaker.Artifact) string { return a.Type }},
	{"name", func(a gennaker.Artifact) string { return a.Name }},
	{"version", func(a gennaker.Artifact) string { return a.Version }},
	{"location", func(a gennaker.Artifact) string { return a.Location }},
	{"reference", func(a gennaker.Artifact) string { return a.Reference }},
}

// Matches reports whether a fits expected. An empty field of expected fits
// everything; any other fits what equals it, and is a Java regular expression
// that has to match the whole of a's field, which must be there. The types
// embedded/base64 and remote/base64 fit each other.
//
// What is no regular expression, or too much work, fits only what equals it;
// Resolve says so instead.
func Matches(expected, a gennaker.Artifact) bool {
	m := matcher{left: maxWork}
	differs, err := m.differs(expected, a)
	return err == nil && differs < 0
}

// matcher compares artifacts within a bound.
type matcher struct{ left int } // work that may still be done

// differs returns the index of the first of fields in which a does not fit
// expected, -1 if it fits.
func (m *matcher) differs(expected, a gennaker.Artifact) (int, error) {
	for i := range fields {
		if ok, err := m.fits(i, expected, a); err != nil || !ok {
			return i, err
		}
	}
	return -1, nil
}

// fits compares one field.
func (m *matcher) fits(i int, expected, a gennaker.Artifact) (bool, error) {
	name, pattern, s := fields[i].name, fields[i].of(expected), fields[i].of(a)
	ok, err := m.text(pattern, s)
	if err != nil {
		return false, gennaker.Errorf(gennaker.Invalid, "matchArtifact.%s %q: %w", name, clip(pattern), err).
			WithHint(`matchArtifact has regular expressions that match the whole text; write \ before a character that stands for itself`)
	}
	if !ok && name == "type" {
		ok = pattern == embedded && s == remote || pattern == remote && s == embedded
	}
	return ok, nil
}

func (m *matcher) text(pattern, s string) (bool, error) {
	switch {
	case pattern == "" || pattern == s:
		return true, nil
	case s == "" || len(pattern) > maxPattern || !strings.ContainsAny(pattern, `\^$.|?*+()[]{}`):
		return false, nil
	case pattern == ".*":
		return !strings.Contains(s, "\n"), nil
	}
	if m.left -= work(pattern, s); m.left < 0 {
		return false, errors.New("too many comparisons of artifacts with patterns are needed")
	}
	return expr.FullMatch(pattern, s)
}

// work is how much a comparison is, at worst.
func work(pattern, s string) int {
	const simple, backtracking = 10, 2_000
	w := simple + len(pattern)*len(s)/1000
	if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
		w += backtracking
	}
	return w
}

// describe names an artifact, or what one has to be like, in a few words; "" if
// there is nothing to say.
func describe(a gennaker.Artifact) string {
	var words []string
	for _, s := range []string{a.Type, a.Name, a.Version} {
		if s != "" {
			words = append(words, clip(s))
		}
	}
	if a.Name == "" && a.Reference != "" && a.Type != embedded {
		words = append(words, clip(a.Reference))
	}
	if a.Location != "" {
		words = append(words, "in "+clip(a.Location))
	}
	return strings.Join(words, " ")
}

// Describe names an artifact in a few words, as the errors of this package do.
func Describe(a gennaker.Artifact) string { return cmp.Or(describe(a), "one without type and name") }

// DescribeExpected names an expected artifact in a few words.
func DescribeExpected(e gennaker.ExpectedArtifact) string {
	like := describe(e.Match)
	if e.DisplayName != "" && like != "" {
		return fmt.Sprintf("%q (%s)", clip(e.DisplayName), like)
	}
	if name := cmp.Or(e.DisplayName, like, e.ID); name != "" {
		return strconv.Quote(clip(name))
	}
	return "without a name"
}

// clip shortens a text for a message.
func clip(s string) string {
	const longest = 100
	if r := []rune(s[:min(len(s), 4*longest+4)]); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}
