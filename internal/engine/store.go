package engine

import (
	"context"
	"encoding/json"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
)

// Store makes executions durable. One process writes; reads may be concurrent.
type Store interface {
	// Commit makes all deltas durable, or none of them. It is called from one
	// goroutine. Errors: Unavailable when it may work later (disk full, locked).
	Commit(ctx context.Context, deltas []Delta) error
	// Open calls each with every execution that is not settled, oldest first.
	Open(ctx context.Context, each func(Stored) error) error
	// Load returns one execution. Errors: NotFound.
	Load(ctx context.Context, id string) (Stored, error)
}

// Delta is what one batch of events changed in one execution.
type Delta struct {
	ID      string
	Create  *gennaker.Execution // set in an execution's first delta: all that never changes; Stages are in Stages and Docs
	Head    *flow.State         // set if the listing columns or the head changed; its Stages are not to be read
	Settled bool                // with Head: nothing is left to do
	Stages  []StageRow
	Docs    []DocRow
	Removed []string // stage IDs
	Deleted bool     // the execution is to be forgotten; nothing else is set
}

// StageRow is a stage's skeleton, encoded.
type StageRow struct {
	ID    string
	State json.RawMessage // flow.Stage
}

// DocRow is a stage's open JSON, encoded.
type DocRow struct {
	ID string // of the stage
	Doc
}

// Doc is the open JSON of a stage. A nil field is an empty object, or in a
// DocRow one that did not change.
type Doc struct {
	Context      json.RawMessage
	Outputs      json.RawMessage
	LastModified json.RawMessage // gennaker.LastModified or nil
}

// Stored is an execution as it was stored.
type Stored struct {
	Execution gennaker.Execution // what never changes; without Stages
	State     *flow.State        // restored
	Docs      map[string]Doc     // by stage ID
}
