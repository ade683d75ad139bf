package gennaker

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// JobSpec is a job as it is asked for: a process that ends, and that is never
// run twice.
type JobSpec struct {
	Account        string            `json:"account"`                    // where
	Application    string            `json:"application"`                // first part of the job's name
	Name           string            `json:"name,omitzero"`              // second part of the job's name; "job" unless set
	Artifact       RunArtifact       `json:"artifact,omitzero"`          // files for it to use, found under $GENNAKER_ARTIFACT; may be left out
	Command        []string          `json:"command,omitzero"`           // program and arguments, relative to the artifact; default its only executable
	Script         string            `json:"script,omitzero"`            // text for /bin/sh -eu -c, instead of a command
	Env            map[string]string `json:"env,omitzero"`               // environment
	Dir            string            `json:"workingDirectory,omitzero"`  // absolute, or in the directory that the job has for itself, which is the default
	TimeoutSeconds int               `json:"jobTimeoutSeconds,omitzero"` // how long it may run; 0 means 7200
	StopSeconds    int               `json:"stopSeconds,omitzero"`       // seconds between SIGTERM and SIGKILL; 0 means 10
	OutputFiles    []string          `json:"outputFiles,omitzero"`       // files to keep, relative to the working directory
}

// Bounds of a job.
const (
	MaxJobName     = 255 // bytes, in all
	MaxJobScript   = 100 << 10
	MaxOutputFiles = 8
	MaxOutputFile  = 1 << 20 // bytes in each
	MaxJobSeconds  = 7 * 24 * 60 * 60
)

// Bounds of what is passed to a process.
const (
	maxEnvVars  = 1000
	maxEnvBytes = 100 << 10
	maxWords    = 1000
)

// Check reports what can never run, whatever the artifact holds.
//
// Errors: Invalid.
func (s JobSpec) Check() error {
	if err := checkName("application", s.Application, namePattern, true); err != nil {
		return err
	}
	if err := checkName("name of the job", s.Name, detailPattern, false); err != nil {
		return err
	}
	switch {
	case len(JobName(s.Application, s.Name, "")) > MaxJobName:
		return Errorf(Invalid, "the name of the job would be longer than %d bytes", MaxJobName)
	case s.Script != "" && len(s.Command) > 0:
		return Errorf(Invalid, "the job has both a command and a script").WithHint("set one of them")
	case s.Script == "" && len(s.Command) == 0 && s.Artifact.Reference == "":
		return Errorf(Invalid, "the job has nothing to run").WithHint("set command, script or artifact")
	case len(s.Script) > MaxJobScript:
		return Errorf(Invalid, "the script is longer than %d bytes", MaxJobScript).WithHint("put it into a file, and run that")
	case strings.Contains(s.Script, "\x00"):
		return Errorf(Invalid, "the script holds a zero byte")
	case !filepath.IsAbs(s.Dir) && s.Dir != "" && !filepath.IsLocal(s.Dir) || strings.Contains(s.Dir, "\x00"):
		return Errorf(Invalid, "the working directory %q leads out of the job's own", s.Dir).
			WithHint("give a path without .., or an absolute one")
	case s.TimeoutSeconds < 0 || s.TimeoutSeconds > MaxJobSeconds:
		return Errorf(Invalid, "jobTimeoutSeconds must be in 0..%d, got %d", MaxJobSeconds, s.TimeoutSeconds)
	case s.StopSeconds < 0 || s.StopSeconds > MaxJobSeconds:
		return Errorf(Invalid, "stopSeconds must be in 0..%d, got %d", MaxJobSeconds, s.StopSeconds)
	case len(s.OutputFiles) > MaxOutputFiles:
		return Errorf(Invalid, "at most %d output files are kept, got %d", MaxOutputFiles, len(s.OutputFiles))
	}
	for _, f := range s.OutputFiles {
		if !filepath.IsLocal(f) || strings.Contains(f, "\x00") {
			return Errorf(Invalid, "the output file %q is not in the working directory", f).
				WithHint("give a relative path without ..")
		}
	}
	return CheckProcess(s.Command, s.Env)
}

