package bake

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/ignore"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/gennaker/gennaker"
)

const chartFile = "Chart.yaml"

// template renders a chart.
//
// Source: helm template, and what it calls in helm.sh/helm/v4/pkg/action, which
// would bring a client of clusters and registries with it.
func template(req Request) (Result, error) {
	files, err := readTree(req.Inputs[0])
	if err != nil {
		return Result{}, err
	}
	ch, err := files.chart(req.Path)
	if err != nil {
		return Result{}, err
	}
	vals, err := values(req)
	if err != nil {
		return Result{}, err
	}
	if err := chartutil.ProcessDependencies(ch, vals); err != nil {
		return Result{}, gennaker.Errorf(gennaker.Invalid, "the dependencies of chart %s cannot be put together: %w", ch.Name(), err).
			WithHint("look at conditions, tags and import-values of dependencies in %s", chartFile)
	}
	caps, err := capabilities(req.Chart, ch)
	if err != nil {
		return Result{}, err
	}
	rendered, err := execute(req.Chart, ch, vals, caps)
	if err != nil {
		return Result{}, err
	}
	text, err := documents(rendered, ch, req.Chart.IncludeCRDs)
	if err != nil {
		return Result{}, explain(ch.Name(), err)
	}
	return Result{Manifests: text, Warnings: append(files.warnings(), deprecated(ch)...)}, nil
}

func deprecated(ch *chart.Chart) []string {
	if !ch.Metadata.Deprecated {
		return nil
	}
	return []string{fmt.Sprintf("chart %s %s is deprecated, says its %s", ch.Name(), ch.Metadata.Version, chartFile)}
}

// chart loads the chart in a directory of an archive.
func (t *tree) chart(where string) (*chart.Chart, error) {
	dir, err := t.directory(where, "chart", "helmChartFilePath", chartFile)
	if err != nil {
		return nil, err
	}
	packaged := dir != "." && path.Clean(where) == "." // as helm package does
	files, err := t.chartFiles(dir, packaged)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(t.files[path.Join(dir, chartFile)], t.name); err != nil {
		return nil, err
	}
	ch, err := loader.LoadFiles(files)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the chart in %s cannot be read: %s", t.name, oneLine(err.Error())).
			WithHint("run helm lint on it")
	}
	if count, depth := size(ch, 1); count > maxCharts || depth > maxDepth {
		return nil, gennaker.Errorf(gennaker.TooLarge, "chart %s has %d charts in it, %d deep; at most %d and %d are rendered", ch.Name(), count, depth, maxCharts, maxDepth).
			WithHint("bake parts of it in stages of their own")
	}
	if kind := ch.Metadata.Type; kind != "" && kind != "application" {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s is a %s chart, which has nothing to render", ch.Name(), kind).
			WithHint("bake a chart that has it as a dependency")
	}
	return ch, complete(ch)
}

// chartFiles returns the files of a chart as Helm loads them from a directory or
// from a package.
func (t *tree) chartFiles(dir string, packaged bool) ([]*archive.BufferedFile, error) {
	rules := ignore.Empty()
	if text := t.files[path.Join(dir, ignore.HelmIgnore)]; text != nil && !packaged {
		var err error
		if rules, err = ignore.Parse(bytes.NewReader(text)); err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "%s in %s: %w", ignore.HelmIgnore, t.name, err).
				WithHint("its patterns are those of Go's path/filepath.Match")
		}
	}
	rules.AddDefaults()
	var out []*archive.BufferedFile
	for _, file := range slices.Sorted(maps.Keys(t.files)) {
		name, ok := within(dir, file)
		if ok && (packaged || !ignored(rules, name)) {
			out = append(out, &archive.BufferedFile{Name: name, Data: bytes.TrimPrefix(t.files[file], []byte("\xef\xbb\xbf"))})
		}
	}
	return out, nil
}

// ignored reports whether rules leave out a file, or a directory that it is in.
func ignored(rules *ignore.Rules, name string) bool {
	for i, c := range name {
		if c == '/' && rules.Ignore(name[:i], (&tar.Header{Name: name[:i], Typeflag: tar.TypeDir}).FileInfo()) {
			return true
		}
	}
	return rules.Ignore(name, (&tar.Header{Name: name, Typeflag: tar.TypeReg}).FileInfo())
}

// checkVersion refuses charts of a version that has no loader yet.
func checkVersion(text []byte, name string) error {
	head, err := loader.LoadValues(bytes.NewReader(text))
	if err != nil {
		return gennaker.Errorf(gennaker.Invalid, "%s of %s is no YAML: %s", chartFile, name, oneLine(err.Error())).WithHint("run helm lint on it")
	}
	switch v := head["apiVersion"]; v {
	case nil, "", chart.APIVersionV1, chart.APIVersionV2:
		return nil
	default:
		return gennaker.Errorf(gennaker.Invalid, "the chart in %s has apiVersion %v", name, v).
			WithHint("%s and %s are rendered, which is what Helm 3 and 4 install", chart.APIVersionV1, chart.APIVersionV2)
	}
}

