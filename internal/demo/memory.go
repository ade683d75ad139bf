package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gennaker/gennaker/internal/durable"
)

// wanted is what is wanted of a resident demo.
type wanted string

const (
	wantedNothing wanted = "" // it was never started, or is gone
	wantedRunning wanted = "running"
	wantedAbsent  wanted = "absent"
)

// memory is what a resident demo knows when the server is started again.
type memory struct {
	Wanted   wanted `json:"wanted"`
	Listen   string `json:"listen"`   // of its load balancer
	Prepared bool   `json:"prepared"` // the documents were saved, and are the user's now
	Steps    int    `json:"steps"`    // of the script that are done
}

const memoryFile = "demo.json"

// remember reads what is known of a demo in a directory; nothing of none.
func remember(dir string) (memory, error) {
	var m memory
	text, err := os.ReadFile(filepath.Join(dir, memoryFile)) //nolint:gosec // ours
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, fmt.Errorf("read the state of the demo: %w", err)
	}
	return m, nil
}

// save replaces the file as a whole.
func (m memory) save(dir string) error {
	text, err := json.Marshal(m)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = durable.WriteFile(filepath.Join(dir, memoryFile), text)
	}
	if err != nil {
		return fmt.Errorf("write the state of the demo: %w", err)
	}
	return nil
}

// versions are those of the sample service; the bad one never becomes healthy.
var versions = []string{"v1", "v2", "v3", "v4", "v5"}

const badVersion = "v3"

// reference is where the artifact of a version is.
func (r *Resident) reference(version string) string {
	return filepath.Join(r.Dir, "artifacts", version)
}

// artifacts makes the artifacts: each a directory with what the service is to
// say, and a script that runs it, which is a command of this program.
func (r *Resident) artifacts() error {
	script := "#!/bin/sh\nexec '" + strings.ReplaceAll(r.Program, "'", `'\''`) + "' \"$@\"\n"
	for _, version := range versions {
		dir := r.reference(version)
		about, err := describe(version)
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "hello"), []byte(script), 0o700) //nolint:gosec // it is a program
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "hello.json"), about, 0o600)
		}
		if err != nil {
			return fmt.Errorf("make the artifact of %s: %w", version, err)
		}
	}
	return nil
}

// describe returns what an artifact of a version says of it.
func describe(version string) ([]byte, error) {
	return json.Marshal(map[string]any{"version": version, "healthy": version != badVersion, "startDelayMs": 400})
}
