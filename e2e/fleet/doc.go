// Package fleet holds tests of what users see of clusters: the product's
// commands and answers, beside a real control plane.
package fleet
