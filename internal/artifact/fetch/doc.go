// Package fetch downloads artifacts with the accounts of the configuration.
//
// Each account is a source of some types of artifact. A source first finds out,
// as cheaply as its protocol allows, what a reference stands for now (a commit,
// a digest, an ETag), and downloads only what the cache does not hold. One thing
// is downloaded once, however many ask for it at the same time.
//
// Credentials are references that are resolved when they are used. They are sent
// to the hosts of their account only, do not follow redirects elsewhere, and are
// in no message.
//
// Source: Spinnaker clouddriver's artifact accounts; names of fields, types and
// forms of references are theirs.
package fetch
