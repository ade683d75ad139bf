package scenario

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
)

// TestCommandLine deploys as people do in a terminal, and asks there why it does
// not go on.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	start(t).parallel(map[string]func(*world){"deploy": commandLine})
}

func commandLine(w *world) {
	w.front("bluegreen")
	text, err := json.Marshal(object{"application": w.app, "name": "deploy", "stages": []any{
		w.deploy(behaving(misfortunes["image"].behaviour), w.hurried("bluegreen"), object{"refId": "1", "requisiteStageRefIds": []any{}}),
	}})
	if err != nil {
		w.Fatal(err)
	}
	file := filepath.Join(w.TempDir(), "pipeline.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		w.Fatal(err)
	}
	w.command(0, "", "pipeline", "save", "-f", file)
	w.command(1, "cannot be pulled", "pipeline", "run", "deploy", "-a", w.app, "--follow")
	w.command(0, "replicaSet web-v001", "manifest", "list", "-a", w.app)
	w.command(0, "hello:1", "manifest", "get", "replicaSet", "web-v001", "-n", w.namespace)
	w.command(0, "Failed to pull image", "manifest", "events", "replicaSet", "web-v001", "-n", w.namespace)
	w.command(4, "web-v007", "manifest", "get", "replicaSet", "web-v007", "-n", w.namespace)
	var v gennaker.ManifestView
	if err := json.Unmarshal([]byte(w.command(0, "", "manifest", "get", "replicaSet", "web-v000", "-n", w.namespace, "-o", "json")), &v); err != nil || !v.Status.Stable.State {
		w.Errorf("the old version is %+v, %v", v.Status, err)
	}
	w.command(0, "connected", "account", "get", w.account)
}

// command runs the program, which must end with a code and say something, and
// returns what it wrote.
func (w *world) command(code int, says string, args ...string) string {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), binary, append(args, "--server", w.server.URL())...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code || !strings.Contains(string(out), says) {
		w.Errorf("gennaker %s: want code %d and %q, got %v\n%s", strings.Join(args, " "), code, says, err, out)
	}
	return string(out)
}
