package state_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/state"
)

func group(n int) state.Group {
	g := state.Group{
		Format: state.Format, Name: "demo-v007", Cluster: "demo", Serial: 1007, Key: "k",
		Spec:     gennaker.ServerGroupSpec{Application: "demo", Env: map[string]string{"A": "b"}},
		Capacity: pinned(n), Created: gennaker.Millis(1_700_000_000_000),
	}
	g.Fit()
	for i := range g.Instances {
		g.Instances[i].Healthy = true
	}
	return g
}

func pinned(n int) gennaker.Capacity { return gennaker.Capacity{Min: n, Max: n, Desired: n} }

// show is a short form of the instances: r leaving to be replaced, l leaving,
// o out of service.
func show(g state.Group) string {
	var all []string
	for _, i := range g.Instances {
		s := fmt.Sprint(i.Suffix)
		switch {
		case i.Leaving && i.Replace:
			s += "r"
		case i.Leaving:
			s += "l"
		}
		if i.OutOfService {
			s += "o"
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func TestOperations(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from int
		do   func(g *state.Group) error
		want string
		kind gennaker.Kind
	}{
		"grow":                  {from: 2, do: func(g *state.Group) error { return g.Resize(pinned(3)) }, want: "1 2 3"},
		"shrink: the youngest":  {from: 3, do: func(g *state.Group) error { return g.Resize(pinned(1)) }, want: "1 2l 3l"},
		"shrink: the unhealthy": {from: 3, do: func(g *state.Group) error { g.Instances[0].Healthy = false; return g.Resize(pinned(2)) }, want: "1l 2 3"},
		"shrink: out of service": {from: 3, do: func(g *state.Group) error {
			return errors.Join(g.Disable(1), g.Resize(pinned(2)))
		}, want: "1lo 2 3"},
		"leaving ones do not come back": {from: 2, do: func(g *state.Group) error {
			return errors.Join(g.Resize(pinned(1)), g.Resize(pinned(2)))
		}, want: "1 2l 3"},
		"disable a third of 4": {from: 4, do: func(g *state.Group) error { return g.Disable(33) }, want: "1o 2o 3 4"},
		"disable none":         {from: 2, do: func(g *state.Group) error { return g.Disable(0) }, want: "1 2"},
		"disable less":         {from: 4, do: func(g *state.Group) error { return errors.Join(g.Disable(75), g.Disable(25)) }, want: "1o 2o 3o 4"},
		"disable all, then grow": {from: 1, do: func(g *state.Group) error {
			return errors.Join(g.Disable(100), g.Resize(pinned(2)))
		}, want: "1o 2o"},
		"disable some, then grow": {from: 2, do: func(g *state.Group) error {
			return errors.Join(g.Disable(50), g.Resize(pinned(3)))
		}, want: "1o 2 3"},
		"enable":     {from: 2, do: func(g *state.Group) error { err := g.Disable(100); g.Enable(); return err }, want: "1 2"},
		"too much":   {from: 1, do: func(g *state.Group) error { return g.Disable(101) }, want: "1", kind: gennaker.Invalid},
		"negative":   {from: 1, do: func(g *state.Group) error { return g.Disable(-1) }, want: "1", kind: gennaker.Invalid},
		"impossible": {from: 1, do: func(g *state.Group) error { return g.Resize(gennaker.Capacity{Min: 2, Max: 1}) }, want: "1", kind: gennaker.Invalid},
		"terminate": {from: 2, do: func(g *state.Group) error {
			g.Terminate([]string{"demo-v007-0001", "demo-v007-0009"})
			return nil
		}, want: "1r 2"},
		"terminated and gone": {from: 2, do: func(g *state.Group) error {
			g.Terminate([]string{"demo-v007-0001"})
			g.Forget(1)
			return nil
		}, want: "2 3"},
		"terminate, then shrink: it is not replaced": {from: 2, do: func(g *state.Group) error {
			g.Terminate([]string{"demo-v007-0001"})
			err := g.Resize(pinned(1))
			g.Forget(1)
			return err
		}, want: "2"},
		"destroy": {from: 2, do: func(g *state.Group) error {
			g.Terminate([]string{"demo-v007-0002"})
			g.Destroy()
			g.Forget(2)
			return nil
		}, want: "1l"},
		"resize a destroyed one": {from: 1, do: func(g *state.Group) error { g.Destroy(); return g.Resize(pinned(2)) }, want: "1l"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := group(tt.from)
			err := tt.do(&g)
			if (err == nil) != (tt.kind == "") || err != nil && gennaker.KindOf(err) != tt.kind {
				t.Errorf("error %v, want kind %q", err, tt.kind)
			}
			if got := show(g); got != tt.want {
				t.Errorf("instances are %q, want %q", got, tt.want)
			}
		})
	}
}

// TestAnyOperations: whatever is done, as many instances stay as are desired,
// no name is used twice, and the record can be read back.
func TestAnyOperations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := group(rapid.IntRange(0, 5).Draw(t, "from"))
		seen := map[int]bool{}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			before := g.Clone()
			step(t, &g)
			staying := 0
			for _, i := range g.Instances {
				if before.Find(i.Suffix) == nil && seen[i.Suffix] {
					t.Fatalf("%d is used again", i.Suffix)
				}
				seen[i.Suffix] = true
				if !i.Leaving || i.Replace {
					staying++
				}
				if g.Disabled && !i.OutOfService && !i.Leaving {
					t.Fatalf("%s: in service though disabled", show(g))
				}
			}
			want := g.Capacity.Desired
			if g.Destroying {
				want = 0
			}
			if staying != want {
				t.Fatalf("%s: %d stay, want %d", show(g), staying, want)
			}
		}
	})
}

