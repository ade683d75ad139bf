package gennaker

import "encoding/json"

// Revision is a document as it was saved once.
type Revision struct {
	Number   int             `json:"number"` // from 1, in the order of the saves
	Author   string          `json:"author"`
	At       Time            `json:"at"`
	Deleted  bool            `json:"deleted,omitzero"`  // the save was a deletion; Document is what was deleted
	Document json.RawMessage `json:"document,omitzero"` // a JSON object, whole
}
