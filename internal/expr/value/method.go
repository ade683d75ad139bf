package value

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gennaker/gennaker/internal/expr/java"
)

// Method is a method of a type of values.
type Method struct {
	Min, Max int // arguments; Max is -1 for any number
	Call     func(r *Work, on any, args []any) (any, error)
}

// Methods returns the methods of a value's type, those of every value aside.
func Methods(v any) map[string]Method {
	switch v := v.(type) {
	case string:
		return textMethods
	case []any:
		return listMethods
	case map[string]any, Object:
		return mapMethods
	case int64, float64:
		return numberMethods
	case bool:
		return boolMethods
	case moment:
		switch v.kind {
		case "Date":
			return dateMethods
		case "Instant":
			return instantMethods
		}
		return localMethods
	case pattern:
		return formatMethods
	case unit:
		return unitMethods
	case weekday:
		return weekdayMethods
	case *java.Random:
		return randomMethods
	case uuid:
		return uuidMethods
	}
	return nil
}

// MethodOf returns the method of a value.
func MethodOf(v any, name string) (Method, bool) {
	if m, ok := Methods(v)[name]; ok {
		return m, true
	}
	m, ok := anyMethods[name]
	return m, ok && v != nil
}

// EveryMethod are the tables by which a checker knows whether a name is a method
// of anything.
var EveryMethod = []map[string]Method{
	anyMethods, textMethods, listMethods, mapMethods, numberMethods, boolMethods, dateMethods, instantMethods,
	localMethods, formatMethods, unitMethods, weekdayMethods, randomMethods, uuidMethods,
}

// Refused are methods that Java has and expressions may not call, with what to
// write.
var Refused = map[string]string{
	"get":          "write map['key'] or list[0]",
	"getOrDefault": "write map['key'] ?: 'default'",
	"stream":       "write .?[condition] to choose and .![value] to convert",
	"iterator":     "write .?[condition] to choose and .![value] to convert",
	"forEach":      "write .![value] for each element",
	"entrySet":     "write .![key] and .![value] for each entry",
	"getClass":     "write instanceof T(…)",
	"collect":      "write .![value] for each element",
	"put":          "expressions cannot change values; write {…} for a new map",
	"add":          "expressions cannot change values; write {…} for a new list",
	"addAll":       "expressions cannot change values; write {…} for a new list",
	"remove":       "expressions cannot change values; write .?[condition] to choose",
}

// Arity checks a number of arguments: from least to most, -1 for any.
func Arity(name string, least, most, got int) error {
	switch {
	case got >= least && (most < 0 || got <= most):
		return nil
	case least == most:
		return fmt.Errorf("%s wants %d arguments, not %d", name, least, got)
	case most < 0:
		return fmt.Errorf("%s wants at least %d arguments, not %d", name, least, got)
	}
	return fmt.Errorf("%s wants %d to %d arguments, not %d", name, least, most, got)
}

// TextArg converts an argument where a text is wanted.
func (r *Work) TextArg(v any) (string, error) {
	if v == nil {
		return "", Refuse("write (… ?: '') where there may be none", "the argument is null")
	}
	return r.Converted(v, 0)
}

// anyMethods are those of every value.
var anyMethods = map[string]Method{
	"toString": {0, 0, func(r *Work, on any, _ []any) (any, error) { return r.JavaString(on, 0) }},
	"equals":   {1, 1, func(r *Work, on any, args []any) (any, error) { return r.equal(on, args[0], 0) }},
	"hashCode": {0, 0, func(r *Work, on any, _ []any) (any, error) {
		if _, err := r.JavaString(on, 0); err != nil { // which bounds it
			return nil, err
		}
		return int64(hash(on, 0)), nil
	}},
}

// hash is Java's hashCode.
func hash(v any, depth int) int32 {
	v, err := Normal(v)
	if err != nil || depth > 1000 {
		return 0
	}
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		return java.HashBoolean(v)
	case int64:
		return java.HashLong(v)
	case float64:
		return java.HashDouble(v)
	case []any:
		h := int32(1)
		for _, x := range v {
			h = 31*h + hash(x, depth+1)
		}
		return h
	case map[string]any, Object:
		m, _ := Entries(v)
		h := int32(0)
		for k, x := range m {
			h += java.HashString(k) ^ hash(x, depth+1)
		}
		return h
	}
	return java.HashString(ScalarString(v))
}

var boolMethods = map[string]Method{
	"booleanValue": {0, 0, func(_ *Work, on any, _ []any) (any, error) { return on, nil }},
	"compareTo":    {1, 1, compareTo},
}

func compareTo(r *Work, on any, args []any) (any, error) {
	c, err := r.compare(on, args[0])
	return int64(c), err
}

var numberMethods = map[string]Method{
	"intValue":    {0, 0, func(_ *Work, on any, _ []any) (any, error) { return narrowed(on, 32), nil }},
	"shortValue":  {0, 0, func(_ *Work, on any, _ []any) (any, error) { return narrowed(on, 16), nil }},
	"byteValue":   {0, 0, func(_ *Work, on any, _ []any) (any, error) { return narrowed(on, 8), nil }},
	"longValue":   {0, 0, func(_ *Work, on any, _ []any) (any, error) { return narrowed(on, 64), nil }},
	"doubleValue": {0, 0, widened},
	"floatValue":  {0, 0, widened},
	"compareTo":   {1, 1, compareTo},
	"isNaN":       {0, 0, func(_ *Work, on any, _ []any) (any, error) { f, _ := number(on); return math.IsNaN(f), nil }},
}

