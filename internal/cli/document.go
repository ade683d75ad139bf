package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/cli/show"
)

// document is a JSON object that was read from a JSON or YAML file.
type document struct {
	file string
	text []byte // of the file
	json []byte
	doc  *gennaker.Document
	yaml map[string]*yaml.Node // path → where it stands; nil for JSON
}

// read reads a document; "-" is stdin.
func (s *session) read(file string) (*document, error) {
	text, err := s.readText(file)
	if err != nil {
		return nil, err
	}
	d := &document{file: file, text: text, json: text}
	if file == "-" {
		d.file = "stdin"
	}
	if isYAML(file, text) {
		if err := d.fromYAML(text); err != nil {
			return nil, &inFile{d.file, err}
		}
	}
	if d.doc, err = gennaker.ParseDocument(d.json); err != nil {
		return nil, d.locate(err)
	}
	return d, nil
}

// readText reads a file that is not too large.
func (s *session) readText(file string) ([]byte, error) {
	in := s.env.Stdin
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // the user names it
		if errors.Is(err, os.ErrNotExist) {
			return nil, gennaker.Errorf(gennaker.Invalid, "there is no file %s", file)
		}
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "file %s cannot be read: %w", file, err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, gennaker.MaxDocumentBytes+1))
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s cannot be read: %w", file, err)
	}
	if len(text) > gennaker.MaxDocumentBytes {
		return nil, gennaker.Errorf(gennaker.TooLarge, "%s has more than %d bytes", file, gennaker.MaxDocumentBytes)
	}
	return text, nil
}

// isYAML decides by the file's name, else by whether an object begins.
func isYAML(file string, text []byte) bool {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".json":
		return false
	case ".yaml", ".yml":
		return true
	}
	return !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{"))
}

func (d *document) fromYAML(text []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var node, more yaml.Node
	if err := dec.Decode(&node); err != nil && !errors.Is(err, io.EOF) {
		return yamlError(err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return gennaker.Errorf(gennaker.Invalid, "more than one YAML document").WithHint("save each in a file of its own")
	}
	d.yaml = map[string]*yaml.Node{}
	var v any
	if len(node.Content) > 0 {
		d.index(node.Content[0], "", 0)
		if err := node.Decode(&v); err != nil {
			return yamlError(err)
		}
	}
	var err error
	if d.json, err = json.Marshal(v); err != nil {
		return gennaker.Errorf(gennaker.Invalid, "holds what JSON cannot: %w", err)
	}
	return nil
}

// index notes where each part of the document stands. JSON knows no dates, and
// no keys that are not texts: they are taken as the texts that they are.
func (d *document) index(n *yaml.Node, path string, depth int) {
	if n.ShortTag() == "!!timestamp" {
		n.Tag = "!!str"
	}
	d.yaml[path] = n
	if depth > gennaker.MaxDocumentDepth {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if k := n.Content[i]; k.Kind == yaml.ScalarNode && k.ShortTag() != "!!merge" {
				k.Tag = "!!str"
			}
			if path != "" {
				key = path + "." + key
			}
			d.index(n.Content[i+1], key, depth+1)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			d.index(c, path+"["+strconv.Itoa(i)+"]", depth+1)
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
}

// locate returns err with the positions of its problems in the file.
func (d *document) locate(err error) error {
	e, ok := errors.AsType[*gennaker.Error](err)
	if !ok || len(e.Problems) == 0 {
		return err
	}
	if d.yaml == nil {
		return &inFile{d.file, err}
	}
	c := *e
	c.Problems = make([]gennaker.Problem, len(e.Problems))
	for i, p := range e.Problems {
		n := d.find(p.Path)
		p.Line, p.Column = n.Line, n.Column
		c.Problems[i] = p
	}
	c.Message = c.Problems[0].String()
	if more := len(c.Problems) - 1; more > 0 {
		c.Message += fmt.Sprintf(" (and %d more problems)", more)
	}
	return &inFile{d.file, &c}
}

// find returns the node at path, or the nearest around it.
func (d *document) find(path string) *yaml.Node {
	for {
		if n := d.yaml[path]; n != nil {
			return n
		}
		if path == "" {
			return &yaml.Node{}
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// yamlError turns what a YAML parser says into problems with their lines.
func yamlError(err error) error {
	e := &gennaker.Error{Kind: gennaker.Invalid, Err: err}
	for _, m := range yamlLine.FindAllStringSubmatch(err.Error(), -1) {
		line, _ := strconv.Atoi(m[1]) // digits
		e.Problems = append(e.Problems, gennaker.Problem{Line: line, Message: m[2]})
	}
	if len(e.Problems) == 0 {
		e.Message = "not valid YAML: " + show.Clean(strings.TrimPrefix(err.Error(), "yaml: "))
		return e
	}
	e.Message = fmt.Sprintf("not valid YAML at line %d: %s", e.Problems[0].Line, e.Problems[0].Message)
	return e
}

// with returns the JSON with one more key behind all others, so that everything
// else stays where it is.
func (d *document) with(key, value string) []byte {
	end := bytes.LastIndexByte(d.json, '}')
	out := append([]byte(nil), d.json[:end]...)
	if len(d.doc.Value) > 0 {
		out = append(out, ',')
	}
	pair, _ := json.Marshal(map[string]string{key: value}) // strings always marshal
	out = append(out, pair[1:]...)
	return append(out, d.json[end+1:]...)
}