func step(t *rapid.T, g *state.Group) {
	pick := func() int {
		if len(g.Instances) == 0 {
			return 0
		}
		return g.Instances[rapid.IntRange(0, len(g.Instances)-1).Draw(t, "instance")].Suffix
	}
	switch rapid.IntRange(0, 20).Draw(t, "step") {
	case 0:
		g.Destroy()
	case 1, 2, 3, 4:
		_ = g.Resize(pinned(rapid.IntRange(0, 6).Draw(t, "to")))
	case 5, 6:
		_ = g.Disable(rapid.IntRange(-1, 101).Draw(t, "percent"))
	case 7, 8:
		if !g.Destroying {
			g.Enable()
		}
	case 9, 10, 11:
		g.Terminate([]string{g.InstanceName(pick())})
	case 12, 13:
		if i := g.Find(pick()); i != nil {
			i.Healthy = !i.Healthy
		}
	default:
		if i := g.Find(pick()); i != nil && i.Leaving {
			g.Forget(i.Suffix)
		}
	}
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	var g state.Group
	for i := range 100 {
		g.Remember(fmt.Sprint(i))
	}
	g.Remember("")
	if len(g.Keys) != state.MaxKeys || !g.Done("99") || g.Done("35") || !g.Done("36") || g.Done("") {
		t.Errorf("keys are %v", g.Keys)
	}
	var c state.Cluster
	for i := range 300 {
		c.Forget(fmt.Sprint(i), "name")
		c.Forget(fmt.Sprint(i), "name")
	}
	if len(c.Destroyed) != state.MaxForgotten || c.Destroyed[0].Key != "44" {
		t.Errorf("%d destroyed from %v", len(c.Destroyed), c.Destroyed[0])
	}
}

func TestTake(t *testing.T) {
	t.Parallel()
	c := state.Cluster{Name: "demo", Next: 998}
	taken := []string{"demo-v999", "demo-v000"}
	for _, want := range []int{998, 1001, 1002} {
		got, err := c.Take(func(name string) bool { return slices.Contains(taken, name) })
		if got != want || err != nil {
			t.Errorf("got %d, %v, want %d", got, err, want)
		}
	}
	if _, err := c.Take(func(string) bool { return true }); gennaker.KindOf(err) != gennaker.Conflict {
		t.Errorf("a full cluster: %v", err)
	}
}

