package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

// request is a request that was allowed.
type request struct {
	*http.Request
	caller Caller
	text   []byte // the body

	stale  []string // of [StaleHeader]
	absent []string // accounts that the answer lacks
}

// readBody reads all of the body, or nothing if it says that it is too long.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
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

// blank reports whether the request has no body worth reading.
func (r *request) blank() bool { return len(bytes.TrimSpace(r.text)) == 0 }

// decode reads the body into a T, whose fields' types are checked; fields that
// T does not have are in the document.
//
// Errors: Invalid or TooLarge, with the position.
func decode[T any](r *request) (T, *gennaker.Document, error) {
	var v T
	doc, err := gennaker.ParseDocument(r.text)
	if err != nil {
		return v, nil, err
	}
	return v, doc, unmarshal(doc, "", r.text, &v)
}

// unmarshal reads text, the part of doc at path, into v.
func unmarshal(doc *gennaker.Document, path string, text []byte, v any) error {
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

// errQuery says what is wrong with a query parameter.
func errQuery(name, format string, args ...any) error {
	p := gennaker.Problem{Path: name, Message: fmt.Sprintf(format, args...)}
	return &gennaker.Error{Kind: gennaker.Invalid, Message: "query parameter " + p.String(), Problems: []gennaker.Problem{p}}
}

// list returns the values of a query parameter that may be repeated, may hold
// several with commas between, or both.
func (r *request) list(name string) []string {
	var out []string
	for _, v := range r.URL.Query()[name] {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" && !slices.Contains(out, part) {
				out = append(out, part)
			}
		}
	}
	return out
}

// count returns a query parameter that is a number: otherwise if it is absent
// or 0, and most if it is more than that.
func (r *request) count(name string, otherwise, most int) (int, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || n < 0:
		return 0, errQuery(name, "must be a number of at least 0, not %.40q", v)
	case n == 0:
		return otherwise, nil
	}
	return min(n, most), nil
}

// flag returns a query parameter that is true or false.
func (r *request) flag(name string, otherwise bool) (bool, error) {
	switch v := r.URL.Query().Get(name); v {
	case "":
		return otherwise, nil
	case "true", "false":
		return v == "true", nil
	default:
		return false, errQuery(name, "must be true or false, not %.40q", v)
	}
}
