package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// tagOf names an answer by what it holds. The tag is weak, since the same answer
// is sent compressed to those who accept it.
func tagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// has reports whether the client of r says that it has what tag names.
func has(r *http.Request, tag string) bool {
	for _, line := range r.Header.Values("If-None-Match") {
		for known := range strings.SplitSeq(line, ",") {
			known = strings.TrimSpace(known)
			if known == "*" || opaque(known) == opaque(tag) {
				return true
			}
		}
	}
	return false
}

func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }

// revalidate tags an answer to a read, so that a client may keep it if it asks
// each time whether it still holds. It reports whether the one that the client
// of r has does.
func revalidate(h http.Header, r *http.Request, status int, text []byte) (holds bool) {
	if status != http.StatusOK || len(text) == 0 || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	tag := tagOf(text)
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	return has(r, tag)
}
