package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/gennaker/gennaker"
)

// body is what a request or an answer carries, decoded.
type body struct {
	value any // nil if there is none
	nodes int // values in it, itself included
}

// answerBody decodes the body of a good answer: JSON if the answer says that it
// is, and else text.
//
// Errors: what says that it is JSON, and is not.
//
// Source: the converters of Orca's RestTemplate.
func answerBody(h http.Header, raw []byte) (body, error) {
	if len(raw) == 0 {
		return body{}, nil
	}
	if !isJSON(h.Get("Content-Type")) {
		return body{strings.ToValidUTF8(string(raw), "\uFFFD"), 1}, nil
	}
	b, err := decode(raw)
	if err != nil {
		return body{}, fmt.Errorf("its answer says that it is JSON, and is not: %w", err)
	}
	return b, nil
}

// errorBody decodes the body of an answer that is an error: whatever looks like
// JSON is taken for it.
//
// Source: Orca WebhookResponseProcessor.processResponseBodyAsJson.
func errorBody(raw []byte) any {
	if len(raw) == 0 {
		return nil
	}
	if raw[0] == '{' || raw[0] == '[' {
		if b, err := decode(raw); err == nil {
			return b.value
		}
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

// decode reads JSON: whole numbers as int64, others as float64, and those that
// are neither as they are written.
func decode(raw []byte) (body, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return body{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return body{}, errors.New("something follows the first value")
	}
	b := body{}
	var err error
	b.value, err = b.numbers(v, 0)
	return b, err
}

func (b *body) numbers(v any, depth int) (any, error) {
	b.nodes++
	if depth > gennaker.MaxDocumentDepth {
		return nil, fmt.Errorf("it is nested more than %d deep", gennaker.MaxDocumentDepth)
	}
	var err error
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i, nil
		}
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return f, nil
		}
	case map[string]any:
		for k, x := range v {
			if v[k], err = b.numbers(x, depth+1); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, x := range v {
			if v[i], err = b.numbers(x, depth+1); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// encode writes v as JSON, with the characters <, > and & as they are.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// masked are headers of answers that hold secrets.
var masked = map[string]bool{
	"Set-Cookie": true, "Set-Cookie2": true, "Cookie": true, "Authorization": true,
	"Proxy-Authorization": true, "Authentication-Info": true, "X-Auth-Token": true,
}

// mask stands for the value of a header that nobody is to see.
const mask = "***"

// answerHeaders returns the headers of an answer as the context has them: the
// first value of each, secrets masked.
func answerHeaders(h http.Header) map[string]any {
	out := make(map[string]any, len(h))
	for name, values := range h {
		if len(values) == 0 {
			continue
		}
		out[name] = strings.ToValidUTF8(values[0], "\uFFFD")
		if masked[name] {
			out[name] = mask
		}
	}
	return out
}

// answered returns what the context says of an answer.
func answered(status int, h http.Header, value any) map[string]any {
	out := map[string]any{"statusCode": statusName(status), "statusCodeValue": status}
	if headers := answerHeaders(h); len(headers) > 0 {
		out["headers"] = headers
	}
	if value != nil {
		out["body"] = value
	}
	return out
}

// statusNames has the statuses whose names in Spring are not those of Go.
var statusNames = map[int]string{
	http.StatusTeapot: "I_AM_A_TEAPOT", http.StatusRequestEntityTooLarge: "PAYLOAD_TOO_LARGE", http.StatusRequestURITooLong: "URI_TOO_LONG",
	509: "BANDWIDTH_LIMIT_EXCEEDED",
}

// statusName returns the name of a status as Spring's HttpStatus has it; of one
// that has none, its number.
func statusName(status int) string {
	if name, ok := statusNames[status]; ok {
		return name
	}
	name := http.StatusText(status)
	if name == "" {
		return fmt.Sprint(status)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		case r == ' ' || r == '-':
			return '_'
		}
		return -1
	}, name)
}
