package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// gateLoad is what a server is asked for at once.
type gateLoad struct {
	history history
	rate    int           // requests per second
	lasts   time.Duration // of the requests
	running int           // executions, at any time
	streams int           // clients of events
}

// Spinnaker's published base profile: 50 applications, 250 deployments a day,
// 30 requests per second, on 25 pods.
//
// Source: Armory, "Spinnaker Production Environments"; requests of its pods.
const (
	baseProfile       = "base profile of Spinnaker, 30 requests/s, as published"
	baseProfileMemory = 18.56 * 1024 // MB
	baseProfileCores  = 16.3
)

// gateRun is what one run of measureGate found.
type gateRun struct {
	p50, p99, max   float64 // seconds, of all requests
	reads, writes   float64 // p99 of those that do not change anything, and that do
	late, fsync     float64 // p99 of how late this program was, and of fsyncs meanwhile
	failed          float64
	cores           float64 // that the server used, on average
	memory, after   float64 // MB, early and at the end
	delivered, lost float64 // events; a stream that was cut is lost too
}

// measureGate measures the real binary under the requests that Deck and spin
// send, while pipelines run and clients listen to events.
func measureGate(ctx context.Context, o options) ([]figure, error) {
	load := pick(o,
		gateLoad{history{5_000, 50}, 300, time.Minute, 50, 1_000},
		gateLoad{history{100, 5}, 50, time.Second, 5, 20})
	binary, err := build(ctx, o)
	if err != nil {
		return nil, err
	}
	var runs []gateRun
	for range min(o.runs, 3) {
		err := inDir(o, func(dir string) error {
			run, err := load.run(ctx, o, binary, dir)
			runs = append(runs, run)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	values := func(of func(gateRun) float64) (out []float64) {
		for _, r := range runs {
			out = append(out, of(r))
		}
		return out
	}
	published := func(v float64) []float64 { return slices.Repeat([]float64{v}, len(runs)) }
	of := fmt.Sprintf("%d requests/s, %d pipelines, %d streams: ", load.rate, load.running, load.streams)
	return []figure{
		{what: of + "p50", unit: seconds, measured: values(func(r gateRun) float64 { return r.p50 })},
		{what: of + "p99", unit: seconds, measured: values(func(r gateRun) float64 { return r.p99 }), target: "< 100ms", met: below(0.100)},
		{what: of + "p99 of reads", unit: seconds, measured: values(func(r gateRun) float64 { return r.reads }), reference: values(func(r gateRun) float64 { return r.late }), against: "how late they were sent, p99"},
		{what: of + "p99 of writes", unit: seconds, measured: values(func(r gateRun) float64 { return r.writes }), reference: values(func(r gateRun) float64 { return r.fsync }), against: "fsync meanwhile, p99"},
		{what: of + "the slowest", unit: seconds, measured: values(func(r gateRun) float64 { return r.max })},
		{what: of + "requests that failed", unit: count, measured: values(func(r gateRun) float64 { return r.failed }), target: "0", met: below(1)},
		{what: of + "events delivered", unit: count, measured: values(func(r gateRun) float64 { return r.delivered })},
		{what: of + "events lost, and streams cut", unit: count, measured: values(func(r gateRun) float64 { return r.lost }), target: "0", met: below(1)},
		{what: of + "cores", unit: count, measured: values(func(r gateRun) float64 { return r.cores }), reference: published(baseProfileCores), against: baseProfile},
		{what: of + "resident memory, at the end", unit: megabytes, measured: values(func(r gateRun) float64 { return r.after }), reference: published(baseProfileMemory), against: baseProfile, target: "< 300 MB", met: below(300)},
		{what: of + "the same, after a tenth of the time", unit: megabytes, measured: values(func(r gateRun) float64 { return r.memory })},
	}, nil
}

// run starts a server with a history, and measures it under load.
func (l gateLoad) run(ctx context.Context, o options, binary, dir string) (run gateRun, err error) {
	if err := l.history.write(ctx, dir); err != nil {
		return run, fmt.Errorf("write the history: %w", err)
	}
	p, err := up(ctx, binary, dir)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, down(ctx, p, dir, true)) }()
	if err := l.savePipelines(ctx, p.client); err != nil {
		return run, fmt.Errorf("save the pipelines: %w", err)
	}
	audience, err := listen(ctx, p.client.URL(), l.streams, l.history.applications)
	if err != nil {
		return run, fmt.Errorf("listen to events: %w", err)
	}
	defer audience.close()
	executions, err := l.start(ctx, p.client)
	if err != nil {
		return run, fmt.Errorf("start the pipelines: %w", err)
	}
	var beside sync.WaitGroup
	beside.Go(func() {
		select {
		case <-time.After(l.lasts / 10):
			run.memory, _ = resident(p.cmd.Process.Pid)
		case <-ctx.Done():
		}
	})
	var syncs []float64
	probing, probed := context.WithCancel(ctx)
	beside.Go(func() {
		_ = poll(probing, 50*time.Millisecond, func() (bool, error) {
			took, err := fsyncs(o.dir, 1)
			syncs = append(syncs, took...)
			return false, err
		})
	})
	used := cpuOf(p.cmd.Process.Pid)
	sent := l.send(ctx, p.client.URL())
	run.cores = (cpuOf(p.cmd.Process.Pid) - used) / l.lasts.Seconds()
	probed()
	beside.Wait()
	if run.after, err = resident(p.cmd.Process.Pid); err != nil {
		return run, err
	}
	if sent.first != nil {
		fmt.Fprintf(o.log, "the first request that failed: %v\n", sent.first)
	}
	run.p50, run.p99, run.max, run.failed = sent.all.at(50), sent.all.at(99), sent.all.at(100), float64(sent.failed)
	run.reads, run.writes, run.late, run.fsync = sent.reads.at(99), sent.writes.at(99), sent.late.at(99), quantile(syncs, 0.99)
	if err := stillRun(ctx, p.client, executions); err != nil {
		return run, err
	}
	run.delivered, run.lost, err = audience.compare(ctx)
	return run, err
}

// The pipelines of every application besides those of the history.
const (
	longPipeline  = "long"  // runs for as long as the load lasts
	shortPipeline = "short" // what spin starts
	waitSeconds   = 2       // of each stage of a long one
)

// savePipelines saves a long and a short pipeline of each application.
func (l gateLoad) savePipelines(ctx context.Context, c *client.Client) error {
	return each(ctx, l.history.applications, submitters/4, func(ctx context.Context, i int) error {
		for pipeline, stages := range map[string]int{longPipeline: int(l.lasts.Seconds())/waitSeconds + 15, shortPipeline: 1} {
			if err := c.SavePipeline(ctx, waits(name(i), pipeline, stages)); err != nil {
				return err
			}
		}
		return nil
	})
}

// waits returns a pipeline of stages that wait, one behind the other.
func waits(application, pipeline string, n int) []byte {
	stages := make([]map[string]any, n)
	for i := range stages {
		stages[i] = map[string]any{
			"refId": strconv.Itoa(i), "type": "wait", "name": "Wait", "waitTime": waitSeconds, "requisiteStageRefIds": []string{},
		}
		if i > 0 {
			stages[i]["requisiteStageRefIds"] = []string{strconv.Itoa(i - 1)}
		}
	}
	text, err := json.Marshal(map[string]any{
		"id": application + "-" + pipeline, "application": application, "name": pipeline, "stages": stages, "limitConcurrent": false,
	})
	if err != nil {
		panic(err) // it holds texts and numbers
	}
	return text
}

// start starts the long pipelines, evenly over the time of one stage, so that
// they do not move in step.
func (l gateLoad) start(ctx context.Context, c *client.Client) ([]string, error) {
	out := make([]string, l.running)
	for i := range out {
		var err error
		if out[i], err = c.StartPipeline(ctx, name(i%l.history.applications), longPipeline, client.Start{}); err != nil {
			return nil, err
		}
		select {
		case <-time.After(waitSeconds * time.Second / time.Duration(l.running)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, nil
}

// stillRun returns an error unless all executions run.
func stillRun(ctx context.Context, c *client.Client, ids []string) error {
	for _, id := range ids {
		x, err := c.Execution(ctx, id)
		if err != nil {
			return err
		}
		if x.Status != gennaker.Running {
			return fmt.Errorf("the execution %s did not run until the end: it is %s", id, x.Status)
		}
	}
	return nil
}

// cpuOf returns how much processor time a process used so far, in seconds; 0 if
// that is not known.
//
// Source: proc(5), stat: utime and stime, in hundredths of a second.
func cpuOf(pid int) float64 {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	return parseCPU(string(b))
}

func parseCPU(stat string) float64 {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // behind the name, which may hold anything
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}
