package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/template"
)

const (
	sqlTemplates      = `SELECT doc FROM template ORDER BY id, tag, digest`
	sqlTemplate       = `SELECT doc FROM template WHERE id = ? AND tag = ? AND digest = ?`
	sqlPutTemplate    = `INSERT INTO template (id, tag, digest, doc) VALUES (?, ?, ?, ?) ON CONFLICT (id, tag, digest) DO UPDATE SET doc = excluded.doc`
	sqlKeepTemplate   = `INSERT INTO template (id, tag, digest, doc) VALUES (?, ?, ?, ?) ON CONFLICT (id, tag, digest) DO NOTHING`
	sqlDeleteTemplate = `DELETE FROM template WHERE id = ? AND tag = ? AND digest = ?`
)

// Templates returns every copy of every template, with the tag or the digest
// that it is kept under; by ID, tag and digest.
func (d *DB) Templates(ctx context.Context) ([]map[string]any, error) {
	docs, err := query(ctx, d, d.r, scanText, sqlTemplates)
	if err != nil {
		return nil, fmt.Errorf("list pipeline templates: %w", err)
	}
	out := make([]map[string]any, len(docs))
	for i, doc := range docs {
		if out[i], err = decodeTemplate([]byte(doc)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Template returns one copy.
//
// Errors: NotFound; Invalid for a version that cannot be.
func (d *DB) Template(ctx context.Context, v template.Version) (map[string]any, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	doc, err := d.document(ctx, d.r, sqlTemplate, v.ID, v.Tag, v.Digest)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read pipeline template %s: %w", v.Key(), err)
	case doc == nil:
		return nil, noTemplate(v)
	}
	return decodeTemplate(doc)
}

func noTemplate(v template.Version) error {
	return gennaker.Errorf(gennaker.NotFound, "Pipeline template not found (id: %s)", v.Key())
}

func decodeTemplate(doc []byte) (map[string]any, error) {
	d, err := gennaker.ParseDocument(doc)
	if err != nil {
		return nil, unreadable("pipeline template", err)
	}
	return d.Value, nil
}

// CreateTemplate stores a new template under its ID and tag; the tag of the
// document counts if tag is "". A copy goes under its digest, if there is none
// yet, and one under the tag "latest". It returns where the template is.
//
// Errors: Invalid as template.Check; Conflict if there is one already.
// Source: Spinnaker Front50 V2PipelineTemplateController.
func (d *DB) CreateTemplate(ctx context.Context, doc map[string]any, tag, by string) (template.Version, error) {
	return d.saveTemplate(ctx, doc, tag, by, func(v template.Version, before []byte) error {
		if before == nil {
			return nil
		}
		return gennaker.Errorf(gennaker.Conflict, "A pipeline template with the id %s already exists", v.Key()).
			WithHint("update it instead")
	})
}

// UpdateTemplate is CreateTemplate for a template that is there.
//
// Errors: Invalid as template.Check; NotFound.
func (d *DB) UpdateTemplate(ctx context.Context, doc map[string]any, tag, by string) (template.Version, error) {
	return d.saveTemplate(ctx, doc, tag, by, func(v template.Version, before []byte) error {
		if before == nil {
			return noTemplate(v)
		}
		return nil
	})
}

func (d *DB) saveTemplate(ctx context.Context, doc map[string]any, tag, by string, allow func(template.Version, []byte) error) (template.Version, error) {
	t, err := template.Parse(doc)
	if err == nil {
		err = t.Check()
	}
	v := template.Version{ID: t.ID, Tag: cmp.Or(tag, t.Tag)}
	if err == nil {
		err = v.Check()
	}
	if err != nil {
		return v, err
	}
	err = d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlTemplate, v.ID, v.Tag, "")
		if err != nil {
			return err
		}
		if err := allow(v, before); err != nil {
			return err
		}
		now := time.Now().UnixMilli()
		after, err := putCopies(ctx, tx, v, stampedTemplate(doc, by, now))
		if err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindTemplate, key: v.Key(), by: by, at: now, before: before, after: after})
	})
	if d.tell(err, Change{Kind: gennaker.TemplateDocument, Name: v.ID}); err != nil {
		return v, fmt.Errorf("save pipeline template %s: %w", v.Key(), err)
	}
	return v, nil
}

// stampedTemplate returns doc with the fields that a save sets.
func stampedTemplate(doc map[string]any, by string, now int64) map[string]any {
	doc = maps.Clone(doc)
	delete(doc, "digest")
	delete(doc, "tag")
	doc["updateTs"], doc["lastModifiedBy"] = strconv.FormatInt(now, 10), by
	return doc
}

