// Package durable changes files so that a crash at any moment, of the process or
// of the machine, leaves either what was there or what was to be there, whole.
package durable

import (
	"os"
	"path/filepath"
)

// WriteFile puts data at path, in a file that only this user can read. The
// directory must exist. Of two calls for one path at once, one wins whole.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir puts the names in a directory on the disk: until then a file that was
// created, renamed or removed may be as before after the machine crashed.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
