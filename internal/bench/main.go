package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// childEnv makes this program a server with a benchmark's stages; its value is
// the data directory.
const childEnv = "GENNAKER_BENCH_CHILD"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if dir := os.Getenv(childEnv); dir != "" {
		exit(serveChild(ctx, dir, os.Stdin, os.Stdout))
		return
	}
	exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options says how much is measured.
type options struct {
	runs  int
	quick bool   // so little that it only shows that everything works
	dir   string // where the data go; its disk is what is measured
	log   io.Writer
}

// pick returns the number for a full measurement, or that for a quick one.
func pick[T any](o options, full, quick T) T {
	if o.quick {
		return quick
	}
	return full
}

// benchmark measures a few figures that belong together.
type benchmark struct {
	name    string
	measure func(ctx context.Context, o options) ([]figure, error)
}

func benchmarks() []benchmark {
	return []benchmark{
		{"throughput", measureThroughput},
		{"handoff", measureHandoff},
		{"judgment", measureJudgment},
		{"parked", measureParked},
		{"start", measureStart},
		{"list", measureList},
		{"expression", measureExpression},
		{"gate", measureGate},
	}
}

// run measures what args ask for and writes the table to out.
func run(ctx context.Context, args []string, out, log io.Writer) error {
	o := options{log: log}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.BoolVar(&o.quick, "quick", false, "measure so little that it only shows that everything works")
	flags.IntVar(&o.runs, "runs", 0, "how often each figure is measured (default 5, quick 1)")
	profile := flags.String("cpuprofile", "", "write a profile of this process to this file")
	only := flags.String("only", "", "measure only these, with commas between: "+strings.Join(names(), ","))
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.runs = cmp.Or(o.runs, pick(o, 5, 1))
	var wanted []string
	if *only != "" {
		wanted = strings.Split(*only, ",")
	}
	for _, name := range wanted {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("there is no benchmark %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return fmt.Errorf("create the profile: %w", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("begin the profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	var err error
	if o.dir, err = os.MkdirTemp("", "gennaker-bench-*"); err != nil {
		return fmt.Errorf("make a directory for the data: %w", err)
	}
	defer os.RemoveAll(o.dir)
	var figures []figure
	for _, b := range benchmarks() {
		if len(wanted) > 0 && !slices.Contains(wanted, b.name) {
			continue
		}
		began := time.Now()
		got, err := b.measure(ctx, o)
		if err != nil {
			return fmt.Errorf("measure %s: %w", b.name, err)
		}
		fmt.Fprintf(log, "%s: %s\n", b.name, time.Since(began).Round(100*time.Millisecond))
		figures = append(figures, got...)
	}
	return printTable(out, figures)
}

func names() []string {
	var out []string
	for _, b := range benchmarks() {
		out = append(out, b.name)
	}
	return out
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
