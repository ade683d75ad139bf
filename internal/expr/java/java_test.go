package java

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var noon = time.Date(2024, 2, 29, 12, 34, 56, 789_000_000, time.UTC)

func TestReadProperties(t *testing.T) {
	t.Parallel()
	in := "# note\n! note\na = b\\\n   c\nk:v\\u00e9\\t\\:\nempty\n spaced   value  \npath=C:\\\\x\r\nkey\\ with\\=signs=1\nbad=\\u00zz\n"
	want := map[string]any{"a": "bc", "k": "vé\t:", "empty": "", "spaced": "value  ", "path": `C:\x`, "key with=signs": "1", "bad": "u00zz"}
	if diff := cmp.Diff(want, ReadProperties(in)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	tests := []struct{ pattern, text, want string }{
		{"yyyy-MM-dd", "2024-02-30", "2024-03-01T00:00:00Z"},
		{"yyyyMMddHHmmss", "20240229123456", "2024-02-29T12:34:56Z"},
		{"dd/MM/yy", "01/02/45", "1945-02-01T00:00:00Z"},
		{"dd/MM/yy", "01/02/30", "2030-02-01T00:00:00Z"},
		{"EEE, d MMM yyyy hh:mm a z", "Thu, 29 Feb 2024 12:05 AM PST", "2024-02-29T00:05:00-08:00"},
		{"HH:mmXXX", "01:30+05:30", "1970-01-01T01:30:00+05:30"},
		{"HH:mm z", "01:30 GMT-03:00", "1970-01-01T01:30:00-03:00"},
		{"yyyy DDD", "2024 060", "2024-02-29T00:00:00Z"},
		{"'o''clock' H", "o'clock 5", "1970-01-01T05:00:00Z"},
		{"yyyy", "x", "the text 'x' is not written like yyyy"},
		{"MMM", "Foo", "is not written like"},
		{"z", "NOWHERE", "is not written like"},
		{"q", "1", "'q' means nothing in a date pattern"},
		{"'a", "a", "has an open quote"},
	}
	for _, tt := range tests {
		t.Run(tt.pattern+" "+tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseDate(tt.pattern, tt.text, noon)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				return
			}
			if s := got.Format(time.RFC3339); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
		})
	}
}

// TestDatesReturn holds that a date that was written is read as the same.
func TestDatesReturn(t *testing.T) {
	t.Parallel()
	const pattern = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"
	rapid.Check(t, func(t *rapid.T) {
		want := time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "ms")).UTC()
		s, err := FormatDate(pattern, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseDate(pattern, s, noon); err != nil || !got.Equal(want) {
			t.Fatalf("%s is read as %v, %v; want %v", s, got, err, want)
		}
	})
}

func FuzzDate(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T12:34:56.789Z")
	f.Add("EEEE, d MMMM yy h:mm a zzzz", "x")
	f.Add("G Y w W D F u k K S ''", "1 2 3")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		written, err := FormatDate(pattern, noon)
		if err == nil && utf8.ValidString(pattern) && !utf8.ValidString(written) {
			t.Errorf("%q writes %q", pattern, written)
		}
		if _, err := ParseDate(pattern, s, noon); err != nil && err.Error() == "" {
			t.Error("an error without a message")
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, s := range []string{"%s-%05d", "%2$s %1$s %<s", "%,.2f", "%-10.3S|", "%tF %<tT", "%%%n", "%(+ ,0#x", "%1000d", "%", "%.e", "%g%e%h%b%c%o"} {
		f.Add(s, int64(-5), 2.5, "text")
	}
	f.Fuzz(func(t *testing.T, layout string, i int64, x float64, s string) {
		if len(layout) > 200 || len(s) > 200 {
			return
		}
		text := func() (string, error) { return s, nil }
		args := []Arg{{Value: i, Text: text}, {Value: x, Text: text}, {Value: s, Text: text}, {Text: text}, {Value: noon, Time: &noon, Text: text}}
		for j := range args {
			args[j].Hash = func() int32 { return HashString(s) }
		}
		if out, err := Format(layout, args); err == nil && len(out) > len(layout)*5000 {
			t.Errorf("%q writes %d bytes", layout, len(out))
		}
	})
}
