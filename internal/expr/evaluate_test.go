package expr_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/expr"
)

// decode reads JSON as the rest of the program does, numbers as json.Number.
func decode(t testing.TB, s string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

var noon = time.Date(2024, 2, 29, 12, 34, 56, 789_000_000, time.UTC)

// env is the context of the reference's conformance table, and an execution.
func env(t *testing.T) expr.Env {
	t.Helper()
	return expr.Env{Now: noon, Root: decode(t, `{
		"testArray": ["good", {"arrayVal": "bad"}, [{"one": "two"}]], "replaceMe": "newValue", "h1": {"h1": "h1Val"},
		"hierarchy": {"h2": "hierarchyValue", "h3": {"h4": "h4Val"}}, "replaceTest": "stack-with-hyphens",
		"withUpperCase": "baconBacon", "isempty": "", "isnull": null, "map": [{"v1": "k1"}, {"v2": "k2"}],
		"list": {"regions": "us-east-1,us-west-2"}, "status": "TERMINAL", "n": 7, "half": 0.5, "file_json": {"owner": "managed-by-${team}"},
		"parameters": {"branch": "hello", "regions": "a,b", "n": "5", "flag": "true", "max": 3},
		"trigger": {"buildNumber": 100, "id": "t1", "properties": {"imageName": "img"}, "payload": {"version": null},
			"artifacts": [{"type": "docker/image", "name": "x", "version": "1.2"}, {"type": "git/repo", "name": "y"}],
			"resolvedExpectedArtifacts": [{"boundArtifact": {"name": "img", "type": "docker/image", "reference": "img:1"}}]},
		"execution": {"id": "01H", "type": "PIPELINE", "authentication": {"user": "a@b"}, "stages": [
			{"id": "s1", "refId": "1", "name": "Wait1", "type": "wait", "status": "SUCCEEDED", "context": {}, "outputs": {"artifacts": [{"name": "o"}]}},
			{"id": "s2", "refId": "2", "name": "my stage", "type": "bake", "status": "SUCCEEDED", "context": {"judgmentInput": "no"},
				"outputs": {"deploymentDetails": [{"region": "us-east-1", "ami": "ami-1"}, {"region": "us-west-1", "ami": "ami-2"}]}},
			{"id": "s3", "refId": "3", "name": "my stage", "type": "manualJudgment", "status": "SUCCEEDED", "context": {"judgmentInput": "Go"}},
			{"id": "s4", "refId": "4", "name": "Deploy to prod", "type": "createServerGroup", "status": "SUCCEEDED", "parentStageId": "s0", "requisiteStageRefIds": ["2"],
				"context": {"account": "test", "capacity": {"min": 1}, "deploy.server.groups": {"us-east-1": ["flex-test-v043"]}}},
			{"id": "s5", "refId": "5", "name": "Deploy west", "type": "createServerGroup", "status": "SUCCEEDED", "requisiteStageRefIds": ["2"],
				"context": {"account": "test", "deploy.server.groups": {"us-west-1": ["flex-prestaging-v011"]}}},
			{"id": "s6", "refId": "6", "name": "Deploy ReplicaSet", "type": "deployManifest", "status": "SUCCEEDED", "context": {},
				"outputs": {"manifests": [{"kind": "ReplicaSet", "spec": {"template": {"metadata": {"labels": {"moniker.spinnaker.io/sequence": "0"}}}}}]}},
			{"id": "s7", "refId": "7", "name": "Broken", "type": "wait", "status": "TERMINAL", "context": {}}
		]}
	}`)}
}

// raw marks an expression that stays as it is, with a part of the message.
type raw string

func run(t *testing.T, env expr.Env, tests map[string]any) {
	t.Helper()
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			got, summary := expr.Evaluate(in, env)
			if message, ok := want.(raw); ok {
				if got != any(in) || len(summary.Findings) != 1 || !strings.Contains(summary.Findings[0].String(), string(message)) {
					t.Errorf("Evaluate(%s) = %v, %v; want it unchanged and %q", in, got, summary.Findings, message)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" || len(summary.Findings) > 0 {
				t.Errorf("Evaluate(%s): %v (-want +got):\n%s", in, summary.Findings, diff)
			}
		})
	}
}

