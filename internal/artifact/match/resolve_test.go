package match_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
)

// image returns an artifact.
func image(name, version string) gennaker.Artifact {
	return gennaker.Artifact{Type: "docker/image", Name: name, Version: version}
}

// want returns an expected artifact.
func want(name, version string) gennaker.ExpectedArtifact {
	return gennaker.ExpectedArtifact{ID: name, Match: gennaker.Artifact{Type: "docker/image", Name: name, Version: version}}
}

func orPrior(e gennaker.ExpectedArtifact) gennaker.ExpectedArtifact {
	e.UsePrior = true
	return e
}

func orDefault(e gennaker.ExpectedArtifact, a gennaker.Artifact) gennaker.ExpectedArtifact {
	e.UseDefault, e.Default = true, &a
	return e
}

// says reports whether err has a text; "…" at its end is any.
func says(err error, text string) bool {
	start, open := strings.CutSuffix(text, "…")
	return err != nil && (err.Error() == text || open && strings.HasPrefix(err.Error(), start))
}

func TestResolve(t *testing.T) {
	t.Parallel()
	const (
		order    = "orca ArtifactResolver: the current ones, then prior ones, then the default"
		once     = "orca ArtifactResolver: an artifact that fits several is returned once"
		unique   = "orca ArtifactResolver: more than one that fits is an error, if it has to be one"
		first    = "orca ArtifactResolver: else the first is taken"
		explains = "ours: the hint says what was looked at"
	)
	type artifacts = []gennaker.Artifact
	type expected = []gennaker.ExpectedArtifact
	for name, tt := range map[string]struct {
		source     string
		expected   expected
		candidates artifacts
		prior      artifacts // nil is no function
		unique     bool
		want       artifacts // bound, in order
		all        artifacts // if not want
		err, hint  string    // text, and parts of the hint between bars
	}{
		"nothing":          {source: order, candidates: artifacts{image("a", "1")}, want: artifacts{}},
		"exact":            {source: order, expected: expected{want("a", "1")}, candidates: artifacts{image("a", "1")}, want: artifacts{image("a", "1")}},
		"pattern":          {source: order, expected: expected{want("a.*", "")}, candidates: artifacts{image("b", ""), image("ab", "1")}, want: artifacts{image("ab", "1")}},
		"several":          {source: order, expected: expected{want("b", ""), want("a", "")}, candidates: artifacts{image("a", "1"), image("b", "1")}, want: artifacts{image("b", "1"), image("a", "1")}},
		"prior":            {source: order, expected: expected{orPrior(want("a", ""))}, prior: artifacts{image("a", "1")}, want: artifacts{image("a", "1")}},
		"default":          {source: order, expected: expected{orDefault(want("a", ""), image("z", "9"))}, want: artifacts{image("z", "9")}},
		"current first":    {source: order, expected: expected{orDefault(orPrior(want("a", "")), image("a", "0"))}, candidates: artifacts{image("a", "2")}, prior: artifacts{image("a", "1")}, want: artifacts{image("a", "2")}},
		"prior second":     {source: order, expected: expected{orDefault(orPrior(want("a", "")), image("a", "0"))}, candidates: artifacts{image("b", "2")}, prior: artifacts{image("a", "1")}, want: artifacts{image("a", "1")}},
		"default last":     {source: order, expected: expected{orDefault(orPrior(want("a", "")), image("a", "0"))}, candidates: artifacts{image("b", "2")}, prior: artifacts{image("b", "1")}, want: artifacts{image("a", "0")}},
		"empty default":    {source: order, expected: expected{orDefault(want("a", ""), gennaker.Artifact{})}, want: artifacts{{}}},
		"one for two":      {source: once, expected: expected{want("a", ""), want(".*", "1")}, candidates: artifacts{image("a", "1")}, want: artifacts{image("a", "1"), image("a", "1")}, all: artifacts{image("a", "1")}},
		"bound is new":     {source: order, expected: expected{{ID: "x", Match: image("a", ""), Bound: new(image("a", "0"))}}, candidates: artifacts{image("a", "1")}, want: artifacts{image("a", "1")}},
		"the first":        {source: first, expected: expected{want("a", "")}, candidates: artifacts{image("a", "1"), image("a", "2")}, want: artifacts{image("a", "1")}},
		"one may be":       {source: unique, unique: true, expected: expected{want("a", "1")}, candidates: artifacts{image("a", "1"), image("a", "2")}, want: artifacts{image("a", "1")}},
		"one twice is one": {source: "ours: a prior artifact may stand in the trigger and in outputs", unique: true, expected: expected{orPrior(want("a", ""))}, prior: artifacts{image("a", "1"), image("a", "1")}, want: artifacts{image("a", "1")}},
		"two may not be": {
			source: unique, unique: true, expected: expected{want("a", "")}, candidates: artifacts{image("a", "1"), image("a", "2"), image("b", "1")},
			err: `Expected artifact "docker/image a" matches multiple artifacts [docker/image a 1, docker/image a 2]`, hint: "they differ in version",
		},
		"nor of the prior": {
			source: unique, unique: true, expected: expected{orDefault(orPrior(want(".", "")), image("a", "0"))}, prior: artifacts{image("a", "1"), image("b", "2")},
			err: `Expected artifact "docker/image ." matches multiple artifacts [docker/image a 1, docker/image b 2]`, hint: "they differ in name and version",
		},
		"two that look alike": {
			source: explains, unique: true, expected: expected{want("a", "")}, candidates: artifacts{image("a", "1"), {Type: "docker/image", Name: "a", Version: "1", UUID: "u"}},
			err: `Expected artifact "docker/image a" matches multiple artifacts [docker/image a 1, docker/image a 1]`, hint: "they differ in nothing that is compared",
		},
		"many": {
			source: explains, unique: true, expected: expected{want("a", "")},
			candidates: artifacts{image("a", "1"), image("a", "2"), image("a", "3"), image("a", "4"), image("a", "5"), image("a", "6"), image("a", "7")},
			err:        `Expected artifact "docker/image a" matches multiple artifacts [docker/image a 1, docker/image a 2, docker/image a 3, docker/image a 4, docker/image a 5, and 2 more]`,
		},
		"prior not wanted": {source: order, expected: expected{want("a", "")}, prior: artifacts{image("a", "1")}, err: `Unmatched expected artifact "docker/image a" could not be resolved.`, hint: "there is no artifact at all"},
		"default not wanted": {
			source: order, expected: expected{{ID: "x", DisplayName: "cart", Match: image("a", ""), Default: new(image("a", "1"))}},
			err: `Unmatched expected artifact "cart" (docker/image a) could not be resolved.`, hint: "there is no artifact at all|useDefaultArtifact and defaultArtifact",
		},
		"no default": {
			source: order, expected: expected{{ID: "x", Match: image("a", ""), UseDefault: true}},
			err: `Unmatched expected artifact "docker/image a" could not be resolved.`, hint: "set defaultArtifact, which useDefaultArtifact wants",
		},
		"the nearest": {
			source: explains, expected: expected{want("a", `1\..*`)}, candidates: artifacts{image("b", "3"), image("a", "2"), {Type: "helm/chart"}},
			err: `Unmatched expected artifact "docker/image a 1\\..*" could not be resolved.`, hint: `3 artifacts are there; the nearest, docker/image a 2, has version 2 instead of 1\..*`,
		},
		"the only one": {
			source: explains, expected: expected{want("a", "1")}, candidates: artifacts{image("b", "")},
			err: `Unmatched expected artifact "docker/image a 1" could not be resolved.`, hint: `the only artifact there is, docker/image b, has name b instead of a and no version instead of 1`,
		},
		"nearest of the prior": {
			source: explains, expected: expected{orPrior(want("a", "1"))}, candidates: artifacts{image("b", "1")}, prior: artifacts{image("c", "2"), image("a", "3")},
			err: `Unmatched expected artifact "docker/image a 1" could not be resolved.`, hint: `of the 2 of the execution before it the nearest, docker/image a 3, has version 3 instead of 1`,
		},
		"no prior": {
			source: explains, expected: expected{orPrior(want("a", "1"))}, candidates: artifacts{image("b", "1")}, prior: artifacts{},
			err: `Unmatched expected artifact "docker/image a 1" could not be resolved.`, hint: `the execution before it had none`,
		},
		"nowhere to look": {
			source: explains, expected: expected{orPrior(want("a", "1"))}, candidates: artifacts{image("b", "1")},
			err: `Unmatched expected artifact "docker/image a 1" could not be resolved.`, hint: `no earlier execution is looked at here`,
		},
		"no regular expression": {
			source: "java.util.regex: PatternSyntaxException fails the start", expected: expected{orDefault(want("a[", ""), image("a", "0"))}, candidates: artifacts{image("a", "1")},
			err: `expected artifact "docker/image a[": matchArtifact.name "a[": …`, hint: `match the whole text`,
		},
		"no regular expression of another type": {
			source: "kork-artifacts: the fields are compared in turn", expected: expected{orDefault(want("a[", ""), image("a", "0"))}, candidates: artifacts{{Type: "helm/chart", Name: "a"}},
			want: artifacts{image("a", "0")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := match.Request{Expected: tt.expected, Candidates: tt.candidates, Unique: tt.unique}
			asked := 0
			if tt.prior != nil {
				r.Prior = func() ([]gennaker.Artifact, error) { asked++; return tt.prior, nil }
			}
			got, err := match.Resolve(r)
			if tt.err != "" {
				if !says(err, tt.err) || gennaker.KindOf(err) != gennaker.Invalid {
					t.Errorf("%v (%s), want %s; source: %s", err, gennaker.KindOf(err), tt.err, tt.source)
				}
				for part := range strings.SplitSeq(tt.hint, "|") {
					if !strings.Contains(gennaker.HintOf(err), part) {
						t.Errorf("hint %q, want %q in it", gennaker.HintOf(err), part)
					}
				}
				return
			}
			if err != nil {
				t.Fatalf("%v; source: %s", err, tt.source)
			}
			if tt.all == nil {
				tt.all = tt.want
			}
			if diff := cmp.Diff(tt.all, got.Artifacts); diff != "" {
				t.Errorf("artifacts (-want +got):\n%s\nsource: %s", diff, tt.source)
			}
			bound := artifacts{}
			for i, e := range got.Expected {
				bound = append(bound, *e.Bound)
				if e.ID != tt.expected[i].ID {
					t.Errorf("expected artifact %d is %s, want %s", i, e.ID, tt.expected[i].ID)
				}
			}
			if diff := cmp.Diff(tt.want, bound); diff != "" {
				t.Errorf("bound (-want +got):\n%s\nsource: %s", diff, tt.source)
			}
			if asked > 1 {
				t.Errorf("prior artifacts were asked for %d times", asked)
			}
		})
	}
}

