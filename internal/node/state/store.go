package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
)

// MaxFile bounds a file that is read, in bytes.
const MaxFile = 64 << 20

// Directories of a store, one per type.
const (
	groups    = "groups"
	clusters  = "clusters"
	balancers = "balancers"
	jobs      = "jobs"
	corrupt   = "corrupt"
)

// Store keeps records in files below a directory. Values of different names can
// be saved at the same time; of one name, by one caller at a time.
type Store struct {
	dir   string
	write func(path string, data []byte) error
}

// Contents is all that a store holds.
type Contents struct {
	Groups    []Group
	Clusters  []Cluster
	Balancers []Balancer
	Jobs      []Job
	Corrupt   []Corrupt // what could not be read now
}

// Corrupt is a file that was moved aside because it could not be read.
type Corrupt struct {
	Path string // where the file is now
	Err  error
	sub  string
	file string
}

// IsGroup reports whether c was the record of the server group with a name.
func (c Corrupt) IsGroup(name string) bool { return c.sub == groups && c.file == fileName(name) }

// IsJob reports whether c was the record of the job with a name.
func (c Corrupt) IsJob(name string) bool { return c.sub == jobs && c.file == fileName(name) }

// Open reads the store below dir and makes what is missing. Files go to disk by
// write; nil means [durable.WriteFile].
//
// Errors: Unavailable if files cannot be read or moved, or were written by a
// newer version.
func Open(dir string, write func(path string, data []byte) error) (*Store, Contents, error) {
	if write == nil {
		write = durable.WriteFile
	}
	s := &Store{dir: dir, write: write}
	for _, sub := range []string{groups, clusters, balancers, jobs, corrupt} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, Contents{}, gennaker.Errorf(gennaker.Unavailable, "make the state directory: %w", err)
		}
	}
	var c Contents
	var err error
	if c.Groups, err = readAll(s, &c, groups, DecodeGroup); err != nil {
		return nil, Contents{}, err
	}
	if c.Clusters, err = readAll(s, &c, clusters, DecodeCluster); err != nil {
		return nil, Contents{}, err
	}
	if c.Balancers, err = readAll(s, &c, balancers, DecodeBalancer); err != nil {
		return nil, Contents{}, err
	}
	if c.Jobs, err = readAll(s, &c, jobs, DecodeJob); err != nil {
		return nil, Contents{}, err
	}
	return s, c, nil
}

// HasCorrupt reports whether there are files that were moved aside, now or by an
// earlier Open, and not removed since.
func (s *Store) HasCorrupt() bool {
	entries, err := os.ReadDir(filepath.Join(s.dir, corrupt))
	return err != nil || len(entries) > 0
}

// SaveGroup writes the record of a server group.
//
// Errors: Unavailable; then the old record is still there.
func (s *Store) SaveGroup(g Group) error {
	g.Format = Format
	return s.save(groups, g.Name, g)
}

// SaveCluster writes the record of a cluster. Errors: as SaveGroup.
func (s *Store) SaveCluster(c Cluster) error {
	c.Format = Format
	return s.save(clusters, c.Name, c)
}

// SaveBalancer writes the record of a load balancer. Errors: as SaveGroup.
func (s *Store) SaveBalancer(b Balancer) error {
	b.Format = Format
	return s.save(balancers, b.Name, b)
}

// SaveJob writes the record of a job. Errors: as SaveGroup.
func (s *Store) SaveJob(j Job) error {
	j.Format = Format
	return s.save(jobs, j.Name, j)
}

// DeleteGroup removes the record of a server group, if there is one.
//
// Errors: Unavailable.
func (s *Store) DeleteGroup(name string) error { return s.remove(groups, name) }

// DeleteBalancer removes the record of a load balancer, if there is one.
//
// Errors: Unavailable.
func (s *Store) DeleteBalancer(name string) error { return s.remove(balancers, name) }

// DeleteJob removes the record of a job, if there is one. Errors: Unavailable.
func (s *Store) DeleteJob(name string) error { return s.remove(jobs, name) }

