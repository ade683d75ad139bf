package node

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact"
	"github.com/gennaker/gennaker/internal/node/logfile"
)

// How long logs of stopped instances are kept, and how many of a server group;
// and how long those of a server group that was destroyed.
const (
	keepLogs      = 50
	keepLogsFor   = 7 * 24 * time.Hour
	keepDestroyed = 24 * time.Hour
)

// How often logs are bounded, and old ones deleted.
const (
	trimEvery  = time.Second
	pruneEvery = 10 * time.Minute
)

// getLogs answers GET /server-groups/{name}/logs?instance=&tail=&follow=. Tail
// is in bytes; without it, or negative, everything that is kept is returned.
func (n *node) getLogs(w http.ResponseWriter, r *http.Request) {
	group, instance := r.PathValue("name"), r.URL.Query().Get("instance")
	follow := r.URL.Query().Get("follow") == "true"
	tail, err := queryInt(r, "tail", -1)
	if err == nil {
		err = n.findLogs(group, instance)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out := flushing{w, http.NewResponseController(w)}
	_ = out.rc.Flush()
	if instance != "" {
		err = logfile.Copy(r.Context(), out, filepath.Join(n.logDir(group), logName(group, instance)), tail, follow)
	} else {
		err = logfile.CopyAll(r.Context(), out, func() ([]logfile.Source, error) { return n.sources(group) }, tail, follow)
	}
	if err != nil && r.Context().Err() == nil {
		n.Log.WarnContext(r.Context(), "a log could not be read", "group", group, "instance", instance, "error", err)
		panic(http.ErrAbortHandler) // the client must see that it did not get all
	}
}

// findLogs reports whether there are logs. An instance that wrote nothing yet
// has an empty one. Errors: NotFound.
func (n *node) findLogs(group, instance string) error {
	missing := gennaker.Errorf(gennaker.NotFound, "there are no logs of %s", strings.Trim(group+" "+instance, " "))
	if strings.ContainsAny(group+instance, "/\x00") || group == "" || group == "." || group == ".." {
		return missing
	}
	path := n.logDir(group)
	if instance != "" {
		name := logName(group, instance)
		if name == "" {
			return missing
		}
		path = filepath.Join(path, name)
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if g, err := n.find(group); err == nil && g.has(instance) {
		if f, err := logfile.Open(path); err == nil {
			return f.Close()
		}
	}
	return missing
}

// logName returns the file of an instance's log, or "".
func logName(group, instance string) string {
	suffix, ok := strings.CutPrefix(instance, group+"-")
	if !ok || suffix == "" {
		return ""
	}
	return suffix + ".log"
}

// sources returns the logs of a server group, by instance.
func (n *node) sources(group string) ([]logfile.Source, error) {
	entries, err := os.ReadDir(n.logDir(group))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []logfile.Source
	for _, e := range entries {
		if suffix, ok := strings.CutSuffix(e.Name(), ".log"); ok {
			all = append(all, logfile.Source{Name: group + "-" + suffix, Path: filepath.Join(n.logDir(group), e.Name())})
		}
	}
	return all, nil
}

// flushing sends at once what is written to it.
type flushing struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	k, err := f.w.Write(p)
	if err == nil {
		err = f.rc.Flush()
	}
	return k, err
}

// keepHouse bounds logs, and deletes old ones and unused artifacts, until the
// node ends.
func (n *node) keepHouse() {
	trim, prune := time.NewTicker(trimEvery), time.NewTicker(pruneEvery)
	defer trim.Stop()
	defer prune.Stop()
	sweep := func(now time.Time) {
		n.prune(now)
		n.pruneJobs(now)
		n.pruneJobDirs()
		n.pruneArtifacts()
		n.trimOwn()
	}
	sweep(time.Now())
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-trim.C:
			n.trim()
			n.trimJobs()
		case now := <-prune.C:
			sweep(now)
		}
	}
}

// trimOwn bounds the node's own log, if the server that started it put it into
// a file.
func (n *node) trimOwn() {
	path := LogPath(n.Dir)
	if err := logfile.Trim(path, n.LogBytes); err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.Log.Warn("the node's log could not be bounded", "path", path, "error", err)
	}
}

// LogPath returns where the log of a node is, in its directory, if a server
// started it. It must be opened to append: the node bounds it.
func LogPath(dir string) string { return filepath.Join(dir, "node.log") }

// trim bounds the logs of what runs.
func (n *node) trim() {
	for _, g := range n.list() {
		g.mu.Lock()
		var paths []string
		for suffix, r := range g.runs {
			if r.begun {
				paths = append(paths, n.logPath(g.name, suffix))
			}
		}
		g.mu.Unlock()
		for _, path := range paths {
			if err := logfile.Trim(path, n.LogBytes); err != nil && !errors.Is(err, fs.ErrNotExist) {
				n.Log.Warn("a log could not be bounded", "path", path, "error", err)
			}
		}
	}
}

// prune deletes logs that are too many or too old.
func (n *node) prune(now time.Time) {
	entries, err := os.ReadDir(filepath.Join(n.Dir, "logs"))
	if err != nil {
		return // nothing was logged yet
	}
	for _, e := range entries {
		dir := n.logDir(e.Name())
		g, err := n.find(e.Name())
		if err != nil {
			if info, err := e.Info(); err == nil && !n.store.HasCorrupt() && now.Sub(info.ModTime()) > keepDestroyed {
				err = os.RemoveAll(dir)
				if err != nil {
					n.Log.Warn("old logs could not be deleted", "dir", dir, "error", err)
				}
			}
			continue
		}
		g.mu.Lock()
		live := map[string]bool{}
		for suffix := range g.runs {
			live[filepath.Base(n.logPath(g.name, suffix))] = true
		}
		g.mu.Unlock()
		if err := logfile.Prune(dir, func(f string) bool { return live[f] }, keepLogs, now.Add(-keepLogsFor)); err != nil {
			n.Log.Warn("old logs could not be deleted", "dir", dir, "error", err)
		}
	}
}

func (n *node) artifactDir() string { return filepath.Join(n.Dir, "artifacts") }

// pruneArtifacts deletes what was unpacked for server groups and jobs that are
// gone. As
// long as a record waits to be mended it may name any of it.
func (n *node) pruneArtifacts() {
	if n.store.HasCorrupt() {
		return
	}
	n.unpacking.Lock()
	defer n.unpacking.Unlock()
	var keep []string
	for _, g := range n.list() {
		keep = append(keep, g.files.Digest)
	}
	for _, j := range n.allJobs() {
		if rec := j.record(); !rec.Over() && rec.Artifact.Digest != "" {
			keep = append(keep, rec.Artifact.Digest)
		}
	}
	if err := artifact.Prune(n.artifactDir(), keep); err != nil {
		n.Log.Warn("artifacts that nobody uses could not be deleted", "error", err)
	}
}
