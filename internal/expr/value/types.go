package value

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/internal/expr/java"
)

// allowed are the types that T(…) and new may name, with their packages.
var allowed = map[Class]string{
	"String": "java.lang", "Integer": "java.lang", "Long": "java.lang", "Double": "java.lang", "Byte": "java.lang",
	"Boolean": "java.lang", "Math": "java.lang", "Date": "java.util", "Random": "java.util", "UUID": "java.util",
	"SimpleDateFormat": "java.text", "LocalDate": "java.time", "LocalDateTime": "java.time", "Instant": "java.time",
	"DayOfWeek": "java.time", "ChronoUnit": "java.time.temporal", "TemporalAdjusters": "java.time.temporal",
	"URLEncoder": "java.net",
}

// Types returns the types that can be named, as they are written, sorted.
func Types() []string {
	var out []string
	for short, pkg := range allowed {
		if pkg == "java.lang" {
			out = append(out, string(short))
		} else {
			out = append(out, pkg+"."+string(short))
		}
	}
	slices.Sort(out)
	return out
}

// instead says what to write for types that people look for.
var instead = map[Class]string{
	"Base64":            "write #toBase64(…) or #fromBase64(…)",
	"DateTimeFormatter": "write new java.text.SimpleDateFormat('…').format(…)",
	"ZonedDateTime":     "write java.time.LocalDateTime or java.time.Instant",
	"ArrayList":         "write {…} for a list",
	"HashMap":           "write {key: value} for a map",
	"Arrays":            "write {…} for a list",
	"Objects":           "write == or ?:",
	"Pattern":           "write x matches '…'",
	"Float":             "write #toFloat(…) or Double",
}

// LookupType returns the allowed type of a name: java.lang needs no package.
func LookupType(name string) (Class, error) {
	short := Class(name[strings.LastIndexByte(name, '.')+1:])
	pkg, ok := allowed[short]
	switch {
	case ok && (name == pkg+"."+string(short) || name == string(short) && pkg == "java.lang"):
		return short, nil
	case ok && name == string(short):
		return "", Refuse("write "+pkg+"."+name, "the type %s needs its package", name)
	}
	if hint, ok := instead[short]; ok {
		return "", Refuse(hint, "the type %s is not allowed in expressions", Shorten(name))
	}
	var names []string
	for _, c := range slices.Sorted(maps.Keys(allowed)) {
		names = append(names, string(c))
	}
	hint := Suggest(string(short), names)
	for _, c := range names { // with its package, where it needs one
		if pkg := allowed[Class(c)]; pkg != "java.lang" {
			hint = strings.ReplaceAll(hint, "'"+c+"'", "'"+pkg+"."+c+"'")
		}
	}
	if hint == "" {
		hint = "allowed are " + strings.Join(names, ", ")
	}
	return "", Refuse(hint, "the type %s is not allowed in expressions", Shorten(name))
}

