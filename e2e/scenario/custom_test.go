package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// gadgets defines a kind of the test's own and makes one of it.
const gadgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.$A.example.com}
spec:
  group: $A.example.com
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: $A.example.com/v1
kind: Gadget
metadata: {name: one}
spec: {size: 1}
`

// gadget returns the custom resource when it is there.
func (w *world) gadget() (dynamic.ResourceInterface, *unstructured.Unstructured) {
	w.Helper()
	client, err := dynamic.NewForConfig(w.lab.Config)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { // it is in no namespace
		crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
		_ = client.Resource(crds).Delete(context.Background(), "gadgets."+w.app+".example.com", meta.DeleteOptions{})
	})
	resource := client.Resource(schema.GroupVersionResource{Group: w.app + ".example.com", Version: "v1", Resource: "gadgets"}).Namespace(w.namespace)
	var found *unstructured.Unstructured
	lab.Eventually(w, "the gadget is there", func(ctx context.Context) (bool, error) {
		found, err = resource.Get(ctx, "one", meta.GetOptions{})
		return err == nil, nil
	})
	return resource, found
}

// condition writes the status of the gadget, as its controller would.
func (w *world) condition(status, message string) {
	w.Helper()
	resource, g := w.gadget()
	g.Object["status"] = object{
		"observedGeneration": g.GetGeneration(),
		"conditions":         []any{object{"type": "Ready", "status": status, "reason": "Test", "message": message, "observedGeneration": g.GetGeneration()}},
	}
	if _, err := resource.UpdateStatus(w.Context(), g, meta.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}

// waits returns when the stage of an execution waits with a message.
func (w *world) waits(id, kind, message string) {
	w.Helper()
	lab.Eventually(w, kind+" says "+message, func(ctx context.Context) (bool, error) {
		x, err := w.server.Execution(ctx, id)
		return err == nil && slices.ContainsFunc(x.Stages, func(s gennaker.Stage) bool {
			return s.Type == kind && strings.Contains(fmt.Sprint(s.Context["messages"]), message)
		}), err
	})
}

// custom deploys a definition and a custom resource, and waits until its
// controller has seen a change of it, and says that it is ready. What a
// controller never says fails the stage, with its words.
func custom(w *world) {
	w.run(w.deploy(gadgets))
	w.condition("True", "")
	larger := w.manifests(gadgets)[1:]
	larger[0].(object)["spec"] = object{"size": 2}
	id := w.begin(w.deploy(gadgets, object{"manifests": larger}))
	w.waits(id, "deployManifest", "one")
	w.condition("False", "the flux is low")
	w.waits(id, "deployManifest", "the flux is low")
	w.condition("True", "")
	w.succeeded(id)
	_, g := w.gadget()
	equal(w, "application", g.GetAnnotations()["moniker.spinnaker.io/application"], w.app)
	w.condition("False", "the flux is low")
	w.says(w.fails(w.deploy(gadgets, object{"manifests": larger, "stableManifestTimeoutMinutes": 0.02})), "one", "the flux is low")
}
