package scenario

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/e2e/product"
)

// TestInput gives stages what they must refuse, and nothing of it reaches the
// cluster.
func TestInput(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.server.Configure(fetching)
	scenarios := map[string]func(*world){}
	const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
	for name, c := range map[string]struct {
		text  string
		words []string
	}{
		"broken document": {settings + "---\n" + settings + "---\napiVersion: v1\nkind: {ConfigMap\nmetadata: {name: x}\n", []string{"document 3", "line "}},
		"no kind":         {settings + "---\napiVersion: v1\nmetadata: {name: nameless}\n", []string{"manifests[1]", "kind"}},
		"duplicates":      {settings + "---\n" + settings, []string{"settings", "manifests[0]", "manifests[1]"}},
		"unknown kind":    {"apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: web}\n", []string{"the cluster has no kind Deploymnet of apps/v1", "Deployment"}},
		"unknown field":   {strings.Replace(web, "replicas: 2", "replicass: 2", 1), []string{"replicass"}},
		"long name":       {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + strings.Repeat("a", 250) + "}\n", []string{"manifests[0]", "-v"}},
		"bad name":        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_a_name}\n", []string{"Not_a_name"}},
		"bomb":            {bomb(), []string{"alias"}},
		"deep":            {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: " + strings.Repeat("{a: ", 2000) + "1" + strings.Repeat("}", 2000) + "\n", []string{"deep"}},
		"one large":       {settings + "data: {a: " + strings.Repeat("x", 2<<20) + "}\n", []string{"larger than"}},
		"many large":      {large(), []string{"more than"}},
		"no document":     {"# nothing\n", []string{"no manifests"}},
	} {
		scenarios[name] = func(w *world) {
			f := w.fails(w.deploy(settings, w.served(c.text)))
			w.says(f, c.words...)
			if len(f.error) > 4000 {
				w.Errorf("the failure has %d bytes", len(f.error))
			}
			all := must[*core.ConfigMapList](w)(w.lab.Client.CoreV1().ConfigMaps(w.namespace).List(w.Context(), meta.ListOptions{LabelSelector: "app.kubernetes.io/managed-by"}))
			equal(w, "objects that were made", len(all.Items), 0)
		}
	}
	scenarios["stage too large"] = tooLarge
	scenarios["exec"] = execCredentials
	w.parallel(scenarios)
	t.Run("secrets", func(t *testing.T) {
		t.Parallel()
		secrets(t)
	})
}

// fetching is the configuration with which artifacts are fetched.
var fetching = object{"artifacts": object{"http": object{"enabled": true, "accounts": []any{object{"name": "files"}}}}}

// served makes the text the content of an artifact that a stage deploys.
func (w *world) served(text string) object {
	w.Helper()
	files := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, text) }))
	w.Cleanup(files.Close)
	return object{
		"source": "artifact", "manifests": nil, "manifestArtifactAccount": "files",
		"manifestArtifact": object{"type": "http/file", "name": files.URL, "reference": files.URL},
	}
}

// bomb is small, and would be 10^9 texts if its aliases were followed.
func bomb() string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "  a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	return b.String()
}

// large is 5 MB of objects each of which a cluster would take.
func large() string {
	var b strings.Builder
	for i := range 6 {
		fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings-%d}\ndata: {a: %s}\n---\n", i, strings.Repeat("x", 1<<20))
	}
	return b.String()
}

// tooLarge: a pipeline that holds 5 MB of manifests is not saved.
func tooLarge(w *world) {
	s := w.deploy("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: " + strings.Repeat("x", 5<<20) + "}\n")
	text, err := json.Marshal(object{"application": w.app, "name": "large", "stages": []any{s}})
	if err != nil {
		w.Fatal(err)
	}
	err = w.server.SavePipeline(w.Context(), text)
	if err == nil || !strings.Contains(err.Error(), "more than") {
		w.Errorf("saved: %v", err)
	}
}

