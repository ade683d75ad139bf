package document

import (
	"context"
	"strconv"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// Revisions remembers every save.
type Revisions interface {
	// PipelineRevisions returns at most limit revisions of the pipeline with that
	// ID that have smaller numbers than before, newest first; 0 is of all.
	PipelineRevisions(ctx context.Context, id string, before, limit int) ([]gennaker.Revision, error)
	// PipelineRevision returns one revision. Errors: NotFound.
	PipelineRevision(ctx context.Context, id string, number int) (gennaker.Revision, error)
}

// maxRevisions bounds a page of revisions, which are whole documents.
const maxRevisions = 100

// pipelineRevisions answers with a page: the next one is before the last number.
func (h handlers) pipelineRevisions(r *api.Request) ([]gennaker.Revision, error) {
	limit, err := r.Count("limit", api.HistoryLimit, maxRevisions)
	if err != nil {
		return nil, err
	}
	before, err := r.Count("before", 0, maxRevision)
	if err != nil {
		return nil, err
	}
	return h.Revisions.PipelineRevisions(r.Context(), r.PathValue("id"), before, limit)
}

// maxRevision bounds numbers of revisions that are asked for.
const maxRevision = 1 << 31

func (h handlers) pipelineRevision(r *api.Request) (*gennaker.Revision, error) {
	rev, err := h.revision(r, "number")
	if err != nil {
		return nil, err
	}
	return &rev, nil
}

// revision returns the one whose number stands in the path.
func (h handlers) revision(r *api.Request, name string) (gennaker.Revision, error) {
	number, err := strconv.Atoi(r.PathValue(name))
	if err != nil || number < 1 || number > maxRevision {
		return gennaker.Revision{}, gennaker.Errorf(gennaker.Invalid, "a revision is a number of at least 1, not %.40q", r.PathValue(name)).
			WithHint("the revisions of the pipeline say which numbers there are")
	}
	return h.Revisions.PipelineRevision(r.Context(), r.PathValue("id"), number)
}

// bookkeeping are the keys that every save sets: they always differ.
var bookkeeping = []string{"lastModified", "lastModifiedBy", "updateTs"}

// comparePipelines says how revision {b} differs from revision {a}.
func (h handlers) comparePipelines(r *api.Request) ([]gennaker.Difference, error) {
	var docs [2]map[string]any
	for i, name := range []string{"a", "b"} {
		rev, err := h.revision(r, name)
		if err != nil {
			return nil, err
		}
		doc, err := gennaker.ParseDocument(rev.Document)
		if err != nil { // it was one when it was saved
			return nil, &gennaker.Error{Kind: gennaker.Internal, Message: "read a stored revision: " + err.Error(), Err: err}
		}
		docs[i] = doc.Value
		for _, key := range bookkeeping {
			delete(docs[i], key)
		}
	}
	return api.OrEmpty(gennaker.Diff(docs[0], docs[1])), nil
}
