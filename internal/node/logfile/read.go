package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"time"
)

// MaxLine is where a longer line is cut when the lines of several files are
// mixed, in bytes.
const MaxLine = 64 << 10

// lookEvery is how often a file that somebody follows is looked at.
const lookEvery = 100 * time.Millisecond

// Source is a file to read and the name that leads its lines.
type Source struct{ Name, Path string }

// Copy writes the last tail bytes of a file to w, all that is kept if tail is
// negative, and with follow also what is appended, until ctx ends. It needs the
// same memory for every length of line.
//
// Errors: those of w, and of the file: fs.ErrNotExist.
func Copy(ctx context.Context, w io.Writer, path string, tail int64, follow bool) error {
	if !follow {
		return copyFile(ctx, w, path, tail, done())
	}
	return copyFile(ctx, w, path, tail, nil)
}

// Follow is a Copy that follows until ctx ends or ended is closed; then it
// copies what was appended before that.
func Follow(ctx context.Context, w io.Writer, path string, tail int64, ended <-chan struct{}) error {
	return copyFile(ctx, w, path, tail, ended)
}

func copyFile(ctx context.Context, w io.Writer, path string, tail int64, ended <-chan struct{}) error {
	t, err := newTailer(Source{Path: path}, tail, !closed(ended))
	if err != nil {
		return err
	}
	defer t.f.Close()
	return watch(ctx, ended, func() error { return t.copyRaw(ctx, w) })
}

// done returns a channel that is closed.
func done() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// CopyAll writes the lines of several files, of each the last tail bytes, every
// line led by the name of its source. Lines longer than MaxLine are cut. With
// follow it goes on until ctx ends, and sources is asked again for files that
// are new.
func CopyAll(ctx context.Context, w io.Writer, sources func() ([]Source, error), tail int64, follow bool) error {
	tailers := map[string]*tailer{}
	defer func() {
		for _, t := range tailers {
			t.f.Close()
		}
	}()
	first := true
	var ended <-chan struct{}
	if !follow {
		ended = done()
	}
	return watch(ctx, ended, func() error {
		list, err := sources()
		if err != nil {
			return err
		}
		for _, s := range list {
			t := tailers[s.Path]
			if t == nil {
				n := tail
				if !first {
					n = -1 // it is new: nothing of it was shown
				}
				t, err = newTailer(s, n, follow)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				tailers[s.Path] = t
			}
			if err := t.copyLines(ctx, w, !follow); err != nil {
				return err
			}
		}
		first = false
		return nil
	})
}

// watch calls look until ctx ends, and once more after ended is closed.
func watch(ctx context.Context, ended <-chan struct{}, look func() error) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		last := closed(ended)
		if err := look(); err != nil || last {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ended:
		case <-tick.C:
		}
	}
}

type tailer struct {
	name string
	f    *os.File
	off  int64
	end  int64 // where to stop though the file may grow
	buf  []byte
}

func newTailer(s Source, tail int64, follow bool) (*tailer, error) {
	f, err := os.Open(s.Path)
	if err != nil {
		return nil, err
	}
	t := &tailer{name: s.Name, f: f, end: math.MaxInt64, buf: make([]byte, MaxLine)}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if !follow {
		t.end = info.Size()
	}
	if tail >= 0 && tail < info.Size() {
		t.off = info.Size() - tail
	}
	return t, nil
}

// fill reads what there is at the offset, behind what was trimmed, into the
// buffer.
func (t *tailer) fill() ([]byte, error) {
	t.off = firstData(t.f, t.off)
	n, err := t.f.ReadAt(t.buf[:max(0, min(int64(len(t.buf)), t.end-t.off))], t.off)
	if info, err2 := t.f.Stat(); n == 0 && err2 == nil && info.Size() < t.off {
		t.off = 0 // it was emptied, and begins anew
		n, err = t.f.ReadAt(t.buf, 0)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read a log: %w", err)
	}
	return t.buf[:n], nil
}

func (t *tailer) copyRaw(ctx context.Context, w io.Writer) error {
	for ctx.Err() == nil {
		b, err := t.fill()
		if err != nil || len(b) == 0 {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		t.off += int64(len(b))
	}
	return nil
}

// copyLines writes the whole lines that there are; with all the last one too,
// though nothing ends it.
func (t *tailer) copyLines(ctx context.Context, w io.Writer, all bool) error {
	for ctx.Err() == nil {
		b, err := t.fill()
		if err != nil {
			return err
		}
		end := bytes.LastIndexByte(b, '\n') + 1
		if end == 0 && (all || len(b) == len(t.buf)) {
			end = len(b)
		}
		if end == 0 {
			return nil
		}
		t.off += int64(end)
		var out bytes.Buffer
		for line := range bytes.Lines(b[:end]) {
			fmt.Fprintf(&out, "%s %s", t.name, line)
			if line[len(line)-1] != '\n' {
				out.WriteByte('\n')
			}
		}
		if _, err := w.Write(out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
