package bake

import (
	"encoding/json"
	"time"
)

// Order returns what a child is told.
func Order(req Request, memory int64, timeout time.Duration) ([]byte, error) {
	return json.Marshal(order{req, memory, timeout})
}

// ReadTree expands an archive.
func ReadTree(in Input) (map[string][]byte, error) {
	t, err := readTree(in)
	if err != nil {
		return nil, err
	}
	return t.files, nil
}
