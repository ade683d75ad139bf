package simulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
)

// File is a file of tests of one pipeline.
type File struct {
	Pipeline  Source   `yaml:"pipeline"`  // the one that is tested
	Pipelines []Source `yaml:"pipelines"` // others, which it starts
	Now       Moment   `yaml:"now"`       // when cases begin; default a Monday, 2026-01-05T09:00:00Z
	Fleet     Fleet    `yaml:"fleet"`     // what is there when cases begin
	Cases     []Case   `yaml:"cases"`

	path string
}

// Source is a pipeline: a path relative to the file, or the definition itself.
type Source struct{ node *yaml.Node }

// UnmarshalYAML keeps the node.
func (s *Source) UnmarshalYAML(n *yaml.Node) error {
	s.node = n
	return nil
}

// Moment is an instant as RFC 3339 has it.
type Moment struct{ time.Time }

// UnmarshalYAML reads the instant.
func (m *Moment) UnmarshalYAML(n *yaml.Node) (err error) {
	if m.Time, err = time.Parse(time.RFC3339, n.Value); err != nil {
		return fmt.Errorf("line %d: %q is no instant; write it as 2026-01-05T09:00:00Z", n.Line, n.Value)
	}
	return nil
}

// Fleet is what is there when a case begins.
type Fleet struct {
	ServerGroups []Group  `yaml:"serverGroups"`
	Manifests    []Object `yaml:"manifests"`
	// Unhealthy names clusters whose new server groups, or workloads, never become
	// healthy: shop-prod, replicaSet web.
	Unhealthy []string `yaml:"unhealthy"`
}

// Object is an object of a cluster that is there when a case begins.
type Object struct {
	Account     string         `yaml:"account"` // default k8s
	Application string         `yaml:"application"`
	Services    []string       `yaml:"services"` // behind which it is: service web
	Manifest    map[string]any `yaml:"manifest"`
}

// Group is a server group that is there when a case begins.
type Group struct {
	Name          string   `yaml:"name"`    // with its number, as shop-prod-v003
	Account       string   `yaml:"account"` // default local
	Region        string   `yaml:"region"`  // default local
	Instances     int      `yaml:"instances"`
	Disabled      bool     `yaml:"disabled"`
	LoadBalancers []string `yaml:"loadBalancers"`
}

// Case is one test: how a pipeline is started, what happens to it, and what it
// must have come to.
type Case struct {
	Name       string              `yaml:"name"`
	Source     string              `yaml:"source"`    // what says that it must be so, in words
	Pipeline   Source              `yaml:"pipeline"`  // instead of the file's
	Pipelines  []Source            `yaml:"pipelines"` // besides the file's
	Parameters map[string]any      `yaml:"parameters"`
	Trigger    map[string]any      `yaml:"trigger"` // as in an execution
	Now        Moment              `yaml:"now"`     // instead of the file's
	Fleet      *Fleet              `yaml:"fleet"`   // instead of the file's
	Stages     map[string]Endings  `yaml:"stages"`  // how stages end, by name or refId; others run
	Judge      map[string]Judgment `yaml:"judge"`   // what is answered to judgments, by name, as soon as they ask
	Steps      []Step              `yaml:"steps"`   // what happens, in order
	Expect     Expectation         `yaml:"expect"`  // at the end, when nothing happens any more
	line       int
}

// UnmarshalYAML reads a case, and where it stands.
func (c *Case) UnmarshalYAML(n *yaml.Node) error {
	type plain Case
	if err := strict(n, (*plain)(c)); err != nil {
		return err
	}
	c.line = n.Line
	return nil
}

// Endings is how a stage ends each time that it runs.
type Endings []Ending

// UnmarshalYAML reads a status, an ending, or a list of them.
func (e *Endings) UnmarshalYAML(n *yaml.Node) error {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, n := range nodes {
		var f struct {
			Type    string         `yaml:"type"`
			Status  string         `yaml:"status"`
			Reason  string         `yaml:"reason"`
			After   time.Duration  `yaml:"after"`
			Context map[string]any `yaml:"context"`
			Outputs map[string]any `yaml:"outputs"`
		}
		if n.Kind == yaml.ScalarNode {
			f.Status = n.Value
		} else if err := strict(n, &f); err != nil {
			return err
		}
		status, err := known(f.Status, n)
		if err != nil {
			return err
		}
		if !slices.Contains([]gennaker.Status{"", gennaker.Succeeded, gennaker.Skipped, gennaker.Terminal, gennaker.Canceled, gennaker.Running}, status) {
			return fmt.Errorf("line %d: no stage is told to end as %s; say TERMINAL, and what the stage makes of a failure", n.Line, status)
		}
		*e = append(*e, Ending{Type: f.Type, Status: status, Reason: f.Reason, After: f.After, Context: f.Context, Outputs: f.Outputs})
	}
	return nil
}

// known returns a status, which may be empty.
func known(text string, n *yaml.Node) (gennaker.Status, error) {
	for _, s := range append(gennaker.Statuses(), "") {
		if string(s) == text {
			return s, nil
		}
	}
	return "", fmt.Errorf("line %d: there is no status %q; known are %v", n.Line, text, gennaker.Statuses())
}

// Judgment is an answer to a manual judgment.
type Judgment struct {
	With  string `yaml:"with"` // continue or stop
	Input string `yaml:"input"`
	By    string `yaml:"by"`
}

// UnmarshalYAML reads a judgment, or only "continue" or "stop".
func (j *Judgment) UnmarshalYAML(n *yaml.Node) error {
	type plain Judgment
	if n.Kind == yaml.ScalarNode {
		j.With = n.Value
	} else if err := strict(n, (*plain)(j)); err != nil {
		return err
	}
	if j.With != "continue" && j.With != "stop" {
		return fmt.Errorf("line %d: a judgment is continue or stop, not %q", n.Line, j.With)
	}
	return nil
}

