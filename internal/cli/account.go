package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) accounts() *cobra.Command {
	cmd := &cobra.Command{
		Use: "account", Short: "Accounts: the places to deploy to",
		Long: `An account is a cluster, with the credentials to use it. The server reads them
from a kubeconfig file on its machine, or from a secret there; it keeps none.

Accounts are used as soon as they are saved. Those of the server's configuration
are changed there.`,
	}
	cmd.AddCommand(s.accountList(), s.accountGet(), s.accountAdd(), s.accountSave(), s.accountCheck(), s.accountDelete())
	return cmd
}

func (s *session) accountList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the accounts", Args: cobra.NoArgs, Example: "  gennaker account list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), c.Accounts)
			if err != nil {
				return err
			}
			t := show.NewTable("NAME", "TYPE", "ENVIRONMENT", "NAMESPACES", "SOURCE", "STATE", "SINCE", "REASON")
			for _, a := range all {
				namespaces := strings.Join(a.Regions, ",")
				if a.Type == kubernetes && namespaces == "" {
					namespaces = "(all)"
				}
				t.Add(a.Name, a.Type, show.OrDash(a.Environment), show.OrDash(namespaces), a.Source, stateOf(a.State), show.Moment(a.State.Since), show.OrDash(a.State.Reason))
			}
			return s.list(body, t)
		},
	}
}

// kubernetes is the type of accounts of clusters.
const kubernetes = "kubernetes"

func stateOf(state gennaker.AccountState) string {
	if state.Connected {
		return "connected"
	}
	return "not connected"
}

// onAccount makes a command about one account.
func (s *session) onAccount(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, name string) error) *cobra.Command {
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, args[0])
	}
	cmd.ValidArgsFunction = s.offers(accountNames)
	return cmd
}

func (s *session) accountGet() *cobra.Command {
	return s.onAccount(&cobra.Command{
		Use: "get NAME", Short: "Print an account's settings and state", Example: "  gennaker account get prod",
	}, func(ctx context.Context, c *client.Client, name string) error {
		_, body, err := ask(ctx, func(ctx context.Context) (gennaker.AccountView, error) { return c.Account(ctx, name) })
		if err != nil {
			return err
		}
		return s.printDocument(body)
	})
}

func (s *session) accountDelete() *cobra.Command {
	return s.onAccount(&cobra.Command{
		Use: "delete NAME", Short: "Forget an account", Example: "  gennaker account delete prod",
		Long: "Forget an account. What is deployed in it goes on running.",
	}, func(ctx context.Context, c *client.Client, name string) error {
		if err := c.DeleteAccount(ctx, name); err != nil {
			return err
		}
		s.say("forgot account %s", name)
		return nil
	})
}

func (s *session) accountAdd() *cobra.Command {
	var a struct {
		Name        string   `json:"name"`
		Environment string   `json:"environment,omitzero"`
		File        string   `json:"kubeconfigFile,omitzero"`
		Secret      string   `json:"kubeconfigContents,omitzero"`
		Context     string   `json:"context,omitzero"`
		Within      bool     `json:"serviceAccount,omitzero"`
		Namespaces  []string `json:"namespaces,omitzero"`
	}
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a cluster", Args: cobra.ExactArgs(1),
		Long: `Add a cluster of a kubeconfig on the server's machine, check its credentials, and
begin to use it. Without --kubeconfig it is ~/.kube/config of who runs the server.`,
		Example: `  gennaker account add dev --context kind-dev
  gennaker account add prod --kubeconfig /etc/gennaker/prod.yaml --namespace shop,billing`,
	}
	flags := cmd.Flags()
	flags.StringVar(&a.File, "kubeconfig", "", "`file` on the server's machine")
	flags.StringVar(&a.Secret, "kubeconfig-secret", "", "`reference` to a secret that is a kubeconfig: env:NAME or file:/path")
	flags.StringVar(&a.Context, "context", "", "`name` of the context; default its current one")
	flags.BoolVar(&a.Within, "in-cluster", false, "the cluster that the server runs in, by its pod's service account")
	flags.StringSliceVarP(&a.Namespaces, "namespace", "n", nil, "only these `namespaces`; default all")
	flags.StringVar(&a.Environment, "environment", "", "`name` such as test or prod; default the account's")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.Name = args[0]
		if a.File != "" {
			path, err := filepath.Abs(a.File)
			if err != nil {
				return fmt.Errorf("find %s: %w", a.File, err)
			}
			a.File = path
		}
		text, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("write the account: %w", err)
		}
		return s.checkAndSave(cmd.Context(), a.Name, text)
	}
	return cmd
}

// checkAndSave saves an account, if its credentials are of any use.
func (s *session) checkAndSave(ctx context.Context, name string, settings []byte) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	found, err := c.CheckAccount(ctx, name, settings)
	if err != nil {
		return err
	}
	for _, p := range found.Problems {
		if found.Usable {
			s.note("warning: %s", p.Message)
			continue
		}
		return gennaker.Errorf(gennaker.Unavailable, "the account is not saved: %s", p.Message).WithHint("%s", p.Hint)
	}
	_, body, err := ask(ctx, func(ctx context.Context) (gennaker.AccountView, error) { return c.SaveAccount(ctx, name, settings) })
	if err != nil {
		return err
	}
	return s.show(body, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "saved account %s: %s, %s\n", show.Clean(name), show.Clean(found.Server), show.Clean(found.Version))
		return err
	})
}

func (s *session) accountSave() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "save -f FILE", Short: "Add or change an account from a file", Args: cobra.NoArgs,
		Long:    "Add or change an account from a JSON or YAML file with its settings, which are Clouddriver's.",
		Example: "  gennaker account save -f prod.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := s.read(file)
			if err != nil {
				return err
			}
			name, _ := d.doc.Value["name"].(string)
			if name == "" {
				return d.locate(d.doc.Invalid([]gennaker.Problem{{Path: "name", Message: "an account requires a text here"}}))
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			_, body, err := ask(cmd.Context(), func(ctx context.Context) (gennaker.AccountView, error) { return c.SaveAccount(ctx, name, d.json) })
			if err != nil {
				return d.locate(err)
			}
			s.say("saved account %s", name)
			if s.output == formatTable {
				return nil
			}
			return s.printDocument(body)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` of the settings, JSON or YAML; - is stdin")
	required(cmd, "file")
	return cmd
}

func (s *session) accountCheck() *cobra.Command {
	return s.onAccount(&cobra.Command{
		Use: "check NAME", Short: "Try an account's credentials",
		Long:    "Try an account's credentials, and say what they may not do.",
		Example: "  gennaker account check prod",
	}, func(ctx context.Context, c *client.Client, name string) error {
		found, body, err := ask(ctx, func(ctx context.Context) (gennaker.AccountDiagnosis, error) { return c.CheckAccount(ctx, name, nil) })
		if err != nil {
			return err
		}
		if err := s.show(body, func(w io.Writer) error { return show.Diagnosis(w, name, found) }); err != nil {
			return err
		}
		if !found.Usable {
			return gennaker.Errorf(gennaker.Unavailable, "the account %s cannot be used", name)
		}
		return nil
	})
}
