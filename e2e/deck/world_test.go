package deck

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/e2e/product"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { product.Main(m, &binary) }

// object is open JSON.
type object = map[string]any

// account is the name of the account of the cluster.
const account = "lab"

// world is a server with an application in a cluster, as testdata/world.txtar
// describes it, and what of it ran.
type world struct {
	*testing.T
	server     *product.Server
	namespace  string
	app        string
	files      map[string]string
	executions map[string]string // the newest one of each pipeline
	ref        string            // where what the last request started is found
}

// newServer starts a server that has nothing.
func newServer(t *testing.T) *world {
	t.Helper()
	l := lab.Cluster(t)
	w := &world{T: t, namespace: l.Namespace(t), app: "shop", files: map[string]string{}, executions: map[string]string{}}
	w.server = product.Start(t, binary, object{
		"name": account, "kubeconfigFile": l.Kubeconfig, "namespaces": []string{w.namespace}, "settleSeconds": 1,
	})
	w.server.Configure(object{"api": object{"origins": []string{origin}}})
	return w
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := newServer(t)
	archive, err := txtar.ParseFile("testdata/world.txtar")
	if err != nil {
		t.Fatal(err)
	}
	w.server.Application(w.app)
	for _, f := range archive.Files {
		w.files[f.Name] = string(f.Data)
		if name, ok := strings.CutPrefix(f.Name, "pipelines/"); ok {
			w.save(strings.TrimSuffix(name, ".yaml"))
		}
	}
	w.run()
	lab.Eventually(t, "web serves, and cart crashes", func(ctx context.Context) (bool, error) {
		all, err := w.server.ServerGroups(ctx, w.app)
		up, down := 0, 0
		for _, g := range all {
			up, down = up+g.InstanceCounts.Up, down+g.InstanceCounts.Down
		}
		return up >= 10 && down == 1, err
	})
	return w
}

// run lets the pipelines run, and leaves one that waits for somebody and one
// that takes an hour.
func (w *world) run() {
	w.Helper()
	for _, r := range []struct {
		pipeline, parameter, value string
		want                       gennaker.Status
	}{
		{"deploy", "version", "1.0", gennaker.Succeeded},
		{"deploy", "version", "1.1", gennaker.Succeeded},
		{"stages", "", "", gennaker.Succeeded},
		{"fail", "", "", gennaker.Terminal},
		{"crash", "", "", gennaker.Terminal},
		{"judge", "", "", gennaker.Running},
		{"hold", "reason", "to look at it", gennaker.Running},
	} {
		id := w.server.Begin(w.app, r.pipeline, object{r.parameter: r.value})
		w.executions[r.pipeline] = id
		if !r.want.Complete() {
			continue
		}
		if x := w.server.Await(w.Context(), id); x.Status != r.want {
			w.Fatalf("%s, want %s", product.Explain(x), r.want)
		}
	}
}

// save saves a pipeline of the world's files.
func (w *world) save(name string) {
	w.Helper()
	p := w.read(w.files["pipelines/"+name+".yaml"])
	p["application"], p["name"] = w.app, name
	stages, _ := p["stages"].([]any)
	for i, s := range stages {
		s, _ := s.(object)
		w.complete(s)
		if s["refId"] == nil {
			s["refId"], s["requisiteStageRefIds"] = strconv.Itoa(i+1), []string{}
			if i > 0 {
				s["requisiteStageRefIds"] = []string{strconv.Itoa(i)}
			}
		}
	}
	text, err := json.Marshal(p)
	if err == nil {
		err = w.server.SavePipeline(w.Context(), text)
	}
	if err != nil {
		w.Fatalf("save %s: %v", name, err)
	}
}

// complete adds to a stage about a cluster where that is, and the objects that it
// names.
func (w *world) complete(s object) {
	w.Helper()
	kind, _ := s["type"].(string)
	if !strings.HasSuffix(kind, "Manifest") && kind != "findArtifactsFromResource" {
		return
	}
	maps.Copy(s, object{"account": account, "credentials": account, "cloudProvider": "kubernetes", "location": w.namespace})
	name, ok := s["objects"].(string)
	if !ok {
		return
	}
	delete(s, "objects")
	var objects []any
	for part := range strings.SplitSeq(w.files["objects/"+name+".yaml"], "\n---\n") {
		objects = append(objects, w.read(part))
	}
	maps.Copy(s, object{"source": "text", "manifests": objects, "namespaceOverride": w.namespace, "moniker": object{"app": w.app}})
}

func (w *world) read(text string) (out object) {
	w.Helper()
	if err := yaml.Unmarshal([]byte(w.expand(text)), &out); err != nil {
		w.Fatalf("%v in\n%s", err, text)
	}
	return out
}

// placeholder matches what stands for the names of this world: $A the
// application, $N the namespace, $REF what the last request started, $ID(x) the
// ID of a pipeline, $X(x) its newest execution that the world began, $S(x y) a
// stage of that, $RS(x) the newest ReplicaSet of a Deployment or of versions,
// $POD(x) a pod of it, $P(x) the document of a pipeline.
var placeholder = regexp.MustCompile(`\$(A\b|N\b|REF\b|(?:ID|X|S|RS|POD|P)\([^)]*\))`)

func (w *world) expand(text string) string {
	w.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		kind, name, _ := strings.Cut(strings.TrimSuffix(p[1:], ")"), "(")
		switch kind {
		case "A":
			return w.app
		case "N":
			return w.namespace
		case "REF":
			return w.ref
		case "ID":
			return w.pipeline(name).ID
		case "X":
			return w.executions[name]
		case "S":
			pipeline, stage, _ := strings.Cut(name, " ")
			return w.stage(pipeline, stage)
		case "P":
			text, err := json.Marshal(w.pipeline(name))
			if err != nil {
				w.Fatal(err)
			}
			return string(text)
		}
		set, pod := w.replicaSet(name)
		if kind == "POD" {
			return pod
		}
		return set
	})
}

func (w *world) pipeline(name string) client.Pipeline {
	w.Helper()
	p, err := w.server.Pipeline(w.Context(), w.app, name)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) stage(pipeline, name string) string {
	w.Helper()
	x, err := w.server.Execution(w.Context(), w.executions[pipeline])
	if err != nil {
		w.Fatal(err)
	}
	i := slices.IndexFunc(x.Stages, func(s gennaker.Stage) bool { return s.Name == name })
	if i < 0 {
		w.Fatalf("%s has no stage %s", pipeline, name)
	}
	return x.Stages[i].ID
}

// replicaSet returns the names of the newest ReplicaSet of a workload that has
// pods, and of one of them.
func (w *world) replicaSet(name string) (set, pod string) {
	w.Helper()
	all, err := w.server.ServerGroups(w.Context(), w.app)
	if err != nil {
		w.Fatal(err)
	}
	slices.SortFunc(all, func(a, b gennaker.ServerGroup) int { return b.CreatedTime.Compare(a.CreatedTime.Time) })
	for _, g := range all {
		_, bare, _ := strings.Cut(g.Name, " ")
		if strings.HasPrefix(bare, name+"-") && len(g.Instances) > 0 {
			_, pod, _ = strings.Cut(g.Instances[0].Name, " ")
			return bare, pod
		}
	}
	w.Fatalf("nothing of %s has pods", name)
	return "", ""
}
