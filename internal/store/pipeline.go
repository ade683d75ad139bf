package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

const (
	selectPipeline    = `SELECT id, application, strategy, name, doc FROM pipeline `
	sqlPipelines      = selectPipeline + `WHERE application = ? ORDER BY strategy, name_key`
	sqlAllPipelines   = selectPipeline + `ORDER BY application, strategy, name_key`
	sqlPipelineByID   = selectPipeline + `WHERE id = ?`
	sqlPipelineByName = selectPipeline + `WHERE application = ? AND strategy = ? AND name_key = ?`
	sqlPutPipeline    = `INSERT INTO pipeline (id, application, strategy, name_key, name, doc) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET application = excluded.application, strategy = excluded.strategy, name_key = excluded.name_key, name = excluded.name, doc = excluded.doc`
	sqlDeletePipeline = `DELETE FROM pipeline WHERE id = ?`
)

// maxPipelineID bounds the IDs that callers choose, in bytes.
const maxPipelineID = 255

// pipelineRow is a stored pipeline; application is in lower case.
type pipelineRow struct {
	id, application, name string
	strategy              bool
	doc                   []byte
}

func scanPipelineRow(rows *sql.Rows) (p pipelineRow, err error) {
	return p, rows.Scan(&p.id, &p.application, &p.strategy, &p.name, &p.doc)
}

func (p pipelineRow) parse() (gennaker.Pipeline, error) {
	out, err := gennaker.ParsePipeline(p.doc)
	if err != nil {
		return out, unreadable("pipeline", err)
	}
	return out, nil
}

// Pipelines returns the pipelines and strategies of an application, or of all
// for "", one application after the other: those with an index first, by it,
// then pipelines by name without case, then strategies.
func (d *DB) Pipelines(ctx context.Context, application string) ([]gennaker.Pipeline, error) {
	text, args := sqlPipelines, []any{strings.ToLower(application)}
	if application == "" {
		text, args = sqlAllPipelines, nil
	}
	rows, err := query(ctx, d, d.r, scanPipelineRow, text, args...)
	if err != nil {
		return nil, fmt.Errorf("list the pipelines of %q: %w", application, err)
	}
	out := make([]gennaker.Pipeline, len(rows))
	for i, row := range rows {
		if out[i], err = row.parse(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b gennaker.Pipeline) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Application), strings.ToLower(b.Application)), cmp.Compare(index(a), index(b)))
	})
	return out, nil
}

// index returns a pipeline's place among those of its application.
func index(p gennaker.Pipeline) float64 {
	var n json.Number
	switch v := p.Doc.Value["index"].(type) {
	case json.Number:
		n = v
	case string:
		n = json.Number(v)
	}
	f, err := n.Float64()
	if err != nil || math.IsNaN(f) {
		return math.Inf(1)
	}
	return f
}

// Pipeline returns the pipeline of an application with exactly that name, or
// else the pipeline or strategy with that ID.
//
// Errors: NotFound.
func (d *DB) Pipeline(ctx context.Context, application, nameOrID string) (gennaker.Pipeline, error) {
	row, err := d.findPipeline(ctx, d.r, application, nameOrID, func(name string) bool { return name == nameOrID })
	if err != nil {
		return gennaker.Pipeline{}, fmt.Errorf("read pipeline %s of %s: %w", nameOrID, application, err)
	}
	return row.parse()
}

// findPipeline looks for a name that matches, and then for an ID.
func (d *DB) findPipeline(ctx context.Context, q queryer, application, nameOrID string, matches func(name string) bool) (pipelineRow, error) {
	application = strings.ToLower(application)
	rows, err := query(ctx, d, q, scanPipelineRow, sqlPipelineByName, application, false, nameKey(nameOrID))
	if err != nil {
		return pipelineRow{}, err
	}
	if len(rows) > 0 && matches(rows[0].name) {
		return rows[0], nil
	}
	rows, err = query(ctx, d, q, scanPipelineRow, sqlPipelineByID, nameOrID)
	if err != nil {
		return pipelineRow{}, err
	}
	if len(rows) == 0 || rows[0].application != application {
		return pipelineRow{}, gennaker.Errorf(gennaker.NotFound, "Pipeline configuration not found (nameOrId: %s)", nameOrID)
	}
	return rows[0], nil
}

func nameKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// PipelineByID returns the pipeline with that ID. Errors: NotFound.
func (d *DB) PipelineByID(ctx context.Context, id string) (gennaker.Pipeline, error) {
	rows, err := query(ctx, d, d.r, scanPipelineRow, sqlPipelineByID, id)
	if err != nil {
		return gennaker.Pipeline{}, fmt.Errorf("read pipeline %s: %w", id, err)
	}
	if len(rows) == 0 {
		return gennaker.Pipeline{}, gennaker.Errorf(gennaker.NotFound, "Pipeline configuration not found (id: %s)", id)
	}
	return rows[0].parse()
}

