// Package java is what pipelines notice of Java's library: how it writes
// numbers, dates and texts, its random numbers and its properties files.
//
// Source: the documentation of java.lang, java.text and java.util.
package java

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// FormatDouble writes a number as Double.toString does: 1.0, 1.0E10.
func FormatDouble(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0 && math.Signbit(f):
		return "-0.0"
	}
	if a := math.Abs(f); a == 0 || a >= 1e-3 && a < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	n, _ := strconv.Atoi(exponent) // FormatFloat wrote it
	return digits + "E" + strconv.Itoa(n)
}

// HashString is String.hashCode.
func HashString(s string) int32 {
	h := int32(0)
	for _, c := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(c)
	}
	return h
}

// HashLong is Long.hashCode, and Integer.hashCode for what fits it.
func HashLong(i int64) int32 {
	if int64(int32(i)) == i {
		return int32(i)
	}
	return int32(i ^ int64(uint64(i)>>32))
}

// HashDouble is Double.hashCode.
func HashDouble(f float64) int32 {
	bits := math.Float64bits(f)
	return int32(bits ^ bits>>32)
}

// HashBoolean is Boolean.hashCode.
func HashBoolean(b bool) int32 {
	if b {
		return 1231
	}
	return 1237
}
