// Package apitest holds answers of the API to their description: every answer
// that passes through a [Transport] must be one that openapi.json documents for
// its route, status and media type, with no field that it does not know.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gennaker/gennaker/internal/api"
)

// Transport passes requests on to base, and fails the test for every answer
// that is not as described. Streams are not read.
func Transport(t testing.TB, base http.RoundTripper) http.RoundTripper {
	t.Helper()
	d, err := describe()
	if err != nil {
		t.Fatalf("read the description of the API: %v", err)
	}
	return &transport{t, base, d}
}

type transport struct {
	t    testing.TB
	base http.RoundTripper
	by   *description
}

func (p *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := p.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := p.by.check(r, res); err != nil {
		p.t.Errorf("%s %s: %d: %v", r.Method, r.URL.Path, res.StatusCode, err)
	}
	return res, nil
}

// CloseIdleConnections does so in base, if it can.
func (p *transport) CloseIdleConnections() {
	if c, ok := p.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// description is what openapi.json says, compiled.
type description struct {
	mux     *http.ServeMux
	answers map[string]map[string]map[string]*jsonschema.Schema // by route, status, media type; nil is any
}

var describe = sync.OnceValues(compile)

// location is under which the schemas refer to one another.
const location = "file:///openapi.json"

func compile() (*description, error) {
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(api.OpenAPI()))
	if err != nil {
		return nil, err
	}
	doc, _ := parsed.(map[string]any)
	shut(doc["components"])
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(location, doc); err != nil {
		return nil, err
	}
	d := &description{http.NewServeMux(), map[string]map[string]map[string]*jsonschema.Schema{}}
	paths, _ := doc["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		operations, _ := paths[path].(map[string]any)
		for method, op := range operations {
			pattern := path
			if pattern == "/" {
				pattern = "/{$}"
			}
			route := strings.ToUpper(method) + " " + pattern
			d.mux.Handle(route, http.NotFoundHandler())
			d.answers[route] = map[string]map[string]*jsonschema.Schema{}
			responses, _ := op.(map[string]any)["responses"].(map[string]any)
			for status, response := range responses {
				d.answers[route][status] = map[string]*jsonschema.Schema{}
				content, _ := response.(map[string]any)["content"].(map[string]any)
				for media, of := range content {
					at := location + "#/paths/" + escape(path) + "/" + method + "/responses/" + status + "/content/" + escape(media) + "/schema"
					var s *jsonschema.Schema
					if of.(map[string]any)["schema"] != nil {
						if s, err = compiler.Compile(at); err != nil {
							return nil, fmt.Errorf("compile %s: %w", at, err)
						}
					}
					d.answers[route][status][media] = s
				}
			}
		}
	}
	return d, nil
}

// escape writes a key as a part of a JSON pointer in a URL.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", ";", "%3B", " ", "%20", "=", "%3D").Replace(key)
}

// shut forbids in objects with fields all others, unless they are allowed.
func shut(v any) {
	switch v := v.(type) {
	case map[string]any:
		if fields, _ := v["properties"].(map[string]any); len(fields) > 0 && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, of := range v {
			shut(of)
		}
	case []any:
		for _, of := range v {
			shut(of)
		}
	}
}

// check reads the answer, and puts back what it read.
func (d *description) check(r *http.Request, res *http.Response) error {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media != "application/json" || r.Method == http.MethodHead || r.URL.Path == "/api/v1/openapi.json" {
		return nil
	}
	probe := r.Clone(r.Context())
	_, route := d.mux.Handler(probe)
	if route == "" {
		if res.StatusCode < http.StatusBadRequest {
			return fmt.Errorf("there is no such route")
		}
		return nil
	}
	text, err := io.ReadAll(res.Body)
	if err := res.Body.Close(); err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return d.conforms(route, res.StatusCode, media, text)
}

func (d *description) conforms(route string, status int, media string, text []byte) error {
	answers, ok := d.answers[route][strconv.Itoa(status)]
	if !ok {
		return fmt.Errorf("%s does not document it: %.300s", route, text)
	}
	schema, ok := answers[media]
	if !ok {
		return fmt.Errorf("%s does not document an answer of %s: %.300s", route, media, text)
	}
	if schema == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("is no JSON: %w", err)
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("is not as documented: %w\n%.500s", err, text)
	}
	return nil
}
