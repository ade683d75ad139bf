package fake_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]fake.Script{
		"at once":     {},
		"after looks": {Start: fake.AfterLooks(3), Drain: fake.AfterLooks(2), Stop: fake.AfterLooks(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, func(*testing.T) providertest.Harness { return harness(script) })
		})
	}
}

func harness(script fake.Script) providertest.Harness {
	script.Output = "hello from the start\n"
	p := fake.New(fake.Config{
		Job: func(spec gennaker.JobSpec) fake.JobScript {
			s := fake.JobScript{Pace: script.Start, Output: script.Output}
			switch providertest.Kind(spec.Script) {
			case providertest.BadJob:
				s.ExitCode = 3
			case providertest.EndlessJob:
				s.Pace = fake.Never()
			case providertest.GoodJob:
				s.Files = map[string]string{"out.properties": "greeting=hello"}
			}
			return s
		},
		Artifacts: map[string]string{"/app": "sha256:" + strings.Repeat("a", 64)},
		Script: func(spec gennaker.ServerGroupSpec) fake.Script {
			s := script
			if spec.Env["VERSION"] == "bad" {
				s.Start = fake.Never()
			}
			return s
		},
	})
	good := func(version string) gennaker.ServerGroupSpec {
		return gennaker.ServerGroupSpec{
			Account: "fake", Region: "local", Application: "conform",
			Artifact: gennaker.RunArtifact{Reference: "/app"}, Env: map[string]string{"VERSION": version},
		}
	}
	var port atomic.Int32
	return providertest.Harness{
		Provider: p.Provider(), Region: "local", Application: "conform", Good: good,
		Bad:    func() gennaker.ServerGroupSpec { return good("bad") },
		Listen: func() string { return fmt.Sprintf("127.0.0.1:%d", 1+port.Add(1)) },
		Output: "hello from the start",
		Job: func(kind providertest.Kind) gennaker.JobSpec {
			spec := gennaker.JobSpec{Application: "conform", Script: string(kind)}
			if kind == providertest.GoodJob {
				spec.OutputFiles = []string{"out.properties"}
			}
			return spec
		},
		Get: func(lb string) (string, error) {
			spec, err := p.Request("local", lb)
			return spec.Env["VERSION"], err
		},
	}
}
