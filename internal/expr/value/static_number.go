package value

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// numeric are the methods of numbers and of Math, by Type.method.
var numeric = map[string]Method{
	"Integer.parseInt":    {1, 2, func(_ *Work, _ any, args []any) (any, error) { return ParseWhole(args, 32) }},
	"Integer.valueOf":     {1, 2, func(_ *Work, _ any, args []any) (any, error) { return ParseWhole(args, 32) }},
	"Long.parseLong":      {1, 2, func(_ *Work, _ any, args []any) (any, error) { return ParseWhole(args, 64) }},
	"Long.valueOf":        {1, 2, func(_ *Work, _ any, args []any) (any, error) { return ParseWhole(args, 64) }},
	"Byte.parseByte":      {1, 2, func(_ *Work, _ any, args []any) (any, error) { return ParseWhole(args, 8) }},
	"Byte.valueOf":        {1, 2, func(_ *Work, _ any, args []any) (any, error) { return ParseWhole(args, 8) }},
	"Integer.toString":    {1, 2, inBase},
	"Long.toString":       {1, 2, inBase},
	"Double.toString":     {1, 1, func(r *Work, _ any, args []any) (any, error) { return r.JavaString(args[0], 0) }},
	"Boolean.toString":    {1, 1, func(r *Work, _ any, args []any) (any, error) { return r.JavaString(args[0], 0) }},
	"Integer.toHexString": {1, 1, func(_ *Work, _ any, args []any) (any, error) { return based(args[0], 16, 32) }},
	"Long.toHexString":    {1, 1, func(_ *Work, _ any, args []any) (any, error) { return based(args[0], 16, 64) }},
	"Integer.compare":     {2, 2, func(r *Work, _ any, args []any) (any, error) { return compareTo(r, args[0], args[1:]) }},
	"Long.compare":        {2, 2, func(r *Work, _ any, args []any) (any, error) { return compareTo(r, args[0], args[1:]) }},
	"Double.compare":      {2, 2, func(r *Work, _ any, args []any) (any, error) { return compareTo(r, args[0], args[1:]) }},
	"Integer.max":         larger2, "Long.max": larger2, "Double.max": larger2, "Math.max": larger2,
	"Integer.min": smaller2, "Long.min": smaller2, "Double.min": smaller2, "Math.min": smaller2,
	"Double.parseDouble":   {1, 1, func(_ *Work, _ any, args []any) (any, error) { return toFloat(args[0]) }},
	"Double.valueOf":       {1, 1, func(_ *Work, _ any, args []any) (any, error) { return toFloat(args[0]) }},
	"Boolean.parseBoolean": {1, 1, ParseBoolean},
	"Boolean.valueOf":      {1, 1, ParseBoolean},
	"Math.abs":             {1, 1, absolute},
	"Math.round": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		f, err := toFloat(args[0])
		return truncate(math.Floor(f + 0.5)), err
	}},
	"Math.random": {0, 0, func(r *Work, _ any, _ []any) (any, error) { return r.random.Double(), nil }},
	"Math.floor":  real1(math.Floor), "Math.ceil": real1(math.Ceil), "Math.sqrt": real1(math.Sqrt), "Math.log": real1(math.Log),
	"Math.log10": real1(math.Log10), "Math.exp": real1(math.Exp), "Math.cbrt": real1(math.Cbrt),
	"Math.rint": real1(math.RoundToEven), "Math.signum": real1(func(f float64) float64 { return float64(sign(f < 0, f > 0)) }),
	"Math.pow": {2, 2, func(_ *Work, _ any, args []any) (any, error) {
		a, err := toFloat(args[0])
		if err != nil {
			return nil, err
		}
		b, err := toFloat(args[1])
		return math.Pow(a, b), err
	}},
	"Math.floorMod":          {2, 2, func(_ *Work, _ any, args []any) (any, error) { return floored(args, true) }},
	"Math.floorDiv":          {2, 2, func(_ *Work, _ any, args []any) (any, error) { return floored(args, false) }},
	"Integer.toBinaryString": {1, 1, func(_ *Work, _ any, args []any) (any, error) { return based(args[0], 2, 32) }},
	"Long.toBinaryString":    {1, 1, func(_ *Work, _ any, args []any) (any, error) { return based(args[0], 2, 64) }},
	"Integer.toOctalString":  {1, 1, func(_ *Work, _ any, args []any) (any, error) { return based(args[0], 8, 32) }},
	"Long.toOctalString":     {1, 1, func(_ *Work, _ any, args []any) (any, error) { return based(args[0], 8, 64) }},
	"Integer.sum":            exact("+"), "Long.sum": exact("+"), "Double.sum": exact("+"),
	"Math.addExact": exact("+"), "Math.subtractExact": exact("-"), "Math.multiplyExact": exact("*"),
	"Integer.signum": signum, "Long.signum": signum,
	"Integer.bitCount": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		i, err := ToInt(args[0])
		return int64(bits.OnesCount32(uint32(i))), err
	}},
	"Long.bitCount": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		i, err := ToInt(args[0])
		return int64(bits.OnesCount64(uint64(i))), err
	}},
	"Integer.hashCode": hashed, "Long.hashCode": hashed, "Double.hashCode": hashed, "Boolean.hashCode": hashed,
	"Double.isNaN": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		f, err := toFloat(args[0])
		return math.IsNaN(f), err
	}},
	"Boolean.logicalAnd": logical(func(a, b bool) bool { return a && b }), "Boolean.logicalOr": logical(func(a, b bool) bool { return a || b }),
	"Boolean.logicalXor": logical(func(a, b bool) bool { return a != b }),
	"Math.sin":           real1(math.Sin), "Math.cos": real1(math.Cos), "Math.tan": real1(math.Tan),
	"Math.toRadians": real1(func(f float64) float64 { return f / 180 * math.Pi }),
	"Math.toDegrees": real1(func(f float64) float64 { return f * 180 / math.Pi }),
	"Math.hypot": {2, 2, func(_ *Work, _ any, args []any) (any, error) {
		a, err := toFloat(args[0])
		if err != nil {
			return nil, err
		}
		b, err := toFloat(args[1])
		return math.Hypot(a, b), err
	}},
	"Math.toIntExact": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		i, err := ToInt(args[0])
		if err == nil && int64(int32(i)) != i {
			err = errors.New("the number is larger than an int can be")
		}
		return i, err
	}},
}

