// Package demo shows what Gennaker does: it runs a server and a node in a
// scratch directory, deploys versions of a sample service in several ways under
// constant load, kills the server in the middle of one, and counts every
// request.
//
// Nothing in it is simulated: the server, the node and the instances are
// processes of this program, the requests go through the load balancer, and
// deployments are started through the API as any user would.
package demo
