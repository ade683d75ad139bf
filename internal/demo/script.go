package demo

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// script is what the demo deploys.
func script() []step {
	return []step{
		{
			title: "v1 deployed", version: "v1", want: gennaker.Succeeded,
			explain: "the first version; nothing serves before it",
			run:     deploy("Deploy", "v1"),
		},
		{
			title: "v2 by red/black", version: "v2", want: gennaker.Succeeded,
			explain: "v2 starts beside v1; when it is healthy v1 leaves the load balancer and finishes its requests",
			run:     deploy("Deploy", "v2"),
		},
		{
			title: "v3 refused", version: "v2", want: gennaker.Terminal,
			explain: "v3 starts but never becomes healthy: it is removed, and v2 serves on",
			run:     deploy("Deploy", "v3"),
		},
		{
			title: "v4 by rolling red/black", version: "v4", want: gennaker.Succeeded,
			explain: "v4 grows to 50 % while v2 gives up 50 %; a person judges; then the rest",
			run:     deploy("Deploy gradually", "v4"), during: judge,
		},
		{
			title: "rolled back to v2", version: "v2", want: gennaker.Succeeded,
			explain: "one command: gennaker server-group rollback " + cluster,
			run:     rollback,
		},
		{
			title: "v5 by red/black, server killed", version: "v5", want: gennaker.Succeeded,
			explain: "kill -9 of the server in the middle; started again, it goes on where it was",
			run:     deploy("Deploy", "v5"), during: killOnce,
		},
	}
}

// deploy starts a pipeline with the artifact of a version.
func deploy(pipeline, version string) func(context.Context, *demo) (running, error) {
	return func(ctx context.Context, d *demo) (running, error) {
		a, err := d.world.artifact(version)
		if err != nil {
			return running{}, err
		}
		id, err := d.client.StartPipeline(ctx, application, pipeline, client.Start{
			Parameters: map[string]any{"artifact": a.Reference, "digest": a.Digest},
		})
		return running{id: id}, err
	}
}

// judge answers the judgment of the validation pipeline that a rolling
// deployment waits for.
func judge(ctx context.Context, d *demo, x gennaker.Execution) error {
	for _, s := range x.Stages {
		child, _ := s.Context["executionId"].(string)
		if s.Type != "pipeline" || s.Status != gennaker.Running || child == "" || d.judged[child] {
			continue
		}
		d.judged[child] = true
		go d.judgeChild(ctx, child)
	}
	return nil
}

func (d *demo) judgeChild(ctx context.Context, child string) {
	for x, err := range d.client.Watch(ctx, child) {
		if err != nil || x.Status.Complete() {
			return
		}
		i := slices.IndexFunc(x.Stages, func(s gennaker.Stage) bool {
			return s.Type == "manualJudgment" && len(s.Tasks) > 0 && s.Tasks[0].Status == gennaker.Running
		})
		if i < 0 {
			continue
		}
		d.view.say("judgment: %s", x.Stages[i].Name)
		if !pause(ctx, 2*time.Second) { // a person looks
			return
		}
		if _, err := d.client.Judge(ctx, child, x.Stages[i].ID, client.Judgment{Continue: true}); err != nil {
			d.view.say("the judgment was not taken: %v", err)
			return
		}
		d.view.say("judged: continue")
		return
	}
}

// rollback runs the command that a person would, and returns the execution that
// it started.
func rollback(ctx context.Context, d *demo) (running, error) {
	cmd := exec.CommandContext(ctx, d.Self, "--server", d.world.url, "server-group", "rollback", cluster, "--application", application)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return running{}, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args[3:], " "), err, out)
	}
	d.view.say("%s", strings.TrimSpace(string(out)))
	tasks, err := d.client.Tasks(ctx, application, 1)
	if err != nil {
		return running{}, err
	}
	if len(tasks) == 0 {
		return running{}, gennaker.Errorf(gennaker.NotFound, "the rollback is not among the operations")
	}
	return running{tasks[0].ID, true}, nil
}

// killOnce kills the server when the new version is up and the old one still
// serves, and starts it again.
func killOnce(ctx context.Context, d *demo, x gennaker.Execution) error {
	waiting := slices.ContainsFunc(x.Stages, func(s gennaker.Stage) bool {
		return s.Type == "wait" && s.Status == gennaker.Running
	})
	if !waiting || d.killed {
		return nil
	}
	d.killed = true
	if !pause(ctx, 300*time.Millisecond) {
		return context.Cause(ctx)
	}
	pid, err := d.world.kill()
	if err != nil {
		return err
	}
	d.view.say("kill -9 %d: the server is gone; the node and its instances serve on", pid)
	if !pause(ctx, time.Second) {
		return context.Cause(ctx)
	}
	took, err := d.world.start(ctx)
	if err != nil {
		return err
	}
	d.view.say("started again, ready after %s", took.Round(time.Millisecond))
	return nil
}

// checkVersion asks the service, and wants only that version to answer.
func (d *demo) checkVersion(ctx context.Context, want string) error {
	for range 10 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.world.service+"/", nil)
		if err != nil {
			return err
		}
		req.Close = true
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("the service does not answer: %w", err)
		}
		res.Body.Close()
		if got := res.Header.Get("X-Version"); got != want {
			return fmt.Errorf("the service answers as %q, not %q", got, want)
		}
	}
	return nil
}
