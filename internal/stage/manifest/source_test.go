package manifest_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
)

// deployed is a deployManifest stage without traffic management.
func deployed(more object) object {
	c := object{"account": "k8s", "cloudProvider": "kubernetes", "moniker": object{"app": "shop"}, "source": "text"}
	maps.Copy(c, more)
	return c
}

func TestOutputs(t *testing.T) { // stage types, section 4
	t.Parallel()
	r := newRunner(t, nil)
	r.artifacts = []gennaker.Artifact{
		{Type: "docker/image", Name: "shop/web", Reference: "shop/web:bound"}, {Type: "embedded/base64", Name: "values", Reference: "bG9uZw=="},
	}
	n := r.run("deployManifest", deployed(object{
		"manifests":         []any{replicaSet("1"), []any{service("web"), object{"kind": "List", "items": []any{service("api")}}}},
		"expectedArtifacts": []any{object{"id": "rs", "matchArtifact": object{"type": "kubernetes/replicaSet", "name": "web"}}},
	}))
	check(t, "status", gennaker.Succeeded, n.Status)
	check(t, "names", object{"prod": []any{"service web", "service api", "replicaSet web-v000"}}, n.Outputs["outputs.manifestNamesByNamespace"].(object))
	check(t, "account", any("k8s"), n.Context["deploy.account.name"])
	check(t, "how many manifests", 3, len(n.Outputs["manifests"].([]any)))
	check(t, "the same in the context", n.Outputs["outputs.manifests"], n.Context["outputs.manifests"])
	bound := n.Outputs["outputs.boundArtifacts"].([]any)
	check(t, "bound artifacts", 1, len(bound))
	check(t, "bound reference", any("shop/web:bound"), bound[0].(object)["reference"])
	check(t, "optional artifacts: what is embedded can be in no manifest", 1, len(n.Context["optionalArtifacts"].([]any)))
	check(t, "required artifacts", []any{}, n.Context["requiredArtifacts"].([]any))
	check(t, "created artifacts", 3, len(n.Outputs["outputs.createdArtifacts"].([]any)))
	resolved := n.Outputs["resolvedExpectedArtifacts"].([]any)[0].(object)["boundArtifact"].(object)
	check(t, "expected artifact", any("web-v000"), resolved["reference"])
	check(t, "image", "shop/web:bound", image(r.view("replicaSet web-v000").Manifest))
	check(t, "stable", 3, len(n.Context["stableManifests"].([]any)))
	check(t, "messages", []any{}, n.Context["messages"].([]any))
}

