package regex

import (
	"slices"
	"strings"
	"unicode"
)

// set is a set of characters: ranges, each as its first and its last, sorted
// and apart.
type set []rune

func (s set) has(r rune) bool {
	if len(s) <= 8 {
		for i := 0; i < len(s); i += 2 {
			if s[i] <= r && r <= s[i+1] {
				return true
			}
		}
		return false
	}
	low, high := 0, len(s)/2
	for low < high {
		mid := (low + high) / 2
		switch {
		case r < s[2*mid]:
			high = mid
		case r > s[2*mid+1]:
			low = mid + 1
		default:
			return true
		}
	}
	return false
}

func union(sets ...set) set {
	type span struct{ from, to rune }
	var spans []span
	for _, s := range sets {
		for i := 0; i < len(s); i += 2 {
			spans = append(spans, span{s[i], s[i+1]})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	var out set
	for _, p := range spans {
		if n := len(out); n > 0 && p.from <= out[n-1]+1 {
			out[n-1] = max(out[n-1], p.to)
		} else {
			out = append(out, p.from, p.to)
		}
	}
	return out
}

func negate(s set) set {
	var out set
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > next {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

func intersect(a, b set) set { return negate(union(negate(a), negate(b))) }

// folded adds the other case of ASCII letters, and of the others if all is set.
func folded(s set, all bool) set {
	out := slices.Clone(s)
	for i := 0; i < len(s); i += 2 {
		for _, shift := range [][3]rune{{'a', 'z', 'A' - 'a'}, {'A', 'Z', 'a' - 'A'}} {
			if from, to := max(s[i], shift[0]), min(s[i+1], shift[1]); from <= to {
				out = append(out, from+shift[2], to+shift[2])
			}
		}
		if all && s[i+1]-s[i] < 2000 {
			for r := s[i]; r <= s[i+1]; r++ {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					out = append(out, f, f)
				}
			}
		}
	}
	return union(out)
}

// ofTable returns the characters of a table of package unicode.
func ofTable(t *unicode.RangeTable) set {
	var out set
	add := func(from, to, stride rune) {
		if stride == 1 {
			out = append(out, from, to)
			return
		}
		for r := from; r <= to; r += stride {
			out = append(out, r, r)
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return union(out)
}

// The sets that have a letter of their own.
var (
	digits      = set{'0', '9'}
	wordChars   = set{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}
	spaces      = set{'\t', '\r', ' ', ' '}
	horizontals = set{'\t', '\t', ' ', ' ', 0xA0, 0xA0, 0x1680, 0x1680, 0x180E, 0x180E, 0x2000, 0x200A, 0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000}
	verticals   = set{'\n', '\r', 0x85, 0x85, 0x2028, 0x2029}
	terminators = set{'\n', '\n', '\r', '\r', 0x85, 0x85, 0x2028, 0x2029}
	everything  = set{0, unicode.MaxRune}
)

// posix are Java's classes of ASCII.
var posix = map[string]set{
	"Lower": {'a', 'z'}, "Upper": {'A', 'Z'}, "ASCII": {0, 0x7F}, "Alpha": {'A', 'Z', 'a', 'z'}, "Digit": {'0', '9'},
	"Alnum": {'0', '9', 'A', 'Z', 'a', 'z'}, "Punct": {'!', '/', ':', '@', '[', '`', '{', '~'}, "Graph": {'!', '~'},
	"Print": {' ', '~'}, "Blank": {'\t', '\t', ' ', ' '}, "Cntrl": {0, 0x1F, 0x7F, 0x7F}, "XDigit": {'0', '9', 'A', 'F', 'a', 'f'},
	"Space": {'\t', '\r', ' ', ' '},
}

// binary are the properties that Java writes with Is, and its own methods.
var binary = map[string][]*unicode.RangeTable{
	"alphabetic": {unicode.L, unicode.Nl, unicode.Other_Alphabetic}, "letter": {unicode.L}, "digit": {unicode.Nd},
	"lowercase": {unicode.Ll, unicode.Other_Lowercase}, "uppercase": {unicode.Lu, unicode.Other_Uppercase},
	"white_space": {unicode.White_Space}, "punctuation": {unicode.P}, "ideographic": {unicode.Ideographic},
	"javalowercase": {unicode.Ll, unicode.Other_Lowercase}, "javauppercase": {unicode.Lu, unicode.Other_Uppercase},
	"javaletter": {unicode.L}, "javadigit": {unicode.Nd}, "javaletterordigit": {unicode.L, unicode.Nd},
	"javaalphabetic": {unicode.L, unicode.Nl, unicode.Other_Alphabetic}, "javawhitespace": {unicode.White_Space},
}

// property returns the set that \p{name} stands for.
func property(name string) (set, bool) {
	if s, ok := posix[name]; ok {
		return s, true
	}
	if _, value, ok := strings.Cut(name, "="); ok {
		name = value
	}
	bare := strings.TrimPrefix(name, "Is")
	for _, key := range []string{strings.ToLower(name), strings.ToLower(bare)} {
		if tables, ok := binary[key]; ok {
			var out set
			for _, t := range tables {
				out = union(out, ofTable(t))
			}
			return out, true
		}
	}
	if t, ok := unicode.Categories[bare]; ok {
		return ofTable(t), true
	}
	if bare == "LC" {
		return union(ofTable(unicode.Lu), ofTable(unicode.Ll), ofTable(unicode.Lt)), true
	}
	for script, t := range unicode.Scripts {
		if strings.EqualFold(script, bare) {
			return ofTable(t), true
		}
	}
	return nil, false
}
