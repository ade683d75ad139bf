package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	ctx := t.Context()
	for _, name := range []string{"prod", "dev", "prod"} {
		if err := db.SaveAccount(ctx, name, map[string]any{"name": name, "context": "of-" + name, "unknown": "kept"}, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.DeleteAccount(ctx, "dev", "bob"); err != nil {
		t.Fatal(err)
	}
	if err := db.DeleteAccount(ctx, "dev", "bob"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("delete what is deleted: %v", err)
	}
	got, err := db.Accounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]map[string]any{{"name": "prod", "context": "of-prod", "unknown": "kept"}}, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	entries, err := db.AuditEntries(ctx, 10)
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, e := range entries {
		did = append(did, e.Who+" "+e.Action+" "+e.Target)
	}
	want := []string{"bob deleteAccount account/dev", "ann updateAccount account/prod", "ann createAccount account/dev", "ann createAccount account/prod"}
	if diff := cmp.Diff(want, did); diff != "" {
		t.Errorf("audit trail (-want +got):\n%s", diff)
	}
}
