package job

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
)

// jobConfig is what authors write in a runJob stage.
type jobConfig struct {
	Account        string               `json:"account"`           // where to run, if credentials is not given
	Credentials    string               `json:"credentials"`       // where to run: the name of an account
	CloudProvider  string               `json:"cloudProvider"`     // not needed: the account knows it
	Application    string               `json:"application"`       // whose job it is; default the pipeline's
	Command        any                  `json:"command"`           // program and arguments as a list, relative to the artifact; or a text for the shell; default the artifact's only executable
	Script         string               `json:"script"`            // text for /bin/sh -eu -c, instead of command
	Artifact       gennaker.RunArtifact `json:"artifact"`          // files for the job, found under $GENNAKER_ARTIFACT; may be left out
	Env            map[string]string    `json:"env"`               // environment
	Dir            string               `json:"workingDirectory"`  // absolute, or in the directory that the job has for itself, which is the default
	TimeoutSeconds int                  `json:"jobTimeoutSeconds"` // how long the job may run; default stageTimeoutMs, or else 7200
	StopSeconds    int                  `json:"stopSeconds"`       // seconds between SIGTERM and SIGKILL; 0 means 10
	Wait           *bool                `json:"waitForCompletion"` // false ends the stage as soon as the job is accepted; default true
	PropertyFile   string               `json:"propertyFile"`      // file that the job writes into its working directory: a JSON object (.json), or Java properties; each becomes an output
	kubernetesJob
	StageTimeoutMS float64 `json:"stageTimeoutMs"` // ours to read: documented for every stage
}

// kubernetesJob is what a runJob stage has instead of command, script and
// artifact to run a Kubernetes Job: then it is a runJobManifest stage, which
// reads these fields.
type kubernetesJob struct {
	Manifest        any            `json:"manifest"`                                           // a Kubernetes Job, instead of command, script and artifact; all fields are then those of runJobManifest
	Manifests       any            `json:"manifests"`                                          // or a list of one
	Source          string         `json:"source" enum:"text|artifact"`                        // text, or artifact: of the Kubernetes Job
	ArtifactID      string         `json:"manifestArtifactId"`                                 // the ID of an expected artifact that holds it
	Artifacts       map[string]any `json:"manifestArtifact"`                                   // or the artifact itself
	ArtifactAccount string         `json:"manifestArtifactAccount"`                            // whose credentials fetch it
	Namespace       string         `json:"namespaceOverride"`                                  // of the Kubernetes Job
	Consume         string         `json:"consumeArtifactSource" enum:"propertyFile|artifact"` // where its outputs are: propertyFile or artifact
	ConsumeID       string         `json:"consumeArtifactId"`                                  // of the artifact that holds its outputs
	ConsumeAccount  string         `json:"consumeArtifactAccount"`                             // whose credentials fetch that
}

// aboutManifest reports whether a runJob stage is about a Kubernetes Job.
func aboutManifest(c map[string]any) bool {
	if c["command"] != nil || c["script"] != nil {
		return false
	}
	return c["cloudProvider"] == "kubernetes" || c["manifest"] != nil || c["manifests"] != nil || c["manifestArtifactId"] != nil
}

// waits reports whether a stage waits for its job.
func (r runner) waits(in stage.Input) bool {
	c, err := stage.Decode[struct {
		Wait *bool `json:"waitForCompletion"`
	}](in.Stage.Context)
	return err != nil || c.Wait == nil || *c.Wait
}

// foreign are the fields of jobs that other platforms than ours run.
var foreign = []string{"manifest", "manifests", "manifestArtifactId", "cluster"}

func (r runner) readJob(in stage.Input) (request, error) {
	c, err := stage.Decode[jobConfig](in.Stage.Context)
	if err != nil {
		return request{}, err
	}
	for _, k := range foreign {
		if in.Stage.Context[k] != nil && c.Command == nil && c.Script == "" && c.Artifact.Reference == "" {
			return request{}, gennaker.Errorf(gennaker.Invalid, "the stage describes a job of another platform (%s)", k).
				WithHint("here a job is a process: give command, script or artifact")
		}
	}
	p, err := r.provider(cmp.Or(c.Credentials, c.Account))
	if err != nil {
		return request{}, err
	}
	return c.request(in, p)
}

