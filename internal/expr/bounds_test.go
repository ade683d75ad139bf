package expr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/expr/syntax"
)

// TestBounds holds that an expression cannot take more than it is given.
func TestBounds(t *testing.T) {
	t.Parallel()
	deep := any("x")
	for range 200 {
		deep = []any{deep}
	}
	tests := map[string]struct {
		in     string
		limits expr.Limits
		want   string
	}{
		"length":         {"${'" + strings.Repeat("a", 10_001) + "'}", expr.Limits{}, "more than 10000"},
		"brackets":       {"${" + strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200) + "}", expr.Limits{}, "nests more than 100 deep"},
		"signs":          {"${" + strings.Repeat("-", 1) + strings.Repeat("!", 200) + "1}", expr.Limits{}, "nests more than 100 deep"},
		"lists":          {"${" + strings.Repeat("{", 200) + strings.Repeat("}", 200) + "}", expr.Limits{}, "nests more than 100 deep"},
		"steps":          {"${list.![#root.list.![#root.list.![#this]]].size()}", expr.Limits{Steps: 10_000}, "take more steps"},
		"bytes":          {"${list.!['x'.repeat(1000)].size()}", expr.Limits{Bytes: 50_000}, "make more data"},
		"growth":         {"${'x'.repeat(1000).repeat(1000).repeat(1000)}", expr.Limits{}, "make more data"},
		"replacement":    {"${'x'.repeat(10000).replaceAll('', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy')}", expr.Limits{Bytes: 200_000}, "make more data"},
		"depth":          {"${deep}", expr.Limits{}, "nests more than 100 deep"},
		"depth as text":  {"${deep.toString()}", expr.Limits{}, "nests more than 100 deep"},
		"depth as JSON":  {"${#toJson(deep)}", expr.Limits{}, "nests more than 100 deep"},
		"depth compared": {"${deep == deep}", expr.Limits{}, "nests more than 100 deep"},
		"backtracking":   {`${('a'.repeat(5000) + 'b') matches '(?!x)(a+)+\1*c'}`, expr.Limits{}, "takes too many steps"},
		"repetition":     {"${'a'.repeat(100000) matches '" + strings.Repeat("a{0,999}", 100) + "b'}", expr.Limits{}, "takes too many steps"},
		"lookaround":     {"${'ab'.repeat(20000).replaceAll('(?=(a|b)*c)a', '')}", expr.Limits{}, "takes too many steps"},
		"matches":        {"${'a'.repeat(100000).split('').size()}", expr.Limits{Bytes: 1 << 20}, "make more data"},
		"characters":     {"${list.![#root.long[0] + #root.long.charAt(1)].size()}", expr.Limits{Bytes: 1 << 20}, "make more data"},
		"keys":           {"${list.![{#root.m[#root.long], {a: 1}.containsKey(#root.long)}].size()}", expr.Limits{Bytes: 1 << 20}, "make more data"},
		"map":            {"${list.![{#root.m.keySet(), #root.m.?[false]}].size()}", expr.Limits{Bytes: 10_000}, "make more data"},
		"pattern":        {"${'a' matches 'a'.repeat(2000)}", expr.Limits{}, "more than 1000"},
		"subject":        {"${('a' + 'a'.repeat(1048576)) matches 'a'}", expr.Limits{}, "too long for a regular expression"},
		"aliases": {`${#readYaml("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n` +
			`d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n")}`, expr.Limits{}, ""},
	}
	var list []any
	for range 100 {
		list = append(list, "e")
	}
	root := map[string]any{"list": list, "deep": deep, "long": strings.Repeat("a", 100_000), "m": map[string]any{"a": "b"}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := strings.ReplaceAll(tt.in, `\n`, "\n")
			got, summary := expr.Evaluate(in, expr.Env{Root: root, Limits: tt.limits})
			if len(summary.Findings) != 1 || !strings.Contains(summary.Findings[0].String(), tt.want) || got != any(in) {
				t.Errorf("got %.100v, %v; want it unchanged and %q", got, summary.Findings, tt.want)
			}
		})
	}
}

// TestBudgetIsShared holds that the limits are for all expressions of a
// document, so that many small ones are not much.
func TestBudgetIsShared(t *testing.T) {
	t.Parallel()
	var in []any
	for range 100 {
		in = append(in, "${'x'.repeat(1000)}")
	}
	_, summary := expr.Evaluate(in, expr.Env{Limits: expr.Limits{Bytes: 30_000}})
	if summary.Evaluated < 5 || len(summary.Findings) < 50 {
		t.Errorf("evaluated %d, failed %d; want some and most", summary.Evaluated, len(summary.Findings))
	}
	deep := any("${1}")
	for range 200 {
		deep = map[string]any{"a": deep}
	}
	if _, summary := expr.Evaluate(deep, expr.Env{}); len(summary.Findings) != 1 {
		t.Errorf("a document that is too deep gives %v", summary.Findings)
	}
}

