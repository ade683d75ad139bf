package store

import (
	"errors"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gennaker/gennaker"
)

// explain turns an error of SQLite, or of the file system, into one that a user can act upon. Errors
// that are about neither the disk nor the file are returned as they are.
func (d *DB) explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*gennaker.Error](err); ok {
		return err
	}
	switch {
	case d.closed.Load():
		return &gennaker.Error{Kind: gennaker.Unavailable, Message: "the database is closed", Err: err}
	case errors.Is(err, syscall.ENOSPC):
		return diskFull(d.path, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return notOurs(d.path, err)
	}
	se, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	out := explainCode(d.path, se.Code(), err)
	if out == nil {
		return err
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		d.damage.CompareAndSwap(nil, out)
	}
	return out
}

// damaged returns the error for what the database holds but never wrote so,
// and remembers that there is some: SQLite itself checks the structure of its
// pages, not what is in them.
func (d *DB) damaged(err error) error {
	out := damagedFile(d.path, err)
	d.damage.CompareAndSwap(nil, out)
	return out
}

// explainCode returns nil for codes that say nothing to a user.
func explainCode(path string, code int, err error) *gennaker.Error {
	e := &gennaker.Error{Kind: gennaker.Unavailable, Err: err}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return diskFull(path, err)
	case sqlite3.SQLITE_IOERR:
		e.Message = "the disk that holds " + path + " answers with errors"
		e.Hint = "look at the kernel's log; if the disk is failing, restore a backup to another one"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		e.Message = "another program holds the database " + path + " locked"
		e.Hint = "end the program that has the file open (a backup, a shell), then try again"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return notOurs(path, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damagedFile(path, err)
	default:
		return nil
	}
	return e
}

func notOurs(path string, err error) *gennaker.Error {
	return &gennaker.Error{
		Kind: gennaker.Unavailable, Err: err,
		Message: "the database " + path + " cannot be opened for writing",
		Hint:    "give this user the right to read and write the file and its directory",
	}
}

func diskFull(path string, err error) *gennaker.Error {
	return &gennaker.Error{
		Kind: gennaker.Unavailable, Err: err,
		Message: "the disk that holds " + path + " is full",
		Hint:    "free some space; nothing was lost, and work goes on by itself",
	}
}

func damagedFile(path string, err error) *gennaker.Error {
	return &gennaker.Error{
		Kind: gennaker.Unavailable, Err: err,
		Message: "the database " + path + " is damaged",
		Hint:    "stop the server, move the file and its -wal and -shm files aside, and restore a backup in its place",
	}
}
