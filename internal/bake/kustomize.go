package bake

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/gennaker/gennaker"
)

// kustomizations are the names of kustomization files.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// top is where the archive lies in the file system that Kustomize sees.
const top = "/archive"

// build renders a kustomization.
//
// Source: kustomize build, without flags.
func build(req Request) (Result, error) {
	if len(req.Inputs) > 1 {
		return Result{}, gennaker.Errorf(gennaker.Invalid, "a kustomization has one input artifact, not %d", len(req.Inputs)).
			WithHint("put everything into one repository or archive")
	}
	files, err := readTree(req.Inputs[0])
	if err != nil {
		return Result{}, err
	}
	dir, err := files.directory(req.Path, "kustomization", "kustomizeFilePath", kustomizations...)
	if err != nil {
		return Result{}, err
	}
	r := reader{tree: files, seen: map[string]bool{}}
	if err := r.read(dir); err != nil {
		return Result{}, err
	}
	fs := filesys.MakeFsInMemory()
	for _, name := range slices.Sorted(maps.Keys(files.files)) {
		if err := fs.WriteFile(path.Join(top, name), files.files[name]); err != nil {
			return Result{}, gennaker.Errorf(gennaker.Invalid, "%s has both a file and a directory %q", files.name, name).WithHint("pack it anew")
		}
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // the command's default, which is not the library's
	objects, err := krusty.MakeKustomizer(options).Run(fs, path.Join(top, dir))
	if err != nil {
		return Result{}, explainBuild(err)
	}
	text, err := objects.AsYaml()
	if err != nil {
		return Result{}, explainBuild(err)
	}
	return Result{Manifests: text, Warnings: append(files.warnings(), r.warnings...)}, nil
}

// reader reads the kustomizations that one leads to before Kustomize does, for
// what it would not say well, or would do and must not.
type reader struct {
	tree     *tree
	seen     map[string]bool
	warnings []string
}

// read checks the kustomization in a directory, and those that it names.
func (r *reader) read(dir string) error {
	i := slices.IndexFunc(kustomizations, func(n string) bool { return r.tree.files[path.Join(dir, n)] != nil })
	if i < 0 || r.seen[dir] {
		return nil
	}
	r.seen[dir] = true
	file := path.Join(dir, kustomizations[i])
	var k types.Kustomization
	if err := k.Unmarshal(r.tree.files[file]); err != nil {
		return gennaker.Errorf(gennaker.Invalid, "%s: %s", file, oneLine(err.Error())).WithHint("mend the kustomization file")
	}
	warned := *k.CheckDeprecatedFields()
	k.FixKustomization()
	if len(k.HelmCharts) > 0 {
		return gennaker.Errorf(gennaker.Invalid, "%s: helmCharts needs the helm program, which is not run here", file).
			WithHint("bake the chart in a stage of its own with the renderer HELM3, and deploy both results")
	}
	for _, w := range warned {
		r.warnings = append(r.warnings, file+": "+strings.TrimSpace(strings.TrimPrefix(w, "# Warning:")))
	}
	if err := r.local(file, k); err != nil {
		return err
	}
	for _, names := range [][]string{k.Resources, k.Components, k.Generators, k.Transformers, k.Validators} {
		for _, name := range names {
			if err := r.read(path.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// local refuses what Kustomize would fetch.
func (r *reader) local(file string, k types.Kustomization) error {
	named := map[string][]string{
		"resources": k.Resources, "components": k.Components, "crds": k.Crds, "configurations": k.Configurations,
		"generators": k.Generators, "transformers": k.Transformers, "validators": k.Validators,
	}
	for _, p := range append(k.Patches, k.PatchesJson6902...) { //nolint:staticcheck // it is still read
		named["patches"] = append(named["patches"], p.Path)
	}
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // likewise
		if !strings.Contains(string(p), "\n") {
			named["patchesStrategicMerge"] = append(named["patchesStrategicMerge"], string(p))
		}
	}
	for _, p := range k.Replacements {
		named["replacements"] = append(named["replacements"], p.Path)
	}
	for _, g := range k.ConfigMapGenerator {
		named["configMapGenerator"] = append(named["configMapGenerator"], sources(g.KvPairSources)...)
	}
	for _, g := range k.SecretGenerator {
		named["secretGenerator"] = append(named["secretGenerator"], sources(g.KvPairSources)...)
	}
	for _, field := range slices.Sorted(maps.Keys(named)) {
		for _, name := range named[field] {
			_, here := r.tree.files[path.Join(path.Dir(file), name)]
			if name == "" || here || r.tree.has(path.Join(path.Dir(file), name)) || !remote(name) {
				continue
			}
			return gennaker.Errorf(gennaker.Invalid, "%s: %s names %s, which is not in %s", file, field, shown(name), r.tree.name).
				WithHint("baking fetches nothing: put a copy into the repository, or bake it in a stage of its own from a git/repo artifact")
		}
	}
	return nil
}

// sources returns the files of a generator.
func sources(s types.KvPairSources) []string {
	out := slices.Clone(s.EnvSources)
	for _, file := range s.FileSources {
		if _, after, ok := strings.Cut(file, "="); ok {
			file = after
		}
		out = append(out, file)
	}
	return out
}

// hosted matches repositories that are named without a scheme.
var hosted = regexp.MustCompile(`^(?:\w+@[\w.-]+[:/]|(?:github|gitlab|bitbucket)\.(?:com|org)[/:]|[\w.-]+\.\w+(?::\d+)?/.*(?:\.git|_git/|\?ref=))`)

// remote reports whether Kustomize takes a name for that of a URL or repository.
func remote(name string) bool {
	return strings.Contains(name, "://") || strings.Contains(name, "::") || hosted.MatchString(name)
}

// shown returns a URL without user and query.
func shown(name string) string {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" {
		return fmt.Sprintf("%.200q", name)
	}
	return fmt.Sprintf("%.200q", (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// errOffline is why nothing is read from the network.
var errOffline = errors.New("baking reads nothing from the network")

// explainBuild turns an error of Kustomize into one sentence.
func explainBuild(err error) error {
	text := strings.ReplaceAll(oneLine(err.Error()), top+"/", "")
	hint := "run kustomize build on it"
	switch {
	case strings.Contains(text, errOffline.Error()) || strings.Contains(text, "no 'git' program"):
		hint = "put a copy of what is remote into the repository"
	case strings.Contains(text, "security; file"):
		hint = "a kustomization reads files in and below its own directory only: make a base of what lies beside it, and name its directory in resources"
	case strings.Contains(text, "external plugins disabled") || strings.Contains(text, "plugins"):
		hint = "plugins, functions and programs are not run here; generators and transformers that come with Kustomize are"
	case strings.Contains(text, "no matches for") || strings.Contains(text, "failed to find unique target"):
		hint = "look at the target of the patch: group, version, kind, name and namespace as they stand in the resource"
	}
	return gennaker.Errorf(gennaker.Invalid, "the kustomization cannot be built: %s", text).WithHint("%s", hint)
}