// expression draws the source of an expression, mostly of one that has a value.
func expression(t *rapid.T, depth int) string {
	draw := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
	one := func(from ...string) string { return rapid.SampledFrom(from).Draw(t, "one") }
	if depth == 0 {
		return one("1", "2.5", "0xF", "1e9", "'a''b'", `"x"`, "true", "null", "n", "s", "list", "#root.m", "#this", "m.k", "{}", "{:}", "nobody", "T(Math)", "['n']")
	}
	sub := func() string { return expression(t, depth-1) }
	switch draw(14) {
	case 0:
		return sub() + one(" + ", " - ", "*", " / ", "%", "^", " div ", " mod ") + sub()
	case 1:
		return sub() + one(" == ", "!=", "<", " le ", " > ", ">=", " matches ", " instanceof ", " between ") + sub()
	case 2:
		return sub() + one(" && ", " or ", " AND ", "||") + sub()
	case 3:
		return one("!", "-", "+", "not ") + sub()
	case 4:
		return sub() + " ? " + sub() + " : " + sub()
	case 5:
		return sub() + " ?: " + sub()
	case 6:
		return "(" + sub() + ")"
	case 7:
		return sub() + one(".k", "?.k", ".size()", ".toString()", "?.length()", ".contains('a')")
	case 8:
		return sub() + one("", "?.") + "[" + sub() + "]"
	case 9:
		return sub() + one(".", "?.") + one("?[", "^[", "$[", "![") + sub() + "]"
	case 10:
		return "{" + sub() + ", " + sub() + "}"
	case 11:
		return "{k: " + sub() + ", (" + sub() + "): " + sub() + "}"
	case 12:
		return one("#toJson", "#toInt", "#nope", "T(Math).abs", "new String") + "(" + sub() + ")"
	}
	return sub()
}

// TestPrinting holds that the canonical spelling of an expression is read as
// the same expression: it has the same spelling, and the same value.
func TestPrinting(t *testing.T) {
	t.Parallel()
	env := expr.Env{Root: map[string]any{"n": 3, "s": "abc", "list": []any{1, "a", nil}, "m": map[string]any{"k": "v"}}}
	rapid.Check(t, func(t *rapid.T) {
		source := expression(t, rapid.IntRange(0, 4).Draw(t, "depth"))
		first, err := expr.Parse(source)
		if err != nil {
			return // such as 1 < 2 < 3
		}
		printed := first.String()
		second, err := expr.Parse(printed)
		if err != nil {
			t.Fatalf("%s is printed as %s, which cannot be read: %v", source, printed, err)
		}
		if second.String() != printed {
			t.Fatalf("%s is printed as %s, and that as %s", source, printed, second)
		}
		a, b := outcome(source, env), outcome(printed, env)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("%s is printed as %s, which has another value:\n%s", source, printed, diff)
		}
	})
}

// outcome is the value of an expression, or that it has none.
func outcome(source string, env expr.Env) any {
	v, summary := expr.Evaluate("${"+source+"}", env)
	if len(summary.Findings) > 0 {
		return summary.Findings[0].Level
	}
	return v
}

func TestPrinted(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a.b?.c[ 'd' ]":                     "a.b?.c['d']",
		"1+2*3":                             "1 + 2 * 3",
		"(1+2)*3":                           "(1 + 2) * 3",
		"1-(2-3)":                           "1 - (2 - 3)",
		"not(a and b) or c":                 "!(a && b) || c",
		"a?b:c?d:e":                         "a ? b : c ? d : e",
		"(a?b:c)?d:e":                       "(a ? b : c) ? d : e",
		"a ?: b ?: c":                       "a ?: b ?: c",
		"{k:1,\"l\":{1,2},(m):3}":           "{'k': 1, 'l': {1, 2}, 'm': 3}",
		"list.?[ #this eq 'it''s' ].![ x ]": "list.?[#this == 'it''s'].![x]",
		"T( java.lang.Math ).max(1,-2)":     "T(java.lang.Math).max(1, -2)",
		"new  java.util.Date( 0x10L )":      "new java.util.Date(16)",
		"a MATCHES \"x\"":                   "a matches 'x'",
		"!(![x])":                           "!(![x])",
		"#fn( #root , 1e10 )":               "#fn(#root, 1e+10)",
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			e, err := expr.Parse(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.String(); got != want {
				t.Errorf("%s is printed as %s, want %s", in, got, want)
			}
		})
	}
}