// DecodeGroup reads the record of a server group.
func DecodeGroup(b []byte) (Group, error) {
	var g Group
	err := decode(b, &g, &g.Format, g.check)
	return g, err
}

// DecodeCluster reads the record of a cluster.
func DecodeCluster(b []byte) (Cluster, error) {
	var c Cluster
	err := decode(b, &c, &c.Format, c.check)
	return c, err
}

// DecodeBalancer reads the record of a load balancer.
func DecodeBalancer(b []byte) (Balancer, error) {
	var lb Balancer
	err := decode(b, &lb, &lb.Format, lb.check)
	return lb, err
}

// DecodeJob reads the record of a job.
func DecodeJob(b []byte) (Job, error) {
	var j Job
	err := decode(b, &j, &j.Format, j.check)
	return j, err
}

// errNewer tells a file of a newer version from a broken one.
var errNewer = errors.New("written by a newer version")

func decode(b []byte, v any, format *int, check func() error) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if *format > Format {
		return fmt.Errorf("format %d: %w", *format, errNewer)
	}
	if *format != Format {
		return fmt.Errorf("format %d is not known", *format)
	}
	return check()
}

func readAll[T any](s *Store, c *Contents, sub string, decode func([]byte) (T, error)) ([]T, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, sub))
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Unavailable, "read the state directory: %w", err)
	}
	var all []T
	for _, e := range entries {
		path := filepath.Join(s.dir, sub, e.Name())
		if !strings.HasSuffix(e.Name(), ".json") {
			_ = os.Remove(path) // what a crash left of a write that never counted
			continue
		}
		v, err := readFile(path, decode)
		switch {
		case err == nil:
			all = append(all, v)
		case errors.Is(err, errNewer):
			return nil, gennaker.Errorf(gennaker.Unavailable, "the state file %s cannot be used: %w", path, err).
				WithHint("run the version of gennaker that wrote it, or a newer one")
		default:
			aside, err2 := s.aside(sub, e.Name())
			if err2 != nil {
				return nil, gennaker.Errorf(gennaker.Unavailable, "move the broken state file %s aside: %w", path, err2)
			}
			c.Corrupt = append(c.Corrupt, Corrupt{Path: aside, Err: err, sub: sub, file: e.Name()})
		}
	}
	return all, nil
}

func readFile[T any](path string, decode func([]byte) (T, error)) (T, error) {
	var zero T
	f, err := os.Open(path)
	if err != nil {
		return zero, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return zero, err
	}
	if len(b) > MaxFile {
		return zero, fmt.Errorf("more than %d bytes", MaxFile)
	}
	return decode(b)
}

// aside moves a file to the directory of the corrupt ones, over none.
func (s *Store) aside(sub, file string) (string, error) {
	for n := 0; ; n++ {
		to := filepath.Join(s.dir, corrupt, fmt.Sprintf("%s-%s.%d", sub, file, n))
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return to, os.Rename(filepath.Join(s.dir, sub, file), to)
		}
	}
}

func (s *Store) save(sub, name string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("encode the state of %s: %w", name, err)
	}
	if err := s.write(filepath.Join(s.dir, sub, fileName(name)), append(b, '\n')); err != nil {
		return gennaker.Errorf(gennaker.Unavailable, "the node cannot save the state of %s: %w", name, err).
			WithHint("nothing was changed; make room on the disk of %s and try again", s.dir)
	}
	return nil
}

func (s *Store) remove(sub, name string) error {
	path := filepath.Join(s.dir, sub, fileName(name))
	err := os.Remove(path)
	if err == nil {
		err = durable.SyncDir(filepath.Dir(path))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return gennaker.Errorf(gennaker.Unavailable, "the node cannot delete the state of %s: %w", name, err)
	}
	return nil
}

// fileName returns the file for a record. Server group names may be as long as
// a file name, so long ones are cut and told apart by their hash.
func fileName(name string) string {
	if len(name) > 200 {
		sum := sha256.Sum256([]byte(name))
		name = name[:150] + "-" + hex.EncodeToString(sum[:16])
	}
	return name + ".json"
}
