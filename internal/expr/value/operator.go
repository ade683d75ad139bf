package value

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/internal/expr/java"
)

// equal compares as SpEL does: numbers by value, texts by content, lists and
// maps by what they contain; values of different types are not equal.
func (r *Work) equal(x, y any, depth int) (bool, error) {
	x, err := Normal(x)
	if err != nil {
		return false, err
	}
	if y, err = Normal(y); err != nil {
		return false, err
	}
	if err := r.Descend(depth); err != nil {
		return false, err
	}
	if a, b, ok := floats(x, y); ok {
		if i, j, ok := ints(x, y); ok {
			return i == j, nil
		}
		return a == b, nil
	}
	switch x := x.(type) {
	case []any:
		list, ok := y.([]any)
		if !ok || len(x) != len(list) {
			return false, nil
		}
		for i := range x {
			if same, err := r.equal(x[i], list[i], depth+1); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	case map[string]any, Object:
		return r.equalMaps(x, y, depth)
	case moment:
		other, ok := y.(moment)
		return ok && x.kind == other.kind && x.Equal(other.Time), nil
	case string:
		s, ok := y.(string)
		if !ok || len(s) != len(x) {
			return false, nil
		}
		return s == x, r.Spend(len(s) / 8)
	case nil, bool, Class, uuid, pattern, unit, weekday, *java.Random:
		return x == y, nil
	}
	return false, nil
}

func (r *Work) equalMaps(x, y any, depth int) (bool, error) {
	a, _ := Entries(x)
	b, ok := Entries(y)
	if !ok || len(a) != len(b) {
		return false, nil
	}
	for _, k := range slices.Sorted(maps.Keys(a)) {
		v, ok := b[k]
		if !ok {
			return false, nil
		}
		if same, err := r.equal(a[k], v, depth+1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// ints returns both as whole numbers, if they are.
func ints(x, y any) (int64, int64, bool) {
	a, ok := x.(int64)
	b, also := y.(int64)
	return a, b, ok && also
}

// floats returns both as numbers, if they are.
func floats(x, y any) (float64, float64, bool) {
	a, ok := number(x)
	b, also := number(y)
	return a, b, ok && also
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// compare orders two values of one type; null comes first.
func (r *Work) compare(x, y any) (int, error) {
	if a, b, ok := floats(x, y); ok {
		if i, j, ok := ints(x, y); ok {
			return sign(i < j, i > j), nil
		}
		return sign(a < b, a > b), nil
	}
	if x == nil || y == nil {
		return sign(x == nil && y != nil, x != nil && y == nil), nil
	}
	switch a := x.(type) {
	case string:
		if b, ok := y.(string); ok {
			return strings.Compare(a, b), r.Spend(min(len(a), len(b)) / 8)
		}
	case bool:
		if b, ok := y.(bool); ok {
			return sign(!a && b, a && !b), nil
		}
	case moment:
		if b, ok := y.(moment); ok && a.kind == b.kind {
			return a.Compare(b.Time), nil
		}
	case weekday:
		if b, ok := y.(weekday); ok {
			return sign((a+6)%7 < (b+6)%7, (a+6)%7 > (b+6)%7), nil
		}
	}
	hint := ""
	if _, ok := number(x); ok {
		hint = "#toInt(…) makes a number of a text"
	}
	if _, ok := number(y); ok {
		hint = "#toInt(…) makes a number of a text"
	}
	return 0, Refuse(hint, "%s cannot be compared with %s", Describe(x), Describe(y))
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

func (r *Work) ordered(op string, x, y any) (bool, error) {
	c, err := r.compare(x, y)
	switch op {
	case "<":
		return c < 0, err
	case "<=":
		return c <= 0, err
	case ">":
		return c > 0, err
	}
	return c >= 0, err
}

func (r *Work) between(x, y any) (bool, error) {
	bounds, ok := y.([]any)
	if !ok || len(bounds) != 2 {
		return false, Refuse("as in x between {1, 10}", "between wants a list of two bounds")
	}
	low, err := r.compare(x, bounds[0])
	if err != nil {
		return false, err
	}
	high, err := r.compare(x, bounds[1])
	return low >= 0 && high <= 0, err
}

func instance(x, y any) (bool, error) {
	c, ok := y.(Class)
	if !ok {
		return false, Refuse("as in x instanceof T(String)", "instanceof wants a type")
	}
	switch x := x.(type) {
	case string:
		return c == "String", nil
	case bool:
		return c == "Boolean", nil
	case int64:
		fits := int64(int32(x)) == x
		return c == "Integer" && fits || c == "Long" && !fits, nil
	case float64:
		return c == "Double", nil
	case moment:
		return x.kind == c, nil
	case uuid:
		return c == "UUID", nil
	case unit:
		return c == "ChronoUnit", nil
	case weekday:
		return c == "DayOfWeek", nil
	case pattern:
		return c == "SimpleDateFormat", nil
	case *java.Random:
		return c == "Random", nil
	}
	return false, nil
}

// add adds numbers; with a text on either side it puts texts together.
func (r *Work) add(x, y any) (any, error) {
	_, left := x.(string)
	_, right := y.(string)
	if !left && !right {
		return arithmetic("+", x, y)
	}
	a, err := r.appended(x)
	if err != nil {
		return nil, err
	}
	b, err := r.appended(y)
	if err != nil {
		return nil, err
	}
	if err := r.Spend(len(a) + len(b)); err != nil {
		return nil, err
	}
	return a + b, nil
}

// character is what - and * do to a text: a character some before another, and
// a text some times; to numbers what they do to numbers.
func (r *Work) character(op string, x, y any) (any, error) {
	s, ok := x.(string)
	n, number := y.(int64)
	switch {
	case ok && number && op == "*":
		return textMethods["repeat"].Call(r, s, []any{n})
	case ok && number && len(s) == 1 && n < int64(s[0]):
		return string(rune(int64(s[0]) - n)), nil
	}
	return arithmetic(op, x, y)
}

// appended writes an operand of a concatenation: as an argument would be
// converted, or else as toString does.
func (r *Work) appended(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case nil:
		return "null", nil
	case map[string]any, Object, AsIs, *java.Random, Class, pattern, adjuster:
		return r.JavaString(v, 0)
	}
	return r.Converted(v, 0)
}

var errOverflow = errors.New("the result is larger than a whole number can be")

func arithmetic(op string, x, y any) (any, error) {
	if i, j, ok := ints(x, y); ok {
		return whole(op, i, j)
	}
	a, b, ok := floats(x, y)
	if !ok {
		hint := "#toInt(…) makes a number of a text"
		if x == nil || y == nil {
			hint = "write (… ?: 0) where there may be none"
		}
		return nil, Refuse(hint, "'%s' is for numbers, not for %s and %s", op, Describe(x), Describe(y))
	}
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "/":
		return a / b, nil
	case "%":
		return math.Mod(a, b), nil
	}
	return math.Pow(a, b), nil
}

func whole(op string, i, j int64) (any, error) {
	switch op {
	case "+":
		if s := i + j; (s > i) == (j > 0) {
			return s, nil
		}
		return nil, errOverflow
	case "-":
		if s := i - j; (s < i) == (j > 0) {
			return s, nil
		}
		return nil, errOverflow
	case "*":
		p := i * j
		if i != 0 && (p/i != j || i == -1 && j == math.MinInt64) {
			return nil, errOverflow
		}
		return p, nil
	case "/", "%":
		if j == 0 {
			return nil, Refuse("write x != 0 ? y / x : 0", "division by zero")
		}
		if op == "%" {
			return i % j, nil
		}
		return i / j, nil
	}
	return power(i, j)
}

// power is i to the j: a fraction, cut off, if j is negative.
func power(i, j int64) (any, error) {
	f := math.Pow(float64(i), float64(j))
	if math.Abs(f) < 1<<53 {
		return int64(f), nil
	}
	if i == 0 || i == 1 || i == -1 {
		return int64(f), nil
	}
	out := int64(1)
	for range j { // at most 64 times before it overflows
		p := out * i
		if p/i != out {
			return nil, errOverflow
		}
		out = p
	}
	return out, nil
}

// Operate returns the value of a binary operator, by its symbol or as matches,
// instanceof or between; && and || are the evaluator's.
func (r *Work) Operate(op string, x, y any) (any, error) {
	switch op {
	case "==":
		return r.equal(x, y, 0)
	case "!=":
		same, err := r.equal(x, y, 0)
		return !same, err
	case "<", "<=", ">", ">=":
		return r.ordered(op, x, y)
	case "between":
		return r.between(x, y)
	case "matches":
		return r.Matches(x, y)
	case "instanceof":
		return instance(x, y)
	case "+":
		return r.add(x, y)
	case "-", "*":
		return r.character(op, x, y)
	}
	return arithmetic(op, x, y)
}
