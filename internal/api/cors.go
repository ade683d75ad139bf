package api

import (
	"net/http"
	"slices"
)

// What pages of other sites may send, and read of an answer.
//
// Source: what Deck sends to Gate.
const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
	corsHeaders = "x-requested-with, content-type, authorization, x-ratelimit-app"
	corsExposed = "ETag, Retry-After, X-Gennaker-Stale, X-Gennaker-Warnings"
	corsMaxAge  = "600" // seconds
)

// trusts reports whether the page that sent r is of a site that may use the API
// as its users.
func (s *Server) trusts(r *http.Request) bool {
	return slices.Contains(s.Origins, r.Header.Get("Origin"))
}

// cors lets the browser of a trusted page show it the answer. It reports whether
// the browser only asked whether it may send a request, which is answered.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) (preflight bool) {
	if len(s.Origins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if !s.trusts(r) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Allow-Credentials", "true")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Access-Control-Expose-Headers", corsExposed)
		return false
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}
