package gennaker

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Time is an instant. On the wire it is epoch milliseconds, as everywhere in
// Spinnaker; a string of them is accepted too. The zero Time is left out by
// omitzero and reads from null.
type Time struct{ time.Time }

// At returns t in UTC, cut to the milliseconds that the wire keeps, so that a
// value survives a round trip.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// Millis returns the instant that is ms milliseconds after the epoch; zero for 0.
func Millis(ms int64) Time {
	if ms == 0 {
		return Time{}
	}
	return Time{time.UnixMilli(ms).UTC()}
}

// Epoch returns t in epoch milliseconds, 0 for the zero Time.
func (t Time) Epoch() int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// MarshalJSON writes epoch milliseconds, or null for the zero Time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

// UnmarshalJSON reads epoch milliseconds, as a number or a string, or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	b = bytes.Trim(b, `"`)
	if len(b) == 0 || string(b) == "null" {
		*t = Time{}
		return nil
	}
	ms, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("not epoch milliseconds: %q", b)
	}
	*t = Millis(int64(ms))
	return nil
}
