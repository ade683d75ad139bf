// Package egress is the one place from which the server asks URLs that users
// wrote: webhooks, artifacts, #fromUrl in expressions.
//
//	client, err := egress.New(egress.ForWebhooks(), egress.Options{})
//	…
//	answer, err := client.Do(request, 1<<20)
//	switch egress.ClassOf(err) {
//	case egress.UnknownHost: // later, perhaps
//	case egress.Forbidden:   // never: the error says which setting allows it
//	}
//
// [Rules] are checked on the URL, on each redirect, and on the address that is
// dialed, so that neither a redirect nor a name that resolves anew leads around
// them. Bodies, headers, times, redirects and connections are bounded. Headers
// of a request do not follow it to another origin. No error of Do shows more of
// a URL than its origin.
//
// What it cannot check is what a proxy does: the addresses of names that a proxy
// resolves are the proxy's to refuse.
package egress
