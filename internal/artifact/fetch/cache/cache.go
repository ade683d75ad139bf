package cache

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
)

// maxKeys bounds the records: beyond it the one that was used longest ago goes.
const maxKeys = 16384

// maxRecord bounds a record on disk, in bytes.
const maxRecord = 4096

// maxValidator bounds what is kept of a server's validator, in bytes; a longer
// one is not kept.
const maxValidator = 1024

// Entry is what a key stands for.
type Entry struct {
	Digest    string `json:"digest"`             // "sha256:<hex>"
	Size      int64  `json:"size"`               // bytes
	Validator string `json:"validator,omitzero"` // e.g. an ETag; asks the server whether it is still so
}

// Blob is a verified blob, open for reading. It stays readable when the cache
// forgets it.
type Blob struct {
	*os.File
	Digest string // "sha256:<hex>"
	Size   int64  // bytes
}

// Cache is a directory of blobs within a number of bytes. It is safe for
// concurrent use by one process; a directory belongs to one Cache.
type Cache struct {
	dir      string
	capacity int64
	now      func() time.Time

	mu    sync.Mutex
	blobs map[string]*usage // by hex digest
	keys  map[string]*record
	bytes int64
}

type usage struct {
	size int64
	at   time.Time
}

type record struct {
	Entry
	at time.Time
}

