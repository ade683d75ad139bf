package manifest

// Bounds of what users write.
const (
	MaxListBytes = 5 << 20         // of all documents of one text, and of what they expand to
	MaxBytes     = 1<<20 + 512<<10 // of one object, as JSON: what etcd takes
	MaxObjects   = 1000
	MaxDepth     = 256 // definitions of custom resources reach 60
)
