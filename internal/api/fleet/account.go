package fleet

import (
	"context"
	"errors"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
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

func (h handlers) accountViews(r *api.Request) ([]gennaker.AccountView, error) {
	out, err := h.Accounts.List(r.Context())
	return api.OrEmpty(out), err
}

func (h handlers) accountView(r *api.Request) (gennaker.AccountView, error) {
	return h.Accounts.Get(r.Context(), r.PathValue("account"))
}

func (h handlers) saveAccount(r *api.Request, doc *gennaker.Document) (gennaker.AccountView, error) {
	if name, _ := doc.Value["name"].(string); name != r.PathValue("account") {
		return gennaker.AccountView{}, doc.Invalid([]gennaker.Problem{{Path: "name", Message: "is not the name in the path"}})
	}
	view, err := h.Accounts.Save(r.Context(), doc.Value, r.Caller.User)
	return view, inDocument(doc, err)
}

func (h handlers) deleteAccount(r *api.Request) (api.Nothing, error) {
	if err := h.Accounts.Delete(r.Context(), r.PathValue("account"), r.Caller.User); err != nil {
		return api.Nothing{}, err
	}
	return api.Nothing{}, nil
}

// checkAccount tries the settings in the body.
func (h handlers) checkAccount(r *api.Request, doc *gennaker.Document) (gennaker.AccountDiagnosis, error) {
	found, err := h.Accounts.Check(r.Context(), doc.Value)
	return found, inDocument(doc, err)
}

// diagnoseAccount tries a saved account again.
func (h handlers) diagnoseAccount(r *api.Request) (gennaker.AccountDiagnosis, error) {
	view, err := h.Accounts.Get(r.Context(), r.PathValue("account"))
	if err != nil {
		return gennaker.AccountDiagnosis{}, err
	}
	if view.Settings == nil {
		return gennaker.AccountDiagnosis{}, gennaker.Errorf(gennaker.Invalid, "the account %s has no credentials to check", view.Name)
	}
	return h.Accounts.Check(r.Context(), view.Settings)
}

// inDocument returns err with the places of its problems in the document.
func inDocument(doc *gennaker.Document, err error) error {
	if e, ok := errors.AsType[*gennaker.Error](err); ok && len(e.Problems) > 0 {
		return doc.Invalid(e.Problems)
	}
	return err
}