// SavePipeline stores p's document and returns it as it is stored: with an ID,
// the index that it had if it says none, IDs of its cron triggers, and updateTs,
// lastModified and lastModifiedBy. Everything else is as it was given. A document
// with "strategy": true is a strategy; their names do not meet those of
// pipelines.
//
// Errors: Invalid if another pipeline of the application has the name, without
// case, if the stored template that p refers to does not exist, and with
// staleCheck if p says that it was made from another one than what is stored.
// Source: Spinnaker Front50, save of a pipeline.
func (d *DB) SavePipeline(ctx context.Context, p gennaker.Pipeline, by string, staleCheck bool) (gennaker.Pipeline, error) {
	return d.savePipeline(ctx, p, by, func(before *gennaker.Pipeline) error {
		if staleCheck && before != nil && p.Doc.Value["lastModified"] != nil {
			return checkStale(modified(p), *before)
		}
		return nil
	})
}

// ReplacePipeline is SavePipeline, but only of what is there, and has that
// updateTs; "" is any.
//
// Errors: Conflict if it has another one, or is not there.
func (d *DB) ReplacePipeline(ctx context.Context, p gennaker.Pipeline, by, updateTs string) (gennaker.Pipeline, error) {
	return d.savePipeline(ctx, p, by, func(before *gennaker.Pipeline) error {
		if before == nil {
			return gennaker.Errorf(gennaker.Conflict, "The submitted pipeline is stale.  There is no pipeline with the id %s any more", p.ID).
				WithHint("save it without If-Match to make it again")
		}
		if updateTs == "" {
			return nil
		}
		err := checkStale(updateTs, *before)
		if e, ok := errors.AsType[*gennaker.Error](err); ok {
			stale := *e
			stale.Kind = gennaker.Conflict
			return &stale
		}
		return err
	})
}

func (d *DB) savePipeline(ctx context.Context, p gennaker.Pipeline, by string, allow func(before *gennaker.Pipeline) error) (out gennaker.Pipeline, err error) {
	if p.Doc == nil || p.Name == "" || p.Application == "" {
		return out, gennaker.Errorf(gennaker.Invalid, "A pipeline requires name and application fields")
	}
	if len(p.ID) > maxPipelineID {
		return out, gennaker.Errorf(gennaker.Invalid, "the id of a pipeline may have at most %d bytes, this one has %d", maxPipelineID, len(p.ID))
	}
	err = d.write(ctx, func(tx *sql.Tx) error {
		before, beforeDoc, err := d.storedPipeline(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if err := d.checkPipelineName(ctx, tx, p); err != nil {
			return err
		}
		if err := allow(before); err != nil {
			return err
		}
		if err := d.checkTemplate(ctx, tx, p); err != nil {
			return err
		}
		now := time.Now().UnixMilli()
		doc, err := encode(stamped(p, before, by, &now))
		if err != nil {
			return err
		}
		if out, err = gennaker.ParsePipeline(doc); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlPutPipeline, out.ID, strings.ToLower(out.Application), out.Strategy(), nameKey(out.Name), out.Name, string(doc)); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindPipeline, key: out.ID, by: by, at: now, before: beforeDoc, after: doc})
	})
	if d.tell(err, Change{pipelineKind(p.Strategy()), p.Application, p.Name}); err != nil {
		return gennaker.Pipeline{}, fmt.Errorf("save pipeline %s of %s: %w", p.Name, p.Application, err)
	}
	return out, nil
}

// storedPipeline returns the pipeline with that ID, and its text; nil if there
// is none.
func (d *DB) storedPipeline(ctx context.Context, tx *sql.Tx, id string) (*gennaker.Pipeline, []byte, error) {
	rows, err := query(ctx, d, tx, scanPipelineRow, sqlPipelineByID, id)
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	p, err := rows[0].parse()
	return &p, rows[0].doc, err
}

// checkPipelineName refuses a name that another one has.
func (d *DB) checkPipelineName(ctx context.Context, tx *sql.Tx, p gennaker.Pipeline) error {
	twins, err := query(ctx, d, tx, scanPipelineRow, sqlPipelineByName, strings.ToLower(p.Application), p.Strategy(), nameKey(p.Name))
	if err != nil || len(twins) == 0 || twins[0].id == p.ID {
		return err
	}
	what := "pipeline"
	if p.Strategy() {
		what = "strategy"
	}
	return gennaker.Errorf(gennaker.Invalid, "A %s with name %s already exists in application %s", what, p.Name, p.Application).
		WithHint("choose another name, or save it with the id of the existing one to replace that")
}

