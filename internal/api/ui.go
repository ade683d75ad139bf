package api

import (
	_ "embed"
	"net/http"
)

//go:embed ui.html
var uiPage string

func (s *Server) root(*request) (any, error) {
	return content{status: http.StatusFound, header: http.Header{"Location": {"/ui/"}}}, nil
}

// ui shows a page that says where to look until there is a user interface.
func (s *Server) ui(*request) (any, error) {
	return content{
		status: http.StatusOK,
		header: http.Header{
			"Content-Type":            {"text/html; charset=utf-8"},
			"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"},
			"Referrer-Policy":         {"no-referrer"},
		},
		text: uiPage,
	}, nil
}
