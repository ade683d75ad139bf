package remote_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/stage/remote"
)

const store = `{
  "status": "OK", "none": null, "flag": true, "count": 3, "ratio": 0.5, "my-key": "dash", "a.b": "dotted", "sp ace": 1, "ü": "u",
  "list": [{"name": "a", "v": 1, "t": ["x"]}, {"name": "b", "v": 2}, {"v": 3.5}],
  "names": ["p", "q", 1], "nested": {"deep": {"name": "c"}}, "empty": [], "wanted": "b"
}`

// TestLookup: what a path finds.
//
// Source: documentation of Jayway JsonPath: definite and indefinite paths,
// functions, root of a path left out.
func TestLookup(t *testing.T) {
	t.Parallel()
	first := map[string]any{"name": "a", "v": int64(1), "t": []any{"x"}}
	for path, want := range map[string]any{
		"$.status":                         "OK",
		"status":                           "OK",
		" $.status ":                       "OK",
		"@.status":                         "OK",
		"$['status']":                      "OK",
		`$["status"]`:                      "OK",
		"$.count":                          int64(3),
		"$.ratio":                          0.5,
		"$.flag":                           true,
		"$.none":                           nil,
		"$.my-key":                         "dash",
		"my-key":                           "dash",
		"$['a.b']":                         "dotted",
		"$['sp ace']":                      int64(1),
		"$.sp ace":                         int64(1),
		"$.ü":                              "u",
		"$.nested.deep.name":               "c",
		"$.nested['deep'].name":            "c",
		"$.list[0]":                        first,
		"$.list[0].name":                   "a",
		"list[-2].name":                    "b",
		"$.list[0].t[0]":                   "x",
		"$.list[*].name":                   []any{"a", "b"},
		"$.list.*.name":                    []any{"a", "b"},
		"$..deep.name":                     []any{"c"},
		"$..['deep']":                      []any{map[string]any{"name": "c"}},
		"$..absent":                        []any{},
		"$.list[?(@.name=='b')].v":         []any{int64(2)},
		"$.list[?(@.name == 'z')]":         []any{},
		"$.list[?(@.v > 1)].v":             []any{int64(2), 3.5},
		"$.list[?(@.name =~ /[ab]/)].name": []any{"a", "b"},
		"$.list[?(@.name)].name":           []any{"a", "b"},
		"$.list[?(!@.name)].v":             []any{3.5},
		"$.list[?(@.v == 1 && @.name == 'a')].name": []any{"a"},
		"$.list[?(@.v == 1 || @.v == 2)].name":      []any{"a", "b"},
		"$.list[?(@.name == $.wanted)].v":           []any{int64(2)},
		"$.list[?(@.name in ['b','c'])].v":          []any{int64(2)},
		"$.list[0:2].v":                             []any{int64(1), int64(2)},
		"$.list[0,1].v":                             []any{int64(1), int64(2)},
		"$.list.length()":                           int64(3),
		"$.empty.length()":                          int64(0),
		"$.status.length()":                         int64(2),
		"$.nested.size()":                           int64(1),
		"$.nested.keys()":                           []any{"deep"},
		"$.list[*].v.sum()":                         6.5,
		"$.list[*].v.min()":                         1.0,
		"$.list[*].v.max()":                         3.5,
		"$.names.avg()":                             1.0,
		"$.list[?(@.v > 1)].v.first()":              int64(2),
		"$.names.last()":                            int64(1),
		"$.names.concat()":                          "pq",
		`$.names.concat("-", $.status, '\'', 7)`:    "pq-OK'7",
		`concat("n:", $.names, $.none)`:             "n:pq1",
		`concat("a, b)", "\"")`:                     `a, b)"`,
		`concat($.list[?(@.name == "a")].name)`:     "a",
		"$.absent":                                  "error: no results for the path",
		"$.absent.deeper":                           "error: no results for the path",
		"$.none.deeper":                             "error: no results for the path",
		"$.status.deeper":                           "error: no results for the path",
		"$.list.name":                               "error: no results for the path",
		"$.list[7]":                                 "error: no results for the path",
		"$.status[0]":                               "error: no results for the path",
		"$.empty.first()":                           "error: no results for the path",
		"$.empty.max()":                             "error: no results for the path",
		"$.count.length()":                          "error: no results for the path",
		"$.list.keys()":                             "error: no results for the path",
		"concat($.absent)":                          "error: no results for the path",
		"":                                          "error: it is empty",
		"$.":                                        "error: a name is missing",
		"$..":                                       "error: a name is missing",
		"$.a..":                                     "error: a name is missing",
		"$x":                                        "error: there is 'x' where a dot or a bracket belongs",
		"$.a[":                                      "error: the '[' is not closed",
		"$.a['b]":                                   "error: the '[' is not closed",
		"$.a.length(":                               "error: the '(' is not closed",
		"$.list.length().x":                         "error: the function length is not at its end",
		"$.list.median()":                           "error: there is no function median; known are avg, concat, first, keys, last, length, max, min, size and sum",
		"concat(x)":                                 "error: x is neither a text in quotes, a number nor a path",
		`concat("\x")`:                              `error: "\x" is no text`,
		"$..a..b..c..d":                             "error: it is too complex for a body of 30 values",
		strings.Repeat("a", 3000):                   "error: it is too long",
	} {
		got, err := remote.Lookup(store, path)
		if err != nil {
			got = "error: " + err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.60s (-want +got):\n%s", path, diff)
		}
	}
	for _, path := range []string{"$.a[b", "$[?(@.x ==)]", "$.list[(@.length-1)]", "$[]"} {
		if got, err := remote.Lookup(store, path); err == nil {
			t.Errorf("%s finds %v", path, got)
		}
	}
}

