package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Found is a process found by its environment.
type Found struct {
	ID     ID
	Leader bool              // of its session, as those that Start made
	Marks  map[string]string // the variables that were asked for and are set
}

// Find returns the running processes that were started with all the variables
// marks (NAME=value), this one excepted, oldest first, with the values of vars.
//
// A process that overwrote its environment, or another user's, is not found.
func Find(marks []string, vars ...string) ([]Found, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []Found
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		if f, ok := look(pid, marks, vars); ok {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b Found) int {
		if a.ID.Ticks != b.ID.Ticks {
			return int(int64(a.ID.Ticks) - int64(b.ID.Ticks))
		}
		return a.ID.PID - b.ID.PID
	})
	return all, nil
}

func look(pid int, marks, vars []string) (Found, bool) {
	s, err := readStat(pid)
	if err != nil || s.state == 'Z' {
		return Found{}, false
	}
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return Found{}, false
	}
	env := strings.Split(string(raw), "\x00")
	for _, m := range marks {
		if !slices.Contains(env, m) {
			return Found{}, false
		}
	}
	f := Found{
		ID:     ID{Boot: Boot(), PID: pid, Ticks: s.ticks},
		Leader: s.session == pid, Marks: map[string]string{},
	}
	for _, v := range env {
		if name, value, ok := strings.Cut(v, "="); ok && slices.Contains(vars, name) {
			f.Marks[name] = value
		}
	}
	return f, true
}

// Kill kills the process that id names, if it still runs.
func Kill(id ID) {
	fd, err := open(id)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
}

// KillMarked kills all processes that were started with all the variables
// marks, and what these start meanwhile, and waits until they are gone or the
// patience of some seconds is over. It returns how many it killed.
func KillMarked(marks ...string) (int, error) {
	killed := map[ID]bool{}
	for try := range 200 {
		found, err := Find(marks)
		if err != nil {
			return len(killed), err
		}
		if len(found) == 0 {
			return len(killed), nil
		}
		for _, f := range found {
			killed[f.ID] = true
			Kill(f.ID)
		}
		time.Sleep(time.Duration(min(try+1, 20)) * time.Millisecond)
	}
	return len(killed), fmt.Errorf("processes with %v do not die", marks)
}

// parseStat reads state, session and start time from /proc/<pid>/stat. The
// second field is the command in parentheses and may hold anything.
func parseStat(b []byte) (stat, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return stat{}, errors.New("no command in stat")
	}
	f := bytes.Fields(b[end+1:])
	if len(f) < 20 || len(f[0]) != 1 {
		return stat{}, errors.New("too few fields in stat")
	}
	session, err := strconv.Atoi(string(f[3]))
	if err != nil {
		return stat{}, err
	}
	ticks, err := strconv.ParseUint(string(f[19]), 10, 64)
	if err != nil {
		return stat{}, err
	}
	return stat{state: f[0][0], session: session, ticks: ticks}, nil
}
