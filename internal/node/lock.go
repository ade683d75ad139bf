package node

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
)

// Files in the data directory.
const (
	lockFile   = "node.lock" // holds the process number of the node
	idFile     = "node.id"   // tells the instances of this node from another's
	addrFile   = "node.addr" // holds the path of the socket
	socketFile = "node.sock"
)

// maxSocketPath is the longest path of a socket on every system.
const maxSocketPath = 100

// SocketPath returns the path of the socket of the node in dir: in dir, or if
// that is too long for a socket, in the directory for temporary files.
func SocketPath(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if b, err := os.ReadFile(filepath.Join(dir, addrFile)); err == nil && len(b) <= maxSocketPath && filepath.IsAbs(string(b)) {
		return string(b)
	}
	return defaultSocket(dir)
}

func defaultSocket(dir string) string {
	if p := filepath.Join(dir, socketFile); len(p) <= maxSocketPath {
		return p
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(os.TempDir(), "gennaker-"+strconv.Itoa(os.Getuid()), hex.EncodeToString(sum[:8])+".sock")
}

// lock makes dir and takes its lock.
//
// Errors: Conflict, naming the process that holds it.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, gennaker.Errorf(gennaker.Unavailable, "make the data directory of the node: %w", err)
	}
	if err := private(dir); err != nil {
		return nil, gennaker.Errorf(gennaker.Unavailable, "make the data directory of the node private: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Unavailable, "open the lock of the node: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, gennaker.Errorf(gennaker.Unavailable, "lock the data directory of the node: %w", err)
		}
		b, _ := io.ReadAll(io.LimitReader(f, 20))
		return nil, gennaker.Errorf(gennaker.Conflict, "another node (process %s) runs in %s", strings.TrimSpace(string(b)), dir).
			WithHint("use that one, or stop it first")
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil { // the lock holds all the same; only its message is poorer
		_ = f.Truncate(0)
	}
	return func() { f.Close() }, nil
}

// identity returns what the processes of this node are marked with.
func identity(dir string) (string, error) {
	path := filepath.Join(dir, idFile)
	b, err := os.ReadFile(path)
	if err == nil && len(b) == 32 {
		return string(b), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", gennaker.Errorf(gennaker.Unavailable, "read the identity of the node: %w", err)
	}
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	id := hex.EncodeToString(raw)
	if err := durable.WriteFile(path, []byte(id)); err != nil {
		return "", gennaker.Errorf(gennaker.Unavailable, "write the identity of the node: %w", err)
	}
	return id, nil
}

// listen makes the socket of the node; its lock is held, so one that is there
// is a dead node's.
func listen(dir string) (net.Listener, error) {
	path := defaultSocket(dir)
	fail := func(err error) (net.Listener, error) {
		return nil, gennaker.Errorf(gennaker.Unavailable, "make the socket of the node: %w", err)
	}
	if err := private(filepath.Dir(path)); err != nil {
		return fail(err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		return fail(err)
	}
	err = os.Chmod(path, 0o600)
	if err == nil {
		err = durable.WriteFile(filepath.Join(dir, addrFile), []byte(path))
	}
	if err != nil {
		ln.Close()
		return fail(err)
	}
	return guarded{ln}, nil
}

// private makes dir for this user only, or checks that it is so.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(s.Uid) != os.Getuid() {
		return fmt.Errorf("%s does not belong to this user", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// guarded is a unix socket that talks to the same user and root only.
type guarded struct{ net.Listener }

// Accept drops the connections of strangers.
func (g guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if CheckPeer(c) == nil {
			return c, nil
		}
		c.Close()
	}
}

// CheckPeer reports whether the process at the other end of a unix socket runs
// as the same user or root.
//
// Errors: Denied.
func CheckPeer(c net.Conn) error {
	denied := gennaker.Errorf(gennaker.Denied, "the other end of the node's socket is another user's process")
	u, ok := c.(*net.UnixConn)
	if !ok {
		return denied
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return denied
	}
	var cred *unix.Ucred
	if err2 := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err2 != nil || err != nil {
		return denied
	}
	if int(cred.Uid) != os.Getuid() && cred.Uid != 0 {
		return denied
	}
	return nil
}
