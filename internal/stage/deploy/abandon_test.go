package deploy_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage/deploy"
)

// A deployment that times out while it creates knows what it made, and takes it
// back as any other failure.
func TestCreationWithoutAnswer(t *testing.T) {
	t.Parallel()
	lost := func(r *runner) { r.fake.Lose(fake.Create, r.patience+1) }
	away := func(r *runner) { r.fake.Fail(fake.Create, r.patience+1, gennaker.Unavailable) }
	tests := map[string]struct {
		trouble  func(*runner)
		rollback object
		want     []string
	}{
		"made, and destroyed":        {lost, object{"onFailure": true, "destroyLatest": true}, []string{"demo-prod-v000 1/1"}},
		"made, and out of service":   {lost, object{"onFailure": true}, []string{"demo-prod-v000 1/1", "demo-prod-v001 0/1 disabled"}},
		"made, and left as it is":    {lost, object{"onFailure": false}, []string{"demo-prod-v000 1/1", "demo-prod-v001 1/1"}},
		"not made, nothing is left":  {away, object{"onFailure": true, "destroyLatest": true}, []string{"demo-prod-v000 1/1"}},
		"not made, not even an idea": {away, object{"onFailure": false}, []string{"demo-prod-v000 1/1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, deploy.Config{}, nil)
			r.deploy(cluster("redblack", 1, nil))
			tt.trouble(r)
			n := r.deploy(cluster("redblack", 1, object{"rollback": tt.rollback}))
			if n.Status != gennaker.Terminal {
				t.Errorf("it ended as %s", n.Status)
			}
			if diff := cmp.Diff(tt.want, r.state("east")); diff != "" {
				t.Errorf("server groups (-want +got):\n%s", diff)
			}
			if got := fmt.Sprint(n.kids[0].Outputs["deploy.server.groups"]); got != "map[east:[demo-prod-v001]]" {
				t.Errorf("the stage says that it made %s", got)
			}
		})
	}
}
