package expr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/expr"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	run(t, env(t), map[string]any{
		"":                                     "",
		"$":                                    "$",
		"$${n}":                                "$7",
		"${n}${n}":                             "77",
		" ${n}":                                " 7",
		"${ {1,{2}}[1][0] }":                   int64(2),
		"${'}'}":                               "}",
		`${"}" + '{'}`:                         "}{",
		"${'a''b'}":                            "a'b",
		`${"a""b'c"}`:                          `a"b'c`,
		`${'\n'}`:                              `\n`,
		"is ${true}, ${1.0}, ${ {1,2.5,'x'} }": "is true, 1.0, 1,2.5,x",
		"x ${h1}":                              raw("byte 4: a map cannot be part of a text; write #toJson"),
		"${n} ${1/0} ${n}":                     raw("byte 8: division by zero"),
		"${":                                   raw("byte 0: the ${ has no }"),
		"ab ${n":                               raw("byte 3: the ${ has no }"),
		"${}":                                  raw("byte 0: there is no expression"),
		"${ (n }":                              raw("byte 6: found '}' where the '(' at position 3 is to be closed"),
		"${ n) }":                              raw("byte 4: ')' closes what was not opened"),
		"${ 'n }":                              raw("byte 3: the text that starts with ' has no end"),
		"${ [n":                                raw("byte 3: the '[' is not closed"),
		"héé ${ n * }":                         raw("byte 13: found the end"),
	})
}

func TestLiteralsAndOperators(t *testing.T) {
	t.Parallel()
	run(t, env(t), map[string]any{
		"${1L}": int64(1), "${0xFF}": int64(255), "${0x1fL}": int64(31), "${1.5}": 1.5, "${1e3}": 1000.0, "${2f}": 2.0, "${1.5e-2}": 0.015,
		"${TRUE}": true, "${1.toString()}": "1", "${-n}": int64(-7), "${+n}": int64(7), "${- -1}": int64(1),
		"${7/2}": int64(3), "${-7/2}": int64(-3), "${-7%3}": int64(-1), "${7/2.0}": 3.5, "${7 div 2}": int64(3), "${7 mod 4}": int64(3),
		"${2^10}": int64(1024), "${2^62}": int64(1 << 62), "${-2^2}": int64(4), "${2^0.5 > 1.41}": true, "${7.5%2}": 1.5,
		"${2+3*4}": int64(14), "${(2+3)*4}": int64(20), "${10-3-2}": int64(5), "${'a'+1+2}": "a12", "${1+2+'a'}": "3a",
		"${'a'+null}": "anull", "${'a'+1.0}": "a1.0", "${'a' + {1,2}}": "a1,2", "${'a'+h1}": "a{h1=h1Val}",
		"${1==1.0}": true, "${1=='1'}": false, "${null==null}": true, "${null!=1}": true, "${'a' eq 'a'}": true, "${1 NE 2}": true,
		"${ {1,2} == {1,2.0} }": true, "${ {a:1} == {a:1} }": true, "${ {a:1} == {b:1} }": false,
		"${1 lt 2 and 2 le 2}": true, "${3 gt 4 or 3 ge 3}": true, "${'b' > 'a'}": true, "${null < 1}": true, "${not false}": true,
		"${!true || !false}": true, "${!(n == 7)}": false, "${parameters.flag && true}": true, "${false && nobody.x}": false,
		"${n > 3 ? 'y' : 'n'}": "y", "${false ? 1 : true ? 2 : 3}": int64(2), "${parameters.flag ? 1 : 2}": int64(1),
		"${null ?: '' ?: 'z'}": "z", "${0 ?: 1}": int64(0), "${false ?: 1}": false,
		"${'abc' matches 'a.c'}": true, "${'abcd' matches 'a.c'}": false, "${'abc' matches 'ab|abc'}": true,
		"${'foobar' matches 'foo(?!baz).*'}": true, "${'foobaz' matches 'foo(?!baz).*'}": false, `${'abab' matches '(ab)\1'}`: true,
		"${5 between {1,5}}": true, "${'b' between {'c','d'}}": false,
		"${'x' instanceof T(String)}": true, "${1 instanceof T(Integer)}": true, "${3000000000 instanceof T(Long)}": true, "${null instanceof T(String)}": false,
		"${1000000*1000000}": int64(1e12),

		"${parameters.n > 3}":        raw("byte 15: the text '5' cannot be compared with the number 3; #toInt(…) makes a number of a text"),
		"${9223372036854775807 + 1}": raw("larger than a whole number"), "${-9223372036854775807 - 2}": raw("larger than"), "${3^99}": raw("larger than"),
		"${99999999999 * 99999999999}": raw("larger than"),
		"${n - 'a'}":                   raw("'-' is for numbers"),
		"${'a' && true}":               raw("byte 2: the text 'a' is neither true nor false"),
		"${null ? 1 : 2}":              raw("null is neither"),
		"${1 5}":                       raw("byte 4: found '5' where an operator or the end is expected"),
		"${a = 1}":                     raw("write == to compare"),
		"${1 == 1 == 1}":               raw("byte 9"),
		"${n++}":                       raw("expressions cannot assign"),
		"${@bean.x}":                   raw("byte 2: found '@'"),
		"${a & b}":                     raw("write && or and"),
		"${12ab}":                      raw("neither a number nor a name"),
		"${99999999999999999999}":      raw("too large a number"),
		"${'a' matches '['}":           raw("is no regular expression"),
		"${'a' matches 'a)(b'}":        raw("is no regular expression"),
		"${'a' matches '[a-z&&[^b]]'}": true,
		"${null matches 'a'}":          raw("matches is for texts, not for null"),
		"${(1/0.0)}":                   raw("Infinity cannot be the result"),
		"${a ? b}":                     raw("':' after the first choice"),
		"${#fn(1}":                     raw("byte 7"),
		"${{1, 2}":                     raw("byte 0: the ${ has no }"),
		"${#}":                         raw("a name after '#'"),
		"${n.}":                        raw("a name after the dot"),
		"${π}":                         raw("there is no 'π'"),
		"${a ; b}":                     raw("';' has no meaning"),
	})
}

