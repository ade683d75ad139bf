package api

import (
	"context"
	"errors"

	"github.com/gennaker/gennaker"
)

// Accounts keeps the accounts, and tries their credentials.
type Accounts interface {
	// List returns all accounts, by name.
	List(ctx context.Context) ([]gennaker.AccountView, error)
	// Get returns one. Errors: NotFound.
	Get(ctx context.Context, name string) (gennaker.AccountView, error)
	// Save makes an account, or changes one that was made so, and begins to use
	// it. Whether it works shows in its state. Errors: Invalid, with the fields;
	// Conflict for one of the configuration.
	Save(ctx context.Context, settings map[string]any, user string) (gennaker.AccountView, error)
	// Delete forgets an account; nothing of what is in it changes.
	// Errors: NotFound; Conflict for one of the configuration.
	Delete(ctx context.Context, name, user string) error
	// Check tries the credentials of an account that need not be saved.
	// Errors: Invalid, with the fields.
	Check(ctx context.Context, settings map[string]any) (gennaker.AccountDiagnosis, error)
}

func (s *Server) accountViews(r *request) (any, error) {
	out, err := s.Accounts.List(r.Context())
	return orEmpty(out), err
}

func (s *Server) accountView(r *request) (any, error) {
	return s.Accounts.Get(r.Context(), r.PathValue("account"))
}

func (s *Server) saveAccount(r *request) (any, error) {
	doc, err := gennaker.ParseDocument(r.text)
	if err != nil {
		return nil, err
	}
	if name, _ := doc.Value["name"].(string); name != r.PathValue("account") {
		return nil, doc.Invalid([]gennaker.Problem{{Path: "name", Message: "is not the name in the path"}})
	}
	view, err := s.Accounts.Save(r.Context(), doc.Value, r.caller.User)
	return view, located(doc, err)
}

func (s *Server) deleteAccount(r *request) (any, error) {
	if err := s.Accounts.Delete(r.Context(), r.PathValue("account"), r.caller.User); err != nil {
		return nil, err
	}
	return nil, nil
}

// checkAccount tries the settings in the body.
func (s *Server) checkAccount(r *request) (any, error) {
	doc, err := gennaker.ParseDocument(r.text)
	if err != nil {
		return nil, err
	}
	found, err := s.Accounts.Check(r.Context(), doc.Value)
	return found, located(doc, err)
}

// diagnoseAccount tries a saved account again.
func (s *Server) diagnoseAccount(r *request) (any, error) {
	view, err := s.Accounts.Get(r.Context(), r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	if view.Settings == nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the account %s has no credentials to check", view.Name)
	}
	return s.Accounts.Check(r.Context(), view.Settings)
}

// located returns err with the places of its problems in the document.
func located(doc *gennaker.Document, err error) error {
	if e, ok := errors.AsType[*gennaker.Error](err); ok && len(e.Problems) > 0 {
		return doc.Invalid(e.Problems)
	}
	return err
}
