package bake

// ReadTree expands an archive.
func ReadTree(in Input) (map[string][]byte, error) {
	t, err := readTree(in)
	if err != nil {
		return nil, err
	}
	return t.files, nil
}
