package match_test

import (
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
)

// Where the cases come from, in words.
const (
	fieldRule    = "execution model, section 8, matches: the five fields, empty fits all, else equal or the whole text"
	typeRule     = "execution model, section 8, matches: embedded/base64 and remote/base64"
	accountRule  = "execution model, section 8, matches: account, metadata, provenance and uuid are not compared"
	javaRule     = "kork-artifacts: the pattern is Java's Pattern.matches"
	equalRule    = "kork-artifacts: equal texts fit before they are read as patterns, for base64 with a plus"
	wholeRule    = "kork pull request 179: the pattern must match the entire text"
	missingRule  = "kork-artifacts: a field that is null fits no pattern"
	boundRule    = "ours: bounds of patterns"
	twoTypesRule = "ours: a type that is a pattern is no name of either of the two"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	type artifact = gennaker.Artifact
	long := strings.Repeat("QUJD+", 300)
	for name, tt := range map[string]struct {
		source      string
		expected, a artifact
		want        bool
	}{
		"nothing expected":                {fieldRule, artifact{}, artifact{Type: "docker/image", Name: "n"}, true},
		"nothing expected, nothing there": {fieldRule, artifact{}, artifact{}, true},
		"type":                            {fieldRule, artifact{Type: "docker/image"}, artifact{Type: "docker/image", Name: "n"}, true},
		"other type":                      {fieldRule, artifact{Type: "docker/image"}, artifact{Type: "helm/chart"}, false},
		"name":                            {fieldRule, artifact{Name: "cart"}, artifact{Name: "cart"}, true},
		"other name":                      {fieldRule, artifact{Name: "cart"}, artifact{Name: "shop"}, false},
		"version":                         {fieldRule, artifact{Version: "1"}, artifact{Version: "1"}, true},
		"other version":                   {fieldRule, artifact{Version: "1"}, artifact{Version: "2"}, false},
		"location":                        {fieldRule, artifact{Location: "prod"}, artifact{Location: "prod"}, true},
		"other location":                  {fieldRule, artifact{Location: "prod"}, artifact{Location: "test"}, false},
		"reference":                       {fieldRule, artifact{Reference: "r"}, artifact{Reference: "r"}, true},
		"other reference":                 {fieldRule, artifact{Reference: "r"}, artifact{Reference: "s"}, false},
		"all five": {
			fieldRule,
			artifact{Type: "t", Name: "n", Version: "v", Location: "l", Reference: "r"},
			artifact{Type: "t", Name: "n", Version: "v", Location: "l", Reference: "r"},
			true,
		},
		"four of five": {
			fieldRule,
			artifact{Type: "t", Name: "n", Version: "v", Location: "l", Reference: "r"},
			artifact{Type: "t", Name: "n", Version: "v", Location: "l", Reference: "s"},
			false,
		},
		"case counts":              {fieldRule, artifact{Name: "Cart"}, artifact{Name: "cart"}, false},
		"other account":            {accountRule, artifact{ArtifactAccount: "a", Name: "n"}, artifact{ArtifactAccount: "b", Name: "n"}, true},
		"other provenance":         {accountRule, artifact{Provenance: "a"}, artifact{Provenance: "b"}, true},
		"other uuid":               {accountRule, artifact{UUID: "a"}, artifact{}, true},
		"other metadata":           {accountRule, artifact{Metadata: map[string]any{"id": "a"}}, artifact{Metadata: map[string]any{"id": "b"}}, true},
		"other kind":               {accountRule, artifact{CustomKind: true}, artifact{}, true},
		"embedded for remote":      {typeRule, artifact{Type: "embedded/base64"}, artifact{Type: "remote/base64"}, true},
		"remote for embedded":      {typeRule, artifact{Type: "remote/base64"}, artifact{Type: "embedded/base64"}, true},
		"embedded for remote map":  {typeRule, artifact{Type: "embedded/base64"}, artifact{Type: "remote/map/base64"}, false},
		"embedded for nothing":     {typeRule, artifact{Type: "embedded/base64"}, artifact{}, false},
		"pattern for remote":       {twoTypesRule, artifact{Type: "embedded/base6."}, artifact{Type: "remote/base64"}, false},
		"pattern for type":         {javaRule, artifact{Type: "embedded/base6."}, artifact{Type: "embedded/base64"}, true},
		"any version":              {javaRule, artifact{Version: ".*"}, artifact{Version: "1.2.3"}, true},
		"any version, two lines":   {javaRule, artifact{Version: ".*"}, artifact{Version: "1\n2"}, false},
		"both lines":               {javaRule, artifact{Version: "(?s).*"}, artifact{Version: "1\n2"}, true},
		"minor versions":           {javaRule, artifact{Version: `1\..*`}, artifact{Version: "1.2"}, true},
		"minor versions, another":  {javaRule, artifact{Version: `1\..*`}, artifact{Version: "11.2"}, false},
		"alternatives":             {javaRule, artifact{Location: "prod|test"}, artifact{Location: "test"}, true},
		"alternatives, whole text": {wholeRule, artifact{Location: "prod|test"}, artifact{Location: "prod-test"}, false},
		"lookahead":                {javaRule, artifact{Version: `(?!.*-rc).*`}, artifact{Version: "1.0"}, true},
		"lookahead, refused":       {javaRule, artifact{Version: `(?!.*-rc).*`}, artifact{Version: "1.0-rc1"}, false},
		"backreference":            {javaRule, artifact{Name: `(\w+)/\1`}, artifact{Name: "cart/cart"}, true},
		"without case":             {javaRule, artifact{Name: "(?i)CART"}, artifact{Name: "cart"}, true},
		"quoted":                   {javaRule, artifact{Name: `\Qa.b\E`}, artifact{Name: "a.b"}, true},
		"quoted, refused":          {javaRule, artifact{Name: `\Qa.b\E`}, artifact{Name: "acb"}, false},
		"anchored by hand":         {javaRule, artifact{Name: "^cart$"}, artifact{Name: "cart"}, true},
		"a dot is any character":   {javaRule, artifact{Name: "gcr.io/cart"}, artifact{Name: "gcr-io/cart"}, true},
		"directory":                {javaRule, artifact{Name: `manifests/.*\.ya?ml`}, artifact{Name: "manifests/cart.yml"}, true},
		"part of the text":         {wholeRule, artifact{Name: "artifact"}, artifact{Name: "artifact123"}, false},
		"part, with a wildcard":    {wholeRule, artifact{Name: "artifact.*"}, artifact{Name: "artifact123"}, true},
		"pattern in the middle":    {wholeRule, artifact{Name: "[0-9]+"}, artifact{Name: "a1b"}, false},
		"base64 with a plus":       {equalRule, artifact{Reference: "aGVs+G8="}, artifact{Reference: "aGVs+G8="}, true},
		"base64, another":          {equalRule, artifact{Reference: "aGVs+G8="}, artifact{Reference: "aGVss+G8="}, false},
		"brackets, equal":          {equalRule, artifact{Name: "a["}, artifact{Name: "a["}, true},
		"no regular expression":    {equalRule, artifact{Name: "a["}, artifact{Name: "ab"}, false},
		"not there, any":           {missingRule, artifact{Version: ".*"}, artifact{}, false},
		"not there, optional":      {missingRule, artifact{Version: "(v1)?"}, artifact{}, false},
		"not there, text":          {missingRule, artifact{Name: "n"}, artifact{Type: "t"}, false},
		"long, equal":              {boundRule, artifact{Reference: long}, artifact{Reference: long}, true},
		"long, another":            {boundRule, artifact{Reference: long}, artifact{Reference: long[1:]}, false},
		"any of a long text":       {boundRule, artifact{Reference: ".*"}, artifact{Reference: strings.Repeat("x", 3<<20)}, true},
		"catastrophic":             {boundRule, artifact{Name: `(?=a)(a+)+\1b`}, artifact{Name: strings.Repeat("a", 2000)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := match.Matches(tt.expected, tt.a); got != tt.want {
				t.Errorf("%v, want %v; source: %s", got, tt.want, tt.source)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]gennaker.Artifact{
		"one without type and name":       {UUID: "u", Metadata: map[string]any{"k": 1}},
		"docker/image cart 1":             {Type: "docker/image", Name: "cart", Version: "1", Reference: "cart:1"},
		"kubernetes/secret key in prod":   {Type: "kubernetes/secret", Name: "key", Location: "prod"},
		"http/file https://example.com/x": {Type: "http/file", Reference: "https://example.com/x"},
		"embedded/base64":                 {Type: "embedded/base64", Reference: "c2VjcmV0"},
		strings.Repeat("é", 100) + "…":    {Name: strings.Repeat("é", 400)},
	} {
		if got := match.Describe(a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, e := range map[string]gennaker.ExpectedArtifact{
		`"cart" (docker/image 1.*)`: {ID: "7", DisplayName: "cart", Match: gennaker.Artifact{Type: "docker/image", Version: "1.*"}},
		`"docker/image"`:            {ID: "7", Match: gennaker.Artifact{Type: "docker/image"}},
		`"cart"`:                    {ID: "7", DisplayName: "cart"},
		`"7"`:                       {ID: "7"},
		"without a name":            {},
	} {
		if got := match.DescribeExpected(e); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range [][2]string{{"a.*", "abc"}, {"a[", "a["}, {`(?!x)y\1`, "y"}, {"", ""}, {`\Q`, "a"}, {"embedded/base64", "remote/base64"}, {"(a+)+$", "aaaaaaaaaaaaab"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		one := gennaker.Artifact{Type: s, Name: s, Version: s, Location: s, Reference: s}
		if !match.Matches(one, one) {
			t.Errorf("%q does not fit itself", s)
		}
		for _, p := range []gennaker.Artifact{{Name: pattern}, {Version: pattern}, {Location: pattern}, {Reference: pattern}} {
			if got, want := match.Matches(p, one), match.Matches(gennaker.Artifact{Name: pattern}, one); got != want {
				t.Errorf("%q and %q: the fields do not agree", pattern, s)
			}
		}
		if pattern != "" && match.Matches(gennaker.Artifact{Name: pattern}, gennaker.Artifact{}) {
			t.Errorf("%q fits a name that is not there", pattern)
		}
	})
}
