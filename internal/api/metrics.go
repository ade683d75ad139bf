package api

func (s *Server) metricsPermission() Permission {
	if s.PublicMetrics {
		return Public
	}
	return Read
}

func (s *Server) metrics(*Request) (*Content, error) {
	if s.Metrics == nil {
		return &Content{}, nil
	}
	text, err := s.Metrics()
	return &Content{text}, err
}
