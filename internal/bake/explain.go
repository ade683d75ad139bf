package bake

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// maxMessage bounds what is repeated of Helm's and Kustomize's messages, in
// bytes.
const maxMessage = 1000

// What Helm says of a template.
var (
	atPlace    = regexp.MustCompile(`(?s)^(?:parse|execution) error at \((.+?)\): (.*)$`)
	traceLine  = regexp.MustCompile(`^(\S+?:\d+(?::\d+)?)$`)
	executing  = regexp.MustCompile(`executing "[^"]*" at <(.*)>:?`)
	yamlParse  = regexp.MustCompile(`(?s)^YAML parse error on (\S+): (.*)$`)
	oneTrace   = regexp.MustCompile(`template: (\S+?:\d+(?::\d+)?): executing "[^"]*" at <(.*?)>: `)
	nilOf      = regexp.MustCompile(`nil pointer evaluating (?:interface \{\})?\S*`)
	valuesPath = regexp.MustCompile(`^\$?\.Values\.([\w.]+)$`)
	column     = regexp.MustCompile(`^(.*:\d+):\d+$`)
)

// explain turns an error of rendering a chart into one sentence: where, and
// what.
func explain(chart string, err error) error {
	text := strings.TrimSpace(err.Error())
	if m := atPlace.FindStringSubmatch(text); m != nil {
		return at(place(chart, m[1]), m[2]).WithHint("%s", hintFor(m[2]))
	}
	if m := yamlParse.FindStringSubmatch(text); m != nil {
		return at(place(chart, m[1]), "what is rendered is no YAML: "+strings.TrimPrefix(m[2], "error converting YAML to JSON: ")).
			WithHint("the line counts in the document that is rendered; indentation is the usual reason: nindent, toYaml, quote")
	}
	where, what, expression, outer := trace(text)
	if where == "" {
		return gennaker.Errorf(gennaker.Invalid, "chart %s cannot be rendered: %s", chart, oneLine(text)).WithHint("%s", hintFor(text))
	}
	hint := hintFor(what)
	if nilOf.MatchString(what) && expression != "" {
		what = nilOf.ReplaceAllLiteralString(what, "nil pointer evaluating "+expression)
		if m := valuesPath.FindStringSubmatch(expression); m != nil {
			hint = "give " + m[1] + " a value"
		}
	} else if expression != "" {
		what += " at <" + expression + ">"
	}
	if outer != "" && place(chart, outer) != place(chart, where) {
		what += " (from " + place(chart, outer) + ")"
	}
	return at(place(chart, where), what).WithHint("%s", hint)
}

// trace reads Helm's list of places, outermost first: each a line with the
// place, then what was executed, then what is wrong.
func trace(text string) (where, what, expression, outer string) {
	if all := oneTrace.FindAllStringSubmatchIndex(text, -1); len(all) > 0 { // as text/template says it
		first, last := all[0], all[len(all)-1]
		return text[last[2]:last[3]], text[last[1]:], text[last[4]:last[5]], text[first[2]:first[3]]
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case traceLine.MatchString(line):
			where, expression, what = line, "", ""
			if outer == "" {
				outer = line
			}
		case where == "":
		case executing.MatchString(line):
			expression = executing.FindStringSubmatch(line)[1]
		case !strings.HasPrefix(line, "error calling include") || what == "":
			what = strings.TrimSpace(what + " " + line)
		}
	}
	return where, what, expression, outer
}

// at says what is wrong in a template.
func at(place, what string) *gennaker.Error {
	return gennaker.Errorf(gennaker.Invalid, "%s: %s", place, oneLine(what))
}

// place returns the path of a template in its chart, with the line.
func place(chart, text string) string {
	if m := column.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	return strings.TrimPrefix(text, chart+"/")
}

// hintFor says what to do about a message of Helm.
func hintFor(text string) string {
	switch {
	case strings.Contains(text, "nil pointer evaluating"):
		return "give what comes before the last dot a value, in a values file or an override"
	case strings.Contains(text, "nested reference name"):
		return "a template includes itself without an end"
	case strings.Contains(text, "function") && strings.Contains(text, "not defined"):
		return "templates have the functions of Helm; env and expandenv are not among them"
	}
	return "mend the template, or give it the values that it needs"
}

// explainValues says which values a schema does not allow.
func explainValues(chart string, err error) error {
	const head = "values don't meet the specifications of the schema(s) in the following chart(s):\n"
	text, schema := strings.CutPrefix(err.Error(), head)
	if !schema {
		return gennaker.Errorf(gennaker.Invalid, "the values of chart %s cannot be put together: %s", chart, oneLine(text)).
			WithHint("look at the values files and overrides")
	}
	var of string
	var problems []gennaker.Problem
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if path, what, ok := strings.Cut(strings.TrimPrefix(line, "- at "), ": "); ok && strings.HasPrefix(line, "- at ") {
			problems = append(problems, gennaker.Problem{Path: valuePath(of, chart, path), Message: what})
		} else if name, ok := strings.CutSuffix(line, ":"); ok && !strings.HasPrefix(line, "- ") {
			of = name
		}
	}
	if len(problems) == 0 {
		return gennaker.Errorf(gennaker.Invalid, "the values do not fit the schema of chart %s: %s", chart, oneLine(text)).
			WithHint("look at values.schema.json of the chart")
	}
	slices.SortStableFunc(problems, func(a, b gennaker.Problem) int { return strings.Compare(a.Path, b.Path) })
	var words []string
	for _, p := range problems {
		words = append(words, p.String())
	}
	return &gennaker.Error{
		Kind: gennaker.Invalid, Message: "the values do not fit the schema of chart " + chart + ": " + oneLine(list(words)),
		Hint: "change them in a values file or an override", Problems: problems,
	}
}

// valuePath writes a JSON pointer into the values of a chart as a path from the
// top chart.
func valuePath(of, chart, pointer string) string {
	path := strings.ReplaceAll(strings.Trim(pointer, "'/"), "/", ".")
	if of != "" && of != chart {
		path = strings.Trim(of+"."+path, ".")
	}
	if path == "" {
		return "the values"
	}
	return path
}

// oneLine makes one bounded line of a message.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