// TestConformance has the rows of the reference's table that are about one
// expression.
func TestConformance(t *testing.T) {
	t.Parallel()
	run(t, env(t), map[string]any{
		"just a string":                                                   "just a string",
		"${replaceMe}":                                                    "newValue",
		"${h1.h1}":                                                        "h1Val",
		"${replaceMe} and ${replaceMe}":                                   "newValue and newValue",
		"${hierarchy.h3.h4}":                                              "h4Val",
		"${notResolvable}":                                                raw("there is no 'notResolvable'"),
		"${testArray[0]}":                                                 "good",
		"${testArray[1].arrayVal}":                                        "bad",
		"${testArray[2][0].one}":                                          "two",
		`${ h1.h1 == "h1Val" }`:                                           true,
		"${ h1.h2  ?: 60 }":                                               int64(60),
		"${ withUpperCase.toLowerCase() }":                                "baconbacon",
		`${ replaceTest.replaceAll("-","") }`:                             "stackwithhyphens",
		"${ #alphanumerical(replaceTest) }":                               "stackwithhyphens",
		"a.${replaceMe}.b.${replaceMe}":                                   "a.newValue.b.newValue",
		"a.${ENV1}.b.${ENV2}":                                             raw("there is no 'ENV1'"),
		"a.${'${ESCAPED_LITERAL}'}.b.${replaceMe}":                        "a.${ESCAPED_LITERAL}.b.newValue",
		`${ "jeyrs!".replaceAll("\W", "") }`:                              "jeyrs",
		`${#toBase64("Yo Dawg")}`:                                         "WW8gRGF3Zw==",
		`${#fromBase64("WW8gRGF3Zw==")}`:                                  "Yo Dawg",
		"${ #fromUrl('file:///etc/passwd')}":                              raw("may not fetch"),
		"${T(java.lang.System).exit(1)}":                                  raw("java.lang.System is not allowed"),
		"${T(java.lang.Runtime).runtime.exit(1)}":                         raw("java.lang.Runtime is not allowed"),
		"${ new java.net.URL('http://google.com').openConnection() }":     raw("java.net.URL is not allowed"),
		"${T(java.lang.Boolean).forName('java.net.URI').getSimpleName()}": raw("no method forName()"),
		"${ new java.lang.Integer(1).wait(100000) }":                      raw("no method wait()"),
		"${ new java.lang.Integer(1).getClass().getSimpleName() }":        raw("getClass() is not allowed"),
		`${noexists ?: "bacon"}`:                                          "bacon",
		`${isempty ?: "bacon"}`:                                           "bacon",
		`${isnull ?: "bacon"}`:                                            "bacon",
		"${#toJson( map )}":                                               `[{"v1":"k1"},{"v2":"k2"}]`,
		"${#toInt('1')}":                                                  int64(1),
		"${#toFloat('7.5')}":                                              7.5,
		"${#toBoolean('true')}":                                           true,
		`succeeded: ${#stage("Wait1")["status"] == "SUCCEEDED"}`:          "succeeded: true",
		`succeeded: ${#stage("Broken")["status"] == "SUCCEEDED"}`:         "succeeded: false",
		`${#stage("Wait1").hasSucceeded}`:                                 true,
		`${#stage("Wait1").hasFailed}`:                                    false,
		`${#stage("Broken").hasFailed}`:                                   true,
		`${execution["authentication"]["user"].split("@")[0]}`:            "a",
		`${#judgment("my stage")}`:                                        "Go",
		`${parameters["branch"] ?: "noValue"}`:                            "hello",
		`${parameters["nothing"] ?: "noValue"}`:                           "noValue",
		`${status == "TERMINAL"}`:                                         true,
		`${status.toString() == "TERMINAL"}`:                              true,
		`${ {"foo": "bar"}.toString() }`:                                  "{foo=bar}",
		"group:artifact:${trigger['buildNumber']}":                        "group:artifact:100",
		"${#toJson(#doNotEval(file_json))}":                               `{"owner":"managed-by-${team}"}`,
		"${#toJson(file_json)}":                                           raw("result for toJson cannot contain an expression"),
		"${new java.util.UUID(0,0).toString()}":                           "00000000-0000-0000-0000-000000000000",
		`${ T(Long).getLong("long") }`:                                    raw("no method getLong()"),
		`${ T(Integer).getInteger("x") }`:                                 raw("no method getInteger()"),
		`${ T(Boolean).getBoolean("x") }`:                                 raw("no method getBoolean()"),
		`${ T(Long).parseLong("123") }`:                                   int64(123),
		`${ T(Integer).parseInt("456") }`:                                 int64(456),
		`${ T(Boolean).parseBoolean("true") }`:                            true,
		"${ #toInt( canary ? 1 : 5 ) }":                                   raw("null is neither true nor false"),
		"${ parameters.max }":                                             int64(3),
		"${trigger.properties.imageName}":                                 "img",
		"${trigger['id']!=null}":                                          true,
		`${#readJson('{ "newValue":"two" }')[#root.replaceMe]}`:           "two",
		`${#toJson(list["regions"].split(",")).contains("us-west-2")}`:    true,
		"${#readYaml(\"a: 1\nb: 2\n---\nc: 3\n\")}":                       raw("2 YAML documents"),
		"${#readAllYaml(\"!!java.io.FileInputStream [/dev/null]\")}":      raw("is not allowed"),
		`${#manifestLabelValue("Deploy ReplicaSet","ReplicaSet","moniker.spinnaker.io/sequence")}`: "0",
		"${execution.stages.?[name == 'Wait1'][0]['status'].toString() == 'SUCCEEDED'}":            true,
		"${trigger.artifacts.?[type=='docker/image'][0].version}":                                  "1.2",
		"${parameters.regions.split(',')}":                                                         []any{"a", "b"},
		`${new java.text.SimpleDateFormat("yyyyMMddHHmm").format(new java.util.Date())}`:           "202402291234",
		"${T(java.time.Instant).now().toEpochMilli()}":                                             noon.UnixMilli(),
		"${T(java.lang.Math).max(1, #toInt(parameters.n))}":                                        int64(5),
		"${trigger.payload['version'] ?: 'latest'}":                                                "latest",
		"${execution.id}":                                "01H",
		"${deployedServerGroups.![serverGroup]}":         []any{"flex-test-v043", "flex-prestaging-v011"},
		"${deployedServerGroups.![region + ami]}":        []any{"us-east-1ami-1", "us-west-1ami-2"},
		`${#deployedServerGroups("Deploy west").size()}`: int64(1),
	})
}

