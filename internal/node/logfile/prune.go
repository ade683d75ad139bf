package logfile

import (
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Prune deletes files of dir that nobody writes to any more: those last written
// to before oldest, and of the rest all but the keep youngest. Files for which
// live holds are left alone.
func Prune(dir string, live func(file string) bool, keep int, oldest time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	type file struct {
		name    string
		written time.Time
	}
	var dead []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !live(e.Name()) {
			dead = append(dead, file{e.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(dead, func(a, b file) int { return b.written.Compare(a.written) })
	for i, f := range dead {
		if i < keep && !f.written.Before(oldest) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, f.name)); err != nil {
			return err
		}
	}
	return nil
}
