package api

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Bounds of compression, in bytes.
const (
	compressFrom = 1 << 10 // what is smaller fits into a packet anyway
	maxPooled    = 1 << 20 // a buffer that grew larger is not kept
)

// compressor compresses answers, with buffers that it uses again. The zero value
// is ready to use.
type compressor struct{ pool sync.Pool } // of *compression

type compression struct {
	out bytes.Buffer
	gz  *gzip.Writer
}

// take compresses text; the result is valid until give is called.
func (c *compressor) take(text []byte) (sent []byte, give func()) {
	z, ok := c.pool.Get().(*compression)
	if !ok {
		z = &compression{}
		// Fast, since most clients are near. The only error is a level that is none.
		z.gz, _ = gzip.NewWriterLevel(&z.out, gzip.BestSpeed)
	}
	z.out.Reset()
	z.gz.Reset(&z.out)
	_, _ = z.gz.Write(text) // a buffer takes everything
	_ = z.gz.Close()
	return z.out.Bytes(), func() {
		if z.out.Cap() <= maxPooled {
			c.pool.Put(z)
		}
	}
}

// compress returns text as the client of r gets it, compressed if it accepts
// that and it is worth it, and says so in h. Call done when it is sent.
func (s *Server) compress(h http.Header, r *http.Request, text []byte) (sent []byte, done func()) {
	if !accepts(r.Header, "gzip") || len(text) < compressFrom || !compressible(h) {
		return text, func() {}
	}
	h.Set("Content-Encoding", "gzip")
	return s.compressor.take(text)
}

// compressible reports whether an answer with that header is text.
func compressible(h http.Header) bool {
	media := h.Get("Content-Type")
	return strings.HasPrefix(media, "application/json") || strings.HasPrefix(media, "text/")
}

// accepts reports whether a client takes what is compressed with a coding.
func accepts(h http.Header, wants string) bool {
	others := false
	for _, line := range h.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(item, ";")
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case wants:
				return wanted(weight)
			case "*":
				others = wanted(weight)
			}
		}
	}
	return others
}

// wanted reports whether a weight is not 0; none is 1.
func wanted(weight string) bool {
	_, q, ok := strings.Cut(weight, "q=")
	if !ok {
		return true
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
	return err == nil && v > 0
}
