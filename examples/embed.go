// Package examples holds the application and the pipelines of the demo, as a
// user of Spinnaker would write them.
package examples

import "embed"

// Files are the example documents.
//
//go:embed *.json
var Files embed.FS