// Static returns a constant of a type.
func Static(c Class, name string) (any, error) {
	switch c {
	case "ChronoUnit":
		if _, ok := unitStrings[unit(name)]; ok {
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
	case "Double.MIN_VALUE":
		return math.SmallestNonzeroFloat64, nil
	case "Byte.MAX_VALUE":
		return int64(math.MaxInt8), nil
	case "Byte.MIN_VALUE":
		return int64(math.MinInt8), nil
	case "Instant.EPOCH":
		return moment{time.Unix(0, 0).UTC(), "Instant"}, nil
	case "LocalDate.EPOCH":
		return moment{time.Unix(0, 0).UTC(), "LocalDate"}, nil
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
var statics = map[string]Method{
	"String.valueOf": {1, 1, func(r *Work, _ any, args []any) (any, error) { return r.JavaString(args[0], 0) }},
	"String.format":  {1, -1, func(r *Work, _ any, args []any) (any, error) { return r.formatArgs(args) }},
	"String.join":    {2, -1, func(r *Work, _ any, args []any) (any, error) { return r.join(args) }},
	"UUID.randomUUID": {0, 0, func(r *Work, _ any, _ []any) (any, error) {
		high, low := uint64(r.random.Long()), uint64(r.random.Long())
		return uuidOf(high&^0xf000|0x4000, low&^(3<<62)|1<<63), nil
	}},
	"UUID.nameUUIDFromBytes": {1, 1, nameUUID},
	"UUID.fromString":        {1, 1, func(_ *Work, _ any, args []any) (any, error) { return parseUUID(args[0]) }},
	"URLEncoder.encode": {1, 2, func(r *Work, _ any, args []any) (any, error) {
		s, err := r.TextArg(args[0])
		return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "~", "%7E"), "%2A", "*"), err
	}},
	"Date.from": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		m, err := momentArg(args[0], "Instant")
		return moment{m.Time, "Date"}, err
	}},
	"Instant.now": {0, 0, func(r *Work, _ any, _ []any) (any, error) { return moment{r.now.UTC(), "Instant"}, nil }},
	"Instant.ofEpochMilli": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		ms, err := ToInt(args[0])
		return moment{time.UnixMilli(ms).UTC(), "Instant"}, err
	}},
	"Instant.ofEpochSecond": {1, 2, func(_ *Work, _ any, args []any) (any, error) {
		s, err := ToInt(args[0])
		if err != nil {
			return nil, err
		}
		ns := int64(0)
		if len(args) > 1 {
			ns, err = ToInt(args[1])
		}
		return moment{time.Unix(s, ns).UTC(), "Instant"}, err
	}},
	"LocalDate.ofEpochDay": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		n, err := ToInt(args[0])
		if err == nil && (n > 1_000_000 || n < -1_000_000) {
			err = fmt.Errorf("the day %d is too far away", n)
		}
		return moment{time.Unix(0, 0).UTC().AddDate(0, 0, int(n)), "LocalDate"}, err
	}},
	"LocalDate.ofYearDay": {2, 2, func(r *Work, _ any, args []any) (any, error) {
		v, err := momentOf("LocalDate", []any{args[0], int64(1), int64(1)})
		if err != nil {
			return nil, err
		}
		return localMethods["withDayOfYear"].Call(r, v, args[1:])
	}},
	"ChronoUnit.valueOf": {1, 1, func(_ *Work, _ any, args []any) (any, error) { return Static("ChronoUnit", ScalarString(args[0])) }},
	"DayOfWeek.from": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		m, ok := args[0].(moment)
		if !ok || m.kind != "LocalDate" && m.kind != "LocalDateTime" {
			return nil, fmt.Errorf("%s has no day of the week", Describe(args[0]))
		}
		return weekday(m.Weekday()), nil
	}},
	"Instant.parse":       {1, 1, func(_ *Work, _ any, args []any) (any, error) { return parseMoment("Instant", args[0]) }},
	"LocalDate.parse":     {1, 1, func(_ *Work, _ any, args []any) (any, error) { return parseMoment("LocalDate", args[0]) }},
	"LocalDateTime.parse": {1, 1, func(_ *Work, _ any, args []any) (any, error) { return parseMoment("LocalDateTime", args[0]) }},
	"LocalDate.now": {0, 0, func(r *Work, _ any, _ []any) (any, error) {
		y, m, d := r.now.Date()
		return moment{time.Date(y, m, d, 0, 0, 0, 0, time.UTC), "LocalDate"}, nil
	}},
	"LocalDateTime.now": {0, 0, func(r *Work, _ any, _ []any) (any, error) { return moment{local(r.now), "LocalDateTime"}, nil }},
	"LocalDate.of":      {3, 3, func(_ *Work, _ any, args []any) (any, error) { return momentOf("LocalDate", args) }},
	"LocalDateTime.of":  {5, 7, func(_ *Work, _ any, args []any) (any, error) { return momentOf("LocalDateTime", args) }},
	"DayOfWeek.of": {1, 1, func(_ *Work, _ any, args []any) (any, error) {
		i, err := ToInt(args[0])
		if err == nil && (i < 1 || i > 7) {
			err = fmt.Errorf("%d is no day of the week: 1 is Monday", i)
		}
		return weekday(i % 7), err
	}},
	"DayOfWeek.valueOf": {1, 1, func(_ *Work, _ any, args []any) (any, error) { return weekdayOf(ScalarString(args[0])) }},
}

