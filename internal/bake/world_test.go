package bake_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata" // as in the command

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/bake"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMain is a child that renders when it is run as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		if err := bake.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// process renders as a server does.
func process(t *testing.T, change ...func(*bake.Config)) *bake.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := bake.Config{Command: []string{self, "serve"}}
	for _, c := range change {
		c(&cfg)
	}
	return bake.NewProcess(cfg)
}

// files returns the files below a directory of testdata.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	top := filepath.Join("testdata", dir)
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(top, name)
		out[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// below puts files into a directory.
func below(dir string, files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		out[path.Join(dir, name)] = text
	}
	return out
}

// pack makes a .tar.gz of files.
func pack(t testing.TB, files map[string]string) bake.Input {
	t.Helper()
	var entries []tar.Header
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		entries = append(entries, tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644})
		texts = append(texts, files[name])
	}
	return packEntries(t, entries, texts)
}

func packEntries(t testing.TB, entries []tar.Header, texts []string) bake.Input {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i, h := range entries {
		h.Size = int64(len(texts[i]))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(texts[i])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bake.Input{Name: "the archive", Content: b.Bytes()}
}

// chart packs a chart of testdata as helm package does, with more files.
func chart(t testing.TB, name string, more ...map[string]string) bake.Input {
	t.Helper()
	all := files(t, "charts/"+name)
	maps.DeleteFunc(all, func(name, _ string) bool {
		return strings.HasSuffix(name, ".draft") || strings.HasPrefix(name, "notes/")
	}) // web's .helmignore
	for _, m := range more {
		maps.Copy(all, m)
	}
	return pack(t, below(name, all))
}

// shop is the chart with dependencies of all kinds.
func shop(t testing.TB) bake.Input {
	t.Helper()
	more := below("charts/kit", files(t, "charts/kit"))
	more["charts/queue-0.2.0.tgz"] = string(chart(t, "queue").Content)
	return chart(t, "shop", more)
}

// single packs a chart of one template.
func single(t testing.TB, template string) bake.Input {
	t.Helper()
	return pack(t, map[string]string{
		"one/Chart.yaml": "apiVersion: v2\nname: one\nversion: 1.0.0\n", "one/values.yaml": "d: {a: 1, b: 2}\n", "one/templates/one.yaml": template,
	})
}

func helm(in bake.Input, change ...func(*bake.Request)) bake.Request {
	r := bake.Request{Renderer: bake.Helm, Inputs: []bake.Input{in}, Chart: bake.Chart{Release: "r", KubeVersion: "1.31"}}
	for _, c := range change {
		c(&r)
	}
	return r
}

func values(text ...string) func(*bake.Request) {
	return func(r *bake.Request) {
		for i, v := range text {
			r.Inputs = append(r.Inputs, bake.Input{Name: fmt.Sprintf("values-%d.yaml", i+1), Content: []byte(v)})
		}
	}
}

func overrides(raw bool, list ...string) func(*bake.Request) {
	return func(r *bake.Request) { r.Chart.Raw, r.Chart.Overrides = raw, list }
}

// golden compares with a file of testdata/golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name+".yaml")
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func refused(t *testing.T, err error, kind gennaker.Kind, says string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", says)
	}
	text := err.Error() + " | " + gennaker.HintOf(err)
	if gennaker.KindOf(err) != kind || !strings.Contains(text, says) || strings.Contains(text, "\n") {
		t.Errorf("%s: %s\nwant %s and %q", gennaker.KindOf(err), text, kind, says)
	}
	if gennaker.HintOf(err) == "" {
		t.Errorf("%v has no hint", err)
	}
}
