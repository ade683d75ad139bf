package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
)

const (
	sqlInsertExecution = `INSERT INTO execution
(id, type, application, config_id, name, status, build_time, start_time, end_time, open, doc, head)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
	sqlInsertLane      = `INSERT INTO lane (application, config_id) VALUES (?, ?) ON CONFLICT DO NOTHING`
	sqlUpdateHead      = `UPDATE execution SET status = ?, start_time = ?, end_time = ?, open = ?, head = ? WHERE id = ?`
	sqlPutStage        = `INSERT OR REPLACE INTO stage (execution, id, state) VALUES (?, ?, ?)`
	sqlPutDoc          = `INSERT OR REPLACE INTO stage_doc (execution, id, part, brief, doc) VALUES (?, ?, ?, ?, ?)`
	sqlDeleteStage     = `DELETE FROM stage WHERE execution = ? AND id = ?`
	sqlDeleteDoc       = `DELETE FROM stage_doc WHERE execution = ? AND id = ?`
	sqlDeleteExecution = `DELETE FROM execution WHERE id = ?`
	sqlDeleteStages    = `DELETE FROM stage WHERE execution = ?`
	sqlDeleteDocs      = `DELETE FROM stage_doc WHERE execution = ?`

	sqlExecution = `SELECT doc, head FROM execution WHERE id = ?`
	sqlStages    = `SELECT state FROM stage WHERE execution = ?`
	sqlDocs      = `SELECT id, part, doc FROM stage_doc WHERE execution = ?`
	sqlOpen      = `SELECT id FROM execution WHERE open = 1 ORDER BY build_time, id`
)

// statements are those of Commit, prepared once.
type statements struct {
	insertExecution, insertLane, updateHead, putStage, putDoc, deleteStage, deleteDoc, appendJournal *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, db *sql.DB) error {
	for text, into := range map[string]**sql.Stmt{
		sqlInsertExecution: &s.insertExecution, sqlInsertLane: &s.insertLane, sqlUpdateHead: &s.updateHead,
		sqlPutStage: &s.putStage, sqlPutDoc: &s.putDoc, sqlDeleteStage: &s.deleteStage, sqlDeleteDoc: &s.deleteDoc,
		sqlAppendJournal: &s.appendJournal,
	} {
		st, err := db.PrepareContext(ctx, text) //nolint:sqlclosecheck // closed with the database
		if err != nil {
			return fmt.Errorf("prepare %q: %w", text, err)
		}
		*into = st
	}
	return nil
}

// in returns the statements bound to tx.
func (s *statements) in(ctx context.Context, tx *sql.Tx) statements {
	return statements{
		insertExecution: tx.StmtContext(ctx, s.insertExecution), insertLane: tx.StmtContext(ctx, s.insertLane),
		updateHead: tx.StmtContext(ctx, s.updateHead),
		putStage:   tx.StmtContext(ctx, s.putStage), putDoc: tx.StmtContext(ctx, s.putDoc),
		deleteStage: tx.StmtContext(ctx, s.deleteStage), deleteDoc: tx.StmtContext(ctx, s.deleteDoc),
		appendJournal: tx.StmtContext(ctx, s.appendJournal),
	}
}

// Commit makes all deltas durable, or none of them. Once begun it does not
// stop when ctx ends.
//
// Errors: Unavailable when it may work later (disk full, locked); Conflict if
// an execution to be created exists; NotFound if a head's execution does not.
func (d *DB) Commit(ctx context.Context, deltas []engine.Delta) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // the driver would start a goroutine for each statement
	err := d.writeStages(ctx, func() bool { return d.journal.takes(changes(deltas)) }, func(tx *sql.Tx, journal bool) ([]journaled, error) {
		c := commit{ctx: ctx, tx: tx, statements: d.stmt.in(ctx, tx), journal: journal}
		for i := range deltas {
			if err := c.delta(&deltas[i]); err != nil {
				return nil, fmt.Errorf("store execution %s: %w", deltas[i].ID, err)
			}
		}
		if !journal {
			return nil, nil
		}
		_, err := c.appendJournal.ExecContext(ctx, encodeJournal(c.stages))
		return c.stages, err
	})
	if err != nil {
		return fmt.Errorf("commit %d executions: %w", len(deltas), err)
	}
	return nil
}

// changes returns how many stages deltas change; 0 if they take some away, which
// the journal cannot say.
func changes(deltas []engine.Delta) (n int) {
	for i := range deltas {
		if deltas[i].Deleted || len(deltas[i].Removed) > 0 {
			return 0
		}
		n += len(deltas[i].Stages)
	}
	return n
}

// commit is one transaction of Commit.
type commit struct {
	ctx context.Context
	tx  *sql.Tx
	statements
	journal bool        // stages go to the journal
	stages  []journaled // those that did
}

func (c *commit) delta(dl *engine.Delta) error {
	if dl.Deleted {
		return deleteExecution(c.ctx, c.tx, dl.ID)
	}
	if err := c.head(dl); err != nil {
		return err
	}
	for _, id := range dl.Removed {
		for _, st := range []*sql.Stmt{c.deleteStage, c.deleteDoc} {
			if _, err := st.ExecContext(c.ctx, dl.ID, id); err != nil {
				return err
			}
		}
	}
	for _, s := range dl.Stages {
		if c.journal {
			c.stages = append(c.stages, journaled{stageKey{dl.ID, s.ID}, s.State})
			continue
		}
		if _, err := c.putStage.ExecContext(c.ctx, dl.ID, s.ID, string(s.State)); err != nil {
			return err
		}
	}
	for _, s := range dl.Docs {
		for part, doc := range parts(&s.Doc) {
			if *doc == nil || dl.Create != nil && string(*doc) == "{}" {
				continue // it did not change, or is what nothing stands for
			}
			if _, err := c.putDoc.ExecContext(c.ctx, dl.ID, s.ID, part, brief(part, *doc), string(*doc)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *commit) head(dl *engine.Delta) error {
	if dl.Head == nil {
		if dl.Create != nil {
			return errors.New("an execution is created without its head")
		}
		return nil
	}
	head, err := json.Marshal(dl.Head)
	if err != nil {
		return fmt.Errorf("encode its head: %w", err)
	}
	h := dl.Head
	if dl.Create == nil {
		res, err := c.updateHead.ExecContext(c.ctx, string(h.Status), h.Start.Epoch(), h.End.Epoch(), !dl.Settled, string(head), dl.ID)
		if err != nil {
			return err
		}
		return affected(res, gennaker.NotFound, "there is no execution with id %s", dl.ID)
	}
	x := *dl.Create
	x.Stages = nil
	doc, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("encode what never changes: %w", err)
	}
	application := strings.ToLower(x.Application)
	res, err := c.insertExecution.ExecContext(c.ctx, dl.ID, string(x.Type), application, x.PipelineConfigID, x.Name,
		string(h.Status), x.BuildTime.Epoch(), h.Start.Epoch(), h.End.Epoch(), !dl.Settled, string(doc), string(head))
	if err != nil {
		return err
	}
	if err := affected(res, gennaker.Conflict, "there already is an execution with id %s", dl.ID); err != nil {
		return err
	}
	_, err = c.insertLane.ExecContext(c.ctx, application, x.PipelineConfigID)
	return err
}

// affected returns an error if a statement changed no row.
func affected(res sql.Result, kind gennaker.Kind, format string, args ...any) error {
	n, err := res.RowsAffected()
	if err != nil || n > 0 {
		return err
	}
	return gennaker.Errorf(kind, format, args...)
}

// parts returns the parts of a stage's open JSON, in the order of their numbers
// in the database.
func parts(doc *engine.Doc) [3]*json.RawMessage {
	return [3]*json.RawMessage{&doc.Context, &doc.Outputs, &doc.LastModified}
}

// The numbers of the parts.
const (
	partContext = iota
	partOutputs
	partLastModified
)

// brief returns what listings show of a part.
func brief(part int, doc json.RawMessage) string {
	switch part {
	case partContext:
		if !bytes.Contains(doc, []byte(`"group"`)) {
			return ""
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(doc, &fields); err != nil || fields["group"] == nil {
			return ""
		}
		return `{"group":` + string(fields["group"]) + `}`
	case partLastModified:
		return string(doc)
	}
	return ""
}

func deleteExecution(ctx context.Context, tx *sql.Tx, id string) error {
	for _, text := range []string{sqlDeleteDocs, sqlDeleteStages, sqlDeleteExecution} {
		if _, err := tx.ExecContext(ctx, text, id); err != nil {
			return err
		}
	}
	return nil
}

// Open calls each with every execution that is not settled, oldest first. The
// executions are one snapshot; an error of each ends it and is returned.
func (d *DB) Open(ctx context.Context, each func(engine.Stored) error) error {
	return d.readStages(ctx, func(tx *sql.Tx, over overlay) error {
		ids, err := query(ctx, d, tx, scanText, sqlOpen)
		if err != nil {
			return fmt.Errorf("list open executions: %w", err)
		}
		l, err := d.loader(ctx, tx, over, sqlDocs)
		if err != nil {
			return err
		}
		for _, id := range ids {
			s, err := l.load(ctx, id)
			if err != nil {
				return err
			}
			if err := each(s); err != nil {
				return err
			}
		}
		return nil
	})
}

// Load returns one execution. Errors: NotFound.
func (d *DB) Load(ctx context.Context, id string) (s engine.Stored, err error) {
	err = d.readStages(ctx, func(tx *sql.Tx, over overlay) error {
		l, err := d.loader(ctx, tx, over, sqlDocs)
		if err != nil {
			return err
		}
		s, err = l.load(ctx, id)
		return err
	})
	return s, err
}

func scanText(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) }

// loader reads executions in one transaction, which closes its statements.
type loader struct {
	d                       *DB
	over                    overlay
	execution, stages, docs *sql.Stmt
}

// loader returns a loader; docs is the statement for the open JSON of stages, or
// "" to leave stages out.
func (d *DB) loader(ctx context.Context, tx *sql.Tx, over overlay, docs string) (*loader, error) {
	l := &loader{d: d, over: over}
	statements := map[string]**sql.Stmt{sqlExecution: &l.execution}
	if docs != "" {
		statements[sqlStages], statements[docs] = &l.stages, &l.docs
	}
	for text, into := range statements {
		st, err := tx.PrepareContext(ctx, text) //nolint:sqlclosecheck // closed with the transaction
		if err != nil {
			return nil, fmt.Errorf("prepare %q: %w", text, d.explain(err))
		}
		*into = st
	}
	return l, nil
}

func (l *loader) load(ctx context.Context, id string) (engine.Stored, error) {
	d := l.d
	var s engine.Stored
	var doc, head []byte
	err := l.execution.QueryRowContext(ctx, id).Scan(&doc, &head)
	if errors.Is(err, sql.ErrNoRows) {
		return s, gennaker.Errorf(gennaker.NotFound, "there is no execution with id %s", id)
	}
	if err != nil {
		return s, fmt.Errorf("read execution %s: %w", id, d.explain(err))
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&s.Execution); err != nil {
		return s, fmt.Errorf("decode execution %s: %w", id, d.damaged(err))
	}
	s.State = &flow.State{}
	if err := json.Unmarshal(head, s.State); err != nil {
		return s, fmt.Errorf("decode the head of execution %s: %w", id, d.damaged(err))
	}
	if l.stages == nil {
		s.State.Restore(nil)
		return s, nil
	}
	stages, err := l.skeletons(ctx, id)
	if err != nil {
		return s, err
	}
	s.State.Restore(stages)
	docs, err := rows(ctx, d, l.docs, scanPart, id)
	if err != nil {
		return s, fmt.Errorf("read the documents of execution %s: %w", id, err)
	}
	s.Docs = make(map[string]engine.Doc, len(s.State.Stages))
	for _, r := range docs {
		doc := s.Docs[r.stage]
		known := parts(&doc)
		if r.part < 0 || r.part >= len(known) || !json.Valid(r.doc) {
			return s, fmt.Errorf("decode part %d of stage %s of execution %s: %w", r.part, r.stage, id, d.damaged(errors.New("not valid JSON")))
		}
		*known[r.part] = r.doc
		s.Docs[r.stage] = doc
	}
	return s, nil
}

// skeletons returns the stages of an execution: those of the table, with those of
// the journal over them.
func (l *loader) skeletons(ctx context.Context, id string) ([]*flow.Stage, error) {
	states, err := rows(ctx, l.d, l.stages, scanText, id)
	if err != nil {
		return nil, fmt.Errorf("read the stages of execution %s: %w", id, err)
	}
	for _, j := range l.over[id] { // of one stage the last state counts
		states = append(states, string(j.state))
	}
	var stages []*flow.Stage
	at := map[string]int{}
	for _, state := range states {
		st := &flow.Stage{}
		if err := json.Unmarshal([]byte(state), st); err != nil {
			return nil, fmt.Errorf("decode a stage of execution %s: %w", id, l.d.damaged(err))
		}
		if i, ok := at[st.ID]; ok {
			stages[i] = st
			continue
		}
		at[st.ID] = len(stages)
		stages = append(stages, st)
	}
	return stages, nil
}

// docPart is a row of stage_doc.
type docPart struct {
	stage string
	part  int
	doc   []byte
}

func scanPart(rows *sql.Rows) (p docPart, err error) { return p, rows.Scan(&p.stage, &p.part, &p.doc) }
