package state_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/state"
)

func TestJobRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _, err := state.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	j := state.Job{
		Format: state.Format, Name: gennaker.JobName("demo", "", "k"), Spec: gennaker.JobSpec{Application: "demo", Script: "true"},
		Created: gennaker.Millis(1_700_000_000_000), State: gennaker.JobFailed, ExitCode: new(3), Reason: "it exited with status 3",
	}
	other := j
	other.Name = gennaker.JobName("demo", "", "other")
	for _, j := range []state.Job{j, other} {
		if err := s.SaveJob(j); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteJob(other.Name); err != nil {
		t.Fatal(err)
	}
	broken := gennaker.JobName("demo", "", "broken")
	if err := os.WriteFile(filepath.Join(dir, "jobs", broken+".json"), []byte(`{"format":1,"name":"demo-x-0123456789abcdef","state":"Odd"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, c, err := state.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]state.Job{j}, c.Jobs); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if len(c.Corrupt) != 1 || !c.Corrupt[0].IsJob(broken) || c.Corrupt[0].IsJob(j.Name) || c.Corrupt[0].IsGroup(broken) {
		t.Errorf("corrupt are %+v", c.Corrupt)
	}
}

func FuzzDecodeJob(f *testing.F) {
	f.Add([]byte(`{"format":1,"name":"demo-x-0123456789abcdef","state":"Running"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if j, err := state.DecodeJob(b); err == nil {
			if _, ok := gennaker.JobApplication(j.Name); !ok {
				t.Errorf("accepted %q", j.Name)
			}
		}
	})
}
