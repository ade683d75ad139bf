package syntax

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := map[string][]Part{
		"":                  nil,
		"a $ b":             {{"a $ b", 0, false}},
		"${a}":              {{"a", 2, true}},
		"é${a}-${ {b: 1} }": {{"é", 0, false}, {"a", 4, true}, {"-", 6, false}, {" {b: 1} ", 9, true}},
		`${'}' + "{"}`:      {{`'}' + "{"`, 2, true}},
		"$${a}}":            {{"$", 0, false}, {"a", 3, true}, {"}", 5, false}},
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			got, err := Split(in)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("Split(%q): %v (-want +got):\n%s", in, err, diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]Error{
		"a +":       {Pos: 3, Message: "found the end where a value is expected"},
		"a = 1":     {Pos: 2, Message: "found '=' where an operator or the end is expected", Hint: "write == to compare; expressions cannot assign"},
		"@b":        {Pos: 0, Message: "found '@' where a value is expected", Hint: "beans (@name) are not available in pipelines"},
		"'a":        {Pos: 0, Message: "the text that starts with ' has no end"},
		"12ab":      {Pos: 0, Message: "'12ab' is neither a number nor a name"},
		"new":       {Pos: 3, Message: "found the end where the name of a type is expected"},
		"f(1":       {Pos: 3, Message: "found the end where ',' or ')' after an argument is expected"},
		"a ? b":     {Pos: 5, Message: "found the end where ':' after the first choice of '?' is expected"},
		"1e999":     {Pos: 0, Message: "1e999 is too large a number"},
		"a ~ b":     {Pos: 2, Message: "'~' has no meaning in an expression"},
		"1 < 2 < 3": {Pos: 6, Message: "found '<' where an operator or the end is expected"},
		"list.?[x":  {Pos: 8, Message: "found the end where ']' after the condition is expected"},
		"{a: 1, b}": {Pos: 8, Message: "found '}' where ':' after a key is expected"},
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			want.Syntax = true
			_, err := Parse(in)
			if diff := cmp.Diff(&want, err); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", in, diff)
			}
		})
	}
}

// FuzzSplit holds that the parts of a text are that text.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"a ${b} c", "${'}'}${[({})]}", "$${", "${\"", "${a]}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, err := Split(s)
		if err != nil {
			if err.Pos < 0 || err.Pos > len(s) {
				t.Errorf("Split(%q): %+v", s, err)
			}
			return
		}
		var b strings.Builder
		for _, p := range parts {
			if p.Expression {
				b.WriteString("${" + p.Text + "}")
			} else {
				b.WriteString(p.Text)
			}
		}
		if b.String() != s {
			t.Errorf("the parts of %q are %q", s, b.String())
		}
	})
}
