package expr

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/internal/expr/syntax"
)

// allowed are the types that T(…) and new may name, with their packages.
var allowed = map[class]string{
	"String": "java.lang", "Integer": "java.lang", "Long": "java.lang", "Double": "java.lang", "Byte": "java.lang",
	"Boolean": "java.lang", "Math": "java.lang", "Date": "java.util", "Random": "java.util", "UUID": "java.util",
	"SimpleDateFormat": "java.text", "LocalDate": "java.time", "LocalDateTime": "java.time", "Instant": "java.time",
	"DayOfWeek": "java.time", "ChronoUnit": "java.time.temporal", "TemporalAdjusters": "java.time.temporal",
	"URLEncoder": "java.net",
}

// lookupType returns the allowed type of a name: java.lang needs no package.
func lookupType(name string) (class, error) {
	short := class(name[strings.LastIndexByte(name, '.')+1:])
	pkg, ok := allowed[short]
	switch {
	case ok && (name == pkg+"."+string(short) || name == string(short) && pkg == "java.lang"):
		return short, nil
	case ok && name == string(short):
		return "", refuse("write "+pkg+"."+name, "the type %s needs its package", name)
	}
	var names []string
	for _, c := range slices.Sorted(maps.Keys(allowed)) {
		names = append(names, string(c))
	}
	hint := suggest(string(short), names)
	for _, c := range names { // with its package, where it needs one
		if pkg := allowed[class(c)]; pkg != "java.lang" {
			hint = strings.ReplaceAll(hint, "'"+c+"'", "'"+pkg+"."+c+"'")
		}
	}
	if hint == "" {
		hint = "allowed are " + strings.Join(names, ", ")
	}
	return "", refuse(hint, "the type %s is not allowed in expressions", shorten(name))
}

// static returns a constant of a type.
func static(c class, name string) (any, error) {
	switch c {
	case "ChronoUnit":
		if _, ok := unitLengths[unit(name)]; ok || name == "MONTHS" || name == "YEARS" {
			return unit(name), nil
		}
	case "DayOfWeek":
		return weekdayOf(name)
	}
	switch string(c) + "." + name {
	case "Integer.MAX_VALUE":
		return int64(math.MaxInt32), nil
	case "Integer.MIN_VALUE":
		return int64(math.MinInt32), nil
	case "Long.MAX_VALUE":
		return int64(math.MaxInt64), nil
	case "Long.MIN_VALUE":
		return int64(math.MinInt64), nil
	case "Double.MAX_VALUE":
		return math.MaxFloat64, nil
	case "Math.PI":
		return math.Pi, nil
	case "Math.E":
		return math.E, nil
	case "Boolean.TRUE", "Boolean.FALSE":
		return name == "TRUE", nil
	}
	return nil, fmt.Errorf("the type %s has no '%s' that expressions may use", c, name)
}

