package kubernetes_test

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/gateway"
	"github.com/gennaker/gennaker/internal/provider/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.RunManifests(t, func(t *testing.T) providertest.ManifestHarness {
		s := begin(t)
		s.behaveByImage()
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		if _, err := gateway.Start(ctx, gateway.Config{REST: s.lab.Config, Namespace: s.space, Name: "edge"}); err != nil {
			t.Fatal(err)
		}
		group := s.space + ".example.com"
		s.deploy(fmt.Sprintf(gadgets, group))
		return providertest.ManifestHarness{
			Provider: s.Provider.Provider(), Namespace: s.space, Application: "shop",
			Image:            func(tag string) string { return "example.com/web:" + tag },
			CustomAPIVersion: group + "/v1", CustomKind: "Gadget",
			Gateway: "edge",
			Conflict: func(t *testing.T, ref gennaker.ManifestRef, replicas int) {
				t.Helper()
				body := fmt.Appendf(nil, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":%q},"spec":{"replicas":%d}}`, ref.Name, replicas)
				_, err := s.lab.Client.AppsV1().Deployments(ref.Location).
					Patch(t.Context(), ref.Name, types.ApplyPatchType, body, v1.PatchOptions{FieldManager: "autoscaler", Force: new(true)})
				s.must(err)
			},
		}
	})
}

// gadgets defines the kind Gadget of a group.
const gadgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}, status: {type: object, properties: {size: {type: integer}}}}}}
`