func open(t *testing.T, dir string) (*state.Store, state.Contents) {
	t.Helper()
	s, c, err := state.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestStoreRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := open(t, dir)
	g := group(2)
	long := group(0)
	long.Cluster = strings.Repeat("x", 250)
	long.Name, long.Serial = gennaker.ServerGroupName(long.Cluster, 1), 1
	c := state.Cluster{Format: state.Format, Name: "demo", Next: 3, Destroyed: []state.Destroyed{{Key: "a", Name: "b"}}}
	b := state.Balancer{Format: state.Format, Name: "lb", Listen: "127.0.0.1:80"}
	for _, err := range []error{s.SaveGroup(g), s.SaveGroup(long), s.SaveCluster(c), s.SaveBalancer(b), s.SaveGroup(g)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, got := open(t, dir)
	want := state.Contents{Groups: []state.Group{g, long}, Clusters: []state.Cluster{c}, Balancers: []state.Balancer{b}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	for _, err := range []error{s.DeleteGroup(g.Name), s.DeleteGroup(g.Name), s.DeleteGroup(long.Name), s.DeleteBalancer("lb"), s.DeleteBalancer("none")} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, got := open(t, dir); len(got.Groups)+len(got.Balancers) != 0 {
		t.Errorf("after deletion: %+v", got)
	}
}

func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	whole := group(1)
	tests := map[string]string{
		"empty":             "",
		"half":              `{"format": 1, "name": "demo-v0`,
		"another type":      `[]`,
		"no format":         `{"name": "demo-v007"}`,
		"name of another":   `{"format": 1, "name": "demo-v008", "cluster": "demo", "serial": 7}`,
		"path":              `{"format": 1, "name": "../x-v000", "cluster": "../x"}`,
		"instances doubled": `{"format":1,"name":"a-v000","cluster":"a","lastSuffix":1,"instances":[{"suffix":1,"attempt":1},{"suffix":1,"attempt":1}]}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s, _ := open(t, dir)
			whole := whole
			if err := s.SaveGroup(whole); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "groups", "broken-v001.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "groups", ".new-123"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, c := open(t, dir)
			if len(c.Groups) != 1 || len(c.Corrupt) != 1 || !c.Corrupt[0].IsGroup("broken-v001") || c.Corrupt[0].IsGroup("demo-v007") {
				t.Fatalf("contents: %+v", c)
			}
			if b, err := os.ReadFile(c.Corrupt[0].Path); err != nil || string(b) != text {
				t.Errorf("moved aside: %q, %v", b, err)
			}
			if !s.HasCorrupt() {
				t.Error("the store forgot the broken file")
			}
			if _, c := open(t, dir); len(c.Groups) != 1 || len(c.Corrupt) != 0 {
				t.Errorf("a second time: %+v", c)
			}
		})
	}
}

// TestNewerFormat: what a newer version wrote is not touched.
func TestNewerFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	path := filepath.Join(dir, "groups", "demo-v000.json")
	if err := os.WriteFile(path, []byte(`{"format": 2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := state.Open(dir, nil)
	if gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// TestFailedWrite: the old record stays.
func TestFailedWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := open(t, dir)
	if err := s.SaveGroup(group(1)); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	broken, _, err := state.Open(dir, func(string, []byte) error { return full })
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.SaveGroup(group(2)); gennaker.KindOf(err) != gennaker.Unavailable || !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, c := open(t, dir); len(c.Groups[0].Instances) != 1 {
		t.Errorf("contents: %+v", c)
	}
}

// FuzzDecode: no file makes the readers or what relies on them fail.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"format":1,"name":"a-v000","cluster":"a","lastSuffix":2,"capacity":{"max":2,"desired":2},"instances":[{"suffix":1,"attempt":1,"leaving":true}]}`))
	f.Add([]byte(`{"format":1,"name":"a","next":3,"destroyed":[{"key":"k","name":"a-v000"}]}`))
	f.Add([]byte(`{"format":1,"name":"lb","listen":"127.0.0.1:80"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if g, err := state.DecodeGroup(b); err == nil {
			if g.Capacity.Desired > 100 {
				return // right, but slow
			}
			g.Fit()
			if err := g.Disable(50); err != nil {
				t.Error(err)
			}
			if strings.Contains(g.Name, "/") {
				t.Errorf("name %q", g.Name)
			}
		}
		if c, err := state.DecodeCluster(b); err == nil {
			_, _ = c.Take(func(string) bool { return false })
		}
		_, _ = state.DecodeBalancer(b)
	})
}
