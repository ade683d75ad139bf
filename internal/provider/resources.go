package provider

import (
	"context"

	"github.com/gennaker/gennaker"
)

// Resources tells what only clusters of containers have, as [Inventory] does
// the rest: from the last known state of one that does not answer.
//
// Errors: Unavailable until the account has been read once.
type Resources interface {
	// ServerGroupManagers returns what makes server groups by itself, of an
	// application, or of all for "", by name.
	ServerGroupManagers(ctx context.Context, application string) ([]gennaker.ServerGroupManager, error)
	// SecurityGroups returns the firewalls, by name.
	SecurityGroups(ctx context.Context) ([]gennaker.SecurityGroup, error)
	// RawResources returns the objects of an application, oldest first, of every
	// kind but those that are made by the thousand: instances, endpoints, events.
	RawResources(ctx context.Context, application string) ([]gennaker.Resource, error)
	// Instance returns an instance, by its ID or its name, with the object that
	// it is. Errors: NotFound.
	Instance(ctx context.Context, region, id string) (gennaker.Resource, gennaker.Instance, error)
	// Console returns the last limit bytes that each container of an instance
	// wrote; nothing of one that has not begun. Errors: NotFound.
	Console(ctx context.Context, region, id string, limit int64) ([]gennaker.ContainerOutput, error)
	// Kinds returns what Spinnaker shows the kinds of objects as that the account
	// has: "serverGroups" of "replicaSet", "unclassified" of "gadget.example.com".
	Kinds(ctx context.Context) (map[string]string, error)
	// Namespaces returns the names of those that the account may use, sorted.
	Namespaces(ctx context.Context) ([]string, error)
}
