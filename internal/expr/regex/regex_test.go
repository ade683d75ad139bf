package regex

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func free(int) error { return nil }

func TestCompile(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"(": "a ( is not closed", ")": "closes nothing", "[a": "a [ is not closed", "a{": "the { has no }", "{": "repeats what is before it",
		"*a": "nothing before *", "a{2,1}": "a repetition is written", "[b-a]": "from the lower to the higher", `\`: "a backslash is the last",
		`\y`: "has no meaning", `\p{Nope}`: "there is no class", `(?<1a>x)`: "a group's name", `(?<a>x)(?<a>y)`: "used once", `(?<=a*)b`: "no greatest length", `(a)(?<!\1)b`: "no greatest length", `(?U)a`: "the flag U is not known",
		`\k<a>`: "there is no group 'a'", `\x{110000}`: "no number of a character", `\u12`: "is incomplete", `[\b]`: "not for classes",
		strings.Repeat("(", 60) + strings.Repeat(")", 60): "nests more than 50 deep", strings.Repeat("a", 1001): "more than 1000",
	}
	for pattern, want := range tests {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			if _, err := Compile(pattern); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Compile(%q): %v, want %q", pattern, err, want)
			}
		})
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{`a|ab`, "ab", true},
		{`(?i)straße`, "STRAßE", true},
		{`(?iu)é`, "É", true},
		{`(?i)é`, "É", false},
		{`[\w&&[^\d]]+`, "ab_", true},
		{`[\w&&[^\d]]+`, "ab1", false},
		{`[^a-c&&b]`, "b", false},
		{`\Qa.b\E+`, "a.bb", true},
		{`[\Q]\E]`, "]", true},
		{`\x41\u0042\0103\cA\t\e`, "ABC\x01\t\x1b", true},
		{`\p{Lu}\p{IsLatin}\P{L}\p{javaDigit}`, "Aé-1", true},
		{`(?x) a \  b # c`, "a b", true},
		{`(a)?b\1`, "b", false},
		{`(?>a|ab)c`, "abc", false},
		{`a{2,3}+a`, "aaa", false},
		{`(?<=a)b`, "b", false},
		{`.*\R.*`, "a\r\nb", true},
		{`a.c`, "a\u2028c", false},
		{`(?d)a.c`, "a\u2028c", true},
		{`(?s:a.)c`, "a\nc", true},
		{`(?m)^a$\n^b$`, "a\nb", true},
		{`\Ga`, "a", true},
		{`(?:(?i)A)a`, "aa", true},
		{`(?:(?i)A)a`, "aA", false},
		{`(|a)+`, "aa", true},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			re, err := Compile(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := re.Full(tt.text, free); err != nil || got != tt.want {
				t.Errorf("%q matches %q: %v, %v; want %v", tt.pattern, tt.text, got, err, tt.want)
			}
		})
	}
}

func pattern(t *rapid.T, depth int) string {
	one := func(from ...string) string { return rapid.SampledFrom(from).Draw(t, "one") }
	if depth == 0 {
		return one("a", "b", "ab", ".", "[ab]", "[^a]", `\d`, `\w`, `\b`, "$", "^", "a?", `\s`)
	}
	sub := func() string { return pattern(t, depth-1) }
	switch rapid.IntRange(0, 5).Draw(t, "choice") {
	case 0:
		return sub() + sub()
	case 1:
		return "(" + sub() + "|" + sub() + ")"
	case 2:
		return "(?:" + sub() + ")" + one("*", "+", "?", "{2}", "{1,2}") + one("", "?")
	case 3:
		return "(" + sub() + ")"
	}
	return sub()
}

// TestEngines holds that what Go's engine is given means the same to both.
func TestEngines(t *testing.T) {
	t.Parallel()
	linear := 0
	rapid.Check(t, func(t *rapid.T) {
		p := pattern(t, rapid.IntRange(0, 4).Draw(t, "depth"))
		s := rapid.StringMatching(`[ab1 \n]{0,12}`).Draw(t, "text")
		re, err := Compile(p)
		if err != nil {
			return // such as ^* within a repetition
		}
		if re.linear != nil {
			linear++
		}
		other := *re
		other.linear, other.whole = nil, nil
		a, errA := re.All(s, 0, free)
		b, errB := other.All(s, 0, free)
		if errB != nil {
			return // too much for one is allowed
		}
		if diff := cmp.Diff(a, b); errA != nil || len(a)+len(b) > 0 && diff != "" {
			t.Fatalf("%q in %q (-linear +other): %v\n%s", p, s, errA, diff)
		}
		x, _ := re.Full(s, free)
		if y, _ := other.Full(s, free); x != y {
			t.Fatalf("%q matches %q: linear %v, other %v", p, s, x, y)
		}
	})
	if linear == 0 {
		t.Error("no pattern was linear")
	}
}

// TestTooMuch holds that each search ends.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100_000)
	for _, p := range []string{`(?=x|)(a+)+$b`, `(a|a)*+(?!a)b`, `(?<=a{0,9})b`, `(a*)*\1b`, `((a|b)*)*\2c`, `(?=(a+)+b)a`, strings.Repeat("a{0,900}", 100) + "b"} {
		t.Run(p, func(t *testing.T) {
			t.Parallel()
			re, err := Compile(p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := re.All(long, 0, free); err != nil && !errors.Is(err, ErrTooMuch) {
				t.Errorf("got %v", err)
			}
			spent := 0
			poor := errors.New("poor")
			_, err = re.All(long, 0, func(n int) error {
				if spent += n; spent > 10_000 {
					return poor
				}
				return nil
			})
			if err != nil && !errors.Is(err, poor) && !errors.Is(err, ErrTooMuch) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// FuzzRegexp holds that no pattern panics, and that matches are within the text.
func FuzzRegexp(f *testing.F) {
	for _, p := range []string{`(?i)[a-z&&[^x]]+`, `(?<n>a)\k<n>`, `\Qa\E*+`, `(?=a)(?<!b)c|\R`, `[\p{L}-]{1,2}?`, `(?x: a #b` + "\n)", `\x{41}\0101`} {
		f.Add(p, "aab\r\nx")
	}
	f.Fuzz(func(t *testing.T, p, s string) {
		re, err := Compile(p)
		if err != nil || len(s) > 1000 {
			return
		}
		found, err := re.All(s, 0, free)
		if err != nil && !errors.Is(err, ErrTooMuch) {
			t.Errorf("%q: %v", p, err)
		}
		last := 0
		for _, m := range found {
			if len(m) != 2*re.Groups()+2 || m[0] < last || m[1] < m[0] || m[1] > len(s) {
				t.Errorf("%q in %q: %v", p, s, found)
			}
			last = m[1]
		}
	})
}
