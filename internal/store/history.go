package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Every listing is a merge of streams that an index has in the right order: one
// for each type and status, of everything, of an application, or of one pipeline
// in an application. So its cost depends on what it answers, not on how much
// history there is.
const (
	selectKey  = `SELECT build_time, id FROM execution WHERE `
	selectFrom = ` AND type = ? AND status = ? AND (build_time, id) < (?, ?) ORDER BY build_time DESC, id DESC LIMIT ?`
	selectUpTo = ` AND type = ? AND status = ? AND (build_time, id) > (?, ?) ORDER BY build_time, id LIMIT ?`

	ofApplication = `application = ?`
	ofConfig      = `application = ? AND config_id = ?`

	sqlKeysByTime           = selectKey + `1` + selectFrom
	sqlKeysByApplication    = selectKey + ofApplication + selectFrom
	sqlKeysByConfig         = selectKey + ofConfig + selectFrom
	sqlOldKeysByTime        = selectKey + `1` + selectUpTo
	sqlOldKeysByApplication = selectKey + ofApplication + selectUpTo
	sqlOldKeysByConfig      = selectKey + ofConfig + selectUpTo

	sqlKey           = `SELECT build_time, id FROM execution WHERE id = ?`
	sqlListed        = `SELECT build_time, id, type, application, config_id, status FROM execution WHERE id = ?`
	sqlLanesOf       = `SELECT application, config_id FROM lane WHERE application = ?`
	sqlLanes         = `SELECT application, config_id FROM lane ORDER BY application, config_id`
	sqlLanesOfConfig = `SELECT application, config_id FROM lane WHERE config_id = ?`
	sqlBriefs        = `SELECT id, part, brief FROM stage_doc WHERE execution = ? AND brief <> ''`
)

// key is the place of an execution in listings.
type key struct {
	built int64
	id    string
}

// newest is before every key of a listing that begins with the newest.
var newest = key{built: math.MaxInt64}

// order is one of the two that listings have.
type order struct {
	byTime, byApplication, byConfig string // the statements
	oldestFirst                     bool
}

var (
	newestFirst = order{byTime: sqlKeysByTime, byApplication: sqlKeysByApplication, byConfig: sqlKeysByConfig}
	oldestFirst = order{byTime: sqlOldKeysByTime, byApplication: sqlOldKeysByApplication, byConfig: sqlOldKeysByConfig, oldestFirst: true}
)

// compare compares keys in the order.
func (o order) compare(a, b key) int {
	if o.oldestFirst {
		a, b = b, a
	}
	return cmp.Or(cmp.Compare(b.built, a.built), cmp.Compare(b.id, a.id))
}

// first sorts keys, and returns at most n.
func (o order) first(keys []key, n int) []key {
	slices.SortFunc(keys, o.compare)
	return keys[:min(n, len(keys))]
}

// limits returns the keys between which everything is that a query selects, in
// the order.
func (o order) limits(q gennaker.ExecutionQuery) (from, to key) {
	low, high := key{built: math.MinInt64}, newest
	if !q.BuiltFrom.IsZero() {
		low = key{built: q.BuiltFrom.Epoch()} // no ID is empty
	}
	if !q.BuiltTo.IsZero() {
		high = key{built: q.BuiltTo.Epoch() + 1}
	}
	if o.oldestFirst {
		return low, high
	}
	return high, low
}

func scanKey(rows *sql.Rows) (k key, err error) { return k, rows.Scan(&k.built, &k.id) }

// lane is a pipeline in an application, or everything that ran there without
// one.
type lane struct{ application, config string }

func scanLane(rows *sql.Rows) (l lane, err error) { return l, rows.Scan(&l.application, &l.config) }

// Execution returns one execution, expanded. Errors: NotFound.
func (d *DB) Execution(ctx context.Context, id string) (gennaker.Execution, error) {
	s, err := d.Load(ctx, id)
	if err != nil {
		return gennaker.Execution{}, err
	}
	return s.View(true)
}

