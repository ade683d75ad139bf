package window_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/window"
)

func location(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// TestWindows holds the table in testdata: each case has its source in words.
func TestWindows(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "windows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Source, Zone string
		Rules              map[string]any
		At, Next           time.Time
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tt := range cases {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			w, err := window.Parse(tt.Rules, location(t, tt.Zone))
			if err != nil {
				t.Fatal(err)
			}
			if got := w.Next(tt.At); !got.Equal(tt.Next) {
				t.Errorf("%s\nfrom %s the window is open at %s, want %s", tt.Source, tt.At, got, tt.Next)
			}
			if got, want := w.Inside(tt.At), tt.At.Equal(tt.Next); got != want {
				t.Errorf("%s\ninside at %s: %v, want %v", tt.Source, tt.At, got, want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	hours := func(key string, v any) map[string]any {
		m := map[string]any{"startHour": 1.0, "startMin": 0.0, "endHour": 2.0, "endMin": 0.0}
		m[key] = v
		return map[string]any{"whitelist": []any{m}}
	}
	jitter := func(least, most any) map[string]any {
		return map[string]any{"jitter": map[string]any{"enabled": true, "minDelay": least, "maxDelay": most}}
	}
	for name, tt := range map[string]struct {
		rules map[string]any
		want  string
	}{
		"day 0":               {map[string]any{"days": []any{0.0}}, "days[0]: must be a whole number from 1 to 7"},
		"day 8":               {map[string]any{"days": []any{2.0, 8.0}}, "days[1]: must be a whole number from 1 to 7"},
		"day's name":          {map[string]any{"days": []any{"Monday"}}, "days[0]: must be a whole number from 1 to 7"},
		"half a day":          {map[string]any{"days": []any{1.5}}, "days[0]: must be a whole number from 1 to 7"},
		"days alone":          {map[string]any{"days": 3.0}, "days: must be a list"},
		"hour 24":             {hours("endHour", 24.0), "whitelist[0].endHour: must be a whole number from 0 to 23"},
		"minute 60":           {hours("startMin", 60.0), "whitelist[0].startMin: must be a whole number from 0 to 59"},
		"negative":            {hours("startHour", -1.0), "whitelist[0].startHour: must be a whole number from 0 to 23"},
		"unresolved":          {hours("startHour", "${ x }"), "whitelist[0].startHour: must be a whole number from 0 to 23"},
		"an object":           {hours("startHour", map[string]any{}), "whitelist[0].startHour: must be a whole number from 0 to 23"},
		"infinite":            {hours("startHour", "Inf"), "whitelist[0].startHour: must be a whole number from 0 to 23"},
		"no number":           {hours("startHour", "NaN"), "whitelist[0].startHour: must be a whole number from 0 to 23"},
		"text for hours":      {map[string]any{"whitelist": []any{"10-12"}}, "whitelist[0]: must be an object with startHour, startMin, endHour and endMin"},
		"one for a list":      {map[string]any{"whitelist": map[string]any{}}, "whitelist: must be a list"},
		"never":               {map[string]any{"whitelist": []any{map[string]any{"startHour": 1.0, "startMin": 30.0, "endHour": 1.0, "endMin": 15.0}}}, "whitelist: never opens: it ends before it begins, in the same hour"},
		"jitter":              {map[string]any{"jitter": true}, "jitter: must be an object"},
		"jitter, reversed":    {jitter(20.0, 10.0), "jitter.minDelay: must not be more than maxDelay"},
		"jitter, negative":    {jitter(-1.0, 10.0), "jitter.minDelay: must be a whole number from 0 to 604800"},
		"jitter of two weeks": {jitter(0.0, 1.2e6), "jitter.maxDelay: must be a whole number from 0 to 604800"},
		"too many hours":      {map[string]any{"whitelist": slices.Repeat([]any{map[string]any{}}, 1001)}, "whitelist: may have at most 1000 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := window.Parse(tt.rules, time.UTC)
			if gennaker.KindOf(err) != gennaker.Invalid || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestParseIsLenient(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	w, err := window.Parse(map[string]any{
		"days":      []any{"2", json.Number("3"), 4},
		"whitelist": []any{map[string]any{"startHour": "9", "endHour": json.Number("11")}},
		"unknown":   true,
	}, time.UTC)
	if err != nil || !w.Inside(at) || w.Inside(at.Add(2*time.Hour)) || w.Inside(at.AddDate(0, 0, 3)) {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestJitter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		jitter any
		want   window.Jitter
	}{
		"none":         {nil, window.Jitter{}},
		"not enabled":  {map[string]any{"maxDelay": 10.0}, window.Jitter{}},
		"switched off": {map[string]any{"enabled": false, "minDelay": 20.0, "maxDelay": 10.0}, window.Jitter{}},
		"no delay":     {map[string]any{"enabled": true, "minDelay": 20.0, "maxDelay": 0.0}, window.Jitter{}},
		"to":           {map[string]any{"enabled": true, "maxDelay": 10.0}, window.Jitter{Max: 10 * time.Second}},
		"from and to":  {map[string]any{"enabled": "true", "minDelay": "5", "maxDelay": "10", "skipManual": true}, window.Jitter{5 * time.Second, 10 * time.Second, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := window.Parse(map[string]any{"jitter": tt.jitter}, time.UTC)
			if err != nil || w.Jitter != tt.want {
				t.Errorf("%+v, %v, want %+v", w.Jitter, err, tt.want)
			}
		})
	}
}

// rules draws a window that opens now and then.
func rules(t *rapid.T) map[string]any {
	out := map[string]any{}
	if days := rapid.SliceOfNDistinct(rapid.IntRange(1, 7), 0, 7, rapid.ID).Draw(t, "days"); len(days) > 0 {
		list := make([]any, len(days))
		for i, d := range days {
			list[i] = float64(d)
		}
		out["days"] = list
	}
	var hours []any
	for range rapid.IntRange(0, 3).Draw(t, "windows") {
		from, to := rapid.IntRange(0, 1439).Draw(t, "from"), rapid.IntRange(0, 1439).Draw(t, "to")
		if from/60 == to/60 && from > to {
			from, to = to, from
		}
		hours = append(hours, map[string]any{
			"startHour": float64(from / 60), "startMin": float64(from % 60), "endHour": float64(to / 60), "endMin": float64(to % 60),
		})
	}
	out["whitelist"] = hours
	return out
}

// TestNext holds that a window is open when Next says, and not before: against a
// clock that is looked at every minute.
func TestNext(t *testing.T) {
	t.Parallel()
	zones := []string{"America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "America/Santiago"}
	// around changes of the clock, where it is interesting, and elsewhere
	near := []time.Time{
		time.Date(2026, 3, 8, 10, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
		time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 15, 30, 0, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
	}
	rapid.Check(t, func(t *rapid.T) {
		w, err := window.Parse(rules(t), location(t, rapid.SampledFrom(zones).Draw(t, "zone")))
		if err != nil {
			t.Fatal(err)
		}
		at := rapid.SampledFrom(near).Draw(t, "near").Add(time.Duration(rapid.IntRange(-100_000, 100_000).Draw(t, "seconds")) * time.Second)
		next := w.Next(at)
		if next.Before(at) || !w.Inside(next) {
			t.Fatalf("from %s: %s, which is inside: %v", at, next, w.Inside(next))
		}
		if again := w.Next(next); !again.Equal(next) {
			t.Fatalf("from %s: %s, and from there %s", at, next, again)
		}
		for u := at; u.Before(next); u = u.Truncate(time.Minute).Add(time.Minute) {
			if w.Inside(u) {
				t.Fatalf("from %s: %s, but it is open at %s", at, next, u)
			}
		}
	})
}

// FuzzParse holds that no document makes Parse or Next fail otherwise than with
// an error.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"days":[1,7],"whitelist":[{"startHour":22,"endHour":5}],"jitter":{"enabled":true,"minDelay":1,"maxDelay":2}}`,
		`{"days":["x"]}`, `{"whitelist":[{"startHour":1e300}]}`, `{"whitelist":[{"startHour":1,"startMin":30,"endHour":1}]}`, `{"jitter":[]}`, `null`,
	} {
		f.Add(text, int64(1_772_000_000))
	}
	zone := location(f, window.DefaultZone)
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		var rules map[string]any
		if json.Unmarshal([]byte(text), &rules) != nil {
			return
		}
		w, err := window.Parse(rules, zone)
		if err != nil {
			if gennaker.KindOf(err) != gennaker.Invalid || strings.TrimSpace(err.Error()) == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		at := time.Unix(seconds%4_000_000_000, 0)
		if next := w.Next(at); next.Before(at) || !w.Inside(next) {
			t.Fatalf("from %s: %s", at, next)
		}
	})
}
