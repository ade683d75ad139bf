// Package ui holds the pages, as `make ui` builds them into dist. A clean clone
// has none, and the server says so.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the pages: index.html, what it names, and beside a file x what
// the build compressed, x.br and x.gz.
func Files() (fs.FS, error) { return fs.Sub(dist, "dist") }
