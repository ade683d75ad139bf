package properties_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker/internal/properties"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		"":                                      {},
		"a=1":                                   {"a": "1"},
		"a=1\nb=2\r\nc=3\rd=4":                  {"a": "1", "b": "2", "c": "3", "d": "4"},
		"a : 1\nb\t2\nc   =  3 ":                {"a": "1", "b": "2", "c": "3 "},
		"# a=1\n! b=2\n  # c=3\n\n \t\nd=4":     {"d": "4"},
		"a=1\na=2":                              {"a": "2"},
		"a":                                     {"a": ""},
		"a=":                                    {"a": ""},
		"=1":                                    {"": "1"},
		"a==1":                                  {"a": "=1"},
		"a = b = c":                             {"a": "b = c"},
		"a=1\\\n  2\\\n\n  b=3":                 {"a": "12", "b": "3"},
		"a=1\\\\\nb=2":                          {"a": `1\`, "b": "2"},
		"# a\\\nb=2":                            {"b": "2"},
		"a=1\\":                                 {"a": "1"},
		"a=x\\\n# not a comment":                {"a": "x# not a comment"},
		`a\ b\=c\:d=1`:                          {"a b=c:d": "1"},
		`a=\n\t\r\f\q\\`:                        {"a": "\n\t\r\fq\\"},
		`\u0061=\u00e9\u20AC`:                   {"a": "é€"},
		`a=\ud83d\ude00`:                        {"a": "😀"},
		`a=\ud83dx\ude00`:                       {"a": "\uFFFDx\uFFFD"},
		`a=\ud83d\u0041`:                        {"a": "\uFFFDA"},
		"url=http://x.y/z?a=b\nflags -a -b":     {"url": "http://x.y/z?a=b", "flags": "-a -b"},
		"truth = Beauty\n Truth:Beauty\nT\t=\t": {"truth": "Beauty", "Truth": "Beauty", "T": ""},
	} {
		got, err := properties.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{`a=\u`, `a=\u12`, `a=\u12g4`, `\u+123=a`, `a=\ud83d\u12`} {
		if got, err := properties.Parse("b=1\n" + text); err == nil || !strings.HasPrefix(err.Error(), "line 2: ") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// TestWritten: what is written as Java does is read back.
func TestWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOfN(rapid.String(), rapid.String(), 0, 5).Draw(t, "properties")
		var text strings.Builder
		for k, v := range want {
			text.WriteString(escape(k) + "=" + escape(v) + "\n")
		}
		got, err := properties.Parse(text.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text.String(), diff)
		}
	})
}

func escape(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		if u > ' ' && u < 0x7f && !strings.ContainsRune(`=:#!\`, rune(u)) {
			b.WriteByte(byte(u))
		} else {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add("a=1\\\n  2\n# c\nb:\\u00e9")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := properties.Parse(text)
		if err != nil {
			return
		}
		size := 0
		for k, v := range got {
			size += len(k) + len(v)
		}
		if size > len(text)*3 { // a byte that is escaped may become three
			t.Errorf("%d bytes became %d", len(text), size)
		}
	})
}
