package api

import _ "embed"

//go:embed ui.html
var uiPage string

func (*Server) root(r *Request) (Nothing, error) {
	r.Answer.Set("Location", "/ui/")
	return Nothing{}, nil
}

// ui shows a page that says where to look until there is a user interface.
func (*Server) ui(r *Request) (*Content, error) {
	r.Answer.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	r.Answer.Set("Referrer-Policy", "no-referrer")
	return &Content{uiPage}, nil
}
