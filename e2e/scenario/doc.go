// Package scenario runs the product as its users run it, the real binary with
// accounts of a real control plane, through what they do with Kubernetes: every
// stage, every strategy, and whatever goes wrong meanwhile.
//
//	make e2e
//
// Each test has a namespace and an application of its own. Pods are simulated:
// their annotations say how they behave (e2e/kubelab/cmd/kubelab/pods.yaml).
package scenario
