package fetch

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch/gitrepo"
)

// git fetches git/repo.
type git struct {
	account GitRepoAccount
	client  *http.Client
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	temp    string
}

func (g git) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	u, err := gitrepo.ParseURL(a.Reference)
	if err != nil {
		return err
	}
	sub, err := gitrepo.CleanSubPath(subPath(a))
	if err != nil {
		return err
	}
	wish := version(a)
	identity := func(commit string) string { return "git " + u.String() + " " + commit + " " + sub }
	if gitrepo.IsCommit(wish) && d.known(identity(wish)) {
		return nil
	}
	received := int64(0)
	remote, err := g.remote(u, d.max, func(n int64) {
		received += n
		d.told(received, -1)
	})
	if err != nil {
		return err
	}
	repo, err := gitrepo.Open(ctx, remote)
	if err != nil {
		return d.broken(u.String(), err)
	}
	defer func() { _ = repo.Close() }() // only read
	commit, err := repo.Resolve(wish)
	if err != nil {
		return aboutVersion(err, a)
	}
	if d.known(identity(commit)) {
		return nil
	}
	err = d.write(content{what: u.String(), identity: identity(commit), total: -1}, func(w io.Writer) error {
		return repo.Archive(ctx, commit, sub, w)
	})
	if err != nil {
		return d.broken(u.String(), err)
	}
	return nil
}

// remote puts together where the repository is and how to get at it.
func (g git) remote(u gitrepo.URL, most int64, received func(int64)) (gitrepo.Remote, error) {
	r := gitrepo.Remote{
		URL: u, Account: g.account.Name, Client: g.client, Dial: g.dial, Temp: g.temp, MaxBytes: most, Received: received,
		Directories: g.account.Directories, KnownHosts: g.account.SSHKnownHostsFilePath, TrustUnknownHosts: g.account.SSHTrustUnknownHosts,
	}
	if u.Scheme() == "file" {
		return r, nil
	}
	if u.Scheme() == "ssh" && g.dial == nil {
		return r, gennaker.Errorf(gennaker.Invalid, "repositories cannot be read over ssh here").WithHint("use the https address of the repository")
	}
	secret := !g.account.anonymous() || g.account.SSHPrivateKeyFilePath != ""
	if secret && len(g.account.Hosts) > 0 && !slices.Contains(g.account.Hosts, u.Host()) {
		return r, gennaker.Errorf(gennaker.Denied, "account %s does not send its credentials to %s", g.account.Name, u.Host()).
			WithHint("add the host to hosts of the account, or use another account")
	}
	id, err := g.account.resolve()
	if err != nil {
		return r, err
	}
	r.Username, r.Password = id.user, id.password
	if id.token != "" { // every server takes a token as the password of any user
		r.Username, r.Password = "token", id.token
	}
	if u.Scheme() == "ssh" && g.account.SSHPrivateKeyFilePath != "" {
		key, err := secretFile(g.account.SSHPrivateKeyFilePath)
		if err != nil {
			return r, err
		}
		r.PrivateKey = []byte(key + "\n")
		if r.Passphrase, err = g.account.SSHPrivateKeyPassphrase.Resolve(); err != nil {
			return r, err
		}
	}
	return r, nil
}