func TestResolveWorkIsBounded(t *testing.T) {
	t.Parallel()
	expected := slices.Repeat([]gennaker.ExpectedArtifact{orDefault(want("(?!x)a", "1"), image("a", "0"))}, 200)
	_, err := match.Resolve(match.Request{Expected: expected, Candidates: []gennaker.Artifact{image("b", "1")}})
	if gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), "too many comparisons") {
		t.Errorf("200 patterns that may backtrack: %v, want a bound", err)
	}
}

func TestResolvePriorFails(t *testing.T) {
	t.Parallel()
	away := func() ([]gennaker.Artifact, error) { return nil, gennaker.Errorf(gennaker.Unavailable, "away") }
	_, err := match.Resolve(match.Request{Expected: []gennaker.ExpectedArtifact{orDefault(orPrior(want("a", "")), image("a", "0"))}, Prior: away})
	if gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("%v, want what Prior said", err)
	}
	if _, err := match.Resolve(match.Request{Expected: []gennaker.ExpectedArtifact{orPrior(want("a", ""))}, Candidates: []gennaker.Artifact{image("a", "")}, Prior: away}); err != nil {
		t.Errorf("%v: Prior was asked without need", err)
	}
}

func drawArtifact(t *rapid.T) gennaker.Artifact {
	text := rapid.SampledFrom([]string{"", "a", "b", "ab", "1.0", "embedded/base64", "remote/base64"})
	a := gennaker.Artifact{Type: text.Draw(t, "type"), Name: text.Draw(t, "name"), Version: text.Draw(t, "version"), UUID: text.Draw(t, "uuid")}
	if rapid.Bool().Draw(t, "metadata") {
		a.Metadata = map[string]any{"id": text.Draw(t, "id")}
	}
	return a
}

