package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// args are the flags of kubelab.
func (c config) args() []string {
	args := []string{"-held", "-remove", "-nodes", fmt.Sprint(c.nodes)}
	for _, f := range c.apiServer {
		args = append(args, "-apiserver", f)
	}
	return args
}

// process is a kubelab or a labnode that ends when this process does: it holds a pipe.
type process struct {
	program string
	dir     string
	args    []string

	mu    sync.Mutex
	port  string // once known, that of every start
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string // of its standard output; closed when it ends
}

func (p *process) path(name string) string { return filepath.Join(p.dir, name) }

// start runs the program and waits until it is ready.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	args := append([]string{"-dir", p.dir}, p.args...)
	if p.port != "" {
		args = append(args, "-keep", "-port", p.port)
	}
	cmd := exec.Command(p.program, args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := make(chan string, 64)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			lines <- s.Text()
		}
	}()
	p.cmd, p.stdin, p.lines = cmd, stdin, lines
	url, err := p.await("READY ")
	if err != nil {
		return errors.Join(fmt.Errorf("start the control plane: %w", err), p.end(cmd.Process.Kill))
	}
	p.port = url[strings.LastIndex(url, ":")+1:]
	return nil
}

// await returns the rest of the first line that begins with the prefix. It waits
// as long as there are lines.
func (p *process) await(prefix string) (string, error) {
	var seen []string
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return "", fmt.Errorf("it ended:\n%s\n%s", strings.Join(seen, "\n"), p.log())
			}
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest, nil
			}
			seen = append(seen, line)
		case <-time.After(within):
			return "", fmt.Errorf("no %safter %s:\n%s\n%s", prefix, within, strings.Join(seen, "\n"), p.log())
		}
	}
}

// log returns the end of what the components wrote.
func (p *process) log() []byte {
	text, _ := os.ReadFile(p.path("kubelab.log"))
	return tail(text)
}

// command sends a line, and returns what the answer has behind the prefix.
func (p *process) command(line, answer string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		return "", err
	}
	return p.await(answer)
}

// restart kills the program without warning and starts it on what it left.
func (p *process) restart() error {
	p.mu.Lock()
	err := p.end(p.cmd.Process.Kill)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	return p.start()
}

// stop ends the program, which removes its directory.
func (p *process) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.end(p.stdin.Close); err != nil {
		return err
	}
	return os.RemoveAll(p.dir)
}

// end does what ends the program, and waits for its end.
func (p *process) end(how func() error) error {
	if err := how(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	for range p.lines { // until it is closed: Wait must not come before
	}
	if err := p.cmd.Wait(); err != nil && p.cmd.ProcessState.Exited() {
		return fmt.Errorf("%w\n%s", err, p.log())
	}
	return nil
}