func TestFields(t *testing.T) {
	t.Parallel()
	labelled := replicaSet("1")
	labelled["metadata"] = object{"name": "web", "namespace": "prod", "labels": object{"tier": "front"}}
	choose := func(tier string) object {
		return object{"selectors": []any{object{"key": "tier", "kind": "EQUALS", "values": []any{tier}}}}
	}
	required := object{"type": "docker/image", "name": "shop/web", "reference": "shop/web:2"}
	tests := map[string]struct {
		config object
		reason string // "" is success
		after  func(*testing.T, *runner, *node)
	}{
		"nothing":            {object{"manifests": []any{}}, "there are no manifests to deploy", nil},
		"nothing, and fine":  {object{"manifests": []any{}, "allowNothingSelected": true}, "", nil},
		"none is selected":   {object{"manifests": []any{labelled}, "labelSelectors": choose("back")}, "none of the manifests has the labels", nil},
		"none, and fine":     {object{"manifests": []any{labelled}, "labelSelectors": choose("back"), "allowNothingSelected": true}, "", nil},
		"one is selected":    {object{"manifests": []any{labelled, service("web")}, "labelSelectors": choose("front")}, "", nil},
		"no object":          {object{"manifests": []any{"text"}}, "manifests[0] is not an object", nil},
		"one object":         {object{"manifest": replicaSet("1")}, "", nil},
		"unknown account":    {object{"manifests": []any{service("web")}, "account": "nobody"}, `there is no account "nobody"`, nil},
		"no account":         {object{"manifests": []any{service("web")}, "account": ""}, "the account is missing", nil},
		"twice":              {object{"manifests": []any{service("web"), service("web")}}, "service web is there twice", nil},
		"required and bound": {object{"manifests": []any{replicaSet("1")}, "requiredArtifacts": []any{object{"expectedArtifactId": "x", "artifact": required}}}, "", nil},
		"required, and not": {
			object{"manifests": []any{service("web")}, "requiredArtifacts": []any{object{"artifact": required}}}, "shop/web", nil,
		},
		"required by ID, and not": {
			object{"manifests": []any{service("web")}, "requiredArtifactIds": []any{"shop/web"}}, "no manifest uses the required artifact", func(t *testing.T, r *runner, _ *node) {
				check(t, "times that it is named", 1, strings.Count(r.why(), "shop/web"))
			},
		},
		"not versioned": {object{"manifests": []any{replicaSet("1")}, "versioned": "false"}, "", func(t *testing.T, r *runner, _ *node) {
			check(t, "replica sets", []string{"web"}, r.fake.Objects("prod", "replicaSet"))
		}},
		"another namespace": {object{"manifests": []any{service("web")}, "namespaceOverride": "test"}, "", func(t *testing.T, r *runner, _ *node) {
			check(t, "services", []string{"web"}, r.fake.Objects("test", "service"))
		}},
		"no artifacts": {object{"manifests": []any{replicaSet("1")}, "enableArtifactBinding": false}, "", func(t *testing.T, r *runner, _ *node) {
			check(t, "image", "shop/web:1", image(r.view("replicaSet web-v000").Manifest))
		}},
		"no output": {object{"manifests": []any{replicaSet("1")}, "noOutput": true}, "", func(t *testing.T, _ *runner, n *node) {
			check(t, "outputs.manifests", nil, n.Outputs["outputs.manifests"])
			check(t, "names", any([]any{"replicaSet web-v000"}), n.Outputs["outputs.manifestNamesByNamespace"].(object)["prod"])
		}},
		"a gadget": {object{"manifests": []any{object{"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": object{"name": "g", "namespace": "prod"}}}}, "", func(t *testing.T, _ *runner, n *node) {
			check(t, "names", any([]any{"gadget.example.com g"}), n.Outputs["outputs.manifestNamesByNamespace"].(object)["prod"])
		}},
		"B5 history of one version": {
			object{"manifests": []any{annotated(replicaSet("1"), "strategy.spinnaker.io/max-version-history", "1")}, "trafficManagement": object{
				"enabled": true, "options": object{"strategy": "bluegreen", "services": []any{"service web"}},
			}}, "needs two versions of web", nil,
		},
		"no service": {object{"manifests": []any{replicaSet("1")}, "trafficManagement": object{
			"enabled": true, "options": object{"strategy": "bluegreen", "enableTraffic": true},
		}}, "has no services", nil},
		"a canary of two": {object{"manifests": []any{replicaSet("1"), service("web")}, "trafficManagement": object{
			"enabled": true, "options": object{"strategy": "canary", "services": []any{"service web"}, "route": "httpRoute nobody"},
		}}, "there is no httpRoute nobody", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, nil)
			r.artifacts = []gennaker.Artifact{{Type: "docker/image", Name: "shop/web", Reference: "shop/web:bound"}}
			n := r.run("deployManifest", deployed(tt.config))
			if ok := n.Status == gennaker.Succeeded; ok != (tt.reason == "") || !strings.Contains(r.why(), tt.reason) {
				t.Fatalf("it ended %s, and says %q, want %q", n.Status, r.why(), tt.reason)
			}
			if tt.after != nil {
				tt.after(t, r, n)
			}
		})
	}
}

func annotated(m object, key, value string) object {
	m["metadata"].(object)["annotations"] = object{key: value}
	return m
}