// Open opens or creates the cache in dir and removes what an interrupted
// process left there. Blobs go, least recently used first, when they have more
// than capacity bytes together.
//
// Errors: Internal if the directory cannot be used.
func Open(dir string, capacity int64) (*Cache, error) {
	c := &Cache{dir: dir, capacity: capacity, now: time.Now, blobs: map[string]*usage{}, keys: map[string]*record{}}
	for _, sub := range []string{"blobs", "keys", "partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, unusable(err)
		}
	}
	if err := errors.Join(c.clear(), c.loadBlobs(), c.loadKeys()); err != nil {
		return nil, unusable(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shrink("")
	return c, nil
}

func unusable(err error) error {
	return gennaker.Errorf(gennaker.Internal, "use artifact cache: %w", err).
		WithHint("check that the server may write to its data directory and that the disk has room")
}

// clear removes what was being written.
func (c *Cache) clear() error {
	entries, err := os.ReadDir(filepath.Join(c.dir, "partial"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(c.dir, "partial", e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cache) loadBlobs() error {
	entries, err := os.ReadDir(filepath.Join(c.dir, "blobs"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		c.blobs[e.Name()] = &usage{size: info.Size(), at: info.ModTime()}
		c.bytes += info.Size()
	}
	return nil
}

func (c *Cache) loadKeys() error {
	entries, err := os.ReadDir(filepath.Join(c.dir, "keys"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(c.dir, "keys", e.Name())
		info, err := e.Info()
		if err != nil {
			return err
		}
		r := &record{at: info.ModTime()}
		if content, err := os.ReadFile(path); err != nil || info.Size() > maxRecord || json.Unmarshal(content, &r.Entry) != nil || c.blobs[short(r.Digest)] == nil {
			_ = os.Remove(path) // a record that says nothing; if it stays it is skipped again
			continue
		}
		c.keys[e.Name()] = r
	}
	return nil
}

// short returns the hex part of a digest.
func short(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

func place(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Lookup returns what was last recorded under a key. That the blob is there and
// whole shows when it is opened.
func (c *Cache) Lookup(key string) (Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.keys[place(key)]
	if !ok || c.blobs[short(r.Digest)] == nil {
		return Entry{}, false
	}
	r.at = c.now()
	return r.Entry, true
}

// Find returns the entry of a blob that is here under whatever key, without a
// validator.
func (c *Cache) Find(digest string) (Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, ok := c.blobs[short(digest)]
	if !ok {
		return Entry{}, false
	}
	return Entry{Digest: "sha256:" + short(digest), Size: u.size}, true
}

// Record remembers that key stands for e, whose blob is in the cache.
func (c *Cache) Record(key string, e Entry) error {
	if len(e.Validator) > maxValidator {
		e.Validator = ""
	}
	content, err := json.Marshal(e)
	if err != nil {
		return unusable(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blobs[short(e.Digest)] == nil {
		return nil // it was pushed out meanwhile: nothing to remember
	}
	name := place(key)
	if old, ok := c.keys[name]; ok && old.Entry == e {
		old.at = c.now()
		return nil
	}
	f, err := os.CreateTemp(filepath.Join(c.dir, "partial"), "key-")
	if err != nil {
		return unusable(err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, "keys", name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return unusable(err)
	}
	c.keys[name] = &record{Entry: e, at: c.now()}
	for len(c.keys) > maxKeys {
		c.forget(oldest(c.keys, func(r *record) time.Time { return r.at }))
	}
	return nil
}

// Put stores what write writes, and returns its entry, without a validator. An
// error of write is returned as it is, and nothing is stored then.
func (c *Cache) Put(write func(io.Writer) error) (Entry, error) {
	f, err := os.CreateTemp(filepath.Join(c.dir, "partial"), "blob-")
	if err != nil {
		return Entry{}, unusable(err)
	}
	sum := sha256.New()
	counted := &counter{to: io.MultiWriter(f, sum)}
	err = write(counted)
	if counted.err != nil {
		err = unusable(counted.err)
	}
	if closing := f.Close(); err == nil && closing != nil {
		err = unusable(closing)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return Entry{}, err
	}
	e := Entry{Digest: "sha256:" + hex.EncodeToString(sum.Sum(nil)), Size: counted.n}
	c.mu.Lock()
	defer c.mu.Unlock()
	name := short(e.Digest)
	if err := os.Rename(f.Name(), filepath.Join(c.dir, "blobs", name)); err != nil {
		_ = os.Remove(f.Name())
		return Entry{}, unusable(err)
	}
	if old, ok := c.blobs[name]; ok {
		c.bytes -= old.size
	}
	c.blobs[name] = &usage{size: e.Size, at: c.now()}
	c.bytes += e.Size
	c.shrink(name)
	return e, nil
}

// counter tells errors of writing to the disk from those of who writes.
type counter struct {
	to  io.Writer
	n   int64
	err error
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}

// Open opens the blob with a digest, having read all of it to see that it is
// whole. The caller closes it.
//
// Errors: one that is fs.ErrNotExist if it is not in the cache or was damaged.
func (c *Cache) Open(digest string) (*Blob, error) {
	name := short(digest)
	path := filepath.Join(c.dir, "blobs", name)
	c.mu.Lock()
	u, ok := c.blobs[name]
	if ok {
		u.at = c.now()
		_ = os.Chtimes(path, u.at, u.at) // the order survives a restart; if not, it costs a download
	}
	c.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("blob %s: %w", digest, fs.ErrNotExist)
	}
	f, err := os.Open(path)
	if err != nil {
		c.drop(name)
		return nil, fmt.Errorf("open blob: %w", err)
	}
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != name {
		err = fmt.Errorf("blob %s is damaged: %w", digest, fs.ErrNotExist)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		c.drop(name)
		return nil, err
	}
	return &Blob{File: f, Digest: "sha256:" + name, Size: n}, nil
}

func (c *Cache) drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(name)
}

// shrink removes the blobs that were used longest ago until the rest has room;
// never the one that is named.
func (c *Cache) shrink(except string) {
	if c.bytes <= c.capacity {
		return
	}
	byAge := slices.SortedFunc(maps.Keys(c.blobs), func(a, b string) int {
		return cmp.Or(c.blobs[a].at.Compare(c.blobs[b].at), strings.Compare(a, b))
	})
	for _, name := range byAge {
		if c.bytes <= c.capacity {
			return
		}
		if name != except {
			c.remove(name)
		}
	}
}

// remove forgets a blob and its keys.
func (c *Cache) remove(name string) {
	u, ok := c.blobs[name]
	if !ok {
		return
	}
	_ = os.Remove(filepath.Join(c.dir, "blobs", name)) // if it stays, the next Open of the cache counts it again
	c.bytes -= u.size
	delete(c.blobs, name)
	for key, r := range c.keys {
		if short(r.Digest) == name {
			c.forget(key)
		}
	}
}

func (c *Cache) forget(key string) {
	_ = os.Remove(filepath.Join(c.dir, "keys", key)) // if it stays, it names a blob that is verified or missing
	delete(c.keys, key)
}

func oldest[V any](m map[string]V, at func(V) time.Time) string {
	return slices.MinFunc(slices.Collect(maps.Keys(m)), func(a, b string) int {
		return cmp.Or(at(m[a]).Compare(at(m[b])), strings.Compare(a, b))
	})
}