func TestNavigation(t *testing.T) {
	t.Parallel()
	run(t, env(t), map[string]any{
		"${hierarchy['h3']['h4']}": "h4Val", `${hierarchy["h3"].h4}`: "h4Val", "${#root.n}": int64(7), "${#root['n']}": int64(7), "${['n']}": int64(7),
		"${h1[replaceMe] ?: 'none'}": "none", "${h1[h1]}": "h1Val", "${hierarchy[h3][h4]}": "h4Val", "${ {newValue: 1}[#root.replaceMe] }": int64(1), "${testArray[n - 7]}": "good",
		"${'abc'[1]}": "b", "${'abc'.bytes}": []any{int64(97), int64(98), int64(99)}, "${'abc'.empty}": false,
		"${isnull?.x ?: 1}": int64(1), "${nobody?.x?.y ?: 1}": int64(1), "${nobody?.size() ?: 1}": int64(1), "${nobody?.['x'] ?: 1}": int64(1),
		"${testArray.size()}": int64(3), "${ {:}.size() }": int64(0), "${ {} }": []any{}, "${ {:} }": map[string]any{},
		"${ {a: 1, 'b': n, (replaceMe): 3} }": map[string]any{"a": int64(1), "b": int64(7), "replaceMe": int64(3)},
		"${ {1, {2, 3}} }":                    []any{int64(1), []any{int64(2), int64(3)}},

		"${ {1,2,3,4}.?[#this > 2] }": []any{int64(3), int64(4)}, "${ {1,2,3,4}.^[#this > 2] }": int64(3), "${ {1,2,3,4}.$[#this > 2] }": int64(4),
		"${ {1,2}.?[#this > 2] }": []any{}, "${ {1,2}.^[#this > 2] ?: 'no' }": "no", "${ {1,2}.![#this * 2] }": []any{int64(2), int64(4)},
		"${trigger.artifacts.![version]}": []any{"1.2", nil}, "${trigger.artifacts.![name + #root.n]}": []any{"x7", "y7"},
		"${ {a:1,b:2}.?[value > 1] }": map[string]any{"b": int64(2)}, "${ {a:1,b:2}.![key] }": []any{"a", "b"}, "${ {a:1,b:2}.^[true] }": map[string]any{"a": int64(1)},
		"${isnull?.![x] ?: 1}": int64(1), "${isnull?.?[x] ?: 1}": int64(1), "${ {'a','bc'}.?[length() > 1] }": []any{"bc"},
		"${ { {1,2}, {3} }.![#this.?[#this > 1]] }":     []any{[]any{int64(2)}, []any{int64(3)}},
		"${execution.stages.?[type == 'wait'].![name]}": []any{"Wait1", "Broken"},

		"${trigger.payload.version.x}": raw("byte 26: trigger.payload.version is null, so that it has no 'x'; write ?."),
		"${hierarchy.h33.h4}":          raw("there is no 'h33' in hierarchy, so that it has no 'h4'; did you mean 'h3'?"),
		"${replaceme}":                 raw("did you mean 'replaceMe'?"),
		"${stage('x')}":                raw("has no method stage()"),
		"${toInt}":                     raw("#toInt(…) is a function"),
		"${trigger.artifacts.name}":    raw("a list of 2 has no 'name'; take an element, [0].name, or of each, .![name]"),
		"${testArray[3]}":              raw("there is no element 3 among 3"),
		"${testArray['x']}":            raw("the text 'x' is not a position in a list"),
		"${n[0]}":                      raw("cannot be indexed"),
		"${n.?[true]}":                 raw("the number 7 has no elements"),
		"${#nobody}":                   raw("there is no variable #nobody"),
		"${#stage}":                    raw("#stage is a function: write #stage(…)"),
		"${#stagee('x')}":              raw("there is no function #stagee; did you mean 'stage'?"),
		"${#toInt()}":                  raw("#toInt wants 1 arguments, not 0"),
		"${#toInt('x')}":               raw("byte 2: the text 'x' is not a whole number of 32 bits"),
		"${#toInt('3000000000')}":      raw("not a whole number of 32 bits"),
		"${'abc'.length}":              raw("it is a method: write length()"),
		"${ {'a'}.![x.y] }":            raw("has no 'x'"),
		"${h1.get('h1')}":              raw("get() is not allowed in expressions; write map['key'] or list[0]"),
		"${testArray.stream()}":        raw("stream() is not allowed"),
		"${'a'.toLowercase()}":         raw("did you mean 'toLowerCase'?"),
		"${T(String)}":                 raw("the type String cannot be the result"),
		"${T(Instant).now()}":          raw("the type Instant needs its package; write java.time.Instant"),
	})
}

