package execution

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// Bounds of a search.
const (
	searchSize = 10 // executions in an answer, unless asked
	// maxSearched bounds how many executions one search looks at, and searchPage
	// how many it holds at a time.
	maxSearched = 20_000
	searchPage  = 500
	// searchTime bounds how long one search looks: patterns can be made to be slow.
	searchTime = 10 * time.Second
	endOfTime  = 253_402_300_799_999 // the last millisecond of the year 9999
)

// searchExecutions lists the executions of an application, or of all for "*",
// that have triggers of some kinds, newest first.
//
// Source: Spinnaker orca, GET /applications/{application}/pipelines/search. That
// leaves out executions of pipelines that were deleted; this does not.
func (h handlers) searchExecutions(r *api.Request) ([]gennaker.Execution, error) {
	q, err := searchQuery(r)
	if err != nil {
		return nil, err
	}
	start, err := number(r, "startIndex", 0, 0)
	if err != nil {
		return nil, err
	}
	size, err := number(r, "size", searchSize, 1)
	if err != nil {
		return nil, err
	}
	wanted, err := h.wanted(r)
	if err != nil {
		return nil, err
	}
	if name := r.Query("pipelineName"); name != "" && q.Application != "" {
		p, err := h.Pipelines.Pipeline(r.Context(), q.Application, name)
		if gennaker.KindOf(err) == gennaker.NotFound || err == nil && p.Name != name {
			return []gennaker.Execution{}, nil
		} else if err != nil {
			return nil, err
		}
		q.PipelineConfigIDs = []string{p.ID}
	}
	skip, most := int(min(start, maxSearched)), int(min(size, gennaker.MaxExecutionQuery))
	found, rest, err := h.scan(r, q, skip+most, maxSearched, wanted)
	switch {
	case err != nil:
		return nil, err
	case rest != "":
		return nil, gennaker.Errorf(gennaker.Invalid, "more than %d executions would have to be looked at", maxSearched).
			WithHint("search a shorter time, with triggerTimeStartBoundary and triggerTimeEndBoundary")
	}
	return h.whole(r, q, found[min(skip, len(found)):])
}

// searchQuery reads what the store searches by.
func searchQuery(r *api.Request) (q gennaker.ExecutionQuery, err error) {
	q.Type = gennaker.TypePipeline
	if app := r.PathValue("app"); app != "*" {
		q.Application = app
	}
	if q.Statuses, err = statuses(r); err != nil {
		return q, err
	}
	if q.OldestFirst, err = r.Flag("reverse", false); err != nil {
		return q, err
	}
	if q.Expand, err = r.Flag("expand", false); err != nil {
		return q, err
	}
	from, err := number(r, "triggerTimeStartBoundary", 0, 0)
	if err != nil {
		return q, err
	}
	to, err := number(r, "triggerTimeEndBoundary", math.MaxInt64, 0)
	if err != nil {
		return q, err
	}
	if from > to {
		return q, api.ErrQuery("triggerTimeStartBoundary", "is %d, behind triggerTimeEndBoundary, which is %d", from, to)
	}
	q.BuiltFrom = gennaker.Millis(from)
	if to < endOfTime {
		q.BuiltTo = gennaker.Millis(max(to, 1))
	}
	return q, nil
}

