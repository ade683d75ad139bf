// Package inventory knows what is in one cluster: an index that watches feed,
// and the answers in Spinnaker's model that come from it.
//
//	inv, err := inventory.New(inventory.Config{Account: "prod", REST: cfg})
//	go inv.Run(ctx)
//	groups, err := inv.ServerGroups(ctx, "web")
//
// There is one watch for each kind that the cluster serves, and for each
// namespace if the account has only some. What the model needs (pods, their
// owners, services, their endpoints) is held in the shape of Kubernetes' own
// types, less what nobody asks for; of everything else, custom resources that
// come and go among it, only the metadata is. The objects in the index are
// never changed, only replaced, so that answers may share them.
//
// An account that cannot be reached keeps its last known state; [Inventory.State]
// says since when and why. Kinds that its credentials may not watch are left
// out, and State names them.
package inventory
