package document

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// applicationConfig is the configuration of the stages that change an
// application.
type applicationConfig struct {
	Application map[string]any `json:"application"` // the attributes; name is needed
}

// named returns the configuration and the application's name.
func named(in stage.Input) (applicationConfig, string, error) {
	c, err := stage.Decode[applicationConfig](in.Stage.Context)
	if err != nil {
		return c, "", err
	}
	name, _ := c.Application["name"].(string)
	if name == "" {
		return c, "", gennaker.Errorf(gennaker.Invalid, "Application must have a non-empty name").
			WithHint("set application.name")
	}
	return c, name, nil
}

// upsertApplication makes an application, or changes the attributes that are
// given; null takes one away.
//
// Source: Spinnaker orca UpsertApplicationTask; Front50 merges attributes.
type upsertApplication struct{ catalog Catalog }

func (t upsertApplication) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, name, err := named(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	before, err := t.catalog.Application(ctx, name)
	if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		return stage.Outcome{}, fmt.Errorf("read application %s: %w", name, err)
	}
	previous := maps.Clone(before.Attrs)
	attrs := maps.Clone(previous)
	if attrs == nil {
		previous, attrs = map[string]any{}, map[string]any{}
	}
	maps.Copy(attrs, c.Application)
	maps.DeleteFunc(attrs, func(_ string, v any) bool { return v == nil })
	if before.Name != "" {
		attrs["name"] = before.Name // the spelling of the creation stays
	}
	after, err := gennaker.NewApplication(attrs)
	if err != nil {
		return stage.Outcome{}, err
	}
	if err := t.catalog.SaveApplication(ctx, after, author(in)); err != nil {
		return stage.Outcome{}, fmt.Errorf("save application %s: %w", name, err)
	}
	return done(map[string]any{"previousState": previous, "newState": attrs}), nil
}

// verifyNoDependencies refuses to delete what still runs something.
//
// Source: Spinnaker orca VerifyApplicationHasNoDependenciesTask.
type verifyNoDependencies struct{ inventory Inventory }

// maxShown bounds how many names a failure shows.
const maxShown = 5

func (t verifyNoDependencies) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	_, name, err := named(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	// Server groups know their application with case, the documents without.
	groups, err := t.inventory.ServerGroups(ctx, "")
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("look for server groups of %s: %w", name, err)
	}
	var left []string
	for _, g := range groups {
		if strings.EqualFold(g.Moniker.App, name) {
			left = append(left, g.Ref().String())
		}
	}
	if len(left) == 0 {
		return stage.Done(), nil
	}
	shown := strings.Join(left[:min(len(left), maxShown)], ", ")
	if len(left) > maxShown {
		shown += fmt.Sprintf(" and %d more", len(left)-maxShown)
	}
	return stage.Fail("Application has outstanding dependencies: server groups %s", shown).
		WithHint("destroy its server groups first"), nil
}

// deleteApplication deletes an application, and before it its pipelines, as
// Front50 does.
type deleteApplication struct{ catalog Catalog }

func (t deleteApplication) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	_, name, err := named(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	before, err := t.catalog.Application(ctx, name)
	if gennaker.KindOf(err) == gennaker.NotFound {
		return stage.Skip(), nil
	}
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("read application %s: %w", name, err)
	}
	pipelines, err := t.catalog.Pipelines(ctx, before.Name)
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("list pipelines of %s: %w", name, err)
	}
	for _, p := range pipelines {
		if err := t.catalog.DeletePipeline(ctx, p.Application, p.ID, author(in)); err != nil && gennaker.KindOf(err) != gennaker.NotFound {
			return stage.Outcome{}, fmt.Errorf("delete pipeline %s of %s: %w", p.Name, name, err)
		}
	}
	if err := t.catalog.DeleteApplication(ctx, before.Name, author(in)); err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		return stage.Outcome{}, fmt.Errorf("delete application %s: %w", name, err)
	}
	return done(map[string]any{"previousState": before.Attrs}), nil
}