// provider returns the provider of an account. Errors: Invalid.
func (r runner) provider(account string) (provider.Provider, error) {
	if account == "" {
		return provider.Provider{}, gennaker.Errorf(gennaker.Invalid, "the account (credentials or account) is missing").
			WithHint("%s", r.choices())
	}
	p, err := r.fleet.For(account)
	if err != nil {
		return p, err
	}
	if p.Jobs == nil {
		return p, gennaker.Errorf(gennaker.Invalid, "account %s cannot run jobs", account).WithHint("%s", r.choices())
	}
	return p, nil
}

// accounts returns the names of the accounts that run jobs.
func (r runner) accounts() []string {
	var out []string
	for _, p := range r.fleet.All() {
		if p.Jobs != nil {
			out = append(out, p.Account.Name)
		}
	}
	return out
}

// choices says which accounts run jobs.
func (r runner) choices() string {
	all := r.accounts()
	if len(all) == 0 {
		return "no account of this server runs jobs"
	}
	return "the accounts that run jobs are " + strings.Join(all, ", ")
}

// settled returns the context of a stage whose job runs in the only account that
// runs jobs, if there is one and none of keys names another. That is decided
// before the job is asked for: accounts come and go while a stage runs.
func (r runner) settled(context map[string]any, keys ...string) map[string]any {
	given := slices.ContainsFunc(keys, func(k string) bool { return context[k] != nil && context[k] != "" })
	all := r.accounts()
	if given || len(all) != 1 {
		return context
	}
	out := map[string]any{}
	maps.Copy(out, context)
	out["credentials"] = all[0]
	return out
}

// request returns what c asks for. Errors: Invalid.
func (c jobConfig) request(in stage.Input, p provider.Provider) (request, error) {
	command, script, err := c.program()
	if err != nil {
		return request{}, err
	}
	if err := checkPropertyFile(c.PropertyFile); err != nil {
		return request{}, err
	}
	limit := time.Duration(min(max(c.StageTimeoutMS, 0), gennaker.MaxJobSeconds*1000) * float64(time.Millisecond))
	spec := gennaker.JobSpec{
		Account: p.Account.Name, Application: cmp.Or(c.Application, in.Execution.Application), Name: plainName(in.Stage.Name),
		Artifact: c.Artifact, Command: command, Script: script, Env: c.Env, Dir: c.Dir, StopSeconds: c.StopSeconds,
		TimeoutSeconds: cmp.Or(c.TimeoutSeconds, int((limit+time.Second-1)/time.Second)),
	}
	if c.PropertyFile != "" {
		spec.OutputFiles = []string{c.PropertyFile}
	}
	return request{provider: p, spec: spec, propertyFile: c.PropertyFile}, spec.Check()
}

// program tells a command, which is a list, from a text for the shell.
func (c jobConfig) program() (command []string, script string, err error) {
	switch v := c.Command.(type) {
	case nil:
	case string:
		if c.Script != "" && v != "" {
			return nil, "", gennaker.Errorf(gennaker.Invalid, "the job has both a command and a script").WithHint("set one of them")
		}
		return nil, cmp.Or(v, c.Script), nil
	case []any:
		for i, w := range v {
			switch w.(type) {
			case map[string]any, []any, nil:
				return nil, "", gennaker.Errorf(gennaker.Invalid, "command[%d] is not a text", i)
			}
			command = append(command, fmt.Sprint(w))
		}
	default:
		return nil, "", gennaker.Errorf(gennaker.Invalid, "command must be a list of texts, or a text for the shell, not %T", v)
	}
	return command, c.Script, nil
}

func checkPropertyFile(name string) error {
	if ext := strings.ToLower(path.Ext(name)); ext == ".yml" || ext == ".yaml" {
		return gennaker.Errorf(gennaker.Invalid, "the property file %q is YAML, which is not read", name).
			WithHint("write a JSON object into a file whose name ends in .json, or Java properties")
	}
	return nil
}

// odd is what the name of a job may not hold.
var odd = regexp.MustCompile(`[^a-zA-Z0-9._]+`)

