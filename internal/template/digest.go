package template

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Digest returns the SHA-256 of a template, in hex: of its JSON with sorted
// keys and no white space at all, not even within texts, without the fields
// that a save sets: digest, updateTs and lastModifiedBy.
//
// Source: Front50's digest, so that references by digest stay valid. Numbers
// and texts are written as Jackson does.
func Digest(doc map[string]any) string {
	doc = maps.Clone(doc)
	for _, key := range []string{"digest", "updateTs", "lastModifiedBy"} {
		delete(doc, key)
	}
	var b strings.Builder
	canonical(&b, doc)
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

func canonical(b *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b.WriteByte(',')
			}
			quote(b, k)
			b.WriteByte(':')
			canonical(b, v[k])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			canonical(b, x)
		}
		b.WriteByte(']')
	case string:
		quote(b, v)
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case json.Number:
		b.WriteString(number(v.String()))
	case float64:
		b.WriteString(javaDouble(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	default:
		b.WriteString("null")
	}
}

// quote writes a text as Jackson does, without the white space in it.
func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == ' ':
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			if i := strings.IndexRune("\b\f\n\r\t", r); i >= 0 {
				b.WriteByte('\\')
				b.WriteByte("bfnrt"[i])
				continue
			}
			const hex = "0123456789ABCDEF"
			b.WriteString(`\u00` + string(hex[r>>4]) + string(hex[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// number writes a number of JSON as Java does after reading it.
func number(s string) string {
	if !strings.ContainsAny(s, ".eE") {
		if s == "-0" {
			return "0"
		}
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return javaDouble(f)
}

// javaDouble writes f as Java's Double.toString, which has a point always and
// an exponent outside of 0.001 to 10,000,000.
func javaDouble(f float64) string {
	if a := math.Abs(f); f == 0 || a >= 1e-3 && a < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	e, err := strconv.Atoi(exponent)
	if err != nil { // infinite: no number of JSON is
		return mantissa
	}
	return mantissa + "E" + strconv.Itoa(e)
}