// TestLookupIsBounded: a path whose work grows faster than the body is refused
// for a large one.
func TestLookupIsBounded(t *testing.T) {
	t.Parallel()
	large := "[" + strings.Repeat("1,", 20_000) + "1]"
	for _, path := range []string{"$[?(@ == $[*])]", "$..[?(@ == $..x)]", "$..a..b"} {
		if _, err := remote.Lookup(large, path); err == nil || !strings.Contains(err.Error(), "too complex") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := remote.Lookup(large, "$..a"); err != nil {
		t.Error(err)
	}
	nested := strings.Repeat("concat(", 10) + "$" + strings.Repeat(")", 10)
	if _, err := remote.Lookup(store, nested); err == nil {
		t.Error("functions nest without end")
	}
}

// TestStatusName: as Spring's HttpStatus names them.
func TestStatusName(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: "OK", 201: "CREATED", 202: "ACCEPTED", 203: "NON_AUTHORITATIVE_INFORMATION", 204: "NO_CONTENT", 207: "MULTI_STATUS", 226: "IM_USED",
		302: "FOUND", 307: "TEMPORARY_REDIRECT", 400: "BAD_REQUEST", 404: "NOT_FOUND", 413: "PAYLOAD_TOO_LARGE", 414: "URI_TOO_LONG",
		416: "REQUESTED_RANGE_NOT_SATISFIABLE", 418: "I_AM_A_TEAPOT", 429: "TOO_MANY_REQUESTS", 431: "REQUEST_HEADER_FIELDS_TOO_LARGE",
		451: "UNAVAILABLE_FOR_LEGAL_REASONS", 500: "INTERNAL_SERVER_ERROR", 503: "SERVICE_UNAVAILABLE", 505: "HTTP_VERSION_NOT_SUPPORTED",
		509: "BANDWIDTH_LIMIT_EXCEEDED", 599: "599",
	} {
		if got := remote.StatusName(status); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}

// FuzzLookup holds that a path ends soon, whatever it is, and finds nothing that
// is not JSON.
func FuzzLookup(f *testing.F) {
	for _, p := range []string{
		"$.a", "a.b[0]", "$..x", "$[?(@.a == 'b')].c", `concat("x", $.y)`, "$[*][*]['a','b'][1:2:-1]", "$.a.length()", "$[?(@.x =~ /(a+)+$/)]",
		"$[?@.a in [1,2]]", "$..[?(@..b)]", "@[-1]", "$.['a']", "concat(concat())", "$[?(length(@) > 1)]", "$[?(@ + 1)]",
	} {
		f.Add(store, p)
	}
	f.Fuzz(func(t *testing.T, body, path string) {
		v, err := remote.Lookup(body, path)
		if err != nil {
			return
		}
		if _, err := json.Marshal(v); err != nil {
			t.Errorf("%q finds what is no JSON: %v", path, err)
		}
	})
}