func TestExpressionsInManifests(t *testing.T) {
	t.Parallel()
	m := func() []any { return []any{replicaSet("${ tag }"), annotated(service("web"), "note", "${ nobody }")} }
	for name, tt := range map[string]struct {
		config object
		image  string
		reason string
	}{
		"evaluated":              {object{"manifests": m()}, "shop/web:7", ""},
		"left alone":             {object{"manifests": m(), "skipExpressionEvaluation": true}, "shop/web:${ tag }", ""},
		"without a value, fails": {object{"manifests": m(), "failOnFailedExpressions": true}, "", "an expression in a manifest has no value"},
		"a list of them":         {object{"manifests": "${ list }"}, "shop/web:9", ""},
		"from an artifact":       {object{"source": "artifact", "manifestArtifactId": "chart"}, "shop/web:7", ""},
		"an artifact, left alone": {
			object{"source": "artifact", "manifestArtifactId": "chart", "skipExpressionEvaluation": "true"}, "shop/web:${ tag }", "",
		},
		"an artifact of its own": {
			object{"source": "artifact", "manifestArtifact": object{"type": "http/file", "reference": "there"}}, "shop/web:7", "",
		},
		"an artifact that is not there": {
			object{"source": "artifact", "manifestArtifact": object{"type": "http/file", "reference": "nowhere"}}, "", "fetch the manifests: there is nothing at nowhere",
		},
		"an artifact that cannot be read": {
			object{"source": "artifact", "manifestArtifact": object{"type": "http/file", "reference": "broken"}}, "", "document 2 cannot be read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, nil)
			r.root = object{"tag": "7", "list": []any{replicaSet("9")}}
			text, err := json.Marshal(replicaSet("${ tag }"))
			if err != nil {
				t.Fatal(err)
			}
			r.artifacts = []gennaker.Artifact{{Type: "http/file", Name: "chart", Reference: "there"}}
			r.content = map[string]string{"there": string(text), "broken": string(text) + "\n{"}
			n := r.run("deployManifest", deployed(tt.config))
			if !strings.Contains(r.why(), tt.reason) || (n.Status == gennaker.Succeeded) != (tt.reason == "") {
				t.Fatalf("it ended %s, and says %q, want %q", n.Status, r.why(), tt.reason)
			}
			if tt.image != "" {
				check(t, "image", tt.image, image(r.view("replicaSet web-v000").Manifest))
			}
			if before, ok := tt.config["manifests"]; ok && before != nil {
				check(t, "the manifests in the context are as the author wrote them", reread(t, object{"m": before})["m"], n.Context["manifests"])
			}
		})
	}
}

// No value of a Secret is in what is stored of a stage.
func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	secret := func(value string) object {
		return object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "key", "namespace": "prod"}, "stringData": object{"password": value}}
	}
	for name, tt := range map[string]struct {
		config  object
		restart string // what a restart of the stage says
	}{
		"evaluated":        {object{"manifests": []any{secret("${ hush }")}}, ""},
		"literal":          {object{"manifests": []any{secret("hush-hush")}}, "the data of its Secrets are not kept"},
		"within a list":    {object{"manifests": []any{object{"kind": "List", "items": []any{secret("hush-hush")}}}}, "the data of its Secrets are not kept"},
		"as text":          {object{"manifests": `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "prod"}, "stringData": {"password": "hush-hush"}}`}, "the data of its Secrets are not kept"},
		"from an artifact": {object{"source": "artifact", "manifestArtifactId": "key"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, nil)
			r.root = object{"hush": "hush-hush"}
			text, err := json.Marshal(secret("hush-hush"))
			if err != nil {
				t.Fatal(err)
			}
			r.artifacts, r.content = []gennaker.Artifact{{Type: "http/file", Name: "key", Reference: "there"}}, map[string]string{"there": string(text)}
			n := r.run("deployManifest", deployed(tt.config))
			check(t, "status", gennaker.Succeeded, n.Status)
			for what, v := range map[string]any{"context": n.Context, "outputs": n.Outputs} {
				text, err := json.Marshal(v)
				if err != nil || strings.Contains(string(text), "hush-hush") {
					t.Errorf("the %s tells the secret: %s, %v", what, text, err)
				}
			}
			check(t, "the cluster has it", []string{"key-v000"}, r.fake.Objects("prod", "secret"))
			d, err := r.registry.Find("deployManifest")
			if err != nil {
				t.Fatal(err)
			}
			again := n.Context
			delete(again, "exception")
			d.Restart(again)
			if n = r.run("deployManifest", again); !strings.Contains(r.why(), tt.restart) || (n.Status == gennaker.Succeeded) != (tt.restart == "") {
				t.Errorf("restarted, it ends %s with %q", n.Status, r.why())
			}
		})
	}
}

