package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/expr"
)

func TestNames(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"no expression": nil, "${a +": nil, "${a +} ${b": nil, "${ {a: 1} }": nil,
		"x ${a.b['c']} ${#root.d}":        {"4 root a", "22 root d"},
		"${a +} ${b}":                     {"9 root b"},
		"${['a']} ${#root['b']}":          {"3 root a", "17 root b"},
		"${list.?[name == other]}":        {"2 root list"},
		"${list.![#root.x]}":              {"2 root list", "15 root x"},
		"${m[#root.key]} ${m[key]}":       {"2 root m", "10 root key", "18 root m"},
		"${parameters.x}":                 {"2 root parameters", "13 parameter x"},
		"${parameters['x y']}":            {"2 root parameters", "13 parameter x y"},
		"${parameters[x].y}":              {"2 root parameters", "13 parameter x"},
		"${trigger.parameters.x}":         {"2 root trigger", "21 parameter x"},
		"${trigger['parameters'][\"x\"]}": {"2 root trigger", "24 parameter x"},
		"${#root.execution.trigger.parameters.x}": {
			"8 root execution", "37 parameter x",
		},
		"${list.![parameters.x]}":               {"2 root list"},
		"${list.![#root.parameters.x]}":         {"2 root list", "15 root parameters", "26 parameter x"},
		"${a.parameters.x}":                     {"2 root a"},
		"${parameters.x ?: 'd'}":                {"2 root parameters", "13 parameter x optional"},
		"${parameters.x?.y}":                    {"2 root parameters", "13 parameter x optional"},
		"${parameters?.x}":                      {"2 root parameters optional", "14 parameter x"},
		"${parameters.x != null}":               {"2 root parameters", "13 parameter x optional"},
		"${parameters.containsKey('x')}":        {"2 root parameters", "25 parameter x optional"},
		"${parameters.x.toLowerCase()}":         {"2 root parameters", "13 parameter x"},
		"${templateVariables.v}":                {"2 root templateVariables", "20 templateVariable v"},
		"é ${#stage('X')['context']}":           {"12 stage X"},
		"${#stage(#root.execution, 'X').name}":  {"15 root execution", "26 stage X"},
		"${#stage(name)}":                       {"9 root name"},
		"${#stageExists('X')}":                  {"15 stage X optional"},
		"${#stageByRefId('1')}":                 {"16 stageRef 1"},
		"${#judgment('J') + #judgement('K')}":   {"12 stage J", "30 stage K"},
		"${#deployedServerGroups('A', 'B')}":    {"24 stage A", "29 stage B"},
		"${#manifestLabelValue('X','Y','Z')}":   {"22 stage X"},
		"${#triggerResolvedArtifact('i').name}": {"27 artifact i"},
		"${#pipelineIdOrNull('p')}":             {"20 pipeline p optional"},
		"${execution.stages.?[name=='Bake'][0].context}": {
			"2 root execution", "27 stage Bake",
		},
		"${execution['stages'].^[refId eq '2' and 'B' == #this.name and type == 'x']}": {
			"2 root execution", "33 stageRef 2", "41 stage B",
		},
		"${(a ?: b.c) + (d == null ? e : f)}": {"3 root a optional", "8 root b", "16 root d optional", "28 root e", "32 root f"},
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, n := range expr.Names(in) {
				s := fmt.Sprintf("%d %s %s", n.Pos, n.Kind, n.Name)
				if n.Optional {
					s += " optional"
				}
				got = append(got, s)
				if at := strings.TrimLeft(in[n.Pos:], `'"`); !strings.HasPrefix(at, n.Name) {
					t.Errorf("%s is not at byte %d of %s", n.Name, n.Pos, in)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Names(%s) (-want +got):\n%s", in, diff)
			}
		})
	}
}

func TestFullMatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pattern, text string
		want          bool
	}{
		"literal":      {"abc", "abc", true},
		"part":         {"b", "abc", false},
		"alternatives": {"a|abc", "abc", true},
		"image":        {`registry\.io/team/.*`, "registry.io/team/app", true},
		"lookahead":    {"v(?!0).*", "v1", true},
		"lines":        {"a.c", "a\nc", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := expr.FullMatch(tt.pattern, tt.text)
			if err != nil || got != tt.want {
				t.Errorf("FullMatch(%q, %q) = %v, %v; want %v", tt.pattern, tt.text, got, err, tt.want)
			}
		})
	}
	if _, err := expr.FullMatch("(", "a"); err == nil {
		t.Error("an open parenthesis is a regular expression")
	}
}
