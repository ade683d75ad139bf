package app_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
	"github.com/gennaker/gennaker/internal/simulate"
)

// objects notes the objects of clusters that a stage takes for granted: those
// that it changes, and the Services that it moves traffic to.
func (sc *scene) objects(st object, application string) {
	account := plainText(st["account"])
	add := func(location any, name string, tags ...string) {
		kind, name, err := gennaker.ParseManifestName(name)
		if err != nil || account == "" || plainText(location) == "" {
			return
		}
		for _, tag := range tags {
			sc.manifests = append(sc.manifests, simulate.Object{
				Account: account, Application: application, Manifest: sample(kind, plainText(location), name, name+":"+tag),
			})
		}
	}
	namespace := func(own any) any { return cmp.Or(plainText(st["namespaceOverride"]), plainText(own), "default") }
	if management, _ := st["trafficManagement"].(object); management["enabled"] == true {
		options, _ := management["options"].(object)
		services, _ := options["services"].([]any)
		for _, s := range services {
			add(namespace(options["namespace"]), asText(s), "1")
		}
	}
	for _, m := range objects(st["manifests"]) {
		meta, _ := m["metadata"].(object)
		notes, _ := meta["annotations"].(object)
		var services []string
		if json.Unmarshal([]byte(asText(notes["traffic.spinnaker.io/load-balancers"])), &services) == nil {
			for _, s := range services {
				add(namespace(meta["namespace"]), s, "1")
			}
		}
	}
	if st["mode"] == "dynamic" {
		add(st["location"], asText(st["cluster"]), "1", "2")
	} else {
		add(st["location"], asText(st["manifestName"]), "1")
	}
}

// sample is an object of a kind. With another image it is another version, of
// kinds that have versions.
func sample(kind, namespace, name, image string) object {
	meta := object{"name": name, "namespace": namespace}
	if strings.EqualFold(kind, "service") {
		return object{
			"apiVersion": "v1", "kind": "Service", "metadata": meta,
			"spec": object{"selector": object{"traffic": name}, "ports": []any{object{"port": 80}}},
		}
	}
	labels := object{"app": name}
	return object{
		"apiVersion": "apps/v1", "kind": strings.ToUpper(kind[:1]) + kind[1:], "metadata": meta,
		"spec": object{
			"replicas": 1, "selector": object{"matchLabels": labels},
			"template": object{
				"metadata": object{"labels": labels},
				"spec":     object{"containers": []any{object{"name": "main", "image": image}}},
			},
		},
	}
}

// stored is the manifest that every file holds: a Deployment with the name of the
// file, of an image of that name. JSON is YAML.
func stored(file string) string {
	name := strings.TrimSuffix(path.Base(file), path.Ext(file))
	text, _ := json.Marshal(sample("deployment", "default", name, "gcr.io/project/"+name)) // it can be written
	return string(text)
}

// serveFile answers as GitHub and as Google's storage do that hold every file.
func serveFile(w http.ResponseWriter, r *http.Request) {
	file, err := url.PathUnescape(r.URL.EscapedPath())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, stored(file))
}

var (
	github = regexp.MustCompile(`(?i)https://api\.github\.com`)
	blanks = strings.NewReplacer("{%BUCKET_URI%}", "gs://bucket", "{%PROJECT_ID%}", "project")
)

// reach returns a definition with what it leaves blank filled in, and its files of
// GitHub at a site of the test.
func reach(text []byte, site string) []byte {
	return github.ReplaceAll([]byte(blanks.Replace(string(text))), []byte(site))
}

// accounts returns the accounts of artifacts that a definition names.
func accounts(doc object, site string) (c fetch.Config) {
	seen := map[string]bool{"": true, "embedded-artifact": true}
	expected := map[any]object{}
	for _, e := range objects(doc["expectedArtifacts"]) {
		expected[e["id"]], _ = e["defaultArtifact"].(object)
	}
	for _, st := range objects(doc["stages"]) {
		a := expected[st["manifestArtifactId"]]
		name := cmp.Or(asText(a["artifactAccount"]), asText(st["manifestArtifactAccount"]))
		if seen[name] {
			continue
		}
		switch a["type"] {
		case "github/file":
			c.GitHub.Accounts = append(c.GitHub.Accounts, fetch.GitHubAccount{Name: name})
		case "gcs/object":
			c.GCS.Accounts = append(c.GCS.Accounts, fetch.GCSAccount{Name: name, APIEndpoint: site})
		default:
			continue
		}
		seen[name] = true
	}
	return c
}

// bakes makes of a bakeManifest stage one that writes down what it would make.
func bakes(st object) {
	var contents []any
	for _, e := range objects(st["expectedArtifacts"]) {
		a, _ := e["matchArtifact"].(object)
		contents = append(contents, object{"name": a["name"], "contents": stored(asText(a["name"]))})
	}
	st["type"], st["artifactContents"] = "evaluateArtifacts", contents
}

// locationOf returns the location of an artifact: that of an object is the
// namespace that a definition deploys to.
func locationOf(a, doc object) any {
	if asText(a["location"]) != "" || !strings.HasPrefix(asText(a["type"]), "kubernetes/") {
		return a["location"]
	}
	for _, st := range objects(doc["stages"]) {
		for _, m := range objects(st["manifests"]) {
			meta, _ := m["metadata"].(object)
			if namespace := plainText(meta["namespace"]); namespace != "" {
				return namespace
			}
		}
	}
	return nil
}
