package bake

import (
	"fmt"
	"strings"

	"github.com/gennaker/gennaker"
)

// Renderer is what makes manifests of the inputs.
type Renderer string

// The renderers.
const (
	Helm      Renderer = "helm"
	Kustomize Renderer = "kustomize"
)

// Input is a fetched artifact.
type Input struct {
	Name    string `json:"name"`    // for messages
	Content []byte `json:"content"` // a .tar.gz or .tar; of values a YAML document
}

// Request is what to render.
type Request struct {
	Renderer Renderer `json:"renderer"`
	Inputs   []Input  `json:"inputs"`         // the archive of the chart or kustomization first; then values files, of which later ones win
	Path     string   `json:"path,omitzero"`  // within the archive: directory of the chart, or kustomization file; default the only one at its top
	MaxBytes int      `json:"bytes,omitzero"` // of what is rendered; 0 means DefaultMaxBytes
	Chart    Chart    `json:"chart"`          // of Helm alone
}

// Chart says how a chart is rendered: the flags of helm template.
type Chart struct {
	Release     string   `json:"release,omitzero"`     // name of the release
	Namespace   string   `json:"namespace,omitzero"`   // default "default"
	IncludeCRDs bool     `json:"includeCrds,omitzero"` // --include-crds
	APIVersions []string `json:"apiVersions,omitzero"` // --api-versions, beside those of Kubernetes itself
	KubeVersion string   `json:"kubeVersion,omitzero"` // --kube-version; default the version that Helm was built for
	Overrides   []string `json:"overrides,omitzero"`   // of values, "key=value" as in --set, in order
	Raw         bool     `json:"raw,omitzero"`         // --set, which gives values types, instead of --set-string
}

// Result is what was rendered.
type Result struct {
	Manifests []byte   `json:"manifests"`         // YAML documents
	Warnings  []string `json:"warnings,omitzero"` // what the user might want to know
}

// Bounds.
const (
	// DefaultMaxBytes is how large manifests may be, in bytes.
	DefaultMaxBytes = 5 << 20

	maxExpanded = 100 << 20    // bytes of all files in an archive; Helm's bound
	maxFiles    = 20_000       // in an archive, with those that symbolic links make
	maxEntries  = 5 * maxFiles // directories among them
	maxName     = 1024         // bytes of a path in an archive
	maxCharts   = 200          // with all dependencies
	maxDepth    = 20           // of dependencies of dependencies
)

// Render renders in this process. Templates can neither be interrupted nor be
// kept from using up memory: see [Process].
//
// Errors: Invalid for what cannot be rendered, with the file and line where they
// are known; TooLarge over a bound.
func Render(req Request) (Result, error) {
	if len(req.Inputs) == 0 {
		return Result{}, gennaker.Errorf(gennaker.Invalid, "there is nothing to bake").WithHint("name an input artifact")
	}
	var out Result
	var err error
	switch req.Renderer {
	case Helm:
		out, err = template(req)
	case Kustomize:
		out, err = build(req)
	default:
		err = gennaker.Errorf(gennaker.Invalid, "there is no renderer %q", req.Renderer)
	}
	if err != nil {
		return Result{}, err
	}
	most := req.MaxBytes
	if most <= 0 {
		most = DefaultMaxBytes
	}
	if len(out.Manifests) > most {
		return Result{}, gennaker.Errorf(gennaker.TooLarge, "the baked manifests have %d bytes, more than %d", len(out.Manifests), most).
			WithHint("bake fewer objects at a time")
	}
	if len(strings.TrimSpace(string(out.Manifests))) == 0 {
		out.Warnings = append(out.Warnings, "nothing was rendered: there is no object in the result")
	}
	return out, nil
}

// list names some of many.
func list(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
