package manifest_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// TestSelect: stage types section 4, labelSelectors; clouddriver's
// KubernetesSelector.
func TestSelect(t *testing.T) {
	t.Parallel()
	web := one(t, "{metadata: {labels: {app: web, tier: front}}}")
	db := one(t, "{metadata: {labels: {app: db}}}")
	bare := one(t, "{metadata: {}}")
	type selector = manifest.Selector
	tests := map[string]struct {
		selectors     []selector
		text          string
		web, db, bare bool
	}{
		"none":                 {nil, "", true, true, true},
		"any":                  {[]selector{{Kind: "ANY"}}, "", true, true, true},
		"equals":               {[]selector{{"app", "EQUALS", []string{"web"}}}, "app=web", true, false, false},
		"equals, first value":  {[]selector{{"app", "equals", []string{"web", "db"}}}, "app=web", true, false, false},
		"not equals":           {[]selector{{"app", "NOT_EQUALS", []string{"web"}}}, "app!=web", false, true, true},
		"contains":             {[]selector{{"app", "CONTAINS", []string{"web", "db"}}}, "app in (db,web)", true, true, false},
		"not contains":         {[]selector{{"app", "NOT_CONTAINS", []string{"web", "x"}}}, "app notin (web,x)", false, true, true},
		"exists":               {[]selector{{Key: "tier", Kind: "EXISTS"}}, "tier", true, false, false},
		"exists, with values":  {[]selector{{"tier", "EXISTS", []string{"x"}}}, "tier", true, false, false},
		"not exists":           {[]selector{{Key: "tier", Kind: "NOT_EXISTS"}}, "!tier", false, true, true},
		"several are all":      {[]selector{{"app", "CONTAINS", []string{"web", "db"}}, {Key: "tier", Kind: "NOT_EXISTS"}}, "app in (db,web),!tier", false, true, false},
		"several that exclude": {[]selector{{"app", "EQUALS", []string{"web"}}, {"app", "EQUALS", []string{"db"}}}, "app=db,app=web", false, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := manifest.Select(tt.selectors)
			if err != nil {
				t.Fatal(err)
			}
			if s.Matches(web) != tt.web || s.Matches(db) != tt.db || s.Matches(bare) != tt.bare {
				t.Errorf("chooses %t, %t, %t; want %t, %t, %t", s.Matches(web), s.Matches(db), s.Matches(bare), tt.web, tt.db, tt.bare)
			}
			if s.Empty() != (tt.text == "") {
				t.Errorf("Empty() = %t", s.Empty())
			}
			if !slices.Contains([]string{tt.text, "app=web,app=db"}, s.String()) {
				t.Errorf("as text %q, want %q", s, tt.text)
			}
		})
	}
	for name, s := range map[string]selector{
		"unknown kind": {"app", "LIKE", []string{"web"}},
		"no kind":      {Key: "app"},
		"no key":       {Kind: "EXISTS"},
		"no value":     {Key: "app", Kind: "EQUALS"},
		"no values":    {Key: "app", Kind: "CONTAINS"},
		"odd key":      {"a b", "EXISTS", nil},
		"odd value":    {"app", "EQUALS", []string{"a b"}},
	} {
		if _, err := manifest.Select([]selector{s}); gennaker.KindOf(err) != gennaker.Invalid || gennaker.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSelectionText: the text chooses what the selection chooses.
func TestSelectionText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-c]`)
		selectors := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) manifest.Selector {
			return manifest.Selector{
				Key:    word.Draw(t, "key"),
				Kind:   rapid.SampledFrom([]string{"EQUALS", "NOT_EQUALS", "CONTAINS", "NOT_CONTAINS", "EXISTS", "NOT_EXISTS"}).Draw(t, "kind"),
				Values: rapid.SliceOfN(word, 1, 2).Draw(t, "values"),
			}
		}), 0, 4).Draw(t, "selectors")
		s, err := manifest.Select(selectors)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := labels.Parse(s.String())
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		has := rapid.MapOf(word, word).Draw(t, "labels")
		object := map[string]any{}
		for k, v := range has {
			object[k] = v
		}
		m := gennaker.Manifest{"metadata": map[string]any{"labels": object}}
		if s.Matches(m) != parsed.Matches(labels.Set(has)) {
			t.Fatalf("%q chooses %v: %t", s, has, s.Matches(m))
		}
	})
}

// TestChoose: strategies B7, criteria of dynamic targets.
func TestChoose(t *testing.T) {
	t.Parallel()
	object := func(name, created, replicas string) gennaker.Manifest {
		return one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: "+name+", creationTimestamp: '"+created+"'}, spec: {"+replicas+"}}")
	}
	all := []gennaker.Manifest{
		object("web-v002", "2026-01-01T00:00:02Z", "replicas: 3"),
		object("web-v000", "2026-01-01T00:00:00Z", "replicas: 5"),
		object("web-v003", "2026-01-01T00:00:02Z", "replicas: 0"),
		object("web-v001", "2026-01-01T00:00:01Z", ""),
	}
	for criteria, want := range map[string]string{
		"newest": "web-v003", "second_newest": "web-v002", "oldest": "web-v000", "largest": "web-v000", "smallest": "web-v001",
	} {
		for range len(all) {
			all = append(all[1:], all[0])
			if got, err := manifest.Choose(criteria, all); err != nil || manifest.Name(got) != want {
				t.Errorf("%s is %q, %v; want %q", criteria, manifest.Name(got), err, want)
			}
		}
		got, err := manifest.Choose(criteria, all[:1])
		if criteria == "second_newest" {
			refused(t, err, gennaker.NotFound, "there is no second newest of 1 objects")
		} else if err != nil || manifest.Name(got) != manifest.Name(all[0]) {
			t.Errorf("%s of one is %q, %v", criteria, manifest.Name(got), err)
		}
		if _, err := manifest.Choose(criteria, nil); gennaker.KindOf(err) != gennaker.NotFound {
			t.Errorf("%s of none: %v", criteria, err)
		}
	}
	_, err := manifest.Choose("best", all)
	refused(t, err, gennaker.Invalid, `there is no criterion "best"`)
}

func TestInCluster(t *testing.T) {
	t.Parallel()
	m := one(t, "{metadata: {annotations: {moniker.spinnaker.io/application: shop, moniker.spinnaker.io/cluster: replicaSet web}}}")
	for _, tt := range []struct {
		application, cluster string
		want                 bool
	}{{"shop", "replicaSet web", true}, {"", "replicaSet web", true}, {"other", "replicaSet web", false}, {"shop", "replicaSet db", false}, {"shop", "", false}} {
		if got := manifest.InCluster(m, tt.application, tt.cluster); got != tt.want {
			t.Errorf("InCluster(%q, %q) = %t", tt.application, tt.cluster, got)
		}
	}
}