func TestStrict(t *testing.T) {
	t.Parallel()
	e := env(t)
	e.Strict = true
	run(t, e, map[string]any{
		`${noexists ?: "bacon"}`: raw("there is no 'noexists'"),
		"${noexists}-foo":        raw("there is no 'noexists'"),
		`${isempty ?: "bacon"}`:  "bacon",
		`${isnull ?: "bacon"}`:   "bacon",
		"${h1.h3 ?: 1}":          raw("there is no 'h3' in h1; did you mean 'h1'?"),
		"${h1['h3'] ?: 1}":       int64(1),
	})
}

// TestRecords holds that a record has no names but its own.
func TestRecords(t *testing.T) {
	t.Parallel()
	run(t, env(t), map[string]any{
		"${execution.nmae ?: 1}":                                 raw("there is no 'nmae' in execution"),
		"${#root.execution.idd}":                                 raw("did you mean 'id'?"),
		"${#stage('Wait1').contxt}":                              raw("did you mean 'context'?"),
		"${#stage('Wait1').getName()}":                           "Wait1",
		"${execution.getId()}":                                   "01H",
		"${#root['execution']['id']}":                            "01H",
		"${#stage('Deploy prod')['context']}":                    raw("there is no stage named 'Deploy prod'; did you mean 'Deploy to prod'?"),
		"${#stageExists('Wait1')}":                               true,
		"${#stageExists('Wait2')}":                               false,
		"${#stageExists(#root.execution, 's1')}":                 true,
		"${#stageByRefId('3').type}":                             "manualJudgment",
		"${#stageByRefId('9').type}":                             raw("no stage with refId '9'"),
		"${#judgment('Wait1')}":                                  raw("no manual judgment with an input named 'Wait1'"),
		"${#currentUser()}":                                      "a@b",
		"${#currentStage().name}":                                raw("no stage is being executed"),
		"${#resolvedArtifacts().![name]}":                        []any{"o"},
		"${#triggerResolvedArtifact('img').reference}":           "img:1",
		"${#triggerResolvedArtifactByType('docker/image').name}": "img",
		"${#triggerResolvedArtifact('imgs').reference}":          raw("did you mean 'img'?"),
		"${#cfServiceKey('x').size()}":                           int64(0),
		"${#pipelineId('x')}":                                    raw("#pipelineId is not available here"),
		"${#manifestLabelValue('x', 'Pod', 'y')}":                raw("neither Deployment nor ReplicaSet"),
	})
}

