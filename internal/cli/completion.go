package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker/client"
)

// completeWithin bounds how long a shell waits for names.
const completeWithin = 2 * time.Second

// source asks the server for names; what goes wrong gives none.
type source func(ctx context.Context, c *client.Client) []string

// offers completes the first argument with names.
func (s *session) offers(ask source) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := s.client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		return ask(ctx, c), cobra.ShellCompDirectiveNoFileComp
	}
}

// offer completes a flag with names.
func (s *session) offer(cmd *cobra.Command, flag string, ask source) {
	complete := s.offers(ask)
	register(cmd, flag, func(cmd *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return complete(cmd, nil, word)
	})
}

// offerFixed completes a flag with values.
func offerFixed(cmd *cobra.Command, flag string, values []string) {
	register(cmd, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func register(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	// It fails only for a flag that does not exist or has completion already.
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic("cli: " + err.Error())
	}
}

func (s *session) applicationNames(ctx context.Context, c *client.Client) []string {
	all, err := c.Applications(ctx)
	return named(all, err, func(a client.Application) string { return a.Name })
}

// pipelineNames returns the names of the pipelines of app, or of the
// application that the environment names.
func (s *session) pipelineNames(ctx context.Context, c *client.Client, app string) []string {
	if app == "" {
		app = s.env.Getenv("GENNAKER_APPLICATION")
	}
	if app == "" {
		return nil
	}
	all, err := c.Pipelines(ctx, app)
	return named(all, err, func(p client.Pipeline) string { return p.Name })
}

// groupNames returns the names of the server groups of all applications.
func (s *session) groupNames(ctx context.Context, c *client.Client) []string {
	var out []string
	for _, app := range s.applicationNames(ctx, c) {
		groups, err := c.ServerGroups(ctx, app)
		if err != nil {
			return out
		}
		for _, g := range groups {
			out = append(out, g.Name)
		}
	}
	return out
}

// named returns the names of what a client listed: none if it could not.
func named[T any](all []T, err error, name func(T) string) []string {
	if err != nil {
		return nil
	}
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = name(v)
	}
	return out
}

func accountNames(ctx context.Context, c *client.Client) []string {
	all, err := c.Credentials(ctx)
	return named(all, err, func(a client.Credential) string { return a.Name })
}

// regionNames returns the regions and namespaces of all accounts.
func regionNames(ctx context.Context, c *client.Client) []string {
	all, err := c.Credentials(ctx)
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range all {
		out = append(append(out, a.Regions...), a.Namespaces...)
	}
	return unique(out)
}

// manifestNames returns the names of the objects of all applications.
func (s *session) manifestNames(ctx context.Context, c *client.Client) []string {
	var out []string
	for _, app := range s.applicationNames(ctx, c) {
		all, err := c.Resources(ctx, app)
		if err != nil {
			return out
		}
		for _, r := range all {
			out = append(out, r.Name)
		}
	}
	return unique(out)
}
