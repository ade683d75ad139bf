package bake_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/bake"
)

// TestBombs: templates that would take a server with them end as errors.
func TestBombs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		template string
		kind     gennaker.Kind
		says     string
	}{
		"memory":           {`{{ repeat 1000000000 "0123456789" | len }}`, gennaker.TooLarge, "bytes of memory"},
		"a long list":      {`{{ until 2000000000 | len }}`, gennaker.TooLarge, "bytes of memory"},
		"doubling":         {`{{ $a := "x" }}{{ range until 60 }}{{ $a = print $a $a }}{{ end }}`, gennaker.TooLarge, "bytes of memory"},
		"include of self":  {`{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, gennaker.Invalid, "includes itself"},
		"template of self": {`{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, gennaker.Invalid, "exceeded maximum template depth"},
		"tpl of self":      {`{{ $_ := set .Values "t" "{{ tpl .Values.t . }}" }}{{ tpl .Values.t . }}`, gennaker.TooLarge, ""},
		"a loop":           {`{{ range $i := 2000000000 }}{{ sha256sum "x" | trunc 0 }}{{ end }}`, gennaker.TooLarge, "took longer than 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := process(t, func(cfg *bake.Config) {
				if cfg.Timeout = time.Second; name != "a loop" {
					cfg.Timeout = time.Minute
				}
				if cfg.Memory = 256 << 20; c.kind == gennaker.Invalid {
					cfg.Memory = 1 << 30 // deep stacks, which end by themselves
				}
			})
			_, err := p.Render(t.Context(), helm(single(t, c.template)))
			refused(t, err, c.kind, c.says)
		})
	}
}

// TestConfined: a child has neither the environment nor the files of its server.
func TestConfined(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bake.Config)
		ctx    func(context.Context) context.Context
		kind   gennaker.Kind
		says   string
	}{
		"no command":     {func(c *bake.Config) { c.Command = nil }, nil, gennaker.Unavailable, "not told with which command"},
		"no such file":   {func(c *bake.Config) { c.Command = []string{"/nowhere/gennaker"} }, nil, gennaker.Unavailable, "no such file"},
		"another reply":  {func(c *bake.Config) { c.Command = []string{"/bin/echo", "hello"} }, nil, gennaker.Unavailable, "nothing that can be read"},
		"another failed": {func(c *bake.Config) { c.Command = []string{"/bin/sh", "-c", "echo oops >&2; exit 3"} }, nil, gennaker.Unavailable, "exit status 3: oops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := process(t, c.change).Render(t.Context(), helm(single(t, "a: 1")))
			if gennaker.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %s and %q", err, c.kind, c.says)
			}
		})
	}
	t.Run("environment", func(t *testing.T) {
		t.Parallel()
		p := process(t, func(c *bake.Config) {
			c.Command = []string{"/bin/sh", "-c", `test -z "$HOME" && test -z "$GENNAKER_TOKEN" && exec "$0" serve`, os.Args[0]}
		})
		if _, err := p.Render(t.Context(), helm(single(t, "a: 1"))); err != nil {
			t.Error(err)
		}
	})
}

// TestCanceled: the child ends with the context.
func TestCanceled(t *testing.T) {
	t.Parallel()
	why := errors.New("the stage was canceled")
	ctx, cancel := context.WithCancelCause(t.Context())
	pid := t.TempDir() + "/pid"
	p := process(t, func(c *bake.Config) {
		c.Command = []string{"/bin/sh", "-c", `echo $$ > "$0.new"; mv "$0.new" "$0"; exec sleep 600`, pid}
	})
	done := make(chan error)
	go func() {
		_, err := p.Render(ctx, helm(single(t, "a: 1")))
		done <- err
	}()
	for started := false; !started; {
		_, err := os.Stat(pid)
		started = err == nil
	}
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Error(err)
	}
}

// TestOrphan: a child ends by itself when its server is no more.
func TestOrphan(t *testing.T) {
	t.Parallel()
	text, err := bake.Order(helm(single(t, `{{ range $i := 2000000000 }}{{ sha256sum "x" | trunc 0 }}{{ end }}`)), 256<<20, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "serve")
	child.Stdin = bytes.NewReader(text)
	out, err := child.Output()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 || len(out) > 0 {
		t.Errorf("%q, %v", out, err)
	}
}

// TestArchives holds which archives are refused, and what links are.
func TestArchives(t *testing.T) {
	t.Parallel()
	file := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644} }
	link := func(name, to string) tar.Header {
		return tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
	}
	const meta = "apiVersion: v2\nname: c\nversion: 1.0.0\n"
	for name, c := range map[string]struct {
		entry tar.Header
		text  string
		kind  gennaker.Kind
		says  string
	}{
		"up":          {file("c/../../x"), "", gennaker.Invalid, "outside of it"},
		"absolute":    {file("/etc/passwd"), "", gennaker.Invalid, "outside of it"},
		"of Windows":  {file(`c\..\..\x`), "", gennaker.Invalid, "outside of it"},
		"drive":       {file(`C:/x`), "", gennaker.Invalid, "outside of it"},
		"device":      {tar.Header{Name: "c/d", Typeflag: tar.TypeChar}, "", gennaker.Invalid, "no file, directory or link"},
		"hard link":   {tar.Header{Name: "c/d", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}, "", gennaker.Invalid, "what is not in it"},
		"a long name": {file("c/" + strings.Repeat("x", 2000)), "", gennaker.Invalid, "outside of it"},
		"bomb":        {file("c/zeros"), strings.Repeat("\x00", 101<<20), gennaker.TooLarge, "104857600 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := packEntries(t, []tar.Header{file("c/Chart.yaml"), c.entry}, []string{meta, c.text})
			_, err := process(t).Render(t.Context(), helm(in))
			refused(t, err, c.kind, c.says)
		})
	}
	t.Run("links", func(t *testing.T) {
		t.Parallel()
		in := packEntries(t, []tar.Header{
			link("deploy", "charts/c"), file("charts/c/Chart.yaml"), file("shared/x.yaml"), link("charts/c/templates", "../../shared"),
			link("shared/y.yaml", "x.yaml"), link("charts/c/out", "../../../etc/passwd"), link("charts/c/abs", "/etc/passwd"), link("loop", "loop"),
		}, []string{"", meta, "a: 1", "", "", "", "", ""})
		got, err := process(t).Render(t.Context(), helm(in, func(r *bake.Request) { r.Path = "charts/c" }))
		const want = "---\n# Source: c/templates/x.yaml\na: 1\n---\n# Source: c/templates/y.yaml\na: 1\n"
		if err != nil || string(got.Manifests) != want {
			t.Errorf("%q, %v", got.Manifests, err)
		}
		const warned = "of the archive, symbolic links that lead nowhere or out of it were left out: charts/c/abs, charts/c/out, loop"
		if len(got.Warnings) != 1 || got.Warnings[0] != warned {
			t.Errorf("%q", got.Warnings)
		}
	})
	t.Run("many files", func(t *testing.T) {
		t.Parallel()
		var entries []tar.Header
		for i := range 20_001 {
			entries = append(entries, file("c/z"+strings.Repeat("x", i%200)+strings.Repeat("y", i/200)))
		}
		_, err := process(t).Render(t.Context(), helm(packEntries(t, entries, make([]string, len(entries)))))
		refused(t, err, gennaker.TooLarge, "more than 20000 files")
	})
}
