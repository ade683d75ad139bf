// Package deck replays what Spinnaker's Deck asks on each of its pages, beside a
// real control plane: every answer must have the status and the media type that
// Deck takes, and the fields that it reads there, with their types.
//
// testdata/pages has the requests, a file for each page. They were written down
// from an unmodified Deck whose pages were used in a browser; see
// docs/howto/use-deck.md. testdata/fields.txtar has the fields, from the places
// in Deck's sources that read them.
package deck
