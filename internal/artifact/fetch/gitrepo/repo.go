package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/gennaker/gennaker"
)

// Remote is where a repository is and how to get at it.
type Remote struct {
	URL     URL
	Account string // for messages

	Client             *http.Client // for http and https
	Username, Password string       // for http and https; a token is a password

	Dial              func(ctx context.Context, network, address string) (net.Conn, error) // for ssh
	PrivateKey        []byte                                                               // for ssh: PEM
	Passphrase        string                                                               // of the private key
	KnownHosts        string                                                               // for ssh: path of the file
	TrustUnknownHosts bool                                                                 // for ssh: take whatever host answers

	Directories []string // for file: the repositories are below one of these

	Temp     string        // directory for what is being fetched
	MaxBytes int64         // of what the server sends, and of the files
	Received func(n int64) // told of each piece of the pack; may be nil
}

// Repo is a repository whose references are known. It is for one goroutine.
type Repo struct {
	remote  Remote
	connect func(context.Context) (session, error)
	live    session // used for the first pack
	refs    map[string]plumbing.Hash
	peeled  map[string]plumbing.Hash
	caps    *capability.List
	local   storer.Storer // of a repository on this machine
}

// session is one conversation with git-upload-pack.
type session interface {
	advertised(context.Context) (*packp.AdvRefs, error)
	pack(context.Context, *packp.UploadPackRequest) (io.ReadCloser, error)
	Close() error
}

// Open connects to a repository and reads its references. The caller closes it.
//
// Errors: NotFound if there is no such repository or it is empty; Denied if the
// account may not read it, or a file:// URL is outside of its directories;
// Unavailable if the server cannot be reached or answers nonsense; Invalid if
// the account cannot be used as it is.
func Open(ctx context.Context, remote Remote) (*Repo, error) {
	r := &Repo{remote: remote}
	switch remote.URL.Scheme() {
	case "file":
		return r, r.openLocal()
	case "ssh":
		r.connect = func(ctx context.Context) (session, error) { return dialSSH(ctx, remote) }
	default:
		r.connect = func(context.Context) (session, error) { return dialHTTP(remote) }
	}
	live, err := r.connect(ctx)
	if err != nil {
		return nil, remote.explain(err)
	}
	adv, err := live.advertised(ctx)
	if err != nil {
		_ = live.Close()
		return nil, remote.explain(err)
	}
	r.live, r.refs, r.peeled, r.caps = live, adv.References, adv.Peeled, adv.Capabilities
	if adv.Head != nil {
		r.refs["HEAD"] = *adv.Head
	}
	return r, nil
}

// openLocal opens a repository on this machine, if the account allows it.
func (r *Repo) openLocal() error {
	dir, err := filepath.EvalSymlinks(r.remote.URL.endpoint.Path)
	allowed := err == nil && slices.ContainsFunc(r.remote.Directories, func(top string) bool {
		top, err := filepath.EvalSymlinks(top)
		if err != nil {
			return false
		}
		rel, err := filepath.Rel(top, dir)
		return err == nil && filepath.IsLocal(rel)
	})
	if !allowed {
		return gennaker.Errorf(gennaker.Denied, "account %s may not read repositories of this machine at %s", r.remote.Account, r.remote.URL).
			WithHint("list the directory above it in the account's directories")
	}
	repo, err := git.PlainOpen(dir)
	if err != nil {
		return r.remote.explain(err)
	}
	refs, err := repo.References()
	if err != nil {
		return r.remote.explain(err)
	}
	r.local, r.refs, r.peeled = repo.Storer, map[string]plumbing.Hash{}, map[string]plumbing.Hash{}
	return refs.ForEach(func(ref *plumbing.Reference) error {
		if resolved, err := repo.Reference(ref.Name(), true); err == nil {
			r.refs[ref.Name().String()] = resolved.Hash()
		}
		if tag, err := repo.TagObject(ref.Hash()); err == nil {
			if c, err := tag.Commit(); err == nil {
				r.peeled[ref.Name().String()] = c.Hash
			}
		}
		return nil
	})
}

// Close ends the connection.
func (r *Repo) Close() error {
	if r.live == nil {
		return nil
	}
	return r.live.Close()
}

var (
	fullHash  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	shortHash = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
)

// IsCommit reports whether version can only be the hash of a commit.
func IsCommit(version string) bool { return fullHash.MatchString(version) }

