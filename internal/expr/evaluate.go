package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/internal/expr/syntax"
)

// Level is how bad a Finding is.
type Level string

// The levels, as Spinnaker writes them.
const (
	LevelError Level = "ERROR" // the expression cannot be read or evaluated
	LevelInfo  Level = "INFO"  // its value is null
)

// Finding is an expression that was left as it is written, and why.
type Finding struct {
	Path       string // where the text is, e.g. "stages[2].comments"; empty for the value itself
	Expression string // the text without ${ }, by which Spinnaker groups
	Pos        int    // in bytes from the start of the text
	Level      Level
	Message    string // what was found, in one sentence
	Hint       string // what would be right; may be empty
	Syntax     bool   // whether the text cannot be read at all

	text string   // as it is written
	keys []string // of the map that has the text as a value
}

// String returns the finding in one line, position first.
func (f Finding) String() string {
	s := fmt.Sprintf("%s: byte %d: %s", f.Path, f.Pos, f.Message)
	if f.Path == "" {
		s = s[2:]
	}
	if f.Hint != "" {
		s += "; " + f.Hint
	}
	return s
}

// Entry is a finding as Spinnaker reports it in expressionEvaluationSummary.
type Entry struct {
	Level         Level  `json:"level"`
	Timestamp     int64  `json:"timestamp"` // in milliseconds since 1970
	Description   string `json:"description"`
	ExceptionType string `json:"exceptionType,omitempty"`
}

// Summary is what an evaluation did.
type Summary struct {
	Evaluated int       // texts in which every expression had a value
	Findings  []Finding // in the order of the document, maps by key

	now int64
}

// Failed reports whether any expression is an error, not only null.
func (s Summary) Failed() bool {
	return slices.ContainsFunc(s.Findings, func(f Finding) bool { return f.Level == LevelError })
}

// Spinnaker returns the findings as Spinnaker has them in a stage's context, at
// expressionEvaluationSummary.
//
// Shape: by expression without ${ }; never nil.
// Source: kork-expressions; the descriptions begin as its own, the sentences
// after are ours.
func (s Summary) Spinnaker() map[string][]Entry {
	out := map[string][]Entry{}
	for _, f := range s.Findings {
		e := Entry{Level: f.Level, Timestamp: s.now}
		keys := "[" + strings.Join(f.keys, ", ") + "]"
		if len(f.keys) == 0 {
			keys = f.text
		}
		if f.Level == LevelInfo {
			e.Description = fmt.Sprintf("Failed to evaluate %s : %s not found", keys, f.Expression)
		} else {
			e.Description = fmt.Sprintf("Failed to evaluate %s %s", keys, f.Message)
			if f.Hint != "" {
				e.Description += "; " + f.Hint
			}
			e.ExceptionType = "org.springframework.expression.spel.SpelEvaluationException"
			if f.Syntax {
				e.ExceptionType = "org.springframework.expression.ParseException"
			}
		}
		e.Description = strings.ReplaceAll(e.Description, "$", "")
		out[f.Expression] = append(out[f.Expression], e)
	}
	return out
}

// Evaluate returns v with the value of every expression in it, in keys too.
//
// A text that is one expression and nothing else becomes its value, of any
// type; within other text the value is written out. A text with an expression
// that fails stays as it is; an expression whose value is null stays within its
// text. Each such is in the summary. A result that has ${ in it is not
// evaluated again.
//
// Shape: v is JSON of maps, slices and scalars, nested less than Limits.Depth.
// The result shares no memory with env.Root, and with v only what is no map, no
// slice. Numbers that come from expressions are int64 and float64; dates are
// milliseconds, other values that JSON does not have are texts.
// Source: Spinnaker's ContextParameterProcessor and ExpressionTransform.
func Evaluate(v any, env Env) (any, Summary) {
	w := walk{run: newRun(env)}
	w.summary.now = env.Now.UnixMilli()
	out := w.value(v, "", nil, 0)
	return out, w.summary
}