func drawExpected(t *rapid.T) gennaker.ExpectedArtifact {
	pattern := rapid.SampledFrom([]string{"", "", "a", "b", "a.*", ".*", "a|b", `1\.0`, "embedded/base64", "a["})
	e := gennaker.ExpectedArtifact{
		ID:       rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "id"),
		Match:    gennaker.Artifact{Type: pattern.Draw(t, "type"), Name: pattern.Draw(t, "name"), Version: pattern.Draw(t, "version")},
		UsePrior: rapid.Bool().Draw(t, "use prior"), UseDefault: rapid.Bool().Draw(t, "use default"),
	}
	if rapid.Bool().Draw(t, "default") {
		e.Default = new(drawArtifact(t))
	}
	return e
}

// check holds what was resolved to what was asked for.
func check(t interface{ Errorf(string, ...any) }, r match.Request, prior []gennaker.Artifact, got match.Resolution) {
	if len(got.Expected) != len(r.Expected) {
		t.Errorf("%d of %d resolved", len(got.Expected), len(r.Expected))
		return
	}
	fitting := func(e gennaker.ExpectedArtifact, list []gennaker.Artifact) (n int) {
		for _, a := range match.Distinct(list) {
			if match.Matches(e.Match, a) {
				n++
			}
		}
		return n
	}
	for i, e := range got.Expected {
		if e.Bound == nil || e.ID != r.Expected[i].ID {
			t.Errorf("%d is not bound, or another", i)
			continue
		}
		same := func(a gennaker.Artifact) bool { return cmp.Equal(a, *e.Bound) }
		current, before := fitting(e, r.Candidates), fitting(e, prior)
		switch {
		case current > 0 && (!slices.ContainsFunc(r.Candidates, same) || !match.Matches(e.Match, *e.Bound)):
			t.Errorf("%d: one of the candidates fits, and another was taken", i)
		case current == 0 && before > 0 && e.UsePrior && !slices.ContainsFunc(prior, same):
			t.Errorf("%d: a prior one fits, and another was taken", i)
		case current == 0 && (before == 0 || !e.UsePrior) && (!e.UseDefault || e.Default == nil || !same(*e.Default)):
			t.Errorf("%d: nothing fits, and it is not the default", i)
		case r.Unique && (current > 1 || current == 0 && before > 1 && e.UsePrior):
			t.Errorf("%d: several fit", i)
		}
		if !slices.ContainsFunc(match.Distinct(got.Artifacts), func(a gennaker.Artifact) bool { return len(match.Distinct([]gennaker.Artifact{a, *e.Bound})) == 1 }) {
			t.Errorf("%d: what is bound is not among the artifacts", i)
		}
	}
	if len(match.Distinct(got.Artifacts)) != len(got.Artifacts) {
		t.Errorf("an artifact stands twice")
	}
}

func TestResolveProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		prior := rapid.SliceOfN(rapid.Custom(drawArtifact), 0, 3).Draw(t, "prior")
		r := match.Request{
			Expected:   rapid.SliceOfN(rapid.Custom(drawExpected), 0, 3).Draw(t, "expected"),
			Candidates: rapid.SliceOfN(rapid.Custom(drawArtifact), 0, 4).Draw(t, "candidates"),
			Unique:     rapid.Bool().Draw(t, "unique"),
			Prior:      func() ([]gennaker.Artifact, error) { return prior, nil },
		}
		got, err := match.Resolve(r)
		if err == nil {
			check(t, r, prior, got)
		} else if gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%v is of kind %s", err, gennaker.KindOf(err))
		}
		again, err2 := match.Resolve(r)
		if diff := cmp.Diff(got, again); diff != "" || (err == nil) != (err2 == nil) {
			t.Errorf("resolved again: %v, then %v (-first +second):\n%s", err, err2, diff)
		}
		if r.Unique && err == nil { // what has to be one is also the first
			r.Unique = false
			if free, err := match.Resolve(r); err != nil || !cmp.Equal(free, got) {
				t.Errorf("without Unique: %v, another outcome", err)
			}
		}
	})
}

func FuzzResolve(f *testing.F) {
	f.Add([]byte(`[{"id":"1","matchArtifact":{"name":"a.*"},"useDefaultArtifact":true,"defaultArtifact":{"name":"z"}}]`), []byte(`[{"name":"ab"}]`), []byte(`[]`), true)
	f.Add([]byte(`[{"id":"1","matchArtifact":{"type":"embedded/base64"},"usePriorArtifact":"true"}]`), []byte(`[{"type":"helm/chart"}]`), []byte(`[{"type":"remote/base64","version":1}]`), false)
	f.Add([]byte(`{"matchArtifact":{"name":"("}}`), []byte(`[{"name":"("},{"name":"x"}]`), []byte(`null`), true)
	f.Fuzz(func(t *testing.T, expected, candidates, before []byte, unique bool) {
		var open any
		if json.Unmarshal(expected, &open) != nil {
			return
		}
		want, err := match.Expected(open)
		if err != nil {
			if gennaker.KindOf(err) != gennaker.Invalid {
				t.Errorf("%v is of kind %s", err, gennaker.KindOf(err))
			}
			return
		}
		var have, prior []gennaker.Artifact
		if json.Unmarshal(candidates, &have) != nil || json.Unmarshal(before, &prior) != nil {
			return
		}
		r := match.Request{Expected: want, Candidates: have, Unique: unique, Prior: func() ([]gennaker.Artifact, error) { return prior, nil }}
		got, err := match.Resolve(r)
		if err != nil {
			if gennaker.KindOf(err) != gennaker.Invalid {
				t.Errorf("%v is of kind %s", err, gennaker.KindOf(err))
			}
			return
		}
		check(t, r, prior, got)
		for _, e := range got.Expected {
			again, err := gennaker.ExpectedArtifactOf(e.Map())
			if err != nil || len(match.Distinct([]gennaker.Artifact{*again.Bound, *e.Bound})) != 1 {
				t.Errorf("written and read again: %v, %+v, not %+v", err, again.Bound, e.Bound)
			}
		}
	})
}
