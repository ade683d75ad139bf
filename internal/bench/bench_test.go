package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain makes this program the server that a benchmark starts, if asked.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		exit(serveChild(context.Background(), dir, os.Stdin, os.Stdout))
		return
	}
	os.Exit(m.Run())
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		values []float64
		want   spread
	}{
		"one":  {[]float64{3}, spread{3, 3, 3}},
		"odd":  {[]float64{5, 1, 2}, spread{1, 2, 5}},
		"even": {[]float64{4, 1, 2, 8}, spread{1, 3, 8}},
	} {
		if got := spreadOf(tt.values); got != tt.want {
			t.Errorf("%s: spreadOf(%v) = %v, want %v", name, tt.values, got, tt.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var hundred []float64
	for i := range 100 {
		hundred = append(hundred, float64(100-i))
	}
	for name, tt := range map[string]struct {
		values []float64
		q      float64
		want   float64
	}{
		"none":              {nil, 0.5, 0},
		"one":               {[]float64{7}, 0.99, 7},
		"the middle":        {hundred, 0.50, 50},
		"the 99th":          {hundred, 0.99, 99},
		"all":               {hundred, 1, 100},
		"few, so the worst": {[]float64{1, 2, 3}, 0.99, 3},
	} {
		if got := quantile(tt.values, tt.q); got != tt.want {
			t.Errorf("%s: quantile = %v, want %v", name, got, tt.want)
		}
	}
}

func TestRatioIsOfEachRun(t *testing.T) {
	t.Parallel()
	f := figure{measured: []float64{10, 40, 90}, reference: []float64{10, 20, 30}}
	if got := f.ratio(); got != 2 {
		t.Errorf("ratio = %v, want 2", got)
	}
	if got := (figure{measured: []float64{1}}).ratio(); got != 0 {
		t.Errorf("ratio without a reference = %v, want 0", got)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"1234 /s": perSecond.format(1234.4),
		"2.5 MB":  megabytes.format(2.5),
		"21":      count.format(21),
		"437µs":   seconds.format(0.0004371),
		"12.35ms": seconds.format(0.0123456),
		"1.234s":  seconds.format(1.2344),
	} {
		if got != want {
			t.Errorf("format = %q, want %q", got, want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := printTable(&out, []figure{
		{
			what: "slow", unit: perSecond, measured: []float64{10, 30, 20}, reference: []float64{40, 40, 40}, against: "bare",
			target: "≥ 0.75", met: func(_, ratio float64) bool { return ratio >= 0.75 },
		},
		{what: "small", unit: megabytes, measured: []float64{5}, target: "< 6 MB", met: below(6)},
		{what: "told", unit: count, measured: []float64{5}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `WHAT    MEASURED                REFERENCE                    RATIO   TARGET
slow    20 /s [10 /s … 30 /s]   40 /s [40 /s … 40 /s] bare   0.50    ≥ 0.75: MISSED
small   5 MB                    –                            –       < 6 MB: met
told    5                       –                            –       –
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseResident(t *testing.T) {
	t.Parallel()
	got, err := parseResident("Name:\tx\nVmHWM:\t  9999 kB\nVmRSS:\t   20480 kB\n")
	if err != nil || got != 20 {
		t.Errorf("parseResident = %v, %v, want 20", got, err)
	}
	if _, err := parseResident("Name:\tx\n"); err == nil {
		t.Error("parseResident found memory in a status without it")
	}
}

func TestParseCPU(t *testing.T) {
	t.Parallel()
	for stat, want := range map[string]float64{
		"7 (a ) b) S 1 7 7 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 1 2 3": 3,
		"7 (gone": 0,
	} {
		if got := parseCPU(stat); got != want {
			t.Errorf("parseCPU(%q) = %v, want %v", stat, got, want)
		}
	}
}

func TestStageContextHasItsSize(t *testing.T) {
	t.Parallel()
	if got := jsonSize(stageContext()); got != contextBytes {
		t.Errorf("the context has %d bytes, want %d", got, contextBytes)
	}
}

// TestQuick measures everything once, a little, so that no benchmark rots.
func TestQuick(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	if err := run(t.Context(), []string{"-quick"}, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	for _, want := range []string{"durable executions", "hand-off", "judgment", "parked", "start to healthy", "page of executions", "5 pipelines, 20 streams"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no line about %q in\n%s", want, &out)
		}
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "NaN") || strings.Contains(line, "Inf") {
			t.Errorf("not a number: %s", line)
		}
	}
}

func TestUnknownBenchmark(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), []string{"-only", "throughput,nothing"}, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
		t.Error("a benchmark that does not exist was run")
	}
}
