package inventory

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/gennaker/gennaker"
)

// Bounds of logs.
const (
	maxLog     = 16 << 20 // bytes of one answer that does not follow, of one container
	maxLine    = 64 << 10 // bytes of a line; the rest of it comes as another
	maxLogPods = 50       // of a server group, the newest, at a time
)

// Logs implements [provider.Logs]. Of a pod with several containers each line
// is led by the container's name, as "pod/container". A pod that has not
// written yet is left out.
//
// Errors: NotFound; Unavailable if the cluster does not answer.
func (i *Inventory) Logs(ctx context.Context, ref gennaker.ServerGroupRef, instance string, tail int64, follow bool) (io.ReadCloser, error) {
	kind, name, err := gennaker.ParseManifestName(ref.Name)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no server group %q", ref.Name)
	}
	if _, err := i.ServerGroup(ctx, ref.Region, ref.Name); err != nil {
		return nil, err
	}
	var streams []stream
	pods := i.Pods(ref.Region, kind, name)
	for n := len(pods) - 1; n >= 0 && len(streams) < maxLogPods; n-- {
		p := pods[n]
		if instance != "" && instance != p.Name && instance != "pod "+p.Name && instance != string(p.UID) {
			continue
		}
		all := p.Status.ContainerStatuses
		for _, c := range all {
			var lead []string
			if instance == "" {
				lead = append(lead, p.Name)
			}
			if len(all) > 1 {
				lead = append(lead, c.Name)
			}
			streams = append(streams, stream{namespace: p.Namespace, pod: p.Name, container: c.Name, lead: strings.Join(lead, "/")})
		}
	}
	if instance != "" && len(streams) == 0 {
		return nil, gennaker.Errorf(gennaker.NotFound, "%s has no instance %q that has begun", ref.Name, instance)
	}
	return i.read(ctx, streams, tail, follow)
}

// stream is the output of one container.
type stream struct {
	namespace, pod, container string
	lead                      string // of each line; "" is none
	from                      io.ReadCloser
}

// read opens all streams and returns them as one.
func (i *Inventory) read(ctx context.Context, streams []stream, tail int64, follow bool) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	var opened []stream
	for _, s := range streams {
		from, err := i.output(ctx, s, tail, follow)
		if apierrors.IsNotFound(err) || apierrors.IsBadRequest(err) { // it is gone, or has not begun
			continue
		}
		if err != nil {
			cancel()
			return nil, gennaker.Errorf(gennaker.Unavailable, "the logs of pod %s cannot be read: %w", s.pod, err)
		}
		s.from = from
		opened = append(opened, s)
	}
	r, w := io.Pipe()
	var (
		wg sync.WaitGroup
		mu sync.Mutex // one line at a time
	)
	for _, s := range opened {
		wg.Go(func() {
			defer s.from.Close()
			s.copyTo(w, &mu)
		})
	}
	go func() {
		wg.Wait()
		w.CloseWithError(context.Cause(ctx)) // nil is the end
		cancel()
	}()
	return &joined{Reader: r, close: func() error {
		cancel()
		return r.Close()
	}}, nil
}

type joined struct {
	io.Reader
	close func() error
}

func (j *joined) Close() error { return j.close() }

// output asks for the last tail bytes that a container wrote; the cluster
// counts lines, so more may come, and the excess is dropped.
func (i *Inventory) output(ctx context.Context, s stream, tail int64, follow bool) (io.ReadCloser, error) {
	c, err := i.codec.client(corev1.SchemeGroupVersion)
	if err != nil {
		return nil, err
	}
	o := corev1.PodLogOptions{Container: s.container, Follow: follow}
	if tail >= 0 {
		o.TailLines = new(tail/minLine + 1)
	}
	from, err := c.Get().Namespace(s.namespace).Resource("pods").Name(s.pod).SubResource("log").
		SpecificallyVersionedParams(&o, i.codec.params, corev1.SchemeGroupVersion).Stream(ctx)
	if err != nil || follow || tail < 0 {
		return from, err
	}
	defer from.Close()
	last, err := lastOf(from, min(tail, maxLog))
	if err != nil {
		return nil, fmt.Errorf("read what it wrote: %w", err)
	}
	return io.NopCloser(bytes.NewReader(last)), nil
}

// lastOf reads to the end and returns the last n bytes, from the first whole
// line on.
func lastOf(r io.Reader, n int64) ([]byte, error) {
	var buf []byte
	chunk := make([]byte, 32<<10)
	for {
		got, err := r.Read(chunk)
		buf = append(buf, chunk[:got]...)
		if keep := int64(len(buf)) - n; keep > n+int64(len(chunk)) || err != nil && keep > 0 {
			buf = append(buf[:0], buf[keep:]...)
			if end := bytes.IndexByte(buf, '\n'); err != nil && end >= 0 && end+1 < len(buf) {
				buf = buf[end+1:]
			}
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// minLine is the fewest bytes that a line is taken to have.
const minLine = 16

// copyTo writes lines, each with its lead, until the end or the first error.
func (s stream) copyTo(w io.Writer, mu *sync.Mutex) {
	lines := bufio.NewReaderSize(s.from, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			lead := ""
			if s.lead != "" {
				lead = s.lead + " "
			}
			out := append([]byte(lead), line...)
			if out[len(out)-1] != '\n' && s.lead != "" {
				out = append(out, '\n')
			}
			mu.Lock()
			_, failed := w.Write(out)
			mu.Unlock()
			if failed != nil {
				return
			}
		}
		if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // bufio returns it as it is
			return
		}
	}
}

// Output returns the last limit bytes that a container wrote; of one that was
// started again, with previous what it wrote before. "" is its only container,
// or the first.
//
// Errors: NotFound; Unavailable if it has not begun, or the cluster does not
// answer.
func (i *Inventory) Output(ctx context.Context, namespace, pod, container string, limit int64, previous bool) (string, error) {
	c, err := i.codec.client(corev1.SchemeGroupVersion)
	if err != nil {
		return "", err
	}
	if container == "" {
		container = i.firstContainer(namespace, pod)
	}
	limit = min(limit, maxLog)
	o := corev1.PodLogOptions{Container: container, Previous: previous, TailLines: new(limit/minLine + 1)}
	from, err := c.Get().Namespace(namespace).Resource("pods").Name(pod).SubResource("log").
		SpecificallyVersionedParams(&o, i.codec.params, corev1.SchemeGroupVersion).Stream(ctx)
	switch {
	case apierrors.IsNotFound(err):
		return "", gennaker.Errorf(gennaker.NotFound, "there is no pod %s in %s/%s", pod, i.cfg.Account, namespace)
	case err != nil:
		return "", gennaker.Errorf(gennaker.Unavailable, "the logs of pod %s cannot be read: %w", pod, err)
	}
	defer from.Close()
	last, err := lastOf(from, limit)
	if err != nil {
		return "", gennaker.Errorf(gennaker.Unavailable, "the logs of pod %s cannot be read: %w", pod, err)
	}
	return string(last), nil
}

func (i *Inventory) firstContainer(namespace, pod string) string {
	for _, p := range i.Pods(namespace, podKind.Kind, pod) {
		if len(p.Status.ContainerStatuses) > 1 {
			return cmp.Or(p.Annotations["kubectl.kubernetes.io/default-container"], p.Status.ContainerStatuses[0].Name)
		}
	}
	return ""
}