func TestMethods(t *testing.T) {
	t.Parallel()
	run(t, env(t), map[string]any{
		"${'Ab'.toUpperCase()}": "AB", "${' a '.trim()}": "a", "${'abc'.length()}": int64(3), "${'a😀'.length()}": int64(3), "${'abc'.substring(1)}": "bc",
		"${'abcd'.substring(1,3)}": "bc", "${'abc'.indexOf('c')}": int64(2), "${'abc'.indexOf('x')}": int64(-1), "${'abab'.indexOf('a',1)}": int64(2),
		"${'abab'.lastIndexOf('a')}": int64(2), "${'abc'.charAt(1)}": "b", "${'a-b'.replace('-','+')}": "a+b", "${'abc'.contains('b')}": true,
		"${'abc'.startsWith('a') and 'abc'.endsWith('c')}": true, "${'a'.equals('a')}": true, "${'a'.equals(null)}": false, "${'A'.equalsIgnoreCase('a')}": true,
		"${'a'.concat('b')}": "ab", "${'ab'.repeat(2)}": "abab", "${'b'.compareTo('a')}": int64(1), "${''.isEmpty()}": true, "${'hello'.hashCode()}": int64(99162322),
		"${'a,b,,'.split(',')}": []any{"a", "b"}, "${'a,b,,'.split(',', -1)}": []any{"a", "b", "", ""}, "${'a,b,c'.split(',', 2)}": []any{"a", "b,c"},
		"${'abc'.split('')}": []any{"a", "b", "c"}, "${''.split(',')}": []any{""}, "${',a'.split(',')}": []any{"", "a"}, `${'a.b'.split('\.')}`: []any{"a", "b"},
		"${'a.b'.split('.')}": []any{}, `${'a1b22'.replaceAll('(\d+)', '<$1>')}`: "a<1>b<22>", "${'aaa'.replaceFirst('a','b')}": "baa",
		`${'x-y'.replaceAll('(?<l>\w)-(?<r>\w)', '${r}-${l}')}`: "y-x", `${'a'.replaceAll('a', '\$')}`: "$", `${'price'.replaceAll('(?<=p)r', 'R')}`: "pRice",
		"${'v1.2.3'.matches('v[0-9.]+')}": true, "${T(String).format('%s-%03d-%.1f%%', 'a', 7, 2.55)}": "a-007-2.6%", "${'%s!'.formatted('a')}": "a!",
		"${T(String).join('-', {'a','b'})}": "a-b", "${T(String).valueOf(1.0)}": "1.0", "${'x'.format('%5s|', 'a')}": "    a|", "${T(String).format('%2$s%1$s', 'a', 'b')}": "ba",
		"${ {1,2}.contains(2) }": true, "${ {1,2}.indexOf(2) }": int64(1), "${ {1,2,1}.lastIndexOf(1) }": int64(2), "${ {1,2,3}.subList(1,3) }": []any{int64(2), int64(3)},
		"${ {1,2}.containsAll({2}) }": true, "${ {}.isEmpty() }": true, "${ {1,'a'}.toString() }": "[1, a]", "${ {b:{1}, a:null}.toString() }": "{a=null, b=[1]}",
		"${ {b:1,a:2}.keySet() }": []any{"a", "b"}, "${ {b:1,a:2}.values() }": []any{int64(2), int64(1)}, "${h1.containsKey('h1')}": true, "${h1.containsValue('x')}": false,
		"${1.5.intValue()}": int64(1), "${n.toString()}": "7", "${n.doubleValue()}": 7.0, "${true.toString()}": "true",
		"${1.0E10.toString()}": "1.0E10", "${0.0001.toString()}": "1.0E-4", "${123456.789.toString()}": "123456.789", "${100.0.toString()}": "100.0",

		"${T(java.lang.Math).abs(-3)}": int64(3), "${T(Math).round(2.5)}": int64(3), "${T(Math).round(-2.5)}": int64(-2), "${T(Math).floor(2.7)}": 2.0, "${T(Math).pow(2,3)}": 8.0,
		"${T(Math).min(1, 2.5)}": 1.0, "${T(Math).floorMod(-1, 3)}": int64(2), "${T(Integer).MAX_VALUE}": int64(2147483647), "${T(Integer).toHexString(255)}": "ff",
		"${T(Integer).parseInt('ff', 16)}": int64(255), "${new Integer('12') + 1}": int64(13), "${new String('a')}": "a", "${T(java.net.URLEncoder).encode('a b&c~*', 'UTF-8')}": "a+b%26c%7E*",
		"${T(java.util.UUID).fromString('00000000-0000-0001-0000-000000000002')}":                                                    "00000000-0000-0001-0000-000000000002",
		"${T(java.util.UUID).randomUUID().toString() matches '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'}": true,
		"${new java.util.Random(42).nextInt(100)}":                                                                                   int64(30), "${new java.util.Random(42).nextInt()}": int64(-1170105035), "${new java.util.Random().nextInt(5) < 5}": true,

		"${#toBoolean('TRUE')}": true, "${#toBoolean(null)}": false, "${#toFloat('0.1')}": 0.1, "${#toBase64('é')}": "w6k=", "${#readJson('[1,2.0]')}": []any{int64(1), 2.0},
		"${#toJson({a: 'x<y', b: {1, 2.5, null, true}})}": `{"a":"x<y","b":[1,2.5,null,true]}`, "${#readYaml('{a: &x [1, 2.5, yes], b: *x}').b}": []any{int64(1), 2.5, "yes"},
		"${#readAllYaml('a')}": []any{"a"}, "${#alphanumerical('a-b_c1é')}": "abc1",

		"${'abc'.substring(2,1)}": raw("not within the length 3"), "${'a'.repeat(-1)}": raw("cannot be repeated"), "${'a'.charAt(1)}": raw("there is no character 1"),
		"${'a'.contains(null)}": raw("the argument is null"), "${'a'.replaceAll('a', '$1')}": raw("names group 1"), "${'a'.replaceAll('a', '$')}": raw(`write \$`),
		"${'a'.split()}": raw("split() wants 1 to 2 arguments, not 0"), "${T(String).format('%d', 'a')}": raw("%d does not write"), "${T(String).format('%s')}": raw("%s wants argument 1, there are 0"),
		"${T(String).format('%999999d', 1)}": raw("wider than 999"), "${T(String).format('%q', 1)}": raw("is no conversion"), "${#fromBase64('%')}": raw("is not base64"),
		"${#readJson('{\"a\"')}": raw("is not JSON"), "${#readJson('1')}": raw("neither a list nor an object"), "${#readJson('{} x')}": raw("more follows"), "${#readYaml('a: [')}": raw("is not YAML"),
		"${new Integer('x')}": raw("not a whole number"), "${new String(1,2,3)}": raw("no new String"), "${T(java.util.UUID).fromString('x')}": raw("is no UUID"),
	})
}