// putCopies stores doc as v, as its digest, and as the latest; and returns the
// text of v.
func putCopies(ctx context.Context, tx *sql.Tx, v template.Version, doc map[string]any) ([]byte, error) {
	put := func(statement string, v template.Version, extra map[string]any) ([]byte, error) {
		doc := maps.Clone(doc)
		maps.Copy(doc, extra)
		text, err := encode(doc)
		if err != nil {
			return nil, err
		}
		if len(text) > gennaker.MaxDocumentBytes {
			return nil, gennaker.Errorf(gennaker.TooLarge, "the template has %d bytes, more than %d", len(text), gennaker.MaxDocumentBytes)
		}
		_, err = tx.ExecContext(ctx, statement, v.ID, v.Tag, v.Digest, string(text))
		return text, err
	}
	tagged := map[string]any{}
	if v.Tag != "" {
		tagged["tag"] = v.Tag
	}
	text, err := put(sqlPutTemplate, v, tagged)
	if err != nil {
		return nil, err
	}
	if v.Tag != template.Latest {
		if _, err := put(sqlPutTemplate, template.Version{ID: v.ID, Tag: template.Latest}, map[string]any{"tag": template.Latest}); err != nil {
			return nil, err
		}
	}
	whole := maps.Clone(doc)
	maps.Copy(whole, tagged)
	digest := template.Digest(whole)
	tagged["digest"] = digest
	_, err = put(sqlKeepTemplate, template.Version{ID: v.ID, Digest: digest}, tagged)
	return text, err
}

// DeleteTemplate deletes one copy of a template.
//
// Errors: NotFound; Conflict while pipelines refer to it.
func (d *DB) DeleteTemplate(ctx context.Context, v template.Version, by string) error {
	if err := v.Check(); err != nil {
		return err
	}
	err := d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlTemplate, v.ID, v.Tag, v.Digest)
		if err != nil {
			return err
		}
		if before == nil {
			return noTemplate(v)
		}
		if err := d.checkUnused(ctx, tx, v); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlDeleteTemplate, v.ID, v.Tag, v.Digest); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindTemplate, key: v.Key(), by: by, at: time.Now().UnixMilli(), before: before})
	})
	if d.tell(err, Change{Kind: gennaker.TemplateDocument, Name: v.ID}); err != nil {
		return fmt.Errorf("delete pipeline template %s: %w", v.Key(), err)
	}
	return nil
}

// checkUnused refuses to go on while pipelines refer to v.
func (d *DB) checkUnused(ctx context.Context, q queryer, v template.Version) error {
	rows, err := query(ctx, d, q, scanPipelineRow, sqlAllPipelines)
	if err != nil {
		return err
	}
	var users []string
	for _, row := range rows {
		if !bytes.Contains(row.doc, []byte(v.Reference())) {
			continue
		}
		p, err := row.parse()
		if err != nil {
			return err
		}
		if v.UsedBy(p.Doc.Value) {
			users = append(users, row.id)
		}
	}
	if len(users) == 0 {
		return nil
	}
	return gennaker.Errorf(gennaker.Conflict, "The following pipeline configs depend on this template: %s", strings.Join(users, ", ")).
		WithHint("let them use another template, or delete them first")
}

// checkTemplate refuses a pipeline whose stored template does not exist. What is
// elsewhere, or named by an expression, is looked for when the pipeline runs.
func (d *DB) checkTemplate(ctx context.Context, tx *sql.Tx, p gennaker.Pipeline) error {
	v, ok := template.VersionOf(p.Doc.Value)
	if !ok {
		return nil
	}
	doc, err := d.document(ctx, tx, sqlTemplate, v.ID, v.Tag, v.Digest)
	if err != nil || doc != nil {
		return err
	}
	return gennaker.Errorf(gennaker.Invalid, "Configured pipeline template not found").
		WithHint("there is no template %s; save it first, or name another in template.reference", v.Key())
}

// TemplateHistory returns the newest revisions of a copy, also of a deleted
// one, newest first; at most 1,000, and so many if limit is 0. What a save
// copies to the tag "latest" and to the digest is no revision of these.
func (d *DB) TemplateHistory(ctx context.Context, v template.Version, limit int) ([]gennaker.Revision, error) {
	return d.revisions(ctx, kindTemplate, v.Key(), math.MaxInt64, limit)
}