func TestDocument(t *testing.T) {
	t.Parallel()
	e := env(t)
	e.Root["var1"], e.Root["map1"] = json.Number("17"), map[string]any{"a": "b"}
	in := decode(t, `{"${replaceMe}": "v", "${replaceMe}again": {"nest": {"n2": ["${h1}", "x ${n}"]}, "intval": 4, "no": null},
		"k1": "${var1}", "k2": "${map1}", "${n}": 1, "bad": ["${nobody.x}", "a ${nobody} b ${n}", "${n +}"]}`)
	want := decode(t, `{"newValue": "v", "newValueagain": {"nest": {"n2": [{"h1": "h1Val"}, "x 7"]}, "intval": 4, "no": null},
		"k1": 17, "k2": {"a": "b"}, "7": 1, "bad": ["${nobody.x}", "a ${nobody} b 7", "${n +}"]}`)
	want["k1"] = int64(17)
	got, summary := expr.Evaluate(in, e)
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var lines []string
	for _, f := range summary.Findings {
		lines = append(lines, string(f.Level)+" "+f.String())
	}
	wantLines := []string{
		"ERROR bad[0]: byte 2: there is no 'nobody', so that it has no 'x'; write ?. if it may be absent",
		"INFO bad[1]: byte 4: there is no 'nobody'",
		"ERROR bad[2]: byte 5: found the end where a value is expected",
	}
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if summary.Evaluated != 7 || !summary.Failed() {
		t.Errorf("evaluated %d, failed %v; want 7, true", summary.Evaluated, summary.Failed())
	}
	// What came from the root is a copy.
	got.(map[string]any)["k2"].(map[string]any)["a"] = "changed"
	if e.Root["map1"].(map[string]any)["a"] != "b" {
		t.Error("the result shares memory with the root")
	}
}

