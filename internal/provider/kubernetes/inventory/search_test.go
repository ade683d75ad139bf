package inventory_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker/internal/provider"
)

// TestClusters: they are those that the server groups make up, which are read
// with all of their pods.
func TestClusters(t *testing.T) {
	t.Parallel()
	inv := offline(t, time.Second)
	fleet(t, inv, 12, 2)
	dark := replicaSet("app0", 9, 1, map[string]string{"lb": "nobody"})
	dark.Namespace, dark.UID, dark.ResourceVersion = "default", "uid-dark", "1"
	dark.Annotations["traffic.spinnaker.io/load-balancers"] = `["service app0","service elsewhere"]`
	put(t, inv, replicaSetKind, dark)
	ignored := replicaSet("app0", 8, 1, nil)
	ignored.Namespace, ignored.UID, ignored.ResourceVersion = "default", "uid-ignored", "1"
	ignored.Annotations["caching.spinnaker.io/ignore"] = "true"
	put(t, inv, replicaSetKind, ignored)
	for _, application := range []string{"", "app0", "APP1", "none"} {
		groups, err := inv.ServerGroups(t.Context(), application)
		if err != nil {
			t.Fatal(err)
		}
		got, err := inv.Clusters(t.Context(), application)
		if err != nil {
			t.Fatal(err)
		}
		want := provider.Clusters(groups)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", application, diff)
		}
		if application == "app0" && (len(got) != 1 || len(got[0].ServerGroups) != 6 || !slices.Equal(got[0].LoadBalancers, []string{"service app0", "service elsewhere"})) {
			t.Errorf("clusters of app0 are %+v", got)
		}
	}
	if g := group(t, inv, "default", "replicaSet "+dark.Name); !g.Disabled || len(g.LoadBalancers) != 2 {
		t.Errorf("what no service selects is %+v", g)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	inv := offline(t, time.Second)
	fleet(t, inv, 6, 2)
	put(t, inv, schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}, &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "app1", Namespace: "default", UID: "uid-policy", ResourceVersion: "1"},
	})
	every := []string{
		provider.ServerGroupItem, provider.ManagerItem, provider.InstanceItem, provider.LoadBalancerItem, provider.SecurityGroupItem, "functions",
	}
	for name, tt := range map[string]struct {
		text  string
		types []string
		want  string
	}{
		"a server group":         {"app0-v003", every, "instances pod app0-v003-00000, instances pod app0-v003-00001, serverGroups replicaSet app0-v003"},
		"by its type":            {"app0-v003", []string{provider.ServerGroupItem}, "serverGroups replicaSet app0-v003"},
		"an application":         {"app1", []string{provider.ServerGroupItem, provider.LoadBalancerItem, provider.SecurityGroupItem}, "loadBalancers service app1, securityGroups networkPolicy app1, serverGroups replicaSet app1-v000"},
		"pods of an application": {"app1", []string{provider.InstanceItem}, "instances pod app1-v000-00000, instances pod app1-v000-00001"},
		"a kind":                 {"networkpolicy:lab", every, "securityGroups networkPolicy app1"},
		"a kind as a type":       {"default", []string{"networkPolicy"}, "securityGroups networkPolicy app1"},
		"kinds as types":         {"app0-v000", []string{"replicaSet", "pod"}, "instances pod app0-v000-00000, instances pod app0-v000-00001, serverGroups replicaSet app0-v000"},
		"a kind with its group":  {"app1", []string{"networkPolicy.networking.k8s.io", "networkPolicy.example.com"}, "securityGroups networkPolicy app1"},
		"nothing":                {"nope", every, ""},
		"an unknown type":        {"app0", []string{"functions"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items, err := inv.Search(t.Context(), tt.text, tt.types)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range items {
				got = append(got, i.Type+" "+i.Name)
			}
			slices.Sort(got)
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("found %q, want %q", strings.Join(got, ", "), tt.want)
			}
		})
	}
	items, err := inv.Search(t.Context(), "app0-v003-00000", every)
	want := []provider.Item{{
		Type: provider.InstanceItem, Kind: "pod", Account: "lab", Region: "default", Name: "pod app0-v003-00000",
		Application: "app0", Cluster: "replicaSet app0", ServerGroup: "replicaSet app0-v003",
	}}
	if diff := cmp.Diff(want, items); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