func TestTimes(t *testing.T) {
	t.Parallel()
	run(t, env(t), map[string]any{
		"${new java.util.Date()}": noon.UnixMilli(), "${new java.util.Date().time}": noon.UnixMilli(), "${new java.util.Date(0).toString()}": "Thu Jan 01 00:00:00 UTC 1970",
		"${new java.util.Date(0).before(new java.util.Date())}": true, "${T(java.time.Instant).now()}": "2024-02-29T12:34:56.789Z",
		"${T(java.time.Instant).ofEpochMilli(0).plusSeconds(90).toString()}":                         "1970-01-01T00:01:30Z",
		"${T(java.time.Instant).parse('2024-01-01T00:00:00Z').isBefore(T(java.time.Instant).now())}": true,
		"${T(java.time.Instant).now().minus(1, T(java.time.temporal.ChronoUnit).DAYS).toString()}":   "2024-02-28T12:34:56.789Z",
		"${T(java.time.LocalDate).now().toString()}":                                                 "2024-02-29", "${T(java.time.LocalDate).now().plusYears(1)}": "2025-02-28", "${T(java.time.LocalDate).of(2024,1,31).plusMonths(1)}": "2024-02-29",
		"${T(java.time.LocalDate).parse('2023-12-31').plusDays(1)}": "2024-01-01", "${T(java.time.LocalDate).now().dayOfWeek}": "THURSDAY", "${T(java.time.LocalDate).now().getDayOfWeek().getValue()}": int64(4),
		"${T(java.time.LocalDate).now().lengthOfMonth()}": int64(29), "${T(java.time.LocalDate).of(2024,1,31).lengthOfMonth()}": int64(31), "${T(java.time.LocalDate).now().withDayOfMonth(1)}": "2024-02-01",
		"${T(java.time.LocalDateTime).of(2024,1,2,3,4)}": "2024-01-02T03:04", "${T(java.time.LocalDateTime).now().toLocalDate().atStartOfDay()}": "2024-02-29T00:00",
		"${T(java.time.LocalDate).now().getDayOfWeek() == T(java.time.DayOfWeek).THURSDAY}":                                      true,
		"${T(java.time.temporal.ChronoUnit).DAYS.between(T(java.time.LocalDate).of(2024,1,1), T(java.time.LocalDate).now())}":    int64(59),
		"${T(java.time.temporal.ChronoUnit).MONTHS.between(T(java.time.LocalDate).of(2024,1,30), T(java.time.LocalDate).now())}": int64(0),
		"${new java.text.SimpleDateFormat(\"yyyy-MM-dd'T'HH:mm:ss.SSSXXX\").format(new java.util.Date())}":                       "2024-02-29T12:34:56.789Z",
		"${new java.text.SimpleDateFormat('EEE, d MMM yy h:mm a z w D u').format(new java.util.Date())}":                         "Thu, 29 Feb 24 12:34 PM UTC 9 60 4",
		"${new java.text.SimpleDateFormat('yyyy-MM-dd').parse('1970-01-02').getTime()}":                                          int64(86400000),
		"before ${T(java.time.LocalDate).now()}":                                                                                 "before 2024-02-29",

		"${new java.text.SimpleDateFormat('b').format(new java.util.Date())}": raw("means nothing in a date pattern"),
		"${new java.text.SimpleDateFormat('yyyy').parse('x')}":                raw("is not written like"), "${new java.text.SimpleDateFormat('yyyy').format('x')}": raw("writes a Date"),
		"${T(java.time.LocalDate).of(2023,2,29)}": raw("there is no date or time of the numbers [2023 2 29]"), "${T(java.time.LocalDate).now().plus(1, 'DAYS')}": raw("is no unit of time"),
		"${T(java.time.LocalDate).now().plusDays(99999999999)}": raw("too far away"), "${T(java.time.Instant).now().plus(1, T(java.time.temporal.ChronoUnit).MONTHS)}": raw("an Instant has no months"),
		"${T(java.time.LocalDate).now().plusHours(1)}": raw("a LocalDate has no hours"), "${T(java.time.Instant).parse('x')}": raw("is no Instant"),
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	functions := map[string]expr.Function{"mine": {Min: 1, Max: 2}}
	tests := map[string][]string{
		"nothing here":                    nil,
		"${a.b[0]?.c.getX().toString()}":  nil,
		"${#mine(1)} ${#pipelineId('x')}": nil,
		"${#stage(#root.execution, 'a')}": nil,
		"x ${#stge('a')} ${#toInt(1,2)} ${#x}": {
			"4: there is no function #stge; did you mean 'stage'?", "18: #toInt wants 1 arguments, not 2",
			"33: there is no variable #x; names of the pipeline are written without #, as in x",
		},
		"${a.lenght() + b.stream()}":                  {"4: nothing has a method lenght(); did you mean 'length'?", "17: stream() is not allowed in expressions; write .?[condition] to choose and .![value] to convert"},
		"${T(Strin).valueOf(1) + new Datee().x}":      {"2: the type Strin is not allowed in expressions; did you mean 'String'?", "24: the type Datee is not allowed in expressions; did you mean 'java.util.Date'?"},
		"${T(Math).maxx(1,2)} ${T(Math).max(1)}":      {"10: the type Math has no method maxx() that expressions may call; did you mean 'max'?", "31: Math.max() wants 2 arguments, not 1"},
		"${a.?[#nope(x)].![{k: #nope2()}][#nope3()]}": {"6: there is no function #nope", "22: there is no function #nope2", "33: there is no function #nope3"},
		"${#nope()} ${a +} ${#nope()}":                {"2: there is no function #nope", "16: found the end where a value is expected"},
		"${a":                                         {"0: the ${ has no }"},
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range expr.Check(in, functions) {
				s := expr.Finding{Pos: p.Pos, Message: p.Message, Hint: p.Hint}.String()
				got = append(got, strings.TrimPrefix(s, "byte "))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Check(%s) (-want +got):\n%s", in, diff)
			}
		})
	}
}

