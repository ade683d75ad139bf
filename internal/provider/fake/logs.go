package fake

import (
	"bytes"
	"context"
	"io"
	"slices"

	"github.com/gennaker/gennaker"
)

// Write adds to what an instance wrote. It panics if there is no such instance.
func (p *Provider) Write(instance, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.groups {
		for _, i := range g.instances {
			if i.name == instance {
				i.log = append(i.log, text...)
				p.wrote()
				return
			}
		}
	}
	panic("fake: there is no instance " + instance)
}

// wrote wakes the readers.
func (p *Provider) wrote() {
	close(p.written)
	p.written = make(chan struct{})
}

// Logs implements provider.Logs. The tail of a server group is that of each of
// its instances.
func (p *Provider) Logs(ctx context.Context, ref gennaker.ServerGroupRef, instance string, tail int64, follow bool) (io.ReadCloser, error) {
	if tail < 0 {
		return nil, gennaker.Errorf(gennaker.Invalid, "a tail of %d bytes is negative", tail)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	g, err := p.find(ref)
	if err != nil {
		return nil, err
	}
	if instance != "" && g.log(instance) == nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no instance %q in %s", instance, ref)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &reader{p: p, g: g, ctx: ctx, cancel: cancel, instance: instance, follow: follow, at: map[string]int{}}
	for _, name := range r.names() {
		r.at[name] = max(0, len(*g.log(name))-int(min(tail, 1<<30)))
	}
	r.fill()
	return r, nil
}

// log returns what an instance wrote, or nil.
func (g *group) log(name string) *[]byte {
	for _, i := range g.instances {
		if i.name == name {
			return &i.log
		}
	}
	if log, ok := g.stopped[name]; ok {
		return &log
	}
	return nil
}

// reader gives out what instances write.
type reader struct {
	p        *Provider
	g        *group
	ctx      context.Context //nolint:containedctx // a reader lives as long as its call's context
	cancel   func()
	instance string
	follow   bool
	at       map[string]int // read so far, by instance
	buf      bytes.Buffer
}

func (r *reader) names() []string {
	if r.instance != "" {
		return []string{r.instance}
	}
	var names []string
	for name := range r.g.stopped {
		names = append(names, name)
	}
	for _, i := range r.g.instances {
		names = append(names, i.name)
	}
	slices.Sort(names)
	return names
}

// fill takes what was written since the last time; of a server group, only
// whole lines. The provider is locked.
func (r *reader) fill() {
	for _, name := range r.names() {
		log := (*r.g.log(name))[r.at[name]:]
		if r.instance != "" {
			r.buf.Write(log)
			r.at[name] += len(log)
			continue
		}
		for line := range bytes.Lines(log) {
			if r.follow && line[len(line)-1] != '\n' {
				break
			}
			r.at[name] += len(line)
			r.buf.WriteString(name + " ")
			r.buf.Write(bytes.TrimSuffix(line, []byte("\n")))
			r.buf.WriteByte('\n')
		}
	}
}

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	for {
		r.p.mu.Lock()
		if r.buf.Len() == 0 && r.follow {
			r.fill()
		}
		n, _ := r.buf.Read(b)
		written := r.p.written
		r.p.mu.Unlock()
		switch {
		case n > 0 || len(b) == 0:
			return n, nil
		case !r.follow:
			return 0, io.EOF
		}
		select {
		case <-written:
		case <-r.ctx.Done():
			return 0, io.EOF
		}
	}
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.cancel()
	return nil
}
