package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
)

// DB is the database of one server.
type DB struct {
	path string
	log  *slog.Logger
	lock *lock
	w, r *sql.DB // the one connection that writes; those that read
	stmt statements

	journal journal
	changed func(Change) // see OnChange

	damage  atomic.Pointer[gennaker.Error] // the first sign of it
	cancel  context.CancelFunc             // ends the check in the background
	checked chan struct{}                  // closed when that check is over
	closed  atomic.Bool
}

var _ engine.Store = (*DB)(nil)

// Sizes.
const (
	maxReaders   = 4
	quickCheckMB = 64 // a larger file is checked while the server already works
)

// Open opens the database file at path, creating it and its directory if need
// be, brings its schema up to date and checks it if the last process that had it
// was killed.
//
// Errors: Conflict if another process has it, or a newer release wrote it;
// Unavailable if it is damaged or its disk does not work. The file is as it was
// then.
func Open(ctx context.Context, path string, log *slog.Logger) (*DB, error) {
	return open(ctx, path, log, migrations)
}

func open(ctx context.Context, path string, log *slog.Logger, files fs.FS) (_ *DB, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	d := &DB{path: path, log: log, checked: make(chan struct{})}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, d.explain(fmt.Errorf("create the data directory: %w", err))
	}
	l, err := acquire(path)
	if err != nil {
		return nil, d.explain(err)
	}
	d.lock = l
	// A file that is damaged stays unclean, so that it is checked again.
	defer func() {
		if err != nil {
			err = errors.Join(d.explain(err), d.closeAll(!l.unclean))
		}
	}()
	size, err := d.prepare()
	if err != nil {
		return nil, err
	}
	now := l.unclean && size < quickCheckMB<<20
	if now && size > 0 {
		if err := d.quickCheck(ctx); err != nil {
			return nil, err
		}
	}
	if err := d.connect(ctx, files); err != nil {
		return nil, err
	}
	d.checkLater(size > 0 && !now)
	return d, nil
}

// prepare creates the file if it is not there, with nobody else allowed to
// read it, and looks whether it is one of ours at all. It returns its size.
func (d *DB) prepare() (size int64, err error) {
	// SQLite's locks are lost when any descriptor of the file is closed, so this
	// comes before SQLite.
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open the database: %w", err)
	}
	defer f.Close()
	magic := []byte("SQLite format 3\x00")
	head := make([]byte, len(magic))
	n, _ := io.ReadFull(f, head) // a new file is empty
	if n > 0 && !bytes.Equal(head, magic) {
		return 0, damagedFile(d.path, errors.New("not a SQLite file"))
	}
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("open the database: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		if err := f.Chmod(mode & 0o700); err != nil {
			return 0, fmt.Errorf("protect the database: %w", err)
		}
	}
	return info.Size(), nil
}

func (d *DB) dsn(options string) string {
	return "file:" + (&url.URL{Path: d.path}).EscapedPath() + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)" + options
}

func (d *DB) connect(ctx context.Context, files fs.FS) (err error) {
	d.w, err = sql.Open("sqlite", d.dsn("&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16384)&_pragma=journal_size_limit(67108864)&_txlock=immediate"))
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	d.w.SetMaxOpenConns(1)
	d.w.SetConnMaxIdleTime(0)
	if err := d.migrate(ctx, files); err != nil {
		return err
	}
	if err := d.stmt.prepare(ctx, d.w); err != nil {
		return err
	}
	d.r, err = sql.Open("sqlite", d.dsn("&_pragma=query_only(1)"))
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	d.r.SetMaxOpenConns(maxReaders)
	d.r.SetMaxIdleConns(maxReaders)
	return d.replay(ctx)
}

// Change says which document changed.
type Change struct {
	Kind        gennaker.DocumentKind
	Application string // of an application's document
	Name        string // of a pipeline or strategy; the ID of a template or canary config; the name or ID of a project
}

// OnChange makes d call f after each durable change of a document that users
// write. Call it before d is used; f must return soon.
func (d *DB) OnChange(f func(Change)) { d.changed = f }

// tell says that a document changed, unless it did not.
func (d *DB) tell(err error, c Change) {
	if err == nil && d.changed != nil {
		d.changed(c)
	}
}

// pipelineKind returns the kind of a pipeline or strategy.
func pipelineKind(strategy bool) gennaker.DocumentKind {
	if strategy {
		return gennaker.StrategyDocument
	}
	return gennaker.PipelineDocument
}

// Close ends all work, and marks the file as closed in good order. Calling it
// again does nothing.
func (d *DB) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	return d.closeAll(d.damage.Load() == nil)
}

func (d *DB) closeAll(clean bool) error {
	var errs []error
	if d.cancel != nil {
		d.cancel()
		<-d.checked
	}
	// The last connection writes the log into the file: the writing one, which
	// may.
	for _, db := range []*sql.DB{d.r, d.w} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	err := errors.Join(errs...)
	return errors.Join(err, d.lock.release(clean && err == nil))
}

// Health returns what is known to be wrong with the database: damage that the
// check after Open, or any statement since, met with; or that it does not answer.
//
// Errors: Unavailable.
func (d *DB) Health(ctx context.Context) error {
	if e := d.damage.Load(); e != nil {
		return e
	}
	var one int
	return d.explain(d.r.QueryRowContext(ctx, `SELECT 1`).Scan(&one))
}

// checkLater looks for damage in the background, if needed.
func (d *DB) checkLater(needed bool) {
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	if !needed {
		close(d.checked)
		return
	}
	go func() {
		defer close(d.checked)
		if err := d.quickCheck(ctx); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "the database did not pass its check", "error", err, "hint", gennaker.HintOf(err))
		}
	}()
}

// quickCheck looks for damage on a connection that changes nothing, not even
// by writing the log back.
//
// Errors: Unavailable if the file is damaged.
func (d *DB) quickCheck(ctx context.Context) error {
	db, err := sql.Open("sqlite", d.dsn("&mode=ro"))
	if err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	defer db.Close()
	var result string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&result); err != nil {
		return d.explain(fmt.Errorf("check the database: %w", err))
	}
	if result != "ok" {
		return d.damaged(errors.New(result))
	}
	return nil
}

// write runs f in a transaction that no other one runs beside, and returns once
// it is durable.
func (d *DB) write(ctx context.Context, f func(*sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := d.w.BeginTx(ctx, nil)
	if err != nil {
		return d.explain(err)
	}
	if err := f(tx); err != nil {
		err = d.explain(err)
		_ = tx.Rollback() // fails where SQLite did it already: when the disk is full
		return err
	}
	return d.explain(tx.Commit())
}

// read runs f on one snapshot.
func (d *DB) read(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return d.explain(err)
	}
	defer tx.Rollback()
	return d.explain(f(tx))
}

// queryer is what can be asked: a connection pool or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// query returns all rows, each as scan reads it.
func query[T any](ctx context.Context, d *DB, q queryer, scan func(*sql.Rows) (T, error), text string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, d.explain(err)
	}
	return collect(d, rows, scan)
}

// rows is query for a prepared statement.
func rows[T any](ctx context.Context, d *DB, st *sql.Stmt, scan func(*sql.Rows) (T, error), args ...any) ([]T, error) {
	found, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, d.explain(err)
	}
	return collect(d, found, scan)
}

// collect returns all rows, each as scan reads it, and closes them.
func collect[T any](d *DB, rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, d.explain(err)
		}
		out = append(out, v)
	}
	return out, d.explain(rows.Err())
}
