package storm

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// How hard the storms are. Without a seed every run has another one; it is
// printed, but what the machine does in between is not repeated by it.
var (
	kills     = flag.Int("storm.kills", 25, "how often TestStormServer kills the server")
	nodeKills = flag.Int("storm.nodekills", 10, "how often TestStormNode kills the node")
	bothKills = flag.Int("storm.bothkills", 5, "how often TestStormBoth kills both")
	rate      = flag.Float64("storm.rate", 120, "requests per second, over all load balancers")
	seed      = flag.Uint64("storm.seed", 0, "seed of the moments; 0 is a random one")
	race      = flag.Bool("storm.race", false, "build the program with the race detector")
)

// binary is the program under test, artifacts what it deploys, by version.
var (
	binary    string
	artifacts = map[string]string{}
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		*kills, *nodeKills, *bothKills = min(*kills, 5), min(*nodeKills, 3), min(*bothKills, 2)
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	dir, err := os.MkdirTemp("", "storm")
	if err == nil {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the program and artifacts of its sample service.
func build(dir string) error {
	binary = filepath.Join(dir, "gennaker")
	args := []string{"build", "-ldflags=-s -w", "-o", binary}
	if *race {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "github.com/gennaker/gennaker/cmd/gennaker")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	for _, version := range []string{"v1", "v2", "bad"} {
		to := filepath.Join(dir, version)
		about, err := json.Marshal(map[string]any{"version": version, "healthy": version != "bad"})
		if err != nil {
			return err
		}
		if err := os.Mkdir(to, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, "hello"), program, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, "hello.json"), about, 0o600); err != nil {
			return err
		}
		artifacts[version] = to
	}
	return nil
}

// dice returns a source of randomness that the seed determines.
func dice(t *testing.T) *rand.Rand {
	t.Logf("-storm.seed=%d", *seed)
	return rand.New(rand.NewPCG(*seed, 0))
}