// Step is one thing that happens; exactly one field is set, and Context beside
// Patch.
type Step struct {
	Wait    *time.Duration      `yaml:"wait"`    // time passes
	Judge   map[string]Judgment `yaml:"judge"`   // by name
	Patch   string              `yaml:"patch"`   // a stage's context changes by hand
	Context map[string]any      `yaml:"context"` // with Patch
	Skip    string              `yaml:"skip"`    // the rest of a wait, or a window, or the stage itself
	Restart string              `yaml:"restart"` // a stage
	Cancel  *string             `yaml:"cancel"`  // the execution, with a reason
	Pause   bool                `yaml:"pause"`
	Resume  bool                `yaml:"resume"`
	Expect  *Expectation        `yaml:"expect"` // what holds at this moment
	line    int
}

// UnmarshalYAML reads a step, and where it stands.
func (s *Step) UnmarshalYAML(n *yaml.Node) error {
	type plain Step
	if err := strict(n, (*plain)(s)); err != nil {
		return err
	}
	s.line = n.Line
	return nil
}

// UnmarshalYAML reads an expectation.
func (e *Expectation) UnmarshalYAML(n *yaml.Node) error {
	type plain Expectation
	if err := strict(n, (*plain)(e)); err != nil {
		return err
	}
	_, err := known(string(e.Status), n)
	return err
}

// Expectation is what an execution must be like. What is not said may be
// anything.
type Expectation struct {
	Status  gennaker.Status       `yaml:"status"`
	Reason  string                `yaml:"reason"`  // part of why it was canceled, or did not start
	Refused string                `yaml:"refused"` // it must not start, and say this
	Stages  map[string]StageState `yaml:"stages"`  // by name or refId
	Order   []string              `yaml:"order"`   // stages that must have started, in this order
	Moves   *[]string             `yaml:"moves"`   // what was done to server groups, all of it
	Within  time.Duration         `yaml:"within"`  // from its start to its end, at most
}

// StageState is what a stage must be like.
type StageState struct {
	Status  gennaker.Status `yaml:"status"`
	Reason  string          `yaml:"reason"` // part of why it failed, or was skipped
	Context map[string]any  `yaml:"context"`
	Outputs map[string]any  `yaml:"outputs"`
	After   time.Duration   `yaml:"after"` // since the start of the execution, when it began; at least
}

// UnmarshalYAML reads a state, or only its status.
func (s *StageState) UnmarshalYAML(n *yaml.Node) (err error) {
	type plain StageState
	if n.Kind == yaml.ScalarNode {
		s.Status, err = known(n.Value, n)
		return err
	}
	if err := strict(n, (*plain)(s)); err != nil {
		return err
	}
	_, err = known(string(s.Status), n)
	return err
}

// strict decodes a node, in which a key that into has no field for is a mistake.
func strict(n *yaml.Node, into any) error {
	if n.Kind == yaml.MappingNode {
		t := reflect.TypeOf(into).Elem()
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if fields := fieldNames(t); !slices.Contains(fields, key.Value) {
				return fmt.Errorf("line %d: there is no %q here; there are %s", key.Line, key.Value, strings.Join(fields, ", "))
			}
		}
	}
	return n.Decode(into)
}

// fieldNames returns the keys of a struct in YAML.
func fieldNames(t reflect.Type) []string {
	var out []string
	for field := range t.Fields() {
		if name := field.Tag.Get("yaml"); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// maxFile bounds a file of tests, in bytes.
const maxFile = 4 << 20

// ReadFile reads a file of tests. Errors: Invalid, with the line.
func ReadFile(path string) (File, error) {
	text, err := readBounded(path)
	if err != nil {
		return File{}, err
	}
	f := File{path: path}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return f, gennaker.Errorf(gennaker.Invalid, "%s: %w", path, err)
	}
	if f.Pipeline.node == nil {
		return f, gennaker.Errorf(gennaker.Invalid, "%s: pipeline is missing", path).
			WithHint("set it to the path of a pipeline, relative to this file, or to its definition")
	}
	return f, nil
}

func readBounded(path string) ([]byte, error) {
	in, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "file %s cannot be read: %w", path, err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return nil, gennaker.Errorf(gennaker.Invalid, "file %s cannot be read: %w", path, err)
	case len(text) > maxFile:
		return nil, gennaker.Errorf(gennaker.TooLarge, "file %s has more than %d bytes", path, maxFile)
	}
	return text, nil
}

// pipeline reads the pipeline that a source names. One without a name or an
// application gets them.
func (f File) pipeline(s Source) (gennaker.Pipeline, error) {
	var text []byte
	var err error
	where := f.path
	if s.node.Kind == yaml.ScalarNode {
		where = filepath.Join(filepath.Dir(f.path), s.node.Value)
		text, err = readBounded(where)
	} else {
		// Written anew, so that plain words like off, which are truth values to
		// some readers of YAML, stay words.
		var value any
		if err = s.node.Decode(&value); err == nil {
			text, err = yaml.Marshal(value)
		}
	}
	if err == nil {
		text, err = sigsyaml.YAMLToJSON(text)
	}
	if err != nil {
		return gennaker.Pipeline{}, gennaker.Errorf(gennaker.Invalid, "%s: %w", where, err)
	}
	p, err := gennaker.ParsePipeline(withNames(text))
	if err != nil {
		return p, fmt.Errorf("%s: %w", where, err)
	}
	return p, nil
}