func TestParseError(t *testing.T) {
	t.Parallel()
	_, err := expr.Parse("a +\n * 2")
	e, ok := errors.AsType[*expr.Error](err)
	if !ok || e.Pos != 5 || !e.Syntax || e.Error() != "found '*' where a value is expected" {
		t.Errorf("got %#v", err)
	}
}

var seeds = []string{
	"${a.b?.c['d'][0]}", "x ${#stage('a').outputs.x} y ${'}'}", "${ {a: 1, (b): {2}}.?[#this > 1].![key] }", "${T(Math).max(1, n) ?: 2 ^ 3}",
	"${new java.text.SimpleDateFormat('yyyy').format(new java.util.Date())}", "${s matches '(?=a)b' ? 1.5e3 : 0x1f}", "${n div 2 between {1, 2} && !x}",
	"${#toJson(list)} ${#readYaml(\"a: &x 1\nb: *x\")}", "${s.replaceAll('(.)', '$1').split(',')}", "${'", "${[(}", "${a ? : b}", "é${π.x}", "${1..2}",
	"${T(String).format('%5.2f', 1.0)}", "${#readJson('{\"a\": [1]}').a[0]}", "${list.^[#this == 1]}${s.substring(1)}", "${deployedServerGroups[0].x}",
}

// vectorInputs returns the inputs of the vectors, which are seeds.
func vectorInputs(f *testing.F) []string {
	f.Helper()
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("vectors: %v, %v", files, err)
	}
	var out []string
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			if strings.HasPrefix(line, "${") {
				out = append(out, line)
			}
		}
	}
	return out
}

// FuzzEvaluate holds that no text makes the evaluator panic or change what it
// cannot evaluate, that positions are within the text, and that nothing depends
// on anything but the text.
func FuzzEvaluate(f *testing.F) {
	for _, s := range append(vectorInputs(f), seeds...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		env := expr.Env{
			Now: noon, Limits: expr.Limits{Steps: 10_000, Bytes: 1 << 20},
			Root: map[string]any{
				"n": json.Number("3"), "s": "abc", "list": []any{1, "a", nil}, "a": map[string]any{"b": nil},
				"execution": map[string]any{"stages": []any{map[string]any{"name": "a", "refId": "1", "status": "SUCCEEDED"}}},
			},
		}
		got, summary := expr.Evaluate(s, env)
		if !strings.Contains(s, "${") && got != any(s) {
			t.Errorf("%q became %v", s, got)
		}
		for _, x := range summary.Findings {
			if x.Pos < 0 || x.Pos > len(s) || x.Message == "" {
				t.Errorf("%q: %+v", s, x)
			}
			if x.Level == expr.LevelError && got != any(s) {
				t.Errorf("%q failed and became %v", s, got)
			}
		}
		if _, err := json.Marshal(got); err != nil {
			t.Errorf("%q has a value that is not JSON: %v", s, err)
		}
		for _, p := range expr.Check(s, nil) {
			if p.Pos < 0 || p.Pos > len(s) || p.Syntax && len(summary.Findings) == 0 {
				t.Errorf("Check(%q): %+v; evaluated: %v", s, p, summary.Findings)
			}
		}
	})
}

// FuzzParse holds that what can be read is printed as something that can be
// read, and stays.
func FuzzParse(f *testing.F) {
	for _, s := range append(vectorInputs(f), seeds...) {
		f.Add(strings.TrimSuffix(strings.TrimPrefix(s, "${"), "}"))
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := expr.Parse(s)
		if parts, split := syntax.Split("${" + s + "}"); split == nil && len(parts) == 1 && parts[0].Text == s {
			wrong := slices.ContainsFunc(expr.Check("${"+s+"}", nil), func(e *expr.Error) bool { return e.Syntax })
			if wrong != (err != nil) {
				t.Errorf("Parse(%q): %v, Check says %v", s, err, wrong)
			}
			expr.Names("${" + s + "}")
		}
		if err != nil {
			if x, ok := errors.AsType[*expr.Error](err); !ok || x.Pos < 0 || x.Pos > len(s) {
				t.Errorf("Parse(%q): %#v", s, err)
			}
			return
		}
		printed := e.String()
		if len(printed) > 10_000 {
			return // spaces made it too long
		}
		again, err := expr.Parse(printed)
		if err != nil || again.String() != printed {
			t.Errorf("%q is printed as %q, and that as %v, %v", s, printed, fmt.Sprint(again), err)
		}
	})
}