// Executions returns the executions that q selects, as one snapshot.
//
// Errors: NotFound if the execution q.Before does not exist.
func (d *DB) Executions(ctx context.Context, q gennaker.ExecutionQuery) ([]gennaker.Execution, error) {
	if q.Limit <= 0 || q.Limit > gennaker.MaxExecutionQuery {
		q.Limit = gennaker.MaxExecutionQuery
	}
	q.Application = strings.ToLower(q.Application)
	docs := sqlBriefs
	switch {
	case q.NoStages:
		docs = ""
	case q.Expand:
		docs = sqlDocs
	}
	out := []gennaker.Execution{}
	err := d.readStages(ctx, func(tx *sql.Tx, over overlay) error {
		l := listing{ctx: ctx, d: d, tx: tx, q: q, order: newestFirst}
		if q.OldestFirst {
			l.order = oldestFirst
		}
		keys, err := l.keys()
		if err != nil {
			return err
		}
		stored, err := d.loader(ctx, tx, over, docs)
		if err != nil {
			return err
		}
		for _, k := range keys {
			s, err := stored.load(ctx, k.id)
			if err != nil {
				return err
			}
			x, err := s.View(q.Expand)
			if err != nil {
				return err
			}
			out = append(out, x)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list executions: %w", err)
	}
	return out, nil
}

// listing finds what a query selects.
type listing struct {
	ctx context.Context
	d   *DB
	tx  *sql.Tx
	q   gennaker.ExecutionQuery
	order
}

// keys returns the keys of what is selected, in order.
func (l *listing) keys() ([]key, error) {
	from, to := l.limits(l.q)
	if l.q.Before != "" {
		found, err := query(l.ctx, l.d, l.tx, scanKey, sqlKey, l.q.Before)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, gennaker.Errorf(gennaker.NotFound, "there is no execution with id %s", l.q.Before)
		}
		if l.compare(from, found[0]) < 0 {
			from = found[0]
		}
	}
	var keys []key
	var err error
	switch {
	case len(l.q.IDs) > 0:
		keys, err = l.named(from)
	case l.q.PerPipeline || len(l.q.PipelineConfigIDs) > 0:
		keys, err = l.pipelines(from)
	case l.q.Application != "":
		keys, err = l.streams(from, l.q.Limit, l.byApplication, l.q.Application)
	default:
		keys, err = l.streams(from, l.q.Limit, l.byTime)
	}
	if err != nil {
		return nil, err
	}
	// What is beyond the limit is at the end of each stream: few were read of it.
	keys = slices.DeleteFunc(keys, func(k key) bool { return l.compare(k, to) > 0 })
	if l.q.PerPipeline {
		return l.first(keys, gennaker.MaxExecutionQuery), nil
	}
	return l.first(keys, l.q.Limit), nil
}

// streams returns the n first keys behind from of each stream that text, with
// args before its own, selects; merged, and no more than n.
func (l *listing) streams(from key, n int, text string, args ...any) ([]key, error) {
	st, err := l.tx.PrepareContext(l.ctx, text)
	if err != nil {
		return nil, l.d.explain(err)
	}
	defer st.Close()
	var out []key
	for _, typ := range l.types() {
		for _, status := range l.statuses() {
			keys, err := rows(l.ctx, l.d, st, scanKey, append(slices.Clip(args), typ, status, from.built, from.id, n)...)
			if err != nil {
				return nil, err
			}
			out = append(out, keys...)
		}
	}
	return l.first(out, n), nil
}

func (l *listing) types() []string {
	if l.q.Type != "" {
		return []string{string(l.q.Type)}
	}
	return []string{string(gennaker.TypePipeline), string(gennaker.TypeOrchestration)}
}

func (l *listing) statuses() []string {
	statuses := l.q.Statuses
	if len(statuses) == 0 {
		statuses = gennaker.Statuses()
	}
	out := make([]string, len(statuses))
	for i, s := range statuses {
		out[i] = string(s)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pipelines returns the keys of the executions of pipelines.
func (l *listing) pipelines(from key) ([]key, error) {
	lanes, err := l.lanes()
	if err != nil {
		return nil, err
	}
	var out []key
	for _, ln := range lanes {
		if ln.config == "" {
			continue
		}
		keys, err := l.streams(from, l.q.Limit, l.byConfig, ln.application, ln.config)
		if err != nil {
			return nil, err
		}
		out = append(out, keys...)
	}
	return out, nil
}

// lanes returns the lanes that the query is about.
func (l *listing) lanes() ([]lane, error) {
	switch {
	case len(l.q.PipelineConfigIDs) > 0:
		ids := slices.Clone(l.q.PipelineConfigIDs)
		slices.Sort(ids)
		var out []lane
		for _, id := range slices.Compact(ids) {
			lanes, err := query(l.ctx, l.d, l.tx, scanLane, sqlLanesOfConfig, id)
			if err != nil {
				return nil, err
			}
			out = append(out, slices.DeleteFunc(lanes, func(ln lane) bool {
				return l.q.Application != "" && ln.application != l.q.Application
			})...)
		}
		return out, nil
	case l.q.Application != "":
		return query(l.ctx, l.d, l.tx, scanLane, sqlLanesOf, l.q.Application)
	}
	return query(l.ctx, l.d, l.tx, scanLane, sqlLanes)
}

// named returns the keys of the executions with the IDs that are asked for, as
// far as the rest of the query holds too.
func (l *listing) named(from key) ([]key, error) {
	ids := slices.Clone(l.q.IDs)
	slices.Sort(ids)
	perConfig := map[string][]key{}
	for _, id := range slices.Compact(ids) {
		found, err := query(l.ctx, l.d, l.tx, scanListed, sqlListed, id)
		if err != nil {
			return nil, err
		}
		for _, x := range found {
			if l.selects(x) && l.compare(from, x.key) < 0 {
				perConfig[x.config] = append(perConfig[x.config], x.key)
			}
		}
	}
	var out []key
	for config, keys := range perConfig {
		if l.q.PerPipeline && config == "" {
			continue
		}
		if l.q.PerPipeline {
			keys = l.first(keys, l.q.Limit)
		}
		out = append(out, keys...)
	}
	return out, nil
}

// listed is an execution's row without its documents.
type listed struct {
	key
	lane
	typ, status string
}

func scanListed(rows *sql.Rows) (x listed, err error) {
	return x, rows.Scan(&x.built, &x.id, &x.typ, &x.application, &x.config, &x.status)
}

func (l *listing) selects(x listed) bool {
	return slices.Contains(l.types(), x.typ) && slices.Contains(l.statuses(), x.status) &&
		(l.q.Application == "" || x.application == l.q.Application) &&
		(len(l.q.PipelineConfigIDs) == 0 || slices.Contains(l.q.PipelineConfigIDs, x.config))
}
