package lint_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker/internal/lint"
)

// FuzzLint holds that any text is linted without a panic, that what is found is
// within it, and that it is found again.
func FuzzLint(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(a.Files); i += 2 {
			f.Add(a.Files[i].Data)
		}
	}
	k := known()
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := lint.Text(text, k)
		if err != nil {
			return
		}
		for _, w := range all {
			checkWarning(t, text, w)
		}
		again, err := lint.Text(text, k)
		if err != nil || len(again) != len(all) {
			t.Errorf("found %d, then %d: %v", len(all), len(again), err)
		}
	})
}

// TestAnyPipeline makes pipelines of the keys that rules look at, with values
// that do not fit as well.
func TestAnyPipeline(t *testing.T) {
	t.Parallel()
	k := known()
	texts := []string{
		"", "a", "1", "true", "wait", "pipeline", "checkPreconditions", "expression", "stageStatus", "deployManifest",
		"${parameters.a}", "${#stage('a')}", "${#stageByRefId('2')}", "${", "${1+}", "ü ${#nope()} \n\t\"", "${templateVariables.a}", "false",
	}
	keys := []string{
		"refId", "type", "name", "requisiteStageRefIds", "stages", "pipeline", "schema", "variables", "parameterConfig", "triggers",
		"expectedArtifacts", "expectedArtifactIds", "manifestArtifactId", "requiredArtifactIds", "inputArtifacts", "id", "stageEnabled",
		"expression", "restrictExecutionDuringTimeWindow", "restrictedExecutionWindow", "days", "whitelist", "preconditions", "context",
		"stageName", "failPipeline", "continuePipeline", "condition", "parameter", "waitTime", "manifests", "spelEvaluator", "${parameters.a}",
	}
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaf := rapid.OneOf(
			rapid.Map(rapid.SampledFrom(texts), func(s string) any { return s }),
			rapid.Map(rapid.IntRange(-1, 9), func(i int) any { return i }),
			rapid.Map(rapid.Bool(), func(b bool) any { return b }),
			rapid.Just[any](nil),
		)
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 4), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom(keys), value(depth-1), 0, 6), func(m map[string]any) any { return m }),
		)
	}
	stage := rapid.MapOfN(rapid.SampledFrom(keys), value(3), 0, 8)
	rapid.Check(t, func(t *rapid.T) {
		doc := rapid.MapOfN(rapid.SampledFrom(keys), value(4), 0, 8).Draw(t, "pipeline")
		doc["name"], doc["application"] = "n", "shop"
		doc["stages"] = rapid.SliceOfN(stage, 0, 4).Draw(t, "stages")
		text, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		all, err := lint.Text(text, k)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range all {
			checkWarning(t, text, w)
		}
	})
}