// statics are the methods of types, by Type.method.
var statics = map[string]member{
	"String.valueOf":      {1, 1, func(r *run, _ any, args []any) (any, error) { return r.javaString(args[0], 0) }},
	"String.format":       {1, -1, func(r *run, _ any, args []any) (any, error) { return r.formatArgs(args) }},
	"String.join":         {2, -1, func(r *run, _ any, args []any) (any, error) { return r.join(args) }},
	"Integer.parseInt":    {1, 2, func(_ *run, _ any, args []any) (any, error) { return parseWhole(args, 32) }},
	"Integer.valueOf":     {1, 2, func(_ *run, _ any, args []any) (any, error) { return parseWhole(args, 32) }},
	"Long.parseLong":      {1, 2, func(_ *run, _ any, args []any) (any, error) { return parseWhole(args, 64) }},
	"Long.valueOf":        {1, 2, func(_ *run, _ any, args []any) (any, error) { return parseWhole(args, 64) }},
	"Byte.parseByte":      {1, 2, func(_ *run, _ any, args []any) (any, error) { return parseWhole(args, 8) }},
	"Byte.valueOf":        {1, 2, func(_ *run, _ any, args []any) (any, error) { return parseWhole(args, 8) }},
	"Integer.toString":    {1, 1, func(r *run, _ any, args []any) (any, error) { return r.javaString(args[0], 0) }},
	"Long.toString":       {1, 1, func(r *run, _ any, args []any) (any, error) { return r.javaString(args[0], 0) }},
	"Double.toString":     {1, 1, func(r *run, _ any, args []any) (any, error) { return r.javaString(args[0], 0) }},
	"Boolean.toString":    {1, 1, func(r *run, _ any, args []any) (any, error) { return r.javaString(args[0], 0) }},
	"Integer.toHexString": {1, 1, func(_ *run, _ any, args []any) (any, error) { return based(args[0], 16, 32) }},
	"Long.toHexString":    {1, 1, func(_ *run, _ any, args []any) (any, error) { return based(args[0], 16, 64) }},
	"Integer.compare":     {2, 2, func(r *run, _ any, args []any) (any, error) { return compareTo(r, args[0], args[1:]) }},
	"Long.compare":        {2, 2, func(r *run, _ any, args []any) (any, error) { return compareTo(r, args[0], args[1:]) }},
	"Double.compare":      {2, 2, func(r *run, _ any, args []any) (any, error) { return compareTo(r, args[0], args[1:]) }},
	"Integer.max":         larger2, "Long.max": larger2, "Double.max": larger2, "Math.max": larger2,
	"Integer.min": smaller2, "Long.min": smaller2, "Double.min": smaller2, "Math.min": smaller2,
	"Double.parseDouble":   {1, 1, func(_ *run, _ any, args []any) (any, error) { return toFloat(args[0]) }},
	"Double.valueOf":       {1, 1, func(_ *run, _ any, args []any) (any, error) { return toFloat(args[0]) }},
	"Boolean.parseBoolean": {1, 1, parseBoolean},
	"Boolean.valueOf":      {1, 1, parseBoolean},
	"Math.abs":             {1, 1, absolute},
	"Math.round": {1, 1, func(_ *run, _ any, args []any) (any, error) {
		f, err := toFloat(args[0])
		return truncate(math.Floor(f + 0.5)), err
	}},
	"Math.random": {0, 0, func(r *run, _ any, _ []any) (any, error) { return r.random.double(), nil }},
	"Math.floor":  real1(math.Floor), "Math.ceil": real1(math.Ceil), "Math.sqrt": real1(math.Sqrt), "Math.log": real1(math.Log),
	"Math.log10": real1(math.Log10), "Math.exp": real1(math.Exp), "Math.cbrt": real1(math.Cbrt),
	"Math.rint": real1(math.RoundToEven), "Math.signum": real1(func(f float64) float64 { return float64(sign(f < 0, f > 0)) }),
	"Math.pow": {2, 2, func(_ *run, _ any, args []any) (any, error) {
		a, err := toFloat(args[0])
		if err != nil {
			return nil, err
		}
		b, err := toFloat(args[1])
		return math.Pow(a, b), err
	}},
	"Math.floorMod": {2, 2, func(_ *run, _ any, args []any) (any, error) { return floored(args, true) }},
	"Math.floorDiv": {2, 2, func(_ *run, _ any, args []any) (any, error) { return floored(args, false) }},
	"UUID.randomUUID": {0, 0, func(r *run, _ any, _ []any) (any, error) {
		high, low := uint64(r.random.long()), uint64(r.random.long())
		return uuidOf(high&^0xf000|0x4000, low&^(3<<62)|1<<63), nil
	}},
	"UUID.fromString": {1, 1, func(_ *run, _ any, args []any) (any, error) { return parseUUID(args[0]) }},
	"URLEncoder.encode": {1, 2, func(r *run, _ any, args []any) (any, error) {
		s, err := r.textArg(args[0])
		return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "~", "%7E"), "%2A", "*"), err
	}},
	"Date.from": {1, 1, func(_ *run, _ any, args []any) (any, error) {
		m, err := momentArg(args[0], "Instant")
		return moment{m.Time, "Date"}, err
	}},
	"Instant.now": {0, 0, func(r *run, _ any, _ []any) (any, error) { return moment{r.env.Now.UTC(), "Instant"}, nil }},
	"Instant.ofEpochMilli": {1, 1, func(_ *run, _ any, args []any) (any, error) {
		ms, err := toInt(args[0])
		return moment{time.UnixMilli(ms).UTC(), "Instant"}, err
	}},
	"Instant.ofEpochSecond": {1, 1, func(_ *run, _ any, args []any) (any, error) {
		s, err := toInt(args[0])
		return moment{time.Unix(s, 0).UTC(), "Instant"}, err
	}},
	"Instant.parse":       {1, 1, func(_ *run, _ any, args []any) (any, error) { return parseMoment("Instant", args[0]) }},
	"LocalDate.parse":     {1, 1, func(_ *run, _ any, args []any) (any, error) { return parseMoment("LocalDate", args[0]) }},
	"LocalDateTime.parse": {1, 1, func(_ *run, _ any, args []any) (any, error) { return parseMoment("LocalDateTime", args[0]) }},
	"LocalDate.now": {0, 0, func(r *run, _ any, _ []any) (any, error) {
		y, m, d := r.env.Now.Date()
		return moment{time.Date(y, m, d, 0, 0, 0, 0, time.UTC), "LocalDate"}, nil
	}},
	"LocalDateTime.now": {0, 0, func(r *run, _ any, _ []any) (any, error) { return moment{local(r.env.Now), "LocalDateTime"}, nil }},
	"LocalDate.of":      {3, 3, func(_ *run, _ any, args []any) (any, error) { return momentOf("LocalDate", args) }},
	"LocalDateTime.of":  {5, 7, func(_ *run, _ any, args []any) (any, error) { return momentOf("LocalDateTime", args) }},
	"DayOfWeek.of": {1, 1, func(_ *run, _ any, args []any) (any, error) {
		i, err := toInt(args[0])
		if err == nil && (i < 1 || i > 7) {
			err = fmt.Errorf("%d is no day of the week: 1 is Monday", i)
		}
		return weekday(i % 7), err
	}},
	"DayOfWeek.valueOf": {1, 1, func(_ *run, _ any, args []any) (any, error) { return weekdayOf(scalarString(args[0])) }},
}