// A patch of a Secret need not say what it patches.
func TestPatchesOfSecretsAreMasked(t *testing.T) {
	t.Parallel()
	secret := object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "key", "namespace": "prod"}, "data": object{"password": "aGk="}}
	for name, tt := range map[string]struct {
		body    any
		options object
		want    any // in the context
		restart string
	}{
		"an object":     {[]any{object{"data": object{"password": "aHVzaA==", "old": nil}}}, nil, []any{object{"data": object{"password": "****", "old": nil}}}, "the data of its Secrets are not kept"},
		"an expression": {[]any{object{"data": object{"password": "${ hush }"}}}, nil, []any{object{"data": object{"password": "${ hush }"}}}, ""},
		"operations": {
			[]any{object{"op": "replace", "path": "/data/password", "value": "aHVzaA=="}, object{"op": "add", "path": "/metadata/labels", "value": object{"a": "b"}}}, object{"mergeStrategy": "json"},
			[]any{object{"op": "replace", "path": "/data/password", "value": "****"}, object{"op": "add", "path": "/metadata/labels", "value": object{"a": "b"}}}, "the data of its Secrets are not kept",
		},
		"text":   {`{"data": {"password": "aHVzaA=="}}`, nil, "****", "the data of its Secrets are not kept"},
		"labels": {[]any{object{"metadata": object{"labels": object{"a": "b"}}}}, nil, []any{object{"metadata": object{"labels": object{"a": "b"}}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, nil)
			r.root = object{"hush": "aHVzaA=="}
			check(t, "status", gennaker.Succeeded, r.run("deployManifest", deployed(object{"manifests": []any{secret}, "versioned": false})).Status)
			config := about("secret key", object{"patchBody": tt.body})
			if tt.options != nil {
				config["options"] = tt.options
			}
			n := r.run("patchManifest", config)
			check(t, "status", gennaker.Succeeded, n.Status)
			check(t, "the stage", reread(t, object{"body": tt.want})["body"], n.Context["patchBody"])
			d, err := r.registry.Find("patchManifest")
			if err != nil {
				t.Fatal(err)
			}
			again := n.Context
			delete(again, "exception")
			d.Restart(again)
			if n = r.run("patchManifest", again); !strings.Contains(r.why(), tt.restart) || (n.Status == gennaker.Succeeded) != (tt.restart == "") {
				t.Errorf("restarted, it ends %s with %q", n.Status, r.why())
			}
		})
	}
}

// An artifact that changes between two attempts is noticed.
func TestArtifactThatChanges(t *testing.T) {
	t.Parallel()
	r := newRunner(t, nil)
	for _, tag := range []string{"1", "2"} {
		text, err := json.Marshal(replicaSet(tag))
		if err != nil {
			t.Fatal(err)
		}
		if r.content == nil {
			r.content = map[string]string{}
		}
		r.content[tag] = string(text)
	}
	r.content["there"] = r.content["1"]
	r.before = func(_ *node, task string) {
		if task == "deployManifest" {
			r.content["there"] = r.content["2"]
		}
	}
	n := r.run("deployManifest", deployed(object{"source": "artifact", "manifestArtifact": object{"type": "http/file", "reference": "there"}}))
	check(t, "status", gennaker.Terminal, n.Status)
	check(t, "reason", "the artifact that holds the manifests changed while the stage ran", r.why())
}
