package simulate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Suffix ends the names of files of tests.
const Suffix = ".test.yaml"

// Files returns the files of tests that are named, or that are in directories
// and below them, sorted. Hidden directories are not looked into.
//
// Errors: Invalid for what cannot be read.
func Files(paths ...string) ([]string, error) {
	var out []string
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
				return filepath.SkipDir
			case !d.IsDir() && (path == root || strings.HasSuffix(path, Suffix)):
				out = append(out, path)
			}
			return nil
		})
		if errors.Is(err, os.ErrNotExist) {
			return nil, gennaker.Errorf(gennaker.NotFound, "there is no file or directory %s", root)
		} else if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "%s cannot be read: %w", root, err)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// RunFiles runs the tests of files, several at a time, and calls each with the
// results, in the order of the files. It is as File.Run otherwise.
func RunFiles(ctx context.Context, paths []string, types *stage.Registry, chosen func(string) bool, each func([]Result) error) error {
	type answer struct {
		results []Result
		err     error
	}
	answers := make([]chan answer, len(paths))
	for i := range answers {
		answers[i] = make(chan answer, 1)
	}
	ctx, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	next := make(chan int, len(paths))
	for i := range paths {
		next <- i
	}
	close(next)
	for range min(runtime.GOMAXPROCS(0), len(paths)) {
		work.Go(func() {
			for i := range next {
				f, err := ReadFile(paths[i])
				var results []Result
				if err == nil {
					results, err = f.Run(ctx, types, chosen)
				}
				answers[i] <- answer{results, err}
			}
		})
	}
	for _, c := range answers {
		a := <-c
		if a.err != nil {
			return a.err
		}
		if err := each(a.results); err != nil {
			return err
		}
	}
	return nil
}