// narrowed is Java's conversion to a whole number of a size in bits: decimals
// stop at the ends of an int, what is whole loses its upper bits.
func narrowed(v any, bits int) int64 {
	i, ok := v.(int64)
	if f, decimal := v.(float64); decimal {
		if i = truncate(f); bits < 64 {
			i = max(math.MinInt32, min(i, math.MaxInt32))
		}
	} else if !ok {
		return 0
	}
	switch bits {
	case 8:
		return int64(int8(i))
	case 16:
		return int64(int16(i))
	case 32:
		return int64(int32(i))
	}
	return i
}

// truncate is Java's (long) of a double.
func truncate(f float64) int64 {
	const most, least = 1<<63 - 1, -1 << 63
	switch {
	case math.IsNaN(f):
		return 0
	case f >= most:
		return most
	case f <= least:
		return least
	}
	return int64(f)
}

func widened(_ *Work, on any, _ []any) (any, error) {
	f, _ := number(on)
	return f, nil
}

var listMethods = map[string]Method{
	"size":        {0, 0, func(_ *Work, on any, _ []any) (any, error) { return int64(len(Items(on))), nil }},
	"isEmpty":     {0, 0, func(_ *Work, on any, _ []any) (any, error) { return len(Items(on)) == 0, nil }},
	"contains":    {1, 1, contains},
	"containsAll": {1, 1, containsAll},
	"indexOf": {1, 1, func(r *Work, on any, args []any) (any, error) {
		return r.find(Items(on), args[0])
	}},
	"lastIndexOf": {1, 1, func(r *Work, on any, args []any) (any, error) {
		list := slices.Clone(Items(on))
		slices.Reverse(list)
		i, err := r.find(list, args[0])
		if i < 0 || err != nil {
			return i, err
		}
		return int64(len(list)) - 1 - i, r.Spend(16 * len(list))
	}},
	"subList": {2, 2, func(r *Work, on any, args []any) (any, error) {
		list := Items(on)
		from, to, err := bounds(args, len(list))
		if err != nil {
			return nil, err
		}
		return slices.Clone(list[from:to]), r.Spend(16 * (to - from))
	}},
	"toArray": {0, 0, func(_ *Work, on any, _ []any) (any, error) { return on, nil }},
}

// Items returns the elements of a list, none for another value.
func Items(on any) []any {
	list, _ := on.([]any)
	return list
}

// find returns the index of the first element that equals v, or -1.
func (r *Work) find(list []any, v any) (int64, error) {
	for i, x := range list {
		if same, err := r.equal(x, v, 0); same || err != nil {
			return int64(i), err
		}
	}
	return -1, nil
}

func contains(r *Work, on any, args []any) (any, error) {
	i, err := r.find(Items(on), args[0])
	return i >= 0, err
}

func containsAll(r *Work, on any, args []any) (any, error) {
	wanted, ok := args[0].([]any)
	if !ok {
		return nil, fmt.Errorf("containsAll() wants a list, not %s", Describe(args[0]))
	}
	for _, v := range wanted {
		if i, err := r.find(Items(on), v); i < 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}

// bounds reads the arguments from and, if there, to.
func bounds(args []any, length int) (int, int, error) {
	from, err := ToInt(args[0])
	if err != nil {
		return 0, 0, err
	}
	to := int64(length)
	if len(args) > 1 {
		if to, err = ToInt(args[1]); err != nil {
			return 0, 0, err
		}
	}
	if from < 0 || from > to || to > int64(length) {
		return 0, 0, fmt.Errorf("from %d to %d is not within the length %d", from, to, length)
	}
	return int(from), int(to), nil
}

var mapMethods = map[string]Method{
	"size": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		m, _ := Entries(on)
		return int64(len(m)), nil
	}},
	"isEmpty": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		m, _ := Entries(on)
		return len(m) == 0, nil
	}},
	"containsKey": {1, 1, func(r *Work, on any, args []any) (any, error) {
		m, _ := Entries(on)
		key := ScalarString(args[0])
		_, ok := m[key]
		return ok, r.Spend(len(key) / 8)
	}},
	"containsValue": {1, 1, func(r *Work, on any, args []any) (any, error) {
		m, _ := Entries(on)
		for _, v := range m {
			if same, err := r.equal(v, args[0], 0); same || err != nil {
				return same, err
			}
		}
		return false, nil
	}},
	"keySet": {0, 0, func(r *Work, on any, _ []any) (any, error) {
		keys, _, err := r.keysAndValues(on)
		return keys, err
	}},
	"values": {0, 0, func(r *Work, on any, _ []any) (any, error) {
		_, values, err := r.keysAndValues(on)
		return values, err
	}},
}

// keysAndValues returns the parts of a map, in the order of the keys.
func (r *Work) keysAndValues(on any) (keys, values []any, err error) {
	m, _ := Entries(on)
	if err := r.Spend(128 * len(m)); err != nil {
		return nil, nil, err
	}
	keys, values = make([]any, 0, len(m)), make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		keys, values = append(keys, k), append(values, m[k])
	}
	return keys, values, nil
}