// walk goes through a document.
type walk struct {
	*run
	summary Summary
}

func (w *walk) value(v any, path string, keys []string, depth int) any {
	if depth > w.MaxDepth() {
		w.report(Finding{Path: path, Level: LevelError, Message: fmt.Sprintf("the document nests more than %d deep", w.MaxDepth()), keys: keys})
		return v
	}
	switch v := v.(type) {
	case string:
		return w.text(v, path, keys)
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			at := k
			if path != "" {
				at = path + "." + k
			}
			out[w.key(k, at)] = w.value(v[k], at, keysOf(v, v[k]), depth+1)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = w.value(x, fmt.Sprintf("%s[%d]", path, i), keys, depth+1)
		}
		return out
	}
	return v
}

// keysOf returns the keys of m whose value is this text.
func keysOf(m map[string]any, v any) []string {
	s, ok := v.(string)
	if !ok || !strings.Contains(s, "${") {
		return nil
	}
	var keys []string
	for k, x := range m {
		if x == s {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// key evaluates a key, which stays a text.
func (w *walk) key(k, path string) string {
	v := w.text(k, path, nil)
	if s, ok := v.(string); ok {
		return s
	}
	s, err := w.JavaString(v, 0)
	if err != nil {
		w.fail(placed(err, 0), k, path, nil)
		return k
	}
	return s
}

func (w *walk) report(f Finding) { w.summary.Findings = append(w.summary.Findings, f) }

func (w *walk) fail(err *Error, text, path string, keys []string) {
	w.report(Finding{path, key(text), err.Pos, LevelError, err.Message, err.Hint, err.Syntax, text, keys})
}

// key is what Spinnaker has a text's findings under: an expression alone
// without ${ }, other texts without each.
func key(text string) string {
	parts, err := syntax.Split(text)
	if err != nil {
		return strings.ReplaceAll(text, "$", "")
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// text evaluates a text, and leaves it alone if it cannot.
func (w *walk) text(s, path string, keys []string) any {
	if !strings.Contains(s, "${") {
		return s
	}
	parts, err := syntax.Split(s)
	if err != nil {
		w.fail(err, s, path, keys)
		return s
	}
	whole := len(parts) == 1
	var b strings.Builder
	var missing *Error
	for _, p := range parts {
		if !p.Expression {
			b.WriteString(p.Text)
			continue
		}
		v, err := w.part(p, whole)
		if err != nil {
			w.fail(err, s, path, keys)
			return s
		}
		switch {
		case v == nil:
			b.WriteString("${" + p.Text + "}")
			if missing == nil {
				missing = w.absent(p)
			}
		case whole:
			w.summary.Evaluated++
			return v
		default:
			text, _ := v.(string)
			b.WriteString(text)
		}
	}
	if missing != nil {
		w.report(Finding{path, key(s), missing.Pos, LevelInfo, missing.Message, missing.Hint, false, s, keys})
	} else {
		w.summary.Evaluated++
	}
	return b.String()
}

// part evaluates an expression: exported if it is the whole text, else as a
// text, or nil.
func (w *walk) part(p syntax.Part, whole bool) (any, *Error) {
	w.missing, w.this = nil, nil
	root, err := syntax.Parse(p.Text)
	if err != nil {
		return nil, err.Moved(p.Pos)
	}
	v, err := w.eval(root)
	if err != nil {
		return nil, err.Moved(p.Pos)
	}
	if v == nil {
		return nil, nil
	}
	var plain error
	if whole {
		v, plain = w.Export(v, 0)
	} else {
		v, plain = w.Converted(v, 0)
	}
	if plain != nil {
		return nil, placed(plain, root.At()).Moved(p.Pos)
	}
	return v, nil
}

// absent says why an expression is null: the first name that was not there.
func (w *walk) absent(p syntax.Part) *Error {
	if w.missing != nil {
		return w.missing.Moved(p.Pos)
	}
	return failure(p.Pos, "the value is null").WithHint("write ?: and what to use instead")
}
