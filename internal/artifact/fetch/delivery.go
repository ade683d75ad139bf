package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch/cache"
)

// step is how many bytes there are between two calls of a Progress.
const step = 256 << 10

// delivery takes what a source fetches, and knows what is already here.
type delivery struct {
	ctx     context.Context
	cache   *cache.Cache  // or
	memory  *bytes.Buffer // what is to leave nothing on disk
	account string
	max     int64
	told    Progress
	entry   cache.Entry // what was delivered
}

// key keeps accounts apart: one must not be given what only another may read.
func (d *delivery) key(identity string) string { return d.account + "\x00" + identity }

// known delivers what is in the cache under an identity that always means the
// same bytes, and reports whether it was there.
func (d *delivery) known(identity string) bool {
	if d.memory != nil {
		return false
	}
	e, ok := d.cache.Lookup(d.key(identity))
	if ok {
		d.deliver(e)
	}
	return ok
}

// has delivers the blob with a digest that the account's server named.
func (d *delivery) has(digest string) bool {
	if d.memory != nil {
		return false
	}
	e, ok := d.cache.Find(digest)
	if ok {
		d.deliver(e)
	}
	return ok
}

// validator returns what the server said of the bytes under an identity, "" if
// they are not here.
func (d *delivery) validator(identity string) string {
	if d.memory != nil {
		return ""
	}
	e, _ := d.cache.Lookup(d.key(identity))
	return e.Validator
}

func (d *delivery) deliver(e cache.Entry) {
	d.entry = e
	d.told(e.Size, e.Size)
}

// content is what is known of bytes before they are read.
type content struct {
	what      string // for messages: a URL without secrets
	identity  string // under which they are found again; "" if by digest only
	validator string // from the server
	digest    string // that they must have; "" if nobody said
	total     int64  // -1 if nobody said
}

// receive delivers what r has.
func (d *delivery) receive(c content, r io.Reader) error {
	if c.total > d.max {
		return tooLarge(c.what, d.max)
	}
	return d.write(c, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(r, d.max+1))
		switch {
		case err != nil:
			return d.broken(c.what, err)
		case n > d.max:
			return tooLarge(c.what, d.max)
		}
		return nil
	})
}

// write delivers what fill writes, which bounds itself.
func (d *delivery) write(c content, fill func(io.Writer) error) error {
	e, err := d.put(func(w io.Writer) error {
		p := &progressWriter{to: w, total: c.total, told: d.told}
		sum := sha256.New()
		if err := fill(io.MultiWriter(p, sum)); err != nil {
			return err
		}
		if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); c.digest != "" && got != c.digest {
			return gennaker.Errorf(gennaker.Unavailable, "%s has the digest %s, but is said to have %s", c.what, got, c.digest).
				WithHint("publish it again; a repository and its index do not agree")
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.Validator = c.validator
	if c.identity != "" && d.memory == nil {
		if err := d.cache.Record(d.key(c.identity), e); err != nil {
			return err
		}
	}
	d.deliver(e)
	return nil
}

// put stores what write writes.
func (d *delivery) put(write func(io.Writer) error) (cache.Entry, error) {
	if d.memory == nil {
		return d.cache.Put(write)
	}
	d.memory.Reset()
	err := write(&bounded{to: d.memory, left: d.max})
	return cache.Entry{Digest: digestOf(d.memory.Bytes()), Size: int64(d.memory.Len())}, err
}

// bounded takes a number of bytes, and one more, by which it is seen that there
// are too many.
type bounded struct {
	to   *bytes.Buffer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < -1 {
		return 0, gennaker.Errorf(gennaker.TooLarge, "the artifact has more bytes than fit into memory").WithHint("fetch a smaller part of it")
	}
	return b.to.Write(p)
}

// broken classes an error of reading what a server sends.
func (d *delivery) broken(what string, err error) error {
	if _, ok := errors.AsType[*gennaker.Error](err); ok {
		return err
	}
	if cause := context.Cause(d.ctx); cause != nil {
		return cause
	}
	return unreachable(what, err)
}

// progressWriter tells how far it is.
type progressWriter struct {
	to                io.Writer
	done, said, total int64
	told              Progress
}

func (p *progressWriter) Write(b []byte) (int, error) {
	n, err := p.to.Write(b)
	if p.done += int64(n); p.done-p.said >= step {
		p.said = p.done
		p.told(p.done, p.total)
	}
	return n, err
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// shown returns a URL without user, password and query, for messages.
func shown(u *url.URL) string {
	v := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return v.String()
}

func tooLarge(what string, bound int64) error {
	return gennaker.Errorf(gennaker.TooLarge, "%s has more than %d bytes", what, bound).
		WithHint("fetch a smaller part of it, or raise the bound of the server")
}

// unreachable says that a server was not reached, failed or broke off.
func unreachable(what string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the URL in it may have secrets
	}
	return gennaker.Errorf(gennaker.Unavailable, "read %s: %w", what, err).
		WithHint("try again; if it stays, look at that server and the way there")
}

// origin returns scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return strings.ToLower(u.Scheme + "://" + u.Hostname() + ":" + port)
}
