// Package remote has the stages that ask other systems over HTTP: webhook, and
// the webhooks that the configuration names, each a stage type of its own.
//
//	err := remote.Register(&registry, remote.Config{Client: client, Preconfigured: list})
//
// A webhook is a request, and then perhaps the watching of a status until it is
// one of those that end the stage. Nothing waits within a task: what is to be
// tried again is run again later.
//
// A crash between an answer and its storing repeats the request. Each request
// that may change something therefore carries a key that is the same for every
// attempt of one run of the stage, in the header Idempotency-Key, so that a
// receiver can tell; requests for the status carry none, since their answers are
// to be new.
//
// Secrets of the configuration never enter the context of a stage: headers that
// hold them, and the signature, are made when a request is sent, and only for
// the places that the configuration names. Headers of answers that hold secrets
// are masked.
package remote