// TestGoValues holds that a root may have the types that Go programs make JSON
// of.
func TestGoValues(t *testing.T) {
	t.Parallel()
	e := expr.Env{Now: noon, Root: map[string]any{
		"int": 1, "int32": int32(2), "float32": float32(0.5), "strings": []string{"a", "b"}, "maps": []map[string]any{{"a": 1}},
		"labels": map[string]string{"app": "x"}, "time": noon, "big": json.Number("1e400"), "real": json.Number("1.5"), "struct": struct{}{},
		"object": expr.Object{"name": "o"}, "merged": map[string]any{"yaml": "base: &b {a: 1, c: 2}\nx: {<<: *b, a: 3}\n"},
	}}
	run(t, e, map[string]any{
		"${int + int32 + float32}": 3.5, "${strings[1]}": "b", "${maps[0].a}": int64(1), "${labels.app}": "x", "${labels['app']}": "x", "${real}": 1.5,
		"${time.getTime()}": noon.UnixMilli(), "${object.name}": "o", "${object.nam}": raw("did you mean 'name'?"), "${object['nam']}": raw("there is no 'nam'"),
		"${object[1]}": raw("is not the name of a property"), "${big}": raw("too large a number"), "${struct}": raw("Go's type struct {}"), "${strings}": []any{"a", "b"},
		"${#toJson(#root.labels)}": `{"app":"x"}`, "${strings == {'a','b'}}": true, "${#readYaml(merged.yaml).x}": map[string]any{"a": int64(3), "c": int64(2)},
		"${object}": map[string]any{"name": "o"}, "${T(java.time.Instant).now().truncatedTo(T(java.time.temporal.ChronoUnit).HOURS)}": "2024-02-29T12:00:00Z",
		"${T(java.util.Date).from(T(java.time.Instant).ofEpochSecond(1)).getTime()}": int64(1000), "${T(Math).random() < 1}": true, "${T(Integer).MIN_VALUE}": int64(-2147483648),
		"${T(java.time.DayOfWeek).of(7)}": "SUNDAY", "${T(java.time.DayOfWeek).MONDAY.plus(-1)}": "SUNDAY", "${1e19.longValue()}": int64(9223372036854775807),
		"${#toJson({now: new java.util.Date(), day: T(java.time.LocalDate).now()})}": `{"day":"2024-02-29","now":1709210096789}`,
		"${1.5 instanceof T(Double)}": true, "${true instanceof T(Boolean)}": true, "${new java.util.Date() instanceof T(java.util.Date)}": true,
		"${'x' instanceof 'String'}": raw("instanceof wants a type"), "${'abc' matches '[a[bc]]+'}": true, `${'[' matches '[\[]'}`: true,
	})
}