// execCredentials: a kubeconfig that runs a command is refused, and the command
// does not run.
func execCredentials(w *world) {
	ran := filepath.Join(w.TempDir(), "ran")
	c, err := clientcmd.LoadFromFile(w.lab.Kubeconfig)
	if err != nil {
		w.Fatal(err)
	}
	for user := range c.AuthInfos {
		c.AuthInfos[user] = &api.AuthInfo{Exec: &api.ExecConfig{Command: "touch", Args: []string{ran}, APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: api.NeverExecInteractiveMode}}
	}
	file := filepath.Join(w.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, file); err != nil {
		w.Fatal(err)
	}
	account := w.namespace[len(w.namespace)-5:] + "exec"
	settings, err := json.Marshal(object{"name": account, "kubeconfigFile": file})
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.server.SaveAccount(w.Context(), account, settings); err != nil {
		w.Fatal(err)
	}
	lab.Eventually(w, "the account says why it is not used", func(ctx context.Context) (bool, error) {
		v, err := w.server.Account(ctx, account)
		return strings.Contains(v.State.Reason, `runs the command "touch"`) && strings.Contains(v.State.Hint, "allowExec"), err
	})
	w.says(w.fails(w.deploy(dark, object{"account": account, "credentials": account})), `runs the command "touch" to get credentials, which this account does not allow`, "allowExec")
	if _, err := os.Stat(ran); err == nil {
		w.Error("the command of the kubeconfig ran")
	}
}

// clearTexts are the data of Secrets, which must be nowhere but in the cluster.
var clearTexts = []string{"swordfish-deployed", "swordfish-refused", "swordfish-patched", "swordfish-baked"}

// secrets: neither the data directory nor the log has the data of a Secret, in
// clear or encoded, also if the cluster refuses it.
func secrets(t *testing.T) {
	t.Helper()
	l := lab.Cluster(t)
	w := &world{T: t, lab: l, account: name}
	w.place()
	w.server = product.Start(t, binary, within(account(l.Kubeconfig), w.namespace))
	w.server.Application(w.app)
	secret := func(kind, data string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: password}\ntype: " + kind + "\nstringData: {password: " + data + "}\n"
	}
	w.server.Configure(fetching)
	deployed := w.served(secret("Opaque", clearTexts[0]) + "---\n" + dark[1:])
	w.run(w.deploy(dark, deployed, object{"includeEvents": true}), w.stage("findArtifactsFromResource", `{manifestName: secret password-v000}`),
		w.stage("patchManifest", `{manifestName: secret password-v000, options: {mergeStrategy: merge}}`, w.served("stringData: {password: "+clearTexts[2]+"}\n")))
	got := must[*core.Secret](w)(l.Client.CoreV1().Secrets(w.namespace).Get(t.Context(), "password-v000", meta.GetOptions{}))
	equal(w, "the Secret in the cluster", string(got.Data["password"]), clearTexts[2])
	w.says(w.fails(w.deploy(dark, w.served(secret("kubernetes.io/tls", clearTexts[1])))), "Secret password")
	w.fails(w.deploy(dark, w.served(secret("Opaque", clearTexts[1])+" - broken: [\n")))
	v, err := w.server.Manifest(t.Context(), ref(w, "Secret", "password-v000"))
	if text := fmt.Sprint(v); err != nil || leaks(text) != "" || !strings.Contains(text, "****") {
		t.Errorf("the API shows %s, %v", text, err)
	}
	baked := w.run(w.bake(map[string]string{
		"web/Chart.yaml":            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"web/templates/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: baked}\nstringData: {password: {{ print \"swordfish\" \"-baked\" }}}\n",
	}, ""), w.stage("deployManifest", `{source: artifact, manifestArtifactId: baked, moniker: {app: $A}, namespaceOverride: $N}`))
	got = must[*core.Secret](w)(l.Client.CoreV1().Secrets(w.namespace).Get(t.Context(), "baked-v000", meta.GetOptions{}))
	equal(w, "the Secret of the chart", string(got.Data["password"]), clearTexts[3])
	if word := leaks(fmt.Sprint(baked)); word != "" {
		t.Errorf("the API shows %q of a chart", word)
	}
	w.server.Kill() // what is on disk then is all that there is
	err = filepath.WalkDir(w.server.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if word := leaks(string(text)); word != "" && err == nil {
			i := bytes.Index(text, []byte(word))
			t.Errorf("%s has the data of a Secret: %q", d.Name(), text[max(0, i-200):min(len(text), i+200)])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// leaks returns which data of a Secret a text has, in clear or within base64.
func leaks(text string) string {
	for _, c := range clearTexts {
		words := []string{c}
		for before := range 3 { // base64 depends on where in a text it stands
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", before) + c))
			words = append(words, encoded[(before*8+5)/6:(before+len(c))*8/6])
		}
		for _, word := range words {
			if strings.Contains(text, word) {
				return word
			}
		}
	}
	return ""
}
