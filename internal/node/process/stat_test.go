package process

import "testing"

func TestParseStat(t *testing.T) {
	t.Parallel()
	const rest = " S 1 42 43 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1"
	tests := map[string]struct {
		text string
		want stat
		bad  bool
	}{
		"plain":           {text: "42 (cat)" + rest, want: stat{state: 'S', session: 43, ticks: 987654}},
		"odd command":     {text: "42 (a) R 1 (b) )" + rest, want: stat{state: 'S', session: 43, ticks: 987654}},
		"nothing":         {bad: true},
		"no command":      {text: "42 cat" + rest, bad: true},
		"too short":       {text: "42 (cat) S 1 42 43", bad: true},
		"start no number": {text: "42 (cat) S 1 42 43 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 x 1 1", bad: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseStat([]byte(tt.text))
			if (err != nil) != tt.bad || err == nil && got != tt.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (cat) S 1 42 43 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = parseStat(b) })
}
