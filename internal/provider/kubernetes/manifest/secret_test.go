package manifest_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// TestHoldsSecret: a Secret is found however it is written, and what only has
// the word is none.
func TestHoldsSecret(t *testing.T) {
	t.Parallel()
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for name, text := range map[string]string{
		"plain":                    "apiVersion: v1\nkind: Secret\nstringData: {password: hunter2}\n",
		"without data":             "apiVersion: v1\nkind: Secret\n",
		"behind another":           config + "---\nkind: Secret\n",
		"behind a byte order mark": "\ufeffkind: Secret\n",
		"single quotes":            "kind: 'Secret'\n",
		"double quotes":            "\"kind\": \"Secret\"\n",
		"escaped":                  `"k\x69nd": "\u0053ecret"` + "\n",
		"a tag":                    "kind: !!str Secret\n",
		"a tag on the key":         "!!str kind: Secret\n",
		"a long tag":               "kind: !<tag:yaml.org,2002:str> Secret\n",
		"binary":                   "kind: !!binary " + base64.StdEncoding.EncodeToString([]byte("Secret")) + "\n",
		"an anchor":                "kind: &k Secret\n",
		"an alias":                 "metadata: {name: &k Secret}\nkind: *k\n",
		"an alias as the key":      "metadata: {name: &k kind}\n*k : Secret\n",
		"a comment between":        "kind: # of what?\n  Secret\n",
		"on the next line":         "kind:\n  Secret\n",
		"a question":               "? kind\n: Secret\n",
		"folded":                   "kind: >-\n  Secret\n",
		"literal":                  "kind: |-\n  Secret\n",
		"flow":                     "{apiVersion: v1, kind: Secret}\n",
		"JSON":                     `{"apiVersion": "v1", "kind": "Secret"}`,
		"escaped JSON":             `{"apiVersion":"v1","\u006bind":"S\u0065cret"}`,
		"JSON behind JSON":         `{"kind": "ConfigMap"} {"kind": "Secret"}`,
		"merged":                   "<<: {kind: Secret}\nmetadata: {name: a}\n",
		"merged from an anchor":    "metadata: &m {kind: Secret}\n<<: *m\n",
		"in a sequence":            "- kind: ConfigMap\n- - kind: Secret\n",
		"in a List":                "kind: List\nitems:\n- kind: Secret\n",
		"in a List in a List":      "kind: List\nitems: [{kind: List, items: [{kind: Secret}]}]\n",
		"in a List by an alias":    "kind: List\nmetadata: &m {kind: Secret}\nitems: [*m]\n",
		"in a List that is merged": "kind: List\n<<: {items: [{kind: Secret}]}\n",
		"in a List with a key":     "kind: List\nitems: {a: {kind: Secret, data: {a: aGk=}}}\n",
		"in a list of a kind":      "kind: GadgetList\nitems: [{kind: Secret}]\n",
		"a SecretList":             "kind: SecretList\nitems: [{metadata: {name: a}, data: {a: aGk=}}]\n",
		"an empty SecretList":      "kind: SecretList\nitems: []\n",
		"meant to be one":          "kind: secret\n",
		"of another group":         "apiVersion: example.com/v1\nkind: Secret\n",
		"within an object":         "kind: Object\nspec: {forProvider: {manifest: {kind: Secret, stringData: {a: hunter2}}}}\n",
		"in a list of an object":   "kind: Template\nobjects: [{kind: Secret, data: {a: aGk=}}]\n",

		"no kind":               "metadata: {name: a}\nstringData: {password: hunter2}\n",
		"an item without kind":  "kind: ConfigMapList\nitems: [{data: {a: b}}]\n",
		"a kind that is none":   "kind: [Secret]\ndata: {a: aGk=}\n",
		"no YAML":               "kind: ConfigMap\n\tkind: Secret\n",
		"no object":             "hunter2\n",
		"a list of no objects":  "- hunter2\n",
		"an unknown tag":        "kind: !Secret x\n",
		"a key that is twice":   "kind: ConfigMap\nkind: Secret\n",
		"an unknown anchor":     "kind: *k\n",
		"itself":                "kind: ConfigMap\ndata: &d {a: *d}\n",
		"nested too deep":       "kind: ConfigMap\ndata: " + strings.Repeat("[", manifest.MaxDepth+1) + strings.Repeat("]", manifest.MaxDepth+1) + "\n",
		"too long":              strings.Repeat("#", manifest.MaxListBytes+1),
		"too long with aliases": "kind: ConfigMap\na: &a [" + strings.Repeat("x, ", 1<<16) + "]\nb: [" + strings.Repeat("*a, ", 1<<8) + "]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !manifest.HoldsSecret([]byte(text)) {
				t.Error("it is not found")
			}
		})
	}
	for name, text := range map[string]string{
		"nothing":               "",
		"comments":              "# kind: Secret\n---\n# nothing\n",
		"null":                  "---\n~\n---\nnull\n",
		"another":               config + "data: {kind: Secret}\n",
		"several":               config + "---\n" + config + "---\nkind: Deployment\n",
		"an empty list":         "kind: List\nitems: []\n",
		"a list":                "apiVersion: v1\nkind: List\nitems:\n- kind: ConfigMap\n- kind: Service\n",
		"a large list":          "kind: List\nitems:\n" + strings.Repeat("- {kind: ConfigMap, data: {a: "+strings.Repeat("x", 1<<20)+"}}\n", 3),
		"text of an object":     config + "data:\n  a.yaml: |\n    kind: Secret\n    stringData: {a: b}\n",
		"a name":                "kind: ConfigMap\nmetadata: {name: Secret}\n",
		"a reference":           "kind: Gateway\nspec: {listeners: [{tls: {certificateRefs: [{kind: Secret, name: a}]}}]}\n",
		"a kind like it":        "kind: SecretStore\n---\nkind: SealedSecret\n---\nkind: ExternalSecret\nspec: {data: [{a: b}]}\n",
		"a definition of kind":  "kind: CustomResourceDefinition\nspec: {properties: {kind: {type: string}, data: {type: object}}}\n",
		"neither kind nor data": "image: v2\n",
		"JSON":                  `{"kind": "ConfigMap", "data": {"a": "\"kind\": \"Secret\""}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if manifest.HoldsSecret([]byte(text)) {
				t.Error("there is none")
			}
		})
	}
}

// FuzzHoldsSecret: nothing that can be deployed, and is a Secret, is missed;
// what cannot be read counts as one.
func FuzzHoldsSecret(f *testing.F) {
	for _, seed := range []string{
		"kind: A\n---\nkind: Secret\n", `{"kind":"SecretList","items":[{}]}`, "kind: List\nitems: [{kind: Secret}]\n", "a: &kind x\n*kind : List\nitems: [{kind: Secret}]\n",
		"a: &a {kind: Secret}\n<<: *a\n", "kind: !!binary U2VjcmV0\n", "- - kind: secret\n", "kind: !!str Secret\n", "a: &a [*a]\n", "kind: |-\n  Secret\n", "x\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := manifest.Parse(text)
		if (err != nil || slices.ContainsFunc(d.Manifests, manifest.IsSecret)) && !manifest.HoldsSecret(text) {
			t.Error(fmt.Sprintf("%q holds one, or cannot be read: ", text), err)
		}
	})
}
