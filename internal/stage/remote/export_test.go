package remote

// Lookup finds path in a text that is JSON.
func Lookup(text, path string) (any, error) {
	b, err := decode([]byte(text))
	if err != nil {
		return nil, err
	}
	return lookup(b.value, b.nodes, path)
}

// StatusName is statusName.
func StatusName(status int) string { return statusName(status) }
