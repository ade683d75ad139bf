package api

import "net/http"

// HealthBody is the answer of GET /health.
type HealthBody struct {
	Status  string   `json:"status"` // "UP" or "DOWN"
	Reasons []string `json:"reasons,omitempty"`
}

func (s *Server) health(r *Request) (*HealthBody, error) {
	if s.Health != nil {
		if reasons := s.Health(r.Context()); len(reasons) > 0 {
			return nil, &Failure{http.StatusServiceUnavailable, HealthBody{Status: "DOWN", Reasons: reasons}}
		}
	}
	return &HealthBody{Status: "UP"}, nil
}

// VersionBody is the answer of GET /version.
type VersionBody struct {
	Version string `json:"version"`
}

func (s *Server) version(*Request) (VersionBody, error) { return VersionBody{s.Version}, nil }
