package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gennaker/gennaker"
)

// lock is the file that says who has the database: locked as long as the
// process lives, and empty once it closed the database in good order.
type lock struct {
	file    *os.File
	unclean bool // the process before this one did not
}

// acquire takes the lock on the database at path.
//
// Errors: Conflict, naming the process that has it.
func acquire(path string) (*lock, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, inUse(path, holder(f))
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	l := &lock{file: f, unclean: holder(f) != ""}
	if err := l.write(fmt.Sprintln(os.Getpid())); err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

func inUse(path, pid string) error {
	if pid == "" {
		pid = "unknown"
	}
	return gennaker.Errorf(gennaker.Conflict, "the data directory %s is in use by process %s", filepath.Dir(path), pid).
		WithHint("stop that process, or choose another data directory")
}

// holder returns the process ID in the lock file; "" if there is none.
func holder(f *os.File) string {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (l *lock) write(s string) error {
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	if _, err := l.file.WriteAt([]byte(s), 0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

// release gives the lock up; clean says that the database is in good order.
func (l *lock) release(clean bool) error {
	var err error
	if clean {
		err = l.write("")
	}
	return errors.Join(err, l.file.Close())
}
