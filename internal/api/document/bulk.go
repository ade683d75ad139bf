package document

import (
	"encoding/json"
	"fmt"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// BulkBody says what became of each of many pipelines.
//
// Source: Front50's answer to a batch update.
type BulkBody struct {
	Saved      int              `json:"successful_pipelines_count"`
	SavedNames []string         `json:"successful_pipelines"`
	Failed     int              `json:"failed_pipelines_count"`
	FailedOnes []map[string]any `json:"failed_pipelines"` // as they were sent, with errorMsg
}

// maxBulk bounds how many pipelines are saved at once.
const maxBulk = 1_000

// savePipelines saves a list of pipelines, each by itself: one that cannot be
// saved hinders none of the others.
func (h handlers) savePipelines(r *api.Request, _ api.Text) (*BulkBody, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(r.Text, &list); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the body must be a list of pipelines: %w", err)
	}
	if len(list) > maxBulk {
		return nil, gennaker.Errorf(gennaker.Invalid, "at most %d pipelines are saved at once, not %d", maxBulk, len(list)).WithHint("send them in several requests")
	}
	out := &BulkBody{SavedNames: []string{}, FailedOnes: []map[string]any{}}
	seen := map[string]bool{}
	for _, text := range list {
		p, err := gennaker.ParsePipeline(text)
		switch {
		case err != nil:
			err = bulkError("Encountered the following error when validating pipeline %s in the application %s: %s", p.Name, p.Application, err.Error())
		case h.Access.Allow(r.Caller, api.Write, p.Application) != nil:
			err = bulkError("User %s does not have WRITE permission to save the pipeline %s in the application %s.", r.Caller.User, p.Name, p.Application)
		case p.ID != "" && seen[p.ID]:
			err = bulkError("Duplicate pipeline id %s found when processing pipeline %s in the application %s", p.ID, p.Name, p.Application)
		default:
			seen[p.ID] = true
			_, err = h.Catalog.SavePipeline(r.Context(), p, r.Caller.User, false)
		}
		switch k := gennaker.KindOf(err); {
		case err == nil:
			out.Saved++
			out.SavedNames = append(out.SavedNames, p.Name)
		case k == gennaker.Internal || k == gennaker.Unavailable: // not this pipeline's mistake
			return nil, err
		default:
			out.Failed++
			out.FailedOnes = append(out.FailedOnes, withError(text, err))
		}
	}
	return out, nil
}

func bulkError(format string, args ...any) error {
	return gennaker.Errorf(gennaker.Invalid, format, args...)
}

// withError returns what was sent, as far as it is an object, and why it was
// refused.
func withError(text []byte, err error) map[string]any {
	out := map[string]any{}
	if doc, parseErr := gennaker.ParseDocument(text); parseErr == nil {
		out = doc.Value
	}
	out["errorMsg"] = fmt.Sprint(err)
	return out
}
