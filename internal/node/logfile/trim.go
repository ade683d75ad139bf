package logfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const block = 4096

// Open opens a file to append to and makes it if it is missing, for its owner
// only.
func Open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// Trim frees the oldest part of a file whose contents take more than limit
// bytes and a quarter, so that the last limit bytes stay. Where the file system
// cannot free a part, the whole contents go.
func Trim(path string, limit int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("trim a log: %w", err)
	}
	defer f.Close()
	size, used, err := usage(f)
	if err != nil {
		return fmt.Errorf("trim %s: %w", path, err)
	}
	upTo := (size - limit) / block * block
	if used <= limit+limit/4 || upTo <= 0 {
		return nil
	}
	err = punch(f, upTo)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		err = f.Truncate(0)
	}
	if err != nil {
		return fmt.Errorf("trim %s: %w", path, err)
	}
	return nil
}

// usage returns the length of f and how many bytes of disk it takes.
func usage(f *os.File) (size, used int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	used = info.Size()
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		used = s.Blocks * 512
	}
	return info.Size(), used, nil
}

func punch(f *os.File, upTo int64) error {
	return control(f, func(fd int) error {
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, upTo)
	})
}

// firstData returns where the contents at or after off begin, behind a hole.
func firstData(f *os.File, off int64) int64 {
	at := off
	_ = control(f, func(fd int) error {
		n, err := unix.Seek(fd, off, unix.SEEK_DATA)
		if err == nil {
			at = n
		}
		return err
	})
	return at
}

func control(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := c.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}