// signum and hashed are methods of several types.
var (
	signum = Method{1, 1, func(_ *Work, _ any, args []any) (any, error) {
		i, err := ToInt(args[0])
		return int64(sign(i < 0, i > 0)), err
	}}
	hashed = Method{1, 1, func(_ *Work, _ any, args []any) (any, error) { return int64(hash(args[0], 0)), nil }}
)

// exact is an operator as a method.
func exact(op string) Method {
	return Method{2, 2, func(_ *Work, _ any, args []any) (any, error) { return arithmetic(op, args[0], args[1]) }}
}

func logical(f func(a, b bool) bool) Method {
	return Method{2, 2, func(_ *Work, _ any, args []any) (any, error) {
		a, err := ToBool(args[0])
		if err != nil {
			return nil, err
		}
		b, err := ToBool(args[1])
		return f(a, b), err
	}}
}

// inBase is Integer.toString, with a base as the second argument.
func inBase(r *Work, _ any, args []any) (any, error) {
	if len(args) == 1 {
		return r.JavaString(args[0], 0)
	}
	i, err := ToInt(args[0])
	if err != nil {
		return nil, err
	}
	base, err := ToInt(args[1])
	if err != nil || base < 2 || base > 36 {
		base = 10 // as Java does
	}
	return strconv.FormatInt(i, int(base)), nil
}

func real1(f func(float64) float64) Method {
	return Method{1, 1, func(_ *Work, _ any, args []any) (any, error) {
		x, err := toFloat(args[0])
		return f(x), err
	}}
}

var (
	larger2  = Method{2, 2, func(r *Work, _ any, args []any) (any, error) { return r.extreme(args, 1) }}
	smaller2 = Method{2, 2, func(r *Work, _ any, args []any) (any, error) { return r.extreme(args, -1) }}
)

// extreme is max or min: a decimal if either argument is one.
func (r *Work) extreme(args []any, want int) (any, error) {
	x, y := args[0], args[1]
	if _, _, ok := ints(x, y); !ok {
		a, err := toFloat(x)
		if err != nil {
			return nil, err
		}
		b, err := toFloat(y)
		if err != nil {
			return nil, err
		}
		x, y = a, b
	}
	c, err := r.compare(x, y)
	if c == want {
		return x, err
	}
	return y, err
}

func absolute(_ *Work, _ any, args []any) (any, error) {
	if i, ok := args[0].(int64); ok {
		return max(i, -i), nil
	}
	f, err := toFloat(args[0])
	return math.Abs(f), err
}

func floored(args []any, mod bool) (any, error) {
	a, err := ToInt(args[0])
	if err != nil {
		return nil, err
	}
	b, err := ToInt(args[1])
	if err != nil {
		return nil, err
	}
	if b == 0 {
		return nil, Refuse("write x != 0 ? … : 0", "division by zero")
	}
	q, m := a/b, a%b
	if m != 0 && (m < 0) != (b < 0) {
		q, m = q-1, m+b
	}
	if mod {
		return m, nil
	}
	return q, nil
}

// ParseWhole is Integer.parseInt and its like, of a size in bits.
func ParseWhole(args []any, bits int) (any, error) {
	base := int64(10)
	if len(args) > 1 {
		var err error
		if base, err = ToInt(args[1]); err != nil {
			return nil, err
		}
		if base < 2 || base > 36 {
			return nil, fmt.Errorf("%d is no base of numbers", base)
		}
	}
	s := ScalarString(args[0])
	i, err := strconv.ParseInt(s, int(base), bits)
	if err != nil || strings.Contains(s, "_") {
		hint := ""
		if args[0] == nil {
			hint = "write (… ?: '0') where there may be none"
		} else if strings.TrimSpace(s) != s {
			hint = "trim() takes spaces away"
		} else if strings.Contains(s, ".") {
			hint = "#toFloat(…) takes decimals"
		}
		return nil, Refuse(hint, "%s is not a whole number of %d bits", Describe(args[0]), bits)
	}
	return i, nil
}

func based(v any, base, bits int) (any, error) {
	i, err := ToInt(v)
	if bits == 32 {
		return strconv.FormatUint(uint64(uint32(i)), base), err
	}
	return strconv.FormatUint(uint64(i), base), err
}
