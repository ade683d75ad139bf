// Package gennaker is the domain: applications, pipelines, executions, server
// groups and load balancers, the status algebra, and the errors they share.
//
// It imports the standard library only, does no I/O, starts no goroutine and
// reads no clock. Every other package may import it; it imports none of them.
//
// Wire names are Spinnaker's exactly, so that a value marshals to the JSON that
// Deck and spin read. Documents that users write (pipelines, applications) are
// kept whole: a field that we do not know survives a round trip.
package gennaker
