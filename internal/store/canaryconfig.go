package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

const (
	sqlCanaryConfigs      = `SELECT doc FROM canary_config ORDER BY id`
	sqlCanaryConfig       = `SELECT doc FROM canary_config WHERE id = ?`
	sqlPutCanaryConfig    = `INSERT INTO canary_config (id, doc) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`
	sqlDeleteCanaryConfig = `DELETE FROM canary_config WHERE id = ?`
)

// CanaryConfigs returns all canary configs, by name and ID.
func (d *DB) CanaryConfigs(ctx context.Context) ([]gennaker.CanaryConfig, error) {
	out, err := d.canaryConfigs(ctx, d.r)
	if err != nil {
		return nil, fmt.Errorf("list canary configs: %w", err)
	}
	return out, nil
}

func (d *DB) canaryConfigs(ctx context.Context, q queryer) ([]gennaker.CanaryConfig, error) {
	docs, err := query(ctx, d, q, scanText, sqlCanaryConfigs)
	if err != nil {
		return nil, err
	}
	out := make([]gennaker.CanaryConfig, len(docs))
	for i, doc := range docs {
		if out[i], err = decodeCanaryConfig([]byte(doc)); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b gennaker.CanaryConfig) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}

// CanaryConfig returns one canary config.
//
// Errors: NotFound.
func (d *DB) CanaryConfig(ctx context.Context, id string) (gennaker.CanaryConfig, error) {
	doc, err := d.document(ctx, d.r, sqlCanaryConfig, id)
	switch {
	case err != nil:
		return gennaker.CanaryConfig{}, fmt.Errorf("read canary config %s: %w", id, err)
	case doc == nil:
		return gennaker.CanaryConfig{}, noCanaryConfig(id)
	}
	return decodeCanaryConfig(doc)
}

func noCanaryConfig(id string) error {
	return gennaker.Errorf(gennaker.NotFound, "Canary config not found (id: %s)", id)
}

func decodeCanaryConfig(doc []byte) (gennaker.CanaryConfig, error) {
	parsed, err := gennaker.ParseDocument(doc)
	if err != nil {
		return gennaker.CanaryConfig{}, unreadable("canary config", err)
	}
	c, err := gennaker.NewCanaryConfig(parsed.Value)
	if err != nil {
		return gennaker.CanaryConfig{}, unreadable("canary config", err)
	}
	return c, nil
}

// CreateCanaryConfig stores a new canary config and returns it as it is stored:
// with an ID and times, which stay if c has them.
//
// Errors: Invalid if there is one with the ID, or with the name in one of its
// applications.
// Source: Kayenta CanaryConfigController.
func (d *DB) CreateCanaryConfig(ctx context.Context, c gennaker.CanaryConfig, by string) (gennaker.CanaryConfig, error) {
	return d.saveCanaryConfig(ctx, c, by, func(before []byte, attrs map[string]any, now int64) error {
		if before != nil {
			return gennaker.Errorf(gennaker.Invalid, "Canary config '%s' already exists.", c.ID).WithHint("update it instead, with PUT")
		}
		if attrs["createdTimestamp"] == nil {
			attrs["createdTimestamp"] = now
		}
		if attrs["updatedTimestamp"] == nil {
			attrs["updatedTimestamp"] = attrs["createdTimestamp"]
		}
		return nil
	})
}

// UpdateCanaryConfig replaces the canary config with c's ID, and returns it as
// it is stored.
//
// Errors: Invalid if there is none, or another one has the name in one of its
// applications.
// Source: Kayenta CanaryConfigController.
func (d *DB) UpdateCanaryConfig(ctx context.Context, c gennaker.CanaryConfig, by string) (gennaker.CanaryConfig, error) {
	return d.saveCanaryConfig(ctx, c, by, func(before []byte, attrs map[string]any, now int64) error {
		if before == nil {
			return gennaker.Errorf(gennaker.Invalid, "Canary config '%s' does not exist.", c.ID).WithHint("create it first, with POST")
		}
		old, err := decodeCanaryConfig(before)
		if err != nil {
			return err
		}
		if attrs["createdTimestamp"] == nil {
			attrs["createdTimestamp"] = old.Attrs["createdTimestamp"]
		}
		attrs["updatedTimestamp"] = now
		return nil
	})
}

func (d *DB) saveCanaryConfig(ctx context.Context, c gennaker.CanaryConfig, by string, stamp func(before []byte, attrs map[string]any, now int64) error) (out gennaker.CanaryConfig, err error) {
	err = d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlCanaryConfig, c.ID)
		if err != nil {
			return err
		}
		now := time.Now().UnixMilli()
		attrs := maps.Clone(c.Attrs)
		if attrs["id"] = c.ID; c.ID == "" {
			attrs["id"] = newID()
		}
		if err := stamp(before, attrs, now); err != nil {
			return err
		}
		if err := isoTimes(attrs); err != nil {
			return err
		}
		if err := d.checkCanaryName(ctx, tx, c); err != nil {
			return err
		}
		after, err := encodeBounded("canary config", attrs)
		if err != nil {
			return err
		}
		if out, err = decodeCanaryConfig(after); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlPutCanaryConfig, out.ID, string(after)); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindCanaryConfig, key: out.ID, by: by, at: now, before: before, after: after})
	})
	if d.tell(err, Change{Kind: gennaker.CanaryConfigDocument, Name: out.ID}); err != nil {
		return gennaker.CanaryConfig{}, fmt.Errorf("save canary config %s: %w", c.Name, err)
	}
	return out, nil
}

// isoTimes writes the times of a canary config in words too.
func isoTimes(attrs map[string]any) error {
	for _, key := range []string{"createdTimestamp", "updatedTimestamp"} {
		var at gennaker.Time
		if err := at.UnmarshalJSON(fmt.Append(nil, attrs[key])); err != nil {
			return gennaker.Errorf(gennaker.Invalid, "%s must be epoch milliseconds, not %v", key, attrs[key])
		}
		attrs[key] = at.Epoch()
		attrs[key+"Iso"] = time.UnixMilli(at.Epoch()).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return nil
}

// checkCanaryName refuses a name that another config of one of the applications
// has.
func (d *DB) checkCanaryName(ctx context.Context, tx *sql.Tx, c gennaker.CanaryConfig) error {
	all, err := d.canaryConfigs(ctx, tx)
	if err != nil {
		return err
	}
	for _, other := range all {
		shared := slices.ContainsFunc(c.Applications, func(a string) bool { return slices.Contains(other.Applications, a) })
		if other.ID != c.ID && other.Name == c.Name && shared {
			return gennaker.Errorf(gennaker.Invalid, "Canary config with name '%s' already exists in the scope of applications [%s].", c.Name, strings.Join(c.Applications, ", ")).
				WithHint("choose another name, or update %s", other.ID)
		}
	}
	return nil
}

// DeleteCanaryConfig deletes a canary config.
//
// Errors: NotFound.
func (d *DB) DeleteCanaryConfig(ctx context.Context, id, by string) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlCanaryConfig, id)
		if err != nil {
			return err
		}
		if before == nil {
			return noCanaryConfig(id)
		}
		if _, err := tx.ExecContext(ctx, sqlDeleteCanaryConfig, id); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindCanaryConfig, key: id, by: by, at: time.Now().UnixMilli(), before: before})
	})
	if d.tell(err, Change{Kind: gennaker.CanaryConfigDocument, Name: id}); err != nil {
		return fmt.Errorf("delete canary config %s: %w", id, err)
	}
	return nil
}
