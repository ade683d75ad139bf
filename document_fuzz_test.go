package gennaker_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

// What was accepted once is accepted again, as it is.
func FuzzDocuments(f *testing.F) {
	f.Add([]byte(`{"id":"p","name":" x ","email":"a","config":{"applications":[""],"pipelineConfigs":[{}],"clusters":[{"applications":null}]}}`))
	f.Add([]byte(`{"id":"c","name":"a,b","applications":["x"],"metrics":[{"name":"m"}]}`))
	f.Add([]byte(`{"name":"my-app","email":"a","cloudProviders":["kubernetes",null,7]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := gennaker.ParseDocument(text)
		if err != nil {
			return
		}
		if p, err := gennaker.NewProject(doc.Value); err == nil {
			if again, err := gennaker.NewProject(p.Attrs); err != nil || !cmp.Equal(p, again) {
				t.Errorf("%q: %v, then %v, %v", text, p, again, err)
			}
		}
		if c, err := gennaker.NewCanaryConfig(doc.Value); err == nil {
			if again, err := gennaker.NewCanaryConfig(c.Attrs); err != nil || !cmp.Equal(c, again) {
				t.Errorf("%q: %v, then %v, %v", text, c, again, err)
			}
		}
		if a, err := gennaker.NewApplication(doc.Value); err == nil && len(a.Name) > gennaker.MaxApplicationName {
			t.Errorf("%q: a name of %d bytes", text, len(a.Name))
		}
	})
}
