package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/fleet"
)

func TestConsequences(t *testing.T) {
	t.Parallel()
	refusal := gennaker.Errorf(gennaker.Conflict, "the traffic guard refuses it").WithHint("put others into service first")
	counts := func(up, total int) gennaker.InstanceCounts { return gennaker.InstanceCounts{Total: total, Up: up} }
	for name, tt := range map[string]struct {
		old, new gennaker.InstanceCounts // of v000 and v001
		inFlight int64
		refuse   error
		group    string
		query    string
		want     fleet.Consequences
	}{
		"destroy the old, which serves nothing": {
			old: counts(0, 2), new: counts(2, 2), group: "demo-prod-v000", query: "operation=destroyServerGroup",
			want: fleet.Consequences{Warnings: []string{}, Remaining: fleet.Remaining{ServerGroups: 1, InstancesInService: 2, TrafficShare: 1}},
		},
		"destroy the new, which serves all": {
			old: counts(0, 2), new: counts(2, 2), inFlight: 3, refuse: refusal, group: "demo-prod-v001", query: "operation=destroyServerGroup",
			want: fleet.Consequences{
				Warnings: []string{
					"Nothing of the cluster demo-prod is left in service in local.", "3 requests are in flight; they may finish.",
					"It is the newest server group of the cluster.",
				},
				Guarded: true, Reason: "the traffic guard refuses it", Hint: "put others into service first",
			},
		},
		"disable one of two": {
			old: counts(1, 1), new: counts(3, 3), refuse: refusal, group: "demo-prod-v001", query: "operation=disableServerGroup",
			want: fleet.Consequences{
				Warnings:  []string{"The instances that go get 75 % of the cluster's traffic now; 1 others take it over."},
				Remaining: fleet.Remaining{ServerGroups: 1, InstancesInService: 1, TrafficShare: 0.25},
			},
		},
		"resize": {
			old: counts(0, 0), new: counts(4, 4), refuse: refusal, group: "demo-prod-v001", query: "operation=resizeServerGroup&desired=1",
			want: fleet.Consequences{
				Warnings:  []string{"The instances that go get 75 % of the cluster's traffic now; 1 others take it over."},
				Remaining: fleet.Remaining{ServerGroups: 1, InstancesInService: 1, TrafficShare: 0.25},
			},
		},
		"resize to more": {
			new: counts(1, 1), group: "demo-prod-v001", query: "operation=resizeServerGroup&desired=3",
			want: fleet.Consequences{Warnings: []string{}, Remaining: fleet.Remaining{ServerGroups: 1, InstancesInService: 1, TrafficShare: 1}},
		},
		"enable": {
			new: counts(1, 1), group: "demo-prod-v000", query: "operation=enableServerGroup",
			want: fleet.Consequences{Warnings: []string{}, Remaining: fleet.Remaining{ServerGroups: 1, InstancesInService: 1, TrafficShare: 1}},
		},
		"destroy the only one": {
			group: "demo-test-v000", query: "operation=destroyServerGroup",
			want: fleet.Consequences{Warnings: []string{"It is the only server group of the cluster: there is none to roll back to."}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.refuse = tt.refuse
			for i := range w.groups {
				g := &w.groups[i]
				g.Weight = 100
				switch g.Name {
				case "demo-prod-v000":
					g.InstanceCounts = tt.old
				case "demo-prod-v001":
					g.InstanceCounts, g.Traffic.InFlight = tt.new, tt.inFlight
				}
			}
			got := read[fleet.Consequences](t, api.New(w.config()), "/api/v1/server-groups/local/local/"+tt.group+"/consequences?"+tt.query)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(w.changes()) > 0 {
				t.Errorf("did %v", w.changes())
			}
		})
	}
	s := api.New(newWorld(t).config())
	const at = "/api/v1/server-groups/local/local/"
	failure(t, call(s, "GET", at+"demo-prod-v001/consequences", ""), http.StatusBadRequest)
	failure(t, call(s, "GET", at+"demo-prod-v001/consequences?operation=resizeServerGroup&desired=x", ""), http.StatusBadRequest)
	failure(t, call(s, "GET", at+"none/consequences?operation=destroyServerGroup", ""), http.StatusNotFound)
}
