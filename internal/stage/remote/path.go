package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// Bounds of a JSONPath. The weight of a path says how the work grows with the
// body: a descent counts once, a look at the root within a filter twice.
const (
	maxPath        = 2000 // bytes
	maxPathWeight  = 3
	maxPathNesting = 4 // paths as arguments of functions
	heavyPath      = 2
	maxHeavyNodes  = 10_000 // values in a body that a heavy path may look at
	maxWorstNodes  = 1_000
)

// errNotFound says that a path is right, and leads nowhere.
var errNotFound = errors.New("no results for the path")

// lookup returns what path finds in body, which has as many values as nodes
// says. A path that can find several values gives a list, even of one or none.
//
// Errors: errNotFound if a path that can find only one value finds none; any
// other says what is wrong with the path.
//
// Source: Jayway JsonPath as Spinnaker configures it: "$." may be left out,
// names may have dashes, and functions stand at the end.
func lookup(body any, nodes int, path string) (any, error) {
	return finder{body, nodes}.find(path, 0)
}

type finder struct {
	body  any
	nodes int
}

func (f finder) find(path string, depth int) (v any, err error) {
	path = strings.TrimSpace(path)
	if path != "" && path[0] != '$' && path[0] != '@' {
		path = "$." + path
	}
	switch {
	case path == "":
		return nil, errors.New("it is empty")
	case len(path) > maxPath || depth > maxPathNesting:
		return nil, errors.New("it is too long")
	}
	x, call, weight, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	if weight > maxPathWeight || weight >= heavyPath && f.nodes > maxHeavyNodes || weight == maxPathWeight && f.nodes > maxWorstNodes {
		return nil, fmt.Errorf("it is too complex for a body of %d values", f.nodes)
	}
	defer func() { // the library is for paths that are known to be right
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("it cannot be followed: %v", r)
		}
	}()
	found := x.Get(f.body)
	switch {
	case !definite(x):
		v = append([]any{}, found...)
	case len(found) == 0:
		return nil, errNotFound
	default:
		v = found[0]
	}
	if call.name == "" {
		return v, nil
	}
	return f.apply(call, v, depth)
}

// definite reports whether x can find only one value.
func definite(x jp.Expr) bool {
	return !slices.ContainsFunc(x, func(f jp.Frag) bool {
		switch f.(type) {
		case jp.Root, jp.At, jp.Child, jp.Nth:
			return false
		}
		return true
	})
}

// call is a function at the end of a path.
type call struct {
	name string
	args []string
}

// parsePath reads a path step by step, so that names may have what Jayway
// allows in them; what is in brackets is the library's.
func parsePath(path string) (x jp.Expr, c call, weight int, err error) {
	x = jp.Expr{jp.Root('$')}
	for rest := path[1:]; rest != "" && err == nil && c.name == ""; {
		switch {
		case strings.HasPrefix(rest, ".."):
			x, rest, weight = append(x, jp.Descent('.')), rest[1:], weight+1
			if strings.HasPrefix(rest, ".[") {
				rest = rest[1:]
			}
		case rest[0] == '.':
			var step jp.Frag
			if step, c, rest, err = parseName(rest[1:]); step != nil {
				x = append(x, step)
			}
		case rest[0] == '[':
			var end int
			if end, err = closing(rest, nil); err != nil {
				break
			}
			var part jp.Expr
			if part, err = jp.ParseString("$" + rest[:end+1]); err != nil {
				err = fmt.Errorf("%s is not understood: %w", rest[:end+1], err)
				break
			}
			weight += strings.Count(rest[:end], "..") + 2*strings.Count(rest[:end], "$")
			x, rest = append(x, part[1:]...), rest[end+1:]
		default:
			err = fmt.Errorf("there is %q where a dot or a bracket belongs", rest[0])
		}
	}
	return x, c, weight, err
}

// parseName reads what follows a dot: a name, or the function that the path
// ends with.
func parseName(s string) (step jp.Frag, c call, rest string, err error) {
	end := strings.IndexAny(s, ".[(")
	if end < 0 {
		end = len(s)
	}
	name, rest := strings.TrimSpace(s[:end]), s[end:]
	switch {
	case strings.HasPrefix(rest, "("):
		c.name = name
		if c.args, rest, err = arguments(rest); err == nil && rest != "" {
			err = fmt.Errorf("the function %s is not at its end", name)
		}
		return nil, c, rest, err
	case name == "":
		return nil, c, rest, errors.New("a name is missing")
	case name == "*":
		return jp.Wildcard('*'), c, rest, nil
	}
	return jp.Child(name), c, rest, nil
}