// number reads a query parameter that is a number, and at least min.
func number(r *api.Request, name string, otherwise, min int64) (int64, error) {
	text := r.Query(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < min {
		return 0, api.ErrQuery(name, "must be a number of at least %d, not %.40q", min, text)
	}
	return n, nil
}

// wanted returns what the executions that are searched for are like, as far as
// the store does not know; nil is that it does.
func (h handlers) wanted(r *api.Request) (func(gennaker.Execution) (bool, error), error) {
	types, event := r.List("triggerTypes"), r.Query("eventId")
	subset, err := decodeTrigger(r)
	if err != nil {
		return nil, err
	}
	if slices.Contains(types, "*") {
		types = nil
	}
	name := r.Query("pipelineName")
	if r.PathValue("app") != "*" {
		name = "" // the store knows
	}
	if len(types) == 0 && event == "" && len(subset) == 0 && name == "" {
		return nil, nil
	}
	match := triggerMatch{want: subset, left: maxComparisons}
	return func(x gennaker.Execution) (bool, error) {
		if len(types) > 0 && !slices.Contains(types, x.Trigger.Type) ||
			event != "" && x.Trigger.Other["eventId"] != event ||
			name != "" && x.Name != name {
			return false, nil
		}
		return match.fits(x.Trigger)
	}, nil
}

// scan returns the first most executions that q selects and that are wanted,
// without their stages, and looks at no more than so many. If there may be more of
// them behind those that it looked at, rest is the last one's ID.
func (h handlers) scan(r *api.Request, q gennaker.ExecutionQuery, most, looks int, wanted func(gennaker.Execution) (bool, error)) (found []gennaker.Execution, rest string, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), searchTime)
	defer cancel()
	q.Expand, q.NoStages = false, true // only what is found is read whole
	for len(found) < most && looks > 0 {
		q.Limit = min(looks, searchPage)
		if wanted == nil {
			q.Limit = min(q.Limit, most-len(found))
		}
		page, err := h.History.Executions(ctx, q)
		if err := tooLong(r.Context(), ctx); err != nil {
			return nil, "", err
		}
		if err != nil {
			return nil, "", err
		}
		for _, x := range page {
			if err := tooLong(r.Context(), ctx); err != nil {
				return nil, "", err
			}
			q.Before = x.ID
			if wanted != nil {
				if ok, err := wanted(x); err != nil {
					return nil, "", err
				} else if !ok {
					continue
				}
			}
			if found = append(found, x); len(found) == most {
				return found, "", nil
			}
		}
		if looks -= len(page); len(page) < q.Limit {
			return found, "", nil
		}
	}
	return found, q.Before, nil
}

// tooLong returns why a search is at its end, if it is.
func tooLong(request, search context.Context) error {
	if search.Err() == nil || request.Err() != nil {
		return request.Err()
	}
	return gennaker.Errorf(gennaker.Invalid, "the search takes longer than %v", searchTime).
		WithHint("search a shorter time, or for texts without patterns")
}

// whole returns what scan found as q wants it to be shown.
func (h handlers) whole(r *api.Request, q gennaker.ExecutionQuery, found []gennaker.Execution) ([]gennaker.Execution, error) {
	if len(found) == 0 {
		return []gennaker.Execution{}, nil
	}
	named := gennaker.ExecutionQuery{Type: q.Type, OldestFirst: q.OldestFirst, Expand: q.Expand, Limit: len(found)}
	for _, x := range found {
		named.IDs = append(named.IDs, x.ID)
	}
	list, err := h.History.Executions(r.Context(), named)
	return present(list, q.Expand), err
}

// ExecutionPage is a part of a list of executions.
type ExecutionPage struct {
	Items []gennaker.Execution `json:"items"`
	// Next is what "after" is to be for the next page; the last page has none.
	Next string `json:"next,omitzero"`
}

// Bounds of a page of executions.
const (
	pageLimit  = 50
	pageSearch = 2_000 // executions that one page looks at, to find a name
)

// executionPage lists executions of pipelines, newest first. A page that looked
// at many for a name may hold fewer than asked for, or none, and still have a
// next one.
func (h handlers) executionPage(r *api.Request) (*ExecutionPage, error) {
	q := gennaker.ExecutionQuery{
		Type: gennaker.TypePipeline, Application: r.Query("application"), PipelineConfigIDs: r.List("pipelineConfigIds"), Before: r.Query("after"),
	}
	var err error
	if q.Statuses, err = statuses(r); err != nil {
		return nil, err
	}
	if q.Expand, err = r.Flag("expand", false); err != nil {
		return nil, err
	}
	if len(q.PipelineConfigIDs) > maxIDs {
		return nil, gennaker.Errorf(gennaker.TooLarge, "more than %d IDs are asked for", maxIDs)
	}
	limit, err := r.Count("limit", pageLimit, gennaker.MaxExecutionQuery)
	if err != nil {
		return nil, err
	}
	var wanted func(gennaker.Execution) (bool, error)
	if name := strings.ToLower(r.Query("name")); name != "" {
		wanted = func(x gennaker.Execution) (bool, error) {
			return strings.Contains(strings.ToLower(x.Name), name), nil
		}
	}
	found, rest, err := h.scan(r, q, limit+1, max(pageSearch, limit+1), wanted)
	if err != nil {
		return nil, api.OrNotFound(err, "Pipeline not found (id: %s)", q.Before)
	}
	if len(found) > limit { // one more, to know that there is one
		found = found[:limit]
		rest = found[limit-1].ID
	}
	items, err := h.whole(r, q, found)
	return &ExecutionPage{items, rest}, err
}