// Timeout is how long the job may run.
func (s JobSpec) Timeout() time.Duration { return secondsOr(s.TimeoutSeconds, 2*time.Hour) }

// StopTime is how long the job may take to stop before it is killed.
func (s JobSpec) StopTime() time.Duration { return secondsOr(s.StopSeconds, 10*time.Second) }

func secondsOr(n int, unset time.Duration) time.Duration {
	if n <= 0 {
		return unset
	}
	return time.Duration(n) * time.Second
}

// CheckProcess reports whether a command, which may be empty, and an
// environment can be given to a process. Variables that begin with GENNAKER_
// are ours.
//
// Errors: Invalid.
func CheckProcess(command []string, env map[string]string) error {
	if len(command) > maxWords {
		return Errorf(Invalid, "the command has more than %d words", maxWords)
	}
	for i, w := range command {
		if strings.Contains(w, "\x00") || len(w) > maxEnvBytes || i == 0 && w == "" {
			return Errorf(Invalid, "the command has a word that cannot be passed to a process")
		}
	}
	total := 0
	for name, v := range env {
		total += len(name) + len(v)
		switch {
		case strings.HasPrefix(name, "GENNAKER_"):
			return Errorf(Invalid, "the environment variable %s is set by the node", name).WithHint("remove it from env")
		case name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(v, "\x00"):
			return Errorf(Invalid, "the environment variable %q is not possible", name)
		}
	}
	if len(env) > maxEnvVars || total > maxEnvBytes {
		return Errorf(Invalid, "env is larger than %d variables or %d bytes", maxEnvVars, maxEnvBytes)
	}
	return nil
}

// JobName returns the name of the job that is run under a key, so that it is
// known before it runs: <application>-<name>-<16 hex digits of the key>.
func JobName(application, name, key string) string {
	if name == "" {
		name = "job"
	}
	sum := sha256.Sum256([]byte(key))
	return application + "-" + name + "-" + hex.EncodeToString(sum[:8])
}

// jobName is what JobName returns.
var jobName = regexp.MustCompile(`^([a-zA-Z0-9._]+)-[a-zA-Z0-9._-]+-[0-9a-f]{16}$`)

// JobApplication returns the application in the name of a job, or false if name
// cannot be one.
func JobApplication(name string) (application string, ok bool) {
	m := jobName.FindStringSubmatch(name)
	if m == nil || len(name) > MaxJobName {
		return "", false
	}
	return m[1], true
}

// JobState is how far a job is.
type JobState string

// The states of a job. The last two are final.
const (
	JobRunning   JobState = "Running" // or about to
	JobSucceeded JobState = "Succeeded"
	JobFailed    JobState = "Failed"
)

// Job is a job as it is.
//
// Source: wire names of Clouddriver's job status, as far as it has them.
type Job struct {
	Name          string    `json:"name"`
	Account       string    `json:"account"`
	Location      string    `json:"location"` // region
	CloudProvider string    `json:"provider"`
	Application   string    `json:"application,omitzero"`
	State         JobState  `json:"jobState"`
	CreatedTime   Time      `json:"createdTime,omitzero"`
	StartTime     Time      `json:"startTime,omitzero"`     // of its process; zero if it never ran
	CompletedTime Time      `json:"completedTime,omitzero"` // zero while it runs
	ExitCode      *int      `json:"exitCode,omitzero"`      // if its process exited by itself
	Signal        int       `json:"signal,omitzero"`        // if its process was killed
	Reason        string    `json:"reason,omitzero"`        // why it is Failed, in a sentence
	Canceled      bool      `json:"canceled,omitzero"`      // its end was asked for
	Files         []JobFile `json:"files,omitzero"`         // its output files, in the order of the spec, once it ended
}

// Ended reports whether j is in a final state.
func (j Job) Ended() bool { return j.State == JobSucceeded || j.State == JobFailed }

// JobFile is an output file as it was when its job ended.
type JobFile struct {
	Name    string `json:"name"`
	Content string `json:"content,omitzero"` // UTF-8, at most MaxOutputFile bytes
	Problem string `json:"problem,omitzero"` // why there is no content, in a sentence
}