// closing returns where the bracket that s begins with is closed. It calls comma,
// unless that is nil, with the place of each comma directly within.
func closing(s string, comma func(at int)) (int, error) {
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[' || c == '(':
			depth++
		case c == ']' || c == ')':
			if depth--; depth == 0 {
				return i, nil
			}
		case c == ',' && depth == 1 && comma != nil:
			comma(i)
		}
	}
	return 0, fmt.Errorf("the %q is not closed", s[0])
}

// arguments reads what is between the parentheses that s begins with.
func arguments(s string) (args []string, after string, err error) {
	from := 1
	add := func(to int) {
		if a := strings.TrimSpace(s[from:to]); a != "" {
			args = append(args, a)
		}
		from = to + 1
	}
	end, err := closing(s, add)
	if err != nil {
		return nil, "", err
	}
	add(end)
	return args, strings.TrimSpace(s[end+1:]), nil
}

// apply calls a function on what the path before it found.
func (f finder) apply(c call, v any, depth int) (any, error) {
	list, isList := v.([]any)
	switch c.name {
	case "length", "size":
		switch v := v.(type) {
		case []any:
			return int64(len(v)), nil
		case map[string]any:
			return int64(len(v)), nil
		case string:
			return int64(len([]rune(v))), nil
		}
		return nil, errNotFound
	case "keys":
		m, ok := v.(map[string]any)
		if !ok {
			return nil, errNotFound
		}
		out := make([]any, 0, len(m))
		for k := range m {
			out = append(out, k)
		}
		slices.SortFunc(out, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return out, nil
	case "first", "last":
		if !isList || len(list) == 0 {
			return nil, errNotFound
		}
		if c.name == "first" {
			return list[0], nil
		}
		return list[len(list)-1], nil
	case "min", "max", "avg", "sum":
		return fold(c.name, list)
	case "concat":
		return f.concat(c.args, list, depth)
	}
	return nil, fmt.Errorf("there is no function %s; known are avg, concat, first, keys, last, length, max, min, size and sum", c.name)
}

// fold computes a number of the numbers in list.
func fold(name string, list []any) (any, error) {
	low, high, sum, n := math.Inf(1), math.Inf(-1), 0.0, 0
	for _, v := range list {
		var x float64
		switch v := v.(type) {
		case int64:
			x = float64(v)
		case float64:
			x = v
		default:
			continue
		}
		low, high, sum, n = min(low, x), max(high, x), sum+x, n+1
	}
	if n == 0 {
		return nil, errNotFound
	}
	return map[string]float64{"min": low, "max": high, "sum": sum, "avg": sum / float64(n)}[name], nil
}

// concat joins the texts of list and of args: texts in quotes, numbers, and
// paths from the root.
func (f finder) concat(args []string, list []any, depth int) (any, error) {
	var b strings.Builder
	for _, v := range list {
		if s, ok := v.(string); ok {
			b.WriteString(s)
		}
	}
	for _, a := range args {
		v, err := f.argument(a, depth)
		if err != nil {
			return nil, err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

func (f finder) argument(a string, depth int) (string, error) {
	switch quoted := len(a) >= 2 && a[0] == a[len(a)-1]; {
	case quoted && a[0] == '"':
		var s string
		if err := json.Unmarshal([]byte(a), &s); err != nil {
			return "", fmt.Errorf("%s is no text", a)
		}
		return s, nil
	case quoted && a[0] == '\'':
		return strings.ReplaceAll(a[1:len(a)-1], `\'`, `'`), nil
	case a[0] == '$':
		v, err := f.find(a, depth+1)
		if list, ok := v.([]any); ok {
			var b strings.Builder
			for _, x := range list {
				b.WriteString(text(x))
			}
			return b.String(), err
		}
		return text(v), err
	}
	if _, err := strconv.ParseFloat(a, 64); err != nil {
		return "", fmt.Errorf("%s is neither a text in quotes, a number nor a path", a)
	}
	return a, nil
}

// text writes a value as Java would: texts as they are, the rest as JSON.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	b, err := encode(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