// StaticOf returns the method of a type.
func StaticOf(c Class, name string) (Method, bool) {
	if c == "TemporalAdjusters" {
		m, ok := adjusters[name]
		return m, ok
	}
	if m, ok := numeric[string(c)+"."+name]; ok {
		return m, true
	}
	m, ok := statics[string(c)+"."+name]
	return m, ok
}

// methodsOfType returns the names of a type's methods.
func methodsOfType(c Class) []string {
	if c == "TemporalAdjusters" {
		return slices.Sorted(maps.Keys(adjusters))
	}
	var names []string
	for _, table := range []map[string]Method{numeric, statics} {
		for full := range table {
			if name, ok := strings.CutPrefix(full, string(c)+"."); ok {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// CallStatic calls a method of a type.
func (r *Work) CallStatic(c Class, name string, args []any) (any, error) {
	m, ok := StaticOf(c, name)
	if !ok {
		return nil, Refuse(Suggest(name, methodsOfType(c)), "the type %s has no method %s() that expressions may call", c, Shorten(name))
	}
	if err := Arity(string(c)+"."+name+"()", m.Min, m.Max, len(args)); err != nil {
		return nil, err
	}
	return m.Call(r, c, args)
}

// ParseBoolean is Boolean.parseBoolean.
func ParseBoolean(_ *Work, _ any, args []any) (any, error) {
	if b, ok := args[0].(bool); ok {
		return b, nil
	}
	s, _ := args[0].(string)
	return strings.EqualFold(s, "true"), nil
}

// Make returns a new value of a type.
func (r *Work) Make(c Class, args []any) (any, error) {
	switch string(c) + "/" + strconv.Itoa(len(args)) {
	case "String/0":
		return "", nil
	case "String/1":
		return r.TextArg(args[0])
	case "Integer/1":
		return ParseWhole(args, 32)
	case "Long/1":
		return ParseWhole(args, 64)
	case "Byte/1":
		return ParseWhole(args, 8)
	case "Double/1":
		return toFloat(args[0])
	case "Boolean/1":
		return ParseBoolean(r, nil, args)
	case "Date/0":
		return moment{r.now, "Date"}, nil
	case "Date/1":
		ms, err := ToInt(args[0])
		return moment{time.UnixMilli(ms).In(r.now.Location()), "Date"}, err
	case "SimpleDateFormat/1":
		p, err := r.TextArg(args[0])
		return pattern(p), err
	case "Random/0":
		return r.random, nil
	case "Random/1":
		seed, err := ToInt(args[0])
		return java.NewRandom(uint64(seed)), err
	case "UUID/2":
		high, err := ToInt(args[0])
		if err != nil {
			return nil, err
		}
		low, err := ToInt(args[1])
		return uuidOf(uint64(high), uint64(low)), err
	}
	return nil, fmt.Errorf("there is no new %s(…) with %d arguments", c, len(args))
}

// drawn is a method of Random without arguments.
func drawn(draw func(*java.Random) any) Method {
	return Method{0, 0, func(_ *Work, on any, _ []any) (any, error) {
		g, _ := on.(*java.Random)
		return draw(g), nil
	}}
}

var randomMethods = map[string]Method{
	"nextInt": {0, 1, func(_ *Work, on any, args []any) (any, error) {
		g, _ := on.(*java.Random)
		if len(args) == 0 {
			return int64(g.Int()), nil
		}
		n, err := ToInt(args[0])
		if err != nil {
			return nil, err
		}
		if n < 1 || n > math.MaxInt32 {
			return nil, fmt.Errorf("there is no random number below %d", n)
		}
		return int64(g.Below(int32(n))), nil
	}},
	"nextLong":     drawn(func(g *java.Random) any { return g.Long() }),
	"nextBoolean":  drawn(func(g *java.Random) any { return g.Boolean() }),
	"nextDouble":   drawn(func(g *java.Random) any { return g.Double() }),
	"nextGaussian": drawn(func(g *java.Random) any { return g.Gaussian() }),
	"nextFloat":    drawn(func(g *java.Random) any { return widen32(g.Float()) }),
}

// widen32 is the number that 32 bits are written as.
func widen32(f float32) float64 {
	wide, _ := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64) // it was just written
	return wide
}