// checkStale compares what a document is a change of with what is stored.
func checkStale(submitted string, stored gennaker.Pipeline) error {
	current := modified(stored)
	if submitted == current {
		return nil
	}
	return gennaker.Errorf(gennaker.Invalid, "The submitted pipeline is stale.  submitted updateTs %s does not match stored updateTs %s", submitted, current).
		WithHint("somebody saved the pipeline since you read it; read it again and repeat your change")
}

// modified returns lastModified, which the wild has as number and string.
func modified(p gennaker.Pipeline) string {
	if v := p.Doc.Value["lastModified"]; v != nil {
		return fmt.Sprint(v)
	}
	return "null"
}

// stamped returns p's document with the fields that a save sets. It moves now
// on if need be, so that each save has a time of its own.
func stamped(p gennaker.Pipeline, before *gennaker.Pipeline, by string, now *int64) map[string]any {
	doc := maps.Clone(p.Doc.Value)
	doc["name"], doc["application"] = p.Name, p.Application
	if p.ID == "" {
		doc["id"] = newID()
	}
	if before != nil {
		if _, ok := doc["index"]; !ok && before.Doc.Value["index"] != nil {
			doc["index"] = before.Doc.Value["index"]
		}
		if last, err := strconv.ParseInt(modified(*before), 10, 64); err == nil && *now <= last {
			*now = last + 1
		}
	}
	if triggers := withCronIDs(doc["triggers"], p.ID == "" || doc[regenerate] == true); triggers != nil {
		doc["triggers"] = triggers
	}
	delete(doc, regenerate)
	doc["lastModified"] = *now
	doc["updateTs"] = strconv.FormatInt(*now, 10)
	doc["lastModifiedBy"] = by
	return doc
}

// regenerate is the key by which a document asks for new IDs of its cron
// triggers; it is not stored.
const regenerate = "regenerateCronTriggerIds"

// withCronIDs returns triggers in which those of type cron have IDs: new ones,
// if that is asked for. It returns nil if there is nothing to change.
func withCronIDs(triggers any, renew bool) []any {
	list, _ := triggers.([]any)
	var out []any
	for i, v := range list {
		trigger, _ := v.(map[string]any)
		kind, _ := trigger["type"].(string)
		if id, _ := trigger["id"].(string); !strings.EqualFold(kind, "cron") || id != "" && !renew {
			continue
		}
		if out == nil {
			out = slices.Clone(list)
		}
		trigger = maps.Clone(trigger)
		trigger["id"] = newID()
		out[i] = trigger
	}
	return out
}

// newID returns a random UUID.
//
// Source: RFC 9562, section 5.4.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// DeletePipeline deletes the pipeline of an application with that name, without
// case, or else with that ID.
//
// Errors: NotFound.
func (d *DB) DeletePipeline(ctx context.Context, application, nameOrID, by string) error {
	var row pipelineRow
	err := d.write(ctx, func(tx *sql.Tx) (err error) {
		if row, err = d.findPipeline(ctx, tx, application, nameOrID, func(string) bool { return true }); err != nil {
			return err
		}
		return deletePipeline(ctx, tx, row, by, time.Now().UnixMilli())
	})
	if d.tell(err, Change{pipelineKind(row.strategy), application, row.name}); err != nil {
		return fmt.Errorf("delete pipeline %s of %s: %w", nameOrID, application, err)
	}
	return nil
}

func deletePipeline(ctx context.Context, tx *sql.Tx, row pipelineRow, by string, now int64) error {
	if _, err := tx.ExecContext(ctx, sqlDeletePipeline, row.id); err != nil {
		return err
	}
	return record(ctx, tx, change{kind: kindPipeline, key: row.id, by: by, at: now, before: row.doc})
}

// PipelineHistory returns the newest revisions of a pipeline, also of a deleted
// one, newest first; at most 1,000, and so many if limit is 0.
func (d *DB) PipelineHistory(ctx context.Context, id string, limit int) ([]gennaker.Revision, error) {
	return d.revisions(ctx, kindPipeline, id, math.MaxInt64, limit)
}

// PipelineRevisions is PipelineHistory, but of revisions with smaller numbers
// than before; 0 is of all.
func (d *DB) PipelineRevisions(ctx context.Context, id string, before, limit int) ([]gennaker.Revision, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return d.revisions(ctx, kindPipeline, id, before, limit)
}

// PipelineRevision returns one revision.
//
// Errors: NotFound.
func (d *DB) PipelineRevision(ctx context.Context, id string, number int) (gennaker.Revision, error) {
	if number > 0 && number < math.MaxInt64 {
		found, err := d.revisions(ctx, kindPipeline, id, number+1, 1)
		if err != nil || len(found) > 0 && found[0].Number == number {
			return append(found, gennaker.Revision{})[0], err
		}
	}
	return gennaker.Revision{}, gennaker.Errorf(gennaker.NotFound, "pipeline %s has no revision %d", id, number)
}
