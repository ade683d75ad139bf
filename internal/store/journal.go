package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// While many executions are busy, each commit changes a row of each of them,
// and so a page for each. Then the skeletons of stages are kept in a journal:
// one row holds all that a commit changes, and only the last state of a stage
// goes into its table, later. Who reads stages lays the journal over the table.

const (
	sqlAppendJournal = `INSERT INTO journal (doc) VALUES (?)`
	sqlJournal       = `SELECT doc FROM journal ORDER BY seq`
	sqlEmptyJournal  = `DELETE FROM journal`
	sqlSnapshot      = `SELECT seq FROM journal LIMIT 1`
)

// Sizes of the journal, in stages.
const (
	journalFrom = 12    // a commit of fewer writes them into their table
	journalMax  = 2_000 // this many at most are written when the journal is emptied
)

// journal knows what is in the journal.
type journal struct {
	mu     sync.Mutex // held while stages are written, and until a snapshot is taken to read them
	stages map[stageKey][]byte
}

type stageKey struct{ execution, id string }

// journaled is a stage's skeleton in the journal.
type journaled struct {
	stageKey
	state []byte
}

// takes reports whether a commit of n stages goes to the journal.
func (j *journal) takes(n int) bool { return n >= journalFrom && len(j.stages)+n <= journalMax }

// add notes what was committed to the journal.
func (j *journal) add(stages []journaled) {
	if j.stages == nil {
		j.stages = map[stageKey][]byte{}
	}
	for _, s := range stages {
		j.stages[s.stageKey] = s.state
	}
}

// writeStages is write for what changes or deletes stages. f is told whether
// they go to the journal, and returns those that it put there.
func (d *DB) writeStages(ctx context.Context, toJournal func() bool, f func(tx *sql.Tx, journal bool) ([]journaled, error)) error {
	d.journal.mu.Lock()
	defer d.journal.mu.Unlock()
	var added []journaled
	later := toJournal()
	err := d.write(ctx, func(tx *sql.Tx) (err error) {
		if !later {
			if err := d.emptyJournal(ctx, tx); err != nil {
				return err
			}
		}
		added, err = f(tx, later)
		return err
	})
	switch {
	case err != nil:
	case later:
		d.journal.add(added)
	default:
		clear(d.journal.stages)
	}
	return err
}

func never() bool { return false }

// emptyJournal puts what is in the journal into the table of stages.
func (d *DB) emptyJournal(ctx context.Context, tx *sql.Tx) error {
	if len(d.journal.stages) == 0 {
		return nil
	}
	put := tx.StmtContext(ctx, d.stmt.putStage) //nolint:sqlclosecheck // closed with the transaction
	for k, state := range d.journal.stages {
		if _, err := put.ExecContext(ctx, k.execution, k.id, string(state)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, sqlEmptyJournal)
	return err
}

// overlay is what the journal knows of stages that their table does not, by
// execution.
type overlay map[string][]journaled

// readStages is read for what reads stages: f is given one snapshot of the
// tables, and what lies over it. Reading never writes.
func (d *DB) readStages(ctx context.Context, f func(*sql.Tx, overlay) error) error {
	conn, err := d.r.Conn(ctx) // before the lock: who waits for one must not hold up who writes
	if err != nil {
		return d.explain(err)
	}
	defer conn.Close()
	tx, over, err := d.snapshot(ctx, conn)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return d.explain(f(tx, over))
}

// snapshot begins to read between two commits.
func (d *DB) snapshot(ctx context.Context, conn *sql.Conn) (*sql.Tx, overlay, error) {
	d.journal.mu.Lock()
	defer d.journal.mu.Unlock()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, d.explain(err)
	}
	var seq int64 // the snapshot is that of the first statement
	if err := tx.QueryRowContext(ctx, sqlSnapshot).Scan(&seq); err != nil && !errors.Is(err, sql.ErrNoRows) {
		_ = tx.Rollback() // nothing was written
		return nil, nil, d.explain(err)
	}
	over := overlay{}
	for k, state := range d.journal.stages {
		over[k.execution] = append(over[k.execution], journaled{k, state})
	}
	return tx, over, nil
}

// replay empties the journal that a killed process left.
func (d *DB) replay(ctx context.Context) error {
	docs, err := query(ctx, d, d.w, func(rows *sql.Rows) (b []byte, err error) { return b, rows.Scan(&b) }, sqlJournal)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	for _, doc := range docs {
		stages, err := decodeJournal(doc)
		if err != nil {
			return fmt.Errorf("read the journal: %w", d.damaged(err))
		}
		d.journal.add(stages)
	}
	return d.writeStages(ctx, never, func(*sql.Tx, bool) ([]journaled, error) { return nil, nil })
}

// encodeJournal returns a row of the journal: of each stage its execution, ID
// and state, each behind its length.
func encodeJournal(stages []journaled) []byte {
	size := 0
	for _, s := range stages {
		size += len(s.execution) + len(s.id) + len(s.state) + 3*binary.MaxVarintLen32
	}
	out := make([]byte, 0, size)
	for _, s := range stages {
		for _, part := range []string{s.execution, s.id} {
			out = append(binary.AppendUvarint(out, uint64(len(part))), part...)
		}
		out = append(binary.AppendUvarint(out, uint64(len(s.state))), s.state...)
	}
	return out
}

func decodeJournal(doc []byte) ([]journaled, error) {
	var out []journaled
	for len(doc) > 0 {
		var parts [3][]byte
		for i := range parts {
			n, used := binary.Uvarint(doc)
			if used <= 0 || n > uint64(len(doc)-used) {
				return nil, errors.New("a row of the journal ends early")
			}
			parts[i], doc = doc[used:used+int(n)], doc[used+int(n):]
		}
		out = append(out, journaled{stageKey{string(parts[0]), string(parts[1])}, parts[2]})
	}
	return out, nil
}
