package provider_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// TestMentions compares with what a key is, written down at length.
func TestMentions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-cA-C:-]{0,4}`)
		i := provider.Item{
			Kind: word.Draw(t, "kind"), Account: word.Draw(t, "account"), Region: word.Draw(t, "region"),
			Application: word.Draw(t, "application"), Cluster: word.Draw(t, "cluster"),
		}
		bare := rapid.StringMatching(`[d-fD-F]{0,4}`).Draw(t, "name")
		i.Name = strings.TrimSpace(i.Kind + " " + bare)
		text := rapid.StringMatching(`[a-f:-]{0,5}`).Draw(t, "text")
		want := false
		for _, key := range []string{
			strings.Join([]string{i.Kind, i.Account, i.Region, bare}, ":"), i.Application, strings.Join([]string{i.Account, i.Application, i.Cluster}, ":"),
		} {
			want = want || strings.Contains(strings.ToLower(key), text)
		}
		if got := i.Mentions(text); got != want {
			t.Fatalf("%+v mentions %q: %t", i, text, got)
		}
	})
}

// TestMentionsOfLongNames: a key may be longer than what is at hand for it.
func TestMentionsOfLongNames(t *testing.T) {
	t.Parallel()
	i := provider.Item{Kind: "replicaSet", Account: strings.Repeat("a", 200), Region: strings.Repeat("b", 200), Name: "replicaSet " + strings.Repeat("c", 200) + "END"}
	if !i.Mentions("cend") || i.Mentions("z") {
		t.Error("the end of a long name is not found, or what is not there is")
	}
}

func TestClusters(t *testing.T) {
	t.Parallel()
	group := func(name, region string, at int64, balancers ...string) gennaker.ServerGroup {
		m := gennaker.ParseServerGroupName(name)
		return gennaker.ServerGroup{
			Name: name, Account: "a", Region: region, Moniker: m, Cluster: m.Cluster, CreatedTime: gennaker.Millis(at), LoadBalancers: balancers,
		}
	}
	ref := func(name, region string) gennaker.ServerGroupRef {
		return gennaker.ServerGroupRef{Account: "a", Region: region, Name: name}
	}
	got := provider.Clusters([]gennaker.ServerGroup{
		group("shop-v001", "west", 2, "back", "front"), group("web-x-v000", "east", 3), group("shop-v000", "east", 1, "front"), group("shop-v001", "east", 2),
	})
	want := []provider.Cluster{
		{
			Application: "shop", Name: "shop", LoadBalancers: []string{"front", "back"},
			ServerGroups: []gennaker.ServerGroupRef{ref("shop-v000", "east"), ref("shop-v001", "east"), ref("shop-v001", "west")},
		},
		{Application: "web", Name: "web-x", LoadBalancers: []string{}, ServerGroups: []gennaker.ServerGroupRef{ref("web-x-v000", "east")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
