// Package figures measures the product on a real control plane with simulated
// nodes: deployments beside what the cluster itself needs for the same, and what
// an inventory of many pods costs.
//
//	make bench-kubernetes
package figures
