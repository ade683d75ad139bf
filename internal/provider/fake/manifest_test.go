package fake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/provider/providertest"
)

func TestManifestConformance(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]fake.ManifestScript{
		"at once":     {},
		"after looks": {Ready: fake.AfterLooks(3), Drain: fake.AfterLooks(2), Gone: fake.AfterLooks(2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.RunManifests(t, func(*testing.T) providertest.ManifestHarness { return manifestHarness(script) })
		})
	}
}

func manifestHarness(script fake.ManifestScript) providertest.ManifestHarness {
	p := fake.New(fake.Config{
		Kinds: []string{"Gadget.example.com"}, Now: time.Now, Settle: time.Second,
		Manifest: func(m gennaker.Manifest) fake.ManifestScript {
			s := script
			if strings.Contains(images(m), ":"+providertest.BadTag) {
				s.Ready, s.Reason = fake.Never(), "its image cannot be pulled"
			}
			return s
		},
	})
	return providertest.ManifestHarness{
		Provider: p.Provider(), Namespace: "prod", Application: "shop", Gateway: "gate",
		Image:            func(tag string) string { return "shop/web:" + tag },
		CustomAPIVersion: "example.com/v1", CustomKind: "Gadget",
	}
}

// images are those of the containers of a workload.
func images(m gennaker.Manifest) string {
	var v any = map[string]any(m)
	for _, k := range []string{"spec", "template", "spec", "containers"} {
		o, _ := v.(map[string]any)
		v = o[k]
	}
	list, _ := v.([]any)
	var out strings.Builder
	for _, c := range list {
		c, _ := c.(map[string]any)
		image, _ := c["image"].(string)
		out.WriteString(image + " ")
	}
	return out.String()
}