// TestSpinnakerSummary is row 57 of the reference's table, and the shape of the
// others.
func TestSpinnakerSummary(t *testing.T) {
	t.Parallel()
	in := map[string]any{"value": "this one should fail: ${a * c}", "other": "a.${ENV1}.b.${ENV2}", "open": "${a", "same": "${x}", "again": "${x}"}
	got, summary := expr.Evaluate(in, expr.Env{Root: map[string]any{"a": 10}, Now: noon})
	if diff := cmp.Diff(any(in), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	at := noon.UnixMilli()
	x := expr.Entry{Level: "INFO", Timestamp: at, Description: "Failed to evaluate [again, same] : x not found"}
	want := map[string][]expr.Entry{
		"this one should fail: a * c": {{
			Level: "ERROR", Timestamp: at, ExceptionType: "org.springframework.expression.spel.SpelEvaluationException",
			Description: "Failed to evaluate [value] '*' is for numbers, not for the number 10 and null; write (… ?: 0) where there may be none",
		}},
		"a.ENV1.b.ENV2": {{Level: "INFO", Timestamp: at, Description: "Failed to evaluate [other] : a.ENV1.b.ENV2 not found"}},
		"{a": {{
			Level: "ERROR", Timestamp: at, ExceptionType: "org.springframework.expression.ParseException",
			Description: "Failed to evaluate [open] the { has no }",
		}},
		"x": {x, x},
	}
	if diff := cmp.Diff(want, summary.Spinnaker()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type texts map[string]string

func (f texts) fetch(url string) (string, error) {
	if s, ok := f[url]; ok {
		return s, nil
	}
	return "", errors.New("the address is not allowed")
}

func TestFetch(t *testing.T) {
	t.Parallel()
	e := env(t)
	e.Fetch = texts{
		"http://a.b/text": "hello", "http://a.b/json": `{"a": [1, 2.5]}`, "http://a.b/yaml": "a: {b: c}\n",
		"http://a.b/properties": "# note\na = b\\\n  c\nk:v\\u00e9\nempty\n",
	}.fetch
	e.Functions = map[string]expr.Function{"twice": {Min: 1, Max: 1, Call: func(c expr.Call) (any, error) {
		s, err := c.Text(0)
		return s + s, err
	}}}
	run(t, e, map[string]any{
		"${#fromUrl('http://a.b/text')}":                 "hello",
		"${#jsonFromUrl('http://a.b/json').a[1]}":        2.5,
		"${#yamlFromUrl('http://a.b/yaml').a.b}":         "c",
		"${#propertiesFromUrl('http://a.b/properties')}": map[string]any{"a": "bc", "k": "vé", "empty": ""},
		"${#fromUrl('http://localhost/')}":               raw("byte 2: the address is not allowed"),
		"${#jsonFromUrl('http://a.b/text')}":             raw("not JSON"),
		"${#twice('ab')}":                                "abab",
		"${#twice('a', 'b')}":                            raw("wants 1 arguments, not 2"),
	})
}

// TestCurrentStage: the stage is asked for once, and by #currentStage alone.
func TestCurrentStage(t *testing.T) {
	t.Parallel()
	for text, tt := range map[string]struct {
		want  any
		asked int
	}{
		"${a}": {want: int64(1)},
		"${#currentStage().name} ${#currentStage().refId}": {want: "Deploy 7", asked: 1},
		"${#currentStage().context.x ?: 'none'}":           {want: "none", asked: 1},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			asked := 0
			got, summary := expr.Evaluate(text, expr.Env{
				Root: map[string]any{"a": 1}, Now: noon,
				Stage: func() map[string]any {
					asked++
					return map[string]any{"name": "Deploy", "refId": "7", "context": map[string]any{}}
				},
			})
			if got != tt.want || asked != tt.asked || len(summary.Findings) > 0 {
				t.Errorf("%v, asked %d times, want %v and %d; %v", got, asked, tt.want, tt.asked, summary.Findings)
			}
		})
	}
}

// TestInheritedOfOddStages: stages that somebody made up do no harm, however
// they name each other, and a stage that runs sees what those before it put out.
func TestInheritedOfOddStages(t *testing.T) {
	t.Parallel()
	odd := map[string]any{"id": map[string]any{}, "refId": []any{1}, "parentStageId": 5, "context": map[string]any{}}
	loop := map[string]any{"id": "a", "refId": "1", "name": "Loop", "requisiteStageRefIds": []any{"1", "2", []any{}}, "parentStageId": "a", "context": map[string]any{}}
	other := map[string]any{"id": "b", "refId": "2", "name": "Other", "requisiteStageRefIds": []any{"1"}, "context": map[string]any{}, "outputs": map[string]any{"x": 1}}
	e := expr.Env{
		Execution: func() map[string]any { return map[string]any{"stages": []any{odd, loop, other, "none"}} },
		Stage: func() map[string]any {
			return map[string]any{"id": "c", "requisiteStageRefIds": []any{"2"}, "context": map[string]any{"own": true}}
		},
	}
	run(t, e, map[string]any{
		"${#stage('Loop').context.x}":                         int64(1),
		"${#stage('Loop').context.y ?: 'none'}":               "none",
		"${execution.stages[0].context.x ?: 'none'}":          "none",
		"${#currentStage().context.x}":                        int64(1),
		"${#currentStage().context.own}":                      true,
		"${#currentStage().context.y ?: 'none'}":              "none",
		"${#readJson('{\"a\":1}').x ?: #stage('Loop').refId}": "1",
	})
}