// Resolve returns the commit that a branch, a tag, a full name of a reference or
// the hash of a commit stands for. A branch goes before a tag of the same name.
//
// Errors: NotFound if there is no such reference; the hint names some that
// there are.
func (r *Repo) Resolve(version string) (string, error) {
	if IsCommit(version) {
		return version, nil
	}
	for _, name := range []string{"refs/heads/" + version, "refs/tags/" + version, version} {
		if hash, ok := r.peeled[name]; ok {
			return hash.String(), nil
		}
		if hash, ok := r.refs[name]; ok {
			return hash.String(), nil
		}
	}
	if shortHash.MatchString(version) {
		for _, refs := range []map[string]plumbing.Hash{r.peeled, r.refs} {
			for _, hash := range refs {
				if strings.HasPrefix(hash.String(), version) {
					return hash.String(), nil
				}
			}
		}
		return "", gennaker.Errorf(gennaker.NotFound, "%s has no branch or tag %s, and no branch or tag is at such a commit", r.remote.URL, version).
			WithHint("give all 40 digits of the commit")
	}
	return "", gennaker.Errorf(gennaker.NotFound, "%s has no branch, tag or commit %.100q", r.remote.URL, version).
		WithHint("%s", r.some())
}

// some names a few branches, for a hint.
func (r *Repo) some() string {
	var names []string
	for name := range r.refs {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			names = append(names, branch)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "the repository has no branch"
	}
	more := ""
	if len(names) > 5 {
		names, more = names[:5], ", …"
	}
	return "its branches are " + strings.Join(names, ", ") + more
}

// Archive writes a .tar.gz of the files of a commit, or of those below subPath,
// with their paths from the top of the repository.
//
// Errors: NotFound if the commit or path does not exist; TooLarge; Denied and
// Unavailable as Open.
func (r *Repo) Archive(ctx context.Context, commit, subPath string, w io.Writer) error {
	store := r.local
	if store == nil {
		dir, err := os.MkdirTemp(r.remote.Temp, "git-")
		if err != nil {
			return fmt.Errorf("make room for %s: %w", r.remote.URL, err)
		}
		defer os.RemoveAll(dir)
		repo, err := git.PlainInit(dir, true)
		if err != nil {
			return fmt.Errorf("make room for %s: %w", r.remote.URL, err)
		}
		store = repo.Storer
		if err := r.download(ctx, plumbing.NewHash(commit), store); err != nil {
			return r.remote.explain(err)
		}
	}
	return r.remote.explain(pack(ctx, store, plumbing.NewHash(commit), subPath, r.remote, w))
}

// download fetches one commit: alone if the server gives it, otherwise with all
// that branches and tags lead to.
func (r *Repo) download(ctx context.Context, commit plumbing.Hash, into storer.Storer) error {
	advertised := false
	for _, refs := range []map[string]plumbing.Hash{r.refs, r.peeled} {
		for _, hash := range refs {
			advertised = advertised || hash == commit
		}
	}
	if advertised || r.caps.Supports(capability.AllowReachableSHA1InWant) || r.caps.Supports(capability.Capability("allow-any-sha1-in-want")) {
		err := r.receive(ctx, []plumbing.Hash{commit}, true, into)
		if err == nil || advertised {
			return err
		}
		if k := gennaker.KindOf(r.remote.explain(err)); k == gennaker.TooLarge || ctx.Err() != nil {
			return err
		}
	}
	var all []plumbing.Hash
	for name, hash := range r.refs {
		if strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/") {
			all = append(all, hash)
		}
	}
	slices.SortFunc(all, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	return r.receive(ctx, slices.Compact(all), false, into)
}

// receive fetches commits, each without its history if shallow.
func (r *Repo) receive(ctx context.Context, wants []plumbing.Hash, shallow bool, into storer.Storer) error {
	s := r.live
	r.live = nil
	if s == nil {
		var err error
		if s, err = r.connect(ctx); err != nil {
			return err
		}
		if _, err := s.advertised(ctx); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	defer func() { _ = s.Close() }() // what was read counts
	req := packp.NewUploadPackRequestFromCapabilities(r.caps)
	req.Wants = wants
	if shallow && r.caps.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
	}
	if r.caps.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return err
		}
	}
	body, err := s.pack(ctx, req)
	if err != nil {
		return err
	}
	defer body.Close()
	bounded := &boundedReader{from: body, left: r.remote.MaxBytes, told: r.remote.Received}
	if err := packfile.UpdateObjectStorage(into, demultiplex(req.Capabilities, bounded)); err != nil {
		if bounded.over {
			return errTooMuch
		}
		return err
	}
	return nil
}

// demultiplex takes the pack out of the channels that it comes in.
func demultiplex(caps *capability.List, r io.Reader) io.Reader {
	switch {
	case caps.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case caps.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	}
	return r
}

// errTooMuch says that a server sent more than is taken.
var errTooMuch = errors.New("the server sends more than the bound")

// boundedReader ends with an error after so many bytes.
type boundedReader struct {
	from io.Reader
	left int64
	over bool
	told func(int64)
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.over = true
		return 0, errTooMuch
	}
	if b.told != nil && n > 0 {
		b.told(int64(n))
	}
	return n, err
}
