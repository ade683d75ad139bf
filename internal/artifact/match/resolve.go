package match

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gennaker/gennaker"
)

// Request asks for artifacts.
type Request struct {
	Expected   []gennaker.ExpectedArtifact
	Candidates []gennaker.Artifact // in which they are looked for, first
	// Prior returns those of an earlier execution, for what has UsePrior. It is
	// asked at most once, and only if it is needed; nil is none.
	Prior func() ([]gennaker.Artifact, error)
	// Unique refuses an expected artifact that several fit; else the first is
	// taken.
	Unique bool
}

// Resolution is what was found.
type Resolution struct {
	Artifacts []gennaker.Artifact         // each once, in the order in which they were expected
	Expected  []gennaker.ExpectedArtifact // those of the request, each with Bound
}

// Resolve finds an artifact for each that is expected: one of the candidates
// that fits, else a prior one if it may be, else the default if it may be.
//
// Errors: Invalid if there is none, if several fit and Unique is set, or if a
// pattern is no regular expression or too much work; those of Prior.
func Resolve(r Request) (Resolution, error) {
	s := search{Request: r, matcher: matcher{left: maxWork}}
	out := Resolution{Artifacts: []gennaker.Artifact{}, Expected: []gennaker.ExpectedArtifact{}}
	for _, e := range r.Expected {
		a, err := s.find(e)
		if err != nil {
			return Resolution{}, err
		}
		e.Bound = &a
		out.Artifacts = append(out.Artifacts, a)
		out.Expected = append(out.Expected, e)
	}
	out.Artifacts = Distinct(out.Artifacts)
	return out, nil
}

// search is a resolution that goes on.
type search struct {
	Request
	matcher matcher
	asked   bool
	prior   []gennaker.Artifact
}

func (s *search) find(e gennaker.ExpectedArtifact) (gennaker.Artifact, error) {
	if a, ok, err := s.among(e, s.Candidates); err != nil || ok {
		return a, err
	}
	if e.UsePrior && s.Prior != nil {
		if !s.asked {
			var err error
			if s.prior, err = s.Prior(); err != nil {
				return gennaker.Artifact{}, fmt.Errorf("look for artifacts of an earlier execution: %w", err)
			}
			s.asked = true
		}
		if a, ok, err := s.among(e, s.prior); err != nil || ok {
			return a, err
		}
	}
	if e.UseDefault && e.Default != nil {
		return *e.Default, nil
	}
	return gennaker.Artifact{}, s.unmatched(e)
}

// among returns the one of list that fits, if any does.
func (s *search) among(e gennaker.ExpectedArtifact, list []gennaker.Artifact) (a gennaker.Artifact, ok bool, err error) {
	var found []gennaker.Artifact
	for _, a := range list {
		differs, err := s.matcher.differs(e.Match, a)
		if err != nil {
			return a, false, fmt.Errorf("expected artifact %s: %w", DescribeExpected(e), err)
		}
		if differs >= 0 {
			continue
		}
		if found = append(found, a); !s.Unique {
			break
		}
	}
	switch found = Distinct(found); len(found) {
	case 0:
		return a, false, nil
	case 1:
		return found[0], true, nil
	}
	return a, false, gennaker.Errorf(gennaker.Invalid, "Expected artifact %s matches multiple artifacts %s", DescribeExpected(e), names(found)).
		WithHint("make matchArtifact say more, so that one of them fits: %s", apart(found))
}

// names lists artifacts.
func names(list []gennaker.Artifact) string {
	const most = 5
	var words []string
	for i, a := range list {
		if i == most {
			words = append(words, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		words = append(words, Describe(a))
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// apart says by which fields artifacts can be told apart.
func apart(list []gennaker.Artifact) string {
	var words []string
	for _, f := range fields {
		for _, a := range list[1:] {
			if f.of(a) != f.of(list[0]) {
				words = append(words, f.name)
				break
			}
		}
	}
	if words == nil {
		return "they differ in nothing that is compared, so give only one of them"
	}
	return "they differ in " + strings.Join(words, " and ")
}

// unmatched is the error of an expected artifact that nothing fits.
func (s *search) unmatched(e gennaker.ExpectedArtifact) error {
	var why []string
	switch nearest := s.nearest(e, s.Candidates); {
	case len(s.Candidates) == 0:
		why = append(why, "there is no artifact at all")
	case len(s.Candidates) == 1:
		why = append(why, "the only artifact there is, "+nearest)
	default:
		why = append(why, fmt.Sprintf("%d artifacts are there; the nearest, %s", len(s.Candidates), nearest))
	}
	switch nearest := s.nearest(e, s.prior); {
	case !e.UsePrior:
	case s.Prior == nil:
		why = append(why, "no earlier execution is looked at here")
	case len(s.prior) == 0:
		why = append(why, "the execution before it had none")
	default:
		why = append(why, fmt.Sprintf("of the %d of the execution before it the nearest, %s", len(s.prior), nearest))
	}
	do := "give one that fits, or set useDefaultArtifact and defaultArtifact"
	if e.UseDefault {
		do = "give one that fits, or set defaultArtifact, which useDefaultArtifact wants"
	}
	return gennaker.Errorf(gennaker.Invalid, "Unmatched expected artifact %s could not be resolved.", DescribeExpected(e)).
		WithHint("%s; %s", strings.Join(why, "; "), do)
}

// nearest names the one of list that fits in the most fields, and says in which
// it does not.
func (s *search) nearest(e gennaker.ExpectedArtifact, list []gennaker.Artifact) string {
	best, least := "", len(fields)+1
	for _, a := range list {
		var wrong []string
		for i, f := range fields {
			if ok, err := s.matcher.fits(i, e.Match, a); ok && err == nil {
				continue
			}
			got := "no " + f.name
			if v := f.of(a); v != "" {
				got = f.name + " " + clip(v)
			}
			wrong = append(wrong, fmt.Sprintf("%s instead of %s", got, clip(f.of(e.Match))))
		}
		if len(wrong) < least {
			best, least = fmt.Sprintf("%s, has %s", Describe(a), strings.Join(wrong, " and ")), len(wrong)
		}
	}
	return best
}

// Distinct returns list without those that are equal to an earlier one.
func Distinct(list []gennaker.Artifact) []gennaker.Artifact {
	seen := make(map[string]bool, len(list))
	out := make([]gennaker.Artifact, 0, len(list))
	for _, a := range list {
		if len(a.Metadata) == 0 {
			a.Metadata = nil
		}
		key, err := json.Marshal(a)
		if err == nil && seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		out = append(out, a)
	}
	return out
}
