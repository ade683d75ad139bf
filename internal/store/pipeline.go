package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
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
	selectPipeline    = `SELECT id, application, name, doc FROM pipeline `
	sqlPipelines      = selectPipeline + `WHERE application = ? ORDER BY name_key`
	sqlAllPipelines   = selectPipeline + `ORDER BY application, name_key`
	sqlPipelineByID   = selectPipeline + `WHERE id = ?`
	sqlPipelineByName = selectPipeline + `WHERE application = ? AND name_key = ?`
	sqlPutPipeline    = `INSERT INTO pipeline (id, application, name_key, name, doc) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET application = excluded.application, name_key = excluded.name_key, name = excluded.name, doc = excluded.doc`
	sqlDeletePipeline = `DELETE FROM pipeline WHERE id = ?`
)

// maxPipelineID bounds the IDs that callers choose, in bytes.
const maxPipelineID = 255

// pipelineRow is a stored pipeline; application is in lower case.
type pipelineRow struct {
	id, application, name string
	doc                   []byte
}

func scanPipelineRow(rows *sql.Rows) (p pipelineRow, err error) {
	return p, rows.Scan(&p.id, &p.application, &p.name, &p.doc)
}

func (p pipelineRow) parse() (gennaker.Pipeline, error) {
	out, err := gennaker.ParsePipeline(p.doc)
	if err != nil {
		return out, unreadable("pipeline", err)
	}
	return out, nil
}

// Pipelines returns the pipelines of an application, or of all for "", one
// application after the other: those with an index first, by it, then by name
// without case.
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
// else with that ID.
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
	rows, err := query(ctx, d, q, scanPipelineRow, sqlPipelineByName, application, nameKey(nameOrID))
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
// the index that it had if it says none, and updateTs, lastModified and
// lastModifiedBy. Everything else is as it was given.
//
// Errors: Invalid if another pipeline of the application has the name, without
// case, if the stored template that p refers to does not exist, and with
// staleCheck if p was not made from what is stored.
// Source: Spinnaker Front50, save of a pipeline.
func (d *DB) SavePipeline(ctx context.Context, p gennaker.Pipeline, by string, staleCheck bool) (gennaker.Pipeline, error) {
	if p.Doc == nil || p.Name == "" || p.Application == "" {
		return gennaker.Pipeline{}, gennaker.Errorf(gennaker.Invalid, "A pipeline requires name and application fields")
	}
	if len(p.ID) > maxPipelineID {
		return gennaker.Pipeline{}, gennaker.Errorf(gennaker.Invalid, "the id of a pipeline may have at most %d bytes, this one has %d", maxPipelineID, len(p.ID))
	}
	var out gennaker.Pipeline
	err := d.write(ctx, func(tx *sql.Tx) error {
		stored, err := query(ctx, d, tx, scanPipelineRow, sqlPipelineByID, p.ID)
		if err != nil {
			return err
		}
		twins, err := query(ctx, d, tx, scanPipelineRow, sqlPipelineByName, strings.ToLower(p.Application), nameKey(p.Name))
		if err != nil {
			return err
		}
		if len(twins) > 0 && twins[0].id != p.ID {
			return gennaker.Errorf(gennaker.Invalid, "A pipeline with name %s already exists in application %s", p.Name, p.Application).
				WithHint("choose another name, or save it with the id of the existing one to replace that")
		}
		var before *gennaker.Pipeline
		var beforeDoc []byte
		if len(stored) > 0 {
			old, err := stored[0].parse()
			if err != nil {
				return err
			}
			before, beforeDoc = &old, stored[0].doc
		}
		if staleCheck && before != nil {
			if err := checkStale(p, *before); err != nil {
				return err
			}
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
		if _, err := tx.ExecContext(ctx, sqlPutPipeline, out.ID, strings.ToLower(out.Application), nameKey(out.Name), out.Name, string(doc)); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindPipeline, key: out.ID, by: by, at: now, before: beforeDoc, after: doc})
	})
	if err != nil {
		return gennaker.Pipeline{}, fmt.Errorf("save pipeline %s of %s: %w", p.Name, p.Application, err)
	}
	return out, nil
}

// checkStale compares what p says it is a change of with what is stored.
func checkStale(p, stored gennaker.Pipeline) error {
	submitted, current := modified(p), modified(stored)
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
	doc["lastModified"] = *now
	doc["updateTs"] = strconv.FormatInt(*now, 10)
	doc["lastModifiedBy"] = by
	return doc
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
	err := d.write(ctx, func(tx *sql.Tx) error {
		row, err := d.findPipeline(ctx, tx, application, nameOrID, func(string) bool { return true })
		if err != nil {
			return err
		}
		return deletePipeline(ctx, tx, row, by, time.Now().UnixMilli())
	})
	if err != nil {
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
	return d.revisions(ctx, kindPipeline, id, limit)
}
