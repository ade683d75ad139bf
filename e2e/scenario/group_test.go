package scenario

import (
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
)

// serverGroups: the stages for server groups of any provider work on the versions
// of a ReplicaSet too.
func serverGroups(w *world) {
	lit := w.manifests(service[1:] + "---" + dark)
	managed := w.object(`{trafficManagement: {enabled: true, options: {enableTraffic: true, strategy: bluegreen, services: [service web]}}}`)
	w.run(w.deploy(service))
	deploy := w.deploy(dark, object{"manifests": lit[1:]}, managed)
	w.run(deploy)
	w.run(deploy)
	equals(w, "behind the service", w.serving("web"), "web-v001")
	group := func(kind, text string) object {
		return w.stage(kind, `{regions: [$N], cluster: replicaSet web, moniker: {app: $A, cluster: replicaSet web}}`, w.object(text))
	}
	w.run(group("resizeServerGroup", `{serverGroupName: replicaSet web-v001, action: scale_exact, capacity: {min: 4, max: 4, desired: 4}}`))
	lab.Eventually(w, "resized, also in the words of the ReplicaSet", func(context.Context) (bool, error) {
		return w.replicaSet("web-v001").Status.ReadyReplicas == 4, nil
	})
	w.run(group("resizeServerGroup", `{target: current_asg_dynamic, action: scale_down, scaleNum: 1}`))
	lab.Eventually(w, "resized by one, when its requests have ended", func(context.Context) (bool, error) {
		return w.replicaSet("web-v001").Status.Replicas == 3, nil
	})
	w.run(group("enableServerGroup", `{serverGroupName: replicaSet web-v000}`))
	equals(w, "both serve", w.serving("web"), "web-v000", "web-v001")
	w.run(group("disableServerGroup", `{serverGroupName: replicaSet web-v000}`))
	equals(w, "one serves", w.serving("web"), "web-v001")
	w.run(group("rollbackCluster", `{}`))
	equals(w, "the older one serves", w.serving("web"), "web-v000")
	w.run(group("destroyServerGroup", `{serverGroupName: replicaSet web-v001}`))
	equals(w, "what is left", w.replicaSets(), "web-v000")
	all, err := w.server.ServerGroups(w.Context(), w.app)
	if err != nil || len(all) != 1 || all[0].Name != "replicaSet web-v000" || all[0].Disabled || all[0].Capacity != (gennaker.Capacity{Min: 3, Max: 3, Desired: 3}) {
		w.Errorf("the server groups are %+v, %v", all, err)
	}
}
