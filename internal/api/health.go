package api

import (
	"net/http"

	"github.com/gennaker/gennaker"
)

// HealthBody is the answer of GET /health.
type HealthBody struct {
	Status  string   `json:"status"` // "UP" or "DOWN"
	Reasons []string `json:"reasons,omitempty"`
}

func (s *Server) health(r *request) (any, error) {
	if s.Health != nil {
		if reasons := s.Health(r.Context()); len(reasons) > 0 {
			return answer{http.StatusServiceUnavailable, HealthBody{Status: "DOWN", Reasons: reasons}}, nil
		}
	}
	return HealthBody{Status: "UP"}, nil
}

func (s *Server) version(*request) (any, error) {
	return map[string]string{"version": s.Version}, nil
}

// UserBody is the answer of GET /auth/user.
//
// Source: Gate's User, as far as clients read it.
type UserBody struct {
	Username        string   `json:"username"`
	Email           string   `json:"email"`
	Roles           []string `json:"roles"`
	AllowedAccounts []string `json:"allowedAccounts"`
	Enabled         bool     `json:"enabled"`
}

func (s *Server) user(r *request) (any, error) {
	name := r.caller.User
	if name == gennaker.Anonymous {
		name = "anonymous" // as Gate writes it here, and only here
	}
	return UserBody{Username: name, Email: name, Roles: []string{}, AllowedAccounts: s.Fleet.Accounts(), Enabled: true}, nil
}