// plainName makes the part of a job's name that tells its stage.
func plainName(stageName string) string {
	const longest = 40
	name := odd.ReplaceAllString(stageName, "-")
	return strings.ToLower(strings.Trim(name[:min(len(name), longest)], "-"))
}

// scriptConfig is what authors write in a script stage.
type scriptConfig struct {
	Command      string               `json:"command"`           // text for /bin/sh -eu -c: a program in scriptPath and its arguments
	ScriptPath   string               `json:"scriptPath"`        // directory whose programs the command finds by their names: absolute, or in the artifact
	Account      string               `json:"account"`           // where to run, if it runs jobs; also $ENV_PARAM
	Credentials  string               `json:"credentials"`       // where to run; default account, or else the only account that runs jobs
	Region       string               `json:"region"`            // becomes $REGION_PARAM
	Image        string               `json:"image"`             // becomes $IMAGE_ID
	Cluster      string               `json:"cluster"`           // becomes $CLUSTER_PARAM
	CMC          string               `json:"cmc"`               // becomes $CMC
	RepoURL      string               `json:"repoUrl"`           // refused: nothing is checked out
	RepoBranch   string               `json:"repoBranch"`        // refused: nothing is checked out
	User         string               `json:"user"`              // not used
	Artifact     gennaker.RunArtifact `json:"artifact"`          // files for the job, found under $GENNAKER_ARTIFACT; may be left out
	Env          map[string]string    `json:"env"`               // more environment
	Wait         *bool                `json:"waitForCompletion"` // false ends the stage as soon as the job is accepted; default true
	PropertyFile string               `json:"propertyFile"`      // as in a runJob stage
	TimeoutMS    float64              `json:"stageTimeoutMs"`    // ours to read: documented for every stage
}

func (r runner) readScript(in stage.Input) (request, error) {
	c, err := stage.Decode[scriptConfig](in.Stage.Context)
	if err != nil {
		return request{}, err
	}
	if c.RepoURL != "" || c.RepoBranch != "" {
		return request{}, gennaker.Errorf(gennaker.Invalid, "a script stage checks out no repository (repoUrl, repoBranch)").
			WithHint("run git in the command, or give an artifact, and remove repoUrl and repoBranch")
	}
	p, err := r.provider(cmp.Or(c.Credentials, c.Account)) // an account that is not ours tells the script what to work on
	if err != nil {
		return request{}, err
	}
	text, err := c.text()
	if err != nil {
		return request{}, err
	}
	env := map[string]string{}
	for name, v := range map[string]string{
		"SCRIPT_PATH": c.ScriptPath, "COMMAND": c.Command, "IMAGE_ID": c.Image, "REGION_PARAM": c.Region,
		"ENV_PARAM": c.Account, "CLUSTER_PARAM": c.Cluster, "CMC": c.CMC,
	} {
		if v != "" {
			env[name] = v
		}
	}
	maps.Copy(env, c.Env)
	return jobConfig{
		Script: text, Artifact: c.Artifact, Env: env, Wait: c.Wait, PropertyFile: c.PropertyFile, StageTimeoutMS: c.TimeoutMS,
	}.request(in, p)
}

// text returns what the shell runs.
func (c scriptConfig) text() (string, error) {
	switch {
	case c.ScriptPath == "" && c.Command == "":
		return "", gennaker.Errorf(gennaker.Invalid, "the script stage has no command").WithHint("give command, and scriptPath if it is in a directory of its own")
	case c.ScriptPath == "":
		return c.Command, nil
	case !path.IsAbs(c.ScriptPath) && c.Artifact.Reference == "":
		return "", gennaker.Errorf(gennaker.Invalid, "scriptPath %q is relative, and there is no artifact", c.ScriptPath).
			WithHint("give an absolute path, or the artifact that it is in")
	}
	dir := "$SCRIPT_PATH"
	if !path.IsAbs(c.ScriptPath) {
		dir = "$GENNAKER_ARTIFACT/$SCRIPT_PATH"
	}
	if c.Command == "" {
		return `exec "` + dir + `"`, nil
	}
	return `export PATH="` + dir + `:$PATH"` + "\n" + c.Command, nil
}
