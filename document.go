package gennaker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of documents that users write.
const (
	MaxDocumentBytes = 4 << 20
	MaxDocumentDepth = 64
	MaxStages        = 1_000 // of one pipeline as written
)

// Document is a JSON object and where each part of it stands in its text, so
// that a problem found later can still be shown with its line and column.
//
// Shape: Value holds map[string]any, []any, string, bool, nil and json.Number,
// which keeps numbers as they were written.
type Document struct {
	Value map[string]any

	text []byte
	at   map[string]int64 // path → offset of the value
}

// ParseDocument reads a JSON object. Of keys that stand twice the last wins.
//
// Errors: TooLarge over MaxDocumentBytes; Invalid, with the position, for what
// is not JSON, not an object, nested over MaxDocumentDepth, or followed by more.
func ParseDocument(text []byte) (*Document, error) {
	if len(text) > MaxDocumentBytes {
		return nil, Errorf(TooLarge, "the document has %d bytes, more than %d", len(text), MaxDocumentBytes)
	}
	d := &Document{text: text, at: map[string]int64{}}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := d.value(dec, "", 0)
	if err != nil {
		return nil, d.syntaxError(dec, err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, d.Invalid([]Problem{{Message: fmt.Sprintf("must be a JSON object, not %s", jsonType(v))}})
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, d.syntaxError(dec, errors.New("more text follows the document"))
	}
	d.Value = m
	return d, nil
}

func (d *Document) value(dec *json.Decoder, path string, depth int) (any, error) {
	if depth > MaxDocumentDepth {
		return nil, fmt.Errorf("nested more than %d deep", MaxDocumentDepth)
	}
	before := dec.InputOffset()
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	d.at[path] = d.skip(before)
	switch tok {
	case json.Delim('{'):
		m := map[string]any{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			k, _ := key.(string)
			if m[k], err = d.value(dec, joinPath(path, k), depth+1); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return m, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := d.value(dec, path+"["+strconv.Itoa(len(list))+"]", depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	}
	return tok, nil
}

// skip moves offset over what may stand between the last token and a value.
func (d *Document) skip(offset int64) int64 {
	for offset < int64(len(d.text)) && bytes.IndexByte([]byte(" \t\r\n,:"), d.text[offset]) >= 0 {
		offset++
	}
	return offset
}

func (d *Document) syntaxError(dec *json.Decoder, err error) error {
	offset := dec.InputOffset()
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		// Read token by token, the error does not know how far into the text it is.
		if se, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(d.text, new(json.RawMessage))); ok {
			offset = se.Offset - 1
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err, offset = errors.New("the text ends too early"), int64(len(d.text))
	}
	line, column := d.position(offset)
	return &Error{
		Kind:     Invalid,
		Message:  fmt.Sprintf("not valid JSON at line %d, column %d: %v", line, column, err),
		Problems: []Problem{{Line: line, Column: column, Message: err.Error()}},
		Err:      err,
	}
}

func (d *Document) position(offset int64) (line, column int) {
	before := d.text[:min(offset, int64(len(d.text)))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}

// Locate returns ps with the line and column of each path filled in; of a path
// that is not in the text, those of the nearest part around it.
func (d *Document) Locate(ps []Problem) []Problem {
	out := make([]Problem, len(ps))
	for i, p := range ps {
		out[i] = p
		if d.text == nil || p.Line > 0 {
			continue
		}
		for path := p.Path; ; path = parentPath(path) {
			if at, ok := d.at[path]; ok {
				out[i].Line, out[i].Column = d.position(at)
				break
			}
			if path == "" {
				break
			}
		}
	}
	return out
}

// Within returns the line and column of a byte of the string at path, which is
// offset bytes from its start; those of the nearest part around if there is no
// string, and zeros without a text.
func (d *Document) Within(path string, offset int) (line, column int) {
	p := d.Locate([]Problem{{Path: path}})[0]
	at, ok := d.at[path]
	if !ok || at >= int64(len(d.text)) || d.text[at] != '"' {
		return p.Line, p.Column
	}
	return d.position(at + int64(written(d.text[at:], offset)))
}

// written returns where in a string literal of JSON the byte is that has offset
// in its value, or the quote behind it.
func written(literal []byte, offset int) int {
	i := 1
	for value := 0; value < offset && i < len(literal) && literal[i] != '"'; {
		r, width := utf8.DecodeRune(literal[i:])
		switch {
		case literal[i] == '\\' && i+6 <= len(literal) && literal[i+1] == 'u':
			code, _ := strconv.ParseUint(string(literal[i+2:i+6]), 16, 16) // four digits: the document was read
			r, width = rune(code), 6
			if utf16.IsSurrogate(r) && i+12 <= len(literal) && literal[i+6] == '\\' {
				low, _ := strconv.ParseUint(string(literal[i+8:i+12]), 16, 16)
				if pair := utf16.DecodeRune(r, rune(low)); pair != utf8.RuneError {
					r, width = pair, 12
				}
			}
		case literal[i] == '\\':
			r, width = 'x', 2
		}
		value += len(string(r))
		i += width
	}
	return min(i, len(literal))
}

// Invalid returns the error that lists ps, located.
func (d *Document) Invalid(ps []Problem) *Error {
	ps = d.Locate(ps)
	msg := ps[0].String()
	if len(ps) > 1 {
		msg = fmt.Sprintf("%s (and %d more problems)", msg, len(ps)-1)
	}
	return &Error{Kind: Invalid, Message: msg, Problems: ps}
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func parentPath(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			return path[:i]
		}
	}
	return ""
}

// jsonType names the JSON type of v, with its article.
func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number, float64, int:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}
