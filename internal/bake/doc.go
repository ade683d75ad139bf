// Package bake makes Kubernetes manifests of Helm charts and kustomizations, as
// "helm template" and "kustomize build" do, with the code of Helm and Kustomize.
//
//	result, err := process.Render(ctx, bake.Request{
//		Renderer: bake.Helm,
//		Inputs:   []bake.Input{{Name: "cart-1.2.0.tgz", Content: chart}, {Name: "prod.yaml", Content: values}},
//		Chart:    bake.Chart{Release: "cart", Namespace: "shop"},
//	})
//
// Everything that is rendered was fetched before. An archive is expanded into
// memory, and nothing but what is in it is read: no file of this machine, no
// network, no cluster, no environment, no program.
//
// Templates are programs of others, which can loop, recurse and use up memory,
// and nothing in Go can stop one. [Process] therefore renders in a child that is
// killed when its time is over, that the system gives no more than its memory,
// and that can open no file and no connection: see docs/adr/0018.
//
// Source: Spinnaker rosco HelmTemplateUtils and KustomizeTemplateUtils for what
// is run; Helm and Kustomize for what that means.
package bake
