package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
)

// Request is a request that was allowed.
type Request struct {
	*http.Request
	Caller Caller
	Text   []byte      // the body, of a row that takes one
	Answer http.Header // of the answer

	query   url.Values
	row     *Route
	closing context.Context
}

// Closing returns a context that ends when the server shuts down. What waits
// for something ends then.
func (r *Request) Closing() context.Context { return r.closing }

// Document returns the body, a JSON object.
//
// Errors: Invalid or TooLarge, with the position.
func (r *Request) Document() (*gennaker.Document, error) {
	return gennaker.ParseDocument(r.Text) //nolint:wrapcheck // it says where
}

// Query returns the first value of a query parameter, "" if it is absent. The
// row must declare it.
func (r *Request) Query(name string) string {
	if values := r.values(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (r *Request) values(name string) []string {
	if !slices.Contains(r.row.Query, name) {
		panic(fmt.Sprintf("%s %s does not declare the query parameter %s", r.row.Method, r.row.Pattern, name))
	}
	return r.query[name]
}

// parseQuery reads the query of a URL. A semicolon is a character as any other,
// as in browsers.
//
// Errors: Invalid.
func parseQuery(raw string) (url.Values, error) {
	q, err := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B"))
	if err != nil {
		return nil, &gennaker.Error{Kind: gennaker.Invalid, Message: "the query is not percent-encoded UTF-8", Err: err}
	}
	for name, values := range q {
		for _, v := range append(values, name) {
			if !utf8.ValidString(v) {
				return nil, gennaker.Errorf(gennaker.Invalid, "the query is not percent-encoded UTF-8")
			}
		}
	}
	return q, nil
}

// readBody reads all of the body, or nothing if it says that it is too long.
// Whatever media type it claims, it is read as what the route takes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, gennaker.Errorf(gennaker.Invalid, "the body is compressed, with %.40q", coding).WithHint("send it as it is")
	}
	tooLarge := gennaker.Errorf(gennaker.TooLarge, "the body has more than %d bytes", gennaker.MaxDocumentBytes)
	if r.ContentLength > gennaker.MaxDocumentBytes {
		return nil, tooLarge
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, gennaker.MaxDocumentBytes))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, &gennaker.Error{Kind: gennaker.Invalid, Message: "the body did not arrive whole and in time", Err: err}
	}
	// The server reads on, to notice that a client left. A recorder of a test
	// knows no deadlines, which is all that can go wrong.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return text, nil
}

// Blank reports whether the request has no body worth reading.
func (r *Request) Blank() bool { return len(bytes.TrimSpace(r.Text)) == 0 }

// Decode reads the body into a T, whose fields' types are checked; fields that
// T does not have are in the document.
//
// Errors: Invalid or TooLarge, with the position.
func Decode[T any](r *Request) (T, *gennaker.Document, error) {
	var v T
	doc, err := gennaker.ParseDocument(r.Text)
	if err != nil {
		return v, nil, err
	}
	return v, doc, Unmarshal(doc, "", r.Text, &v)
}

// Unmarshal reads text, the part of doc at path, into v.
func Unmarshal(doc *gennaker.Document, path string, text []byte, v any) error {
	err := json.Unmarshal(text, v)
	if err == nil {
		return nil
	}
	p := gennaker.Problem{Path: path, Message: err.Error()}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		p.Path = strings.Trim(path+"."+te.Field, ".")
		p.Message = fmt.Sprintf("must be %s, not %s", jsonName(te.Type.Kind().String()), te.Value)
	}
	return doc.Invalid([]gennaker.Problem{p})
}

// jsonName names what is written in JSON for a Go kind.
func jsonName(kind string) string {
	switch {
	case kind == "string":
		return "a string"
	case kind == "map" || kind == "struct" || kind == "ptr":
		return "an object"
	case kind == "slice" || kind == "array":
		return "a list"
	case kind == "bool":
		return "true or false"
	case strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint") || strings.HasPrefix(kind, "float"):
		return "a number"
	}
	return kind
}

// ErrQuery says what is wrong with a query parameter.
func ErrQuery(name, format string, args ...any) error {
	p := gennaker.Problem{Path: name, Message: fmt.Sprintf(format, args...)}
	return &gennaker.Error{Kind: gennaker.Invalid, Message: "query parameter " + p.String(), Problems: []gennaker.Problem{p}}
}

// List returns the values of a query parameter that may be repeated, may hold
// several with commas between, or both.
func (r *Request) List(name string) []string {
	var out []string
	for _, v := range r.values(name) {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" && !slices.Contains(out, part) {
				out = append(out, part)
			}
		}
	}
	return out
}

// Count returns a query parameter that is a number: otherwise if it is absent
// or 0, and most if it is more than that.
func (r *Request) Count(name string, otherwise, most int) (int, error) {
	v := r.Query(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || n < 0:
		return 0, ErrQuery(name, "must be a number of at least 0, not %.40q", v)
	case n == 0:
		return otherwise, nil
	}
	return min(n, most), nil
}

// Flag returns a query parameter that is true or false.
func (r *Request) Flag(name string, otherwise bool) (bool, error) {
	switch v := r.Query(name); v {
	case "":
		return otherwise, nil
	case "true", "false":
		return v == "true", nil
	default:
		return false, ErrQuery(name, "must be true or false, not %.40q", v)
	}
}