// size counts charts and how deep they lie.
func size(ch *chart.Chart, level int) (count, depth int) {
	count, depth = 1, level
	for _, d := range ch.Dependencies() {
		n, deep := size(d, level+1)
		count, depth = count+n, max(depth, deep)
	}
	return count, depth
}

// complete says which dependencies are missing.
func complete(ch *chart.Chart) error {
	var missing []string
	for _, want := range ch.Metadata.Dependencies {
		if !slices.ContainsFunc(ch.Dependencies(), func(d *chart.Chart) bool { return d.Name() == want.Name }) {
			missing = append(missing, strings.TrimSpace(want.Name+" "+want.Version))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return gennaker.Errorf(gennaker.Invalid, "chart %s depends on %s, which its directory charts does not have", ch.Name(), list(missing)).
		WithHint("run helm dependency build and publish the chart with what it fetched: baking fetches nothing")
}

// values merges the values files, then the overrides over them.
func values(req Request) (map[string]any, error) {
	out := map[string]any{}
	for i, in := range req.Inputs[1:] {
		v, err := loader.LoadValues(bytes.NewReader(in.Content))
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "values file %s (input artifact %d) is no YAML object: %s", in.Name, i+2, oneLine(err.Error())).
				WithHint("all input artifacts but the first are values files")
		}
		out = loader.MergeMaps(out, v)
	}
	parse := strvals.ParseIntoString
	if req.Chart.Raw {
		parse = strvals.ParseInto
	}
	if len(req.Chart.Overrides) == 0 {
		return out, nil
	}
	if err := parse(strings.Join(req.Chart.Overrides, ","), out); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the overrides cannot be read: %s", oneLine(err.Error())).
			WithHint(`they are written as for helm --set: nested keys with dots, list items as a[0], and \ before a comma, dot or bracket that is meant literally`)
	}
	return out, nil
}

// capabilities returns what the chart is told of the cluster.
func capabilities(c Chart, ch *chart.Chart) (*common.Capabilities, error) {
	caps := common.DefaultCapabilities.Copy()
	if c.KubeVersion != "" {
		v, err := common.ParseKubeVersion(c.KubeVersion)
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "kubeVersion %q is no version", c.KubeVersion).WithHint("write it as 1.31 or v1.31.4")
		}
		caps.KubeVersion = *v
	}
	caps.APIVersions = append(caps.APIVersions, c.APIVersions...)
	if want := ch.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, caps.KubeVersion.String()) {
		return nil, gennaker.Errorf(gennaker.Invalid, "chart %s is for Kubernetes %s, but is rendered for %s", ch.Name(), want, caps.KubeVersion.Version).
			WithHint("set kubeVersion of the stage to that of the cluster")
	}
	return caps, nil
}

// execute runs the templates.
func execute(c Chart, ch *chart.Chart, vals map[string]any, caps *common.Capabilities) (map[string]string, error) {
	options := common.ReleaseOptions{Name: c.Release, Namespace: cmp.Or(c.Namespace, "default"), Revision: 1, IsInstall: true}
	in, err := util.ToRenderValues(ch, vals, options, caps)
	if err != nil {
		return nil, explainValues(ch.Name(), err)
	}
	rendered, err := engine.Engine{}.Render(ch, in) //nolint:staticcheck // a context reaches lookup alone, of which there is none
	if err != nil {
		return nil, explain(ch.Name(), err)
	}
	return rendered, nil
}

const testDirectory = "/templates/tests/"

// documents puts the rendered templates together as helm template prints them,
// without tests: first definitions of resources, then objects, then hooks.
func documents(rendered map[string]string, ch *chart.Chart, crds bool) ([]byte, error) {
	for name := range rendered {
		if strings.HasSuffix(name, "NOTES.txt") || strings.Contains(name, testDirectory) {
			delete(rendered, name)
		}
	}
	hooks, objects, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if crds {
		for _, crd := range ch.CRDObjects() {
			fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", crd.Filename, crd.File.Data)
		}
	}
	for _, m := range objects {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", m.Name, m.Content)
	}
	text := append(bytes.TrimSpace(b.Bytes()), '\n')
	for _, h := range hooks {
		text = fmt.Appendf(text, "---\n# Source: %s\n%s\n", h.Path, h.Manifest)
	}
	return text, nil
}