func (r *run) static(c class, name string, args []any) (any, error) {
	m, ok := statics[string(c)+"."+name]
	if !ok {
		return nil, fmt.Errorf("the type %s has no method %s() that expressions may call", c, shorten(name))
	}
	if err := arity(string(c)+"."+name+"()", m.min, m.max, len(args)); err != nil {
		return nil, err
	}
	return m.call(r, c, args)
}

func real1(f func(float64) float64) member {
	return member{1, 1, func(_ *run, _ any, args []any) (any, error) {
		x, err := toFloat(args[0])
		return f(x), err
	}}
}

var (
	larger2  = member{2, 2, func(r *run, _ any, args []any) (any, error) { return r.extreme(args, 1) }}
	smaller2 = member{2, 2, func(r *run, _ any, args []any) (any, error) { return r.extreme(args, -1) }}
)

// extreme is max or min: a decimal if either argument is one.
func (r *run) extreme(args []any, want int) (any, error) {
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

func absolute(_ *run, _ any, args []any) (any, error) {
	if i, ok := args[0].(int64); ok {
		return max(i, -i), nil
	}
	f, err := toFloat(args[0])
	return math.Abs(f), err
}

func floored(args []any, mod bool) (any, error) {
	a, err := toInt(args[0])
	if err != nil {
		return nil, err
	}
	b, err := toInt(args[1])
	if err != nil {
		return nil, err
	}
	if b == 0 {
		return nil, fmt.Errorf("division by zero")
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

// parseWhole is Integer.parseInt and its like, of a size in bits.
func parseWhole(args []any, bits int) (any, error) {
	base := int64(10)
	if len(args) > 1 {
		var err error
		if base, err = toInt(args[1]); err != nil {
			return nil, err
		}
		if base < 2 || base > 36 {
			return nil, fmt.Errorf("%d is no base of numbers", base)
		}
	}
	s := scalarString(args[0])
	i, err := strconv.ParseInt(s, int(base), bits)
	if err != nil || strings.Contains(s, "_") {
		return nil, fmt.Errorf("%s is not a whole number of %d bits", describe(args[0]), bits)
	}
	return i, nil
}

func based(v any, base, bits int) (any, error) {
	i, err := toInt(v)
	if bits == 32 {
		return strconv.FormatUint(uint64(uint32(i)), base), err
	}
	return strconv.FormatUint(uint64(i), base), err
}

func parseBoolean(_ *run, _ any, args []any) (any, error) {
	if b, ok := args[0].(bool); ok {
		return b, nil
	}
	s, _ := args[0].(string)
	return strings.EqualFold(s, "true"), nil
}

func uuidOf(high, low uint64) uuid {
	s := fmt.Sprintf("%016x%016x", high, low)
	return uuid(s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:])
}

func parseUUID(v any) (any, error) {
	s, _ := v.(string)
	parts := strings.Split(s, "-")
	if len(s) == 36 && len(parts) == 5 {
		high, err := strconv.ParseUint(parts[0]+parts[1]+parts[2], 16, 64)
		low, also := strconv.ParseUint(parts[3]+parts[4], 16, 64)
		if err == nil && also == nil && len(parts[4]) == 12 {
			return uuidOf(high, low), nil
		}
	}
	return nil, fmt.Errorf("%s is no UUID", describe(v))
}

// construct evaluates new Type(…).
func (r *run) construct(n *syntax.Construct) (any, *Error) {
	c, err := lookupType(n.Name)
	if err != nil {
		return nil, placed(err, n.At())
	}
	args, failed := r.all(n.Args)
	if failed != nil {
		return nil, failed
	}
	v, err := r.make(c, args)
	return v, placed(err, n.At())
}

func (r *run) make(c class, args []any) (any, error) {
	switch string(c) + "/" + strconv.Itoa(len(args)) {
	case "String/0":
		return "", nil
	case "String/1":
		return r.textArg(args[0])
	case "Integer/1":
		return parseWhole(args, 32)
	case "Long/1":
		return parseWhole(args, 64)
	case "Byte/1":
		return parseWhole(args, 8)
	case "Double/1":
		return toFloat(args[0])
	case "Boolean/1":
		return parseBoolean(r, nil, args)
	case "Date/0":
		return moment{r.env.Now, "Date"}, nil
	case "Date/1":
		ms, err := toInt(args[0])
		return moment{time.UnixMilli(ms).In(r.env.Now.Location()), "Date"}, err
	case "SimpleDateFormat/1":
		p, err := r.textArg(args[0])
		return pattern(p), err
	case "Random/0":
		return r.random, nil
	case "Random/1":
		seed, err := toInt(args[0])
		return newRandom(uint64(seed)), err
	case "UUID/2":
		high, err := toInt(args[0])
		if err != nil {
			return nil, err
		}
		low, err := toInt(args[1])
		return uuidOf(uint64(high), uint64(low)), err
	}
	return nil, fmt.Errorf("there is no new %s(…) with %d arguments", c, len(args))
}

// newRandom returns Java's generator: a sequence is the same for the same seed.
func newRandom(seed uint64) *random {
	return &random{(seed ^ 0x5DEECE66D) & (1<<48 - 1)}
}

func (r *random) next(bits int) int32 {
	r.seed = (r.seed*0x5DEECE66D + 0xB) & (1<<48 - 1)
	return int32(r.seed >> (48 - bits))
}

func (r *random) long() int64 { return int64(r.next(32))<<32 + int64(r.next(32)) }

func (r *random) double() float64 {
	return float64(int64(r.next(26))<<27+int64(r.next(27))) / (1 << 53)
}

// below returns a number from 0 to n-1.
func (r *random) below(n int32) int32 {
	if n&-n == n {
		return int32(int64(n) * int64(r.next(31)) >> 31)
	}
	for {
		bits := r.next(31)
		if v := bits % n; bits-v+(n-1) >= 0 {
			return v
		}
	}
}

var randomMethods = map[string]member{
	"nextInt": {0, 1, func(_ *run, on any, args []any) (any, error) {
		g, _ := on.(*random)
		if len(args) == 0 {
			return int64(g.next(32)), nil
		}
		n, err := toInt(args[0])
		if err != nil {
			return nil, err
		}
		if n < 1 || n > math.MaxInt32 {
			return nil, fmt.Errorf("there is no random number below %d", n)
		}
		return int64(g.below(int32(n))), nil
	}},
	"nextLong":    {0, 0, func(_ *run, on any, _ []any) (any, error) { g, _ := on.(*random); return g.long(), nil }},
	"nextBoolean": {0, 0, func(_ *run, on any, _ []any) (any, error) { g, _ := on.(*random); return g.next(1) != 0, nil }},
	"nextDouble":  {0, 0, func(_ *run, on any, _ []any) (any, error) { g, _ := on.(*random); return g.double(), nil }},
}
