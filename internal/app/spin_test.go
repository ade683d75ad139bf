package app_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/gennaker/gennaker/client"
)

var spin = flag.String("spin", "", "record testdata/spin.txtar with this spin, through e2e/spin.sh")

const spinTranscript = "testdata/spin.txtar"

// TestSpin sends what spin sends for each of its commands, and compares the
// answers with those that satisfied it when the transcript was recorded.
func TestSpin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if *spin != "" {
		record(w)
		return
	}
	archive, err := txtar.ParseFile(spinTranscript)
	if err != nil {
		t.Fatal(err)
	}
	changes := w.changes()
	got, want := names{}, names{}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		asked, answered := archive.Files[i], archive.Files[i+1]
		step, method, target := cut(asked.Name)
		_, status, _ := cut(answered.Name)
		target, body := got.fill(target), got.fill(string(asked.Data))
		wanted := want.plain(status + "\n" + string(answered.Data))
		for {
			code, answer := w.send(method, target, []byte(body))
			text := indent(answer)
			known := slices.Clone(got)
			diff := cmp.Diff(strings.Split(wanted, "\n"), strings.Split(known.plain(strconv.Itoa(code)+"\n"+text), "\n"))
			if diff == "" {
				got = known
				break
			}
			if method != http.MethodGet || !goesOn(changes) {
				t.Fatalf("step %s: %s %s:\n%s", step, method, target, diff)
			}
		}
	}
}

// goesOn waits for something to change: what is asked about may not be at its
// end yet.
func goesOn(changes <-chan bool) bool {
	select {
	case ok := <-changes:
		return ok
	case <-time.After(20 * time.Second):
		return false
	}
}

// changes returns a channel that is sent true after events, and false at the
// end of the test's patience.
func (w *world) changes() <-chan bool {
	w.t.Helper()
	events, err := w.Events(w.ctx, client.EventQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	out := make(chan bool, 1)
	go func() {
		defer events.Close()
		for {
			_, err := events.Next()
			if err != nil {
				close(out)
				return
			}
			select {
			case out <- true:
			default:
			}
		}
	}()
	return out
}

// cut splits the name of a file of the transcript: "012 GET /path", "012 200".
func cut(name string) (step, first, rest string) {
	step, rest, _ = strings.Cut(name, " ")
	first, rest, _ = strings.Cut(rest, " ")
	return step, first, rest
}

// indent returns JSON in lines, and other text as it is.
func indent(text []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(text), "", "  "); err != nil {
		return string(text)
	}
	if out.Len() > 0 {
		out.WriteByte('\n')
	}
	return out.String()
}

// names are the IDs that a run gave, in the order in which they were first seen:
// so those of one run stand for those of another.
type names []string

var (
	made  = regexp.MustCompile(`01[0-9A-HJKMNP-TV-Z]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`) // ULIDs and UUIDs
	times = regexp.MustCompile(`\b1[0-9]{12}\b|\b20[0-9-]{8}T[0-9:.]+Z`)
	marks = regexp.MustCompile(`ID-[0-9]+`)
)

// plain replaces IDs by their places, and times.
func (n *names) plain(text string) string {
	text = made.ReplaceAllStringFunc(text, func(id string) string {
		for i, known := range *n {
			if id == known {
				return fmt.Sprintf("ID-%d", i)
			}
		}
		*n = append(*n, id)
		return fmt.Sprintf("ID-%d", len(*n)-1)
	})
	return times.ReplaceAllString(text, "TIME")
}

// fill puts IDs into their places.
func (n names) fill(text string) string {
	text = strings.ReplaceAll(text, "TIME", "1700000000000") // of a document that was read before
	return marks.ReplaceAllStringFunc(text, func(mark string) string {
		if i, err := strconv.Atoi(mark[len("ID-"):]); err == nil && i < len(n) {
			return n[i]
		}
		return mark
	})
}

// record runs the script with a server behind a proxy that writes down what is
// asked and answered. Of questions that are asked again the last counts.
func record(w *world) {
	w.t.Helper()
	target, err := url.Parse(w.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	var archive txtar.Archive
	ids, before, version := names{}, names{}, 0
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Del("Accept-Encoding") // to be read
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, r)
		asked := ids.plain(r.Method + " " + r.URL.RequestURI())
		if r.URL.Path != "/version" || version == 0 {
			if n := len(archive.Files); n > 0 && r.Method == http.MethodGet && strings.HasSuffix(archive.Files[n-2].Name, " "+asked) {
				archive.Files, ids = archive.Files[:n-2], before
			}
			before = slices.Clone(ids)
			step := fmt.Sprintf("%03d ", len(archive.Files)/2+1)
			archive.Files = append(archive.Files,
				txtar.File{Name: step + asked, Data: []byte(ids.plain(string(body)))},
				txtar.File{Name: step + strconv.Itoa(answer.Code), Data: []byte(ids.plain(indent(answer.Body.Bytes())))})
			version++
		}
		maps.Copy(out.Header(), answer.Header())
		out.WriteHeader(answer.Code)
		_, _ = out.Write(answer.Body.Bytes())
	}))
	defer s.Close()
	script := exec.CommandContext(w.ctx, "../../e2e/spin.sh")
	script.Env = append(os.Environ(), "SPIN="+*spin, "GATE="+s.URL, "ACCOUNT=fake")
	text, err := script.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, text)
	}
	w.t.Logf("%s", text)
	archive.Comment = []byte("What spin asks for its commands, as e2e/spin.sh runs them, and what it is answered.\nRecorded by: go test -run TestSpin ./internal/app -spin=$(command -v spin)\n\n")
	if err := os.WriteFile(spinTranscript, txtar.Format(&archive), 0o600); err != nil {
		w.t.Fatal(err)
	}
}
