package gennaker

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Moniker is the name of a server group taken apart.
//
// Source: Spinnaker frigga: <app>[-<stack>[-<detail>]]-v<NNN>. Without a stack
// but with a detail the name has two dashes: app--detail-v000.
type Moniker struct {
	App      string `json:"app"`               // application
	Stack    string `json:"stack,omitzero"`    // second part of the name
	Detail   string `json:"detail,omitzero"`   // third part of the name
	Cluster  string `json:"cluster"`           // app-stack-detail
	Sequence *int   `json:"sequence,omitzero"` // nil for a cluster
}

// MaxSequence is one more than the largest number of a server group; behind it
// numbers begin at 0 again.
const MaxSequence = 1000

// Names may hold letters, digits, dots and underscores; a detail dashes too.
var (
	namePattern   = regexp.MustCompile(`^[a-zA-Z0-9._]+$`)
	detailPattern = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)
)

// Limits of names, in bytes.
const (
	MaxApplicationName = 250
	MaxServerGroupName = 255
)

// ClusterName returns the name of the cluster of app, stack and detail.
func ClusterName(app, stack, detail string) string {
	switch {
	case detail != "":
		return app + "-" + stack + "-" + detail
	case stack != "":
		return app + "-" + stack
	}
	return app
}

// ServerGroupName returns the name of server group seq of a cluster.
func ServerGroupName(cluster string, seq int) string {
	return fmt.Sprintf("%s-v%03d", cluster, seq%MaxSequence)
}

// NewMoniker checks the parts and returns the moniker of their cluster.
//
// Errors: Invalid, naming the part that is not allowed and what is.
func NewMoniker(app, stack, detail string) (Moniker, error) {
	if err := checkName("application", app, namePattern, true); err != nil {
		return Moniker{}, err
	}
	if err := checkName("stack", stack, namePattern, false); err != nil {
		return Moniker{}, err
	}
	if err := checkName("detail (freeFormDetails)", detail, detailPattern, false); err != nil {
		return Moniker{}, err
	}
	m := Moniker{App: app, Stack: stack, Detail: detail, Cluster: ClusterName(app, stack, detail)}
	if n := len(m.Cluster) + len("-v000"); n > MaxServerGroupName {
		return Moniker{}, Errorf(Invalid, "the server group name would have %d bytes, more than %d", n, MaxServerGroupName)
	}
	if _, _, ok := cutSequence(m.Cluster); ok {
		return Moniker{}, Errorf(Invalid, "cluster %q ends like the number of a server group", m.Cluster).
			WithHint("choose a stack or detail that does not end in -v and three digits")
	}
	return m, nil
}

func checkName(what, s string, pattern *regexp.Regexp, required bool) error {
	if s == "" {
		if required {
			return Errorf(Invalid, "the %s is missing", what)
		}
		return nil
	}
	if !pattern.MatchString(s) {
		return Errorf(Invalid, "%s %q is not allowed: it must match %s", what, s, pattern)
	}
	return nil
}

// ParseServerGroupName takes a server group's name apart. A name without a
// number is its own cluster, with a nil Sequence.
func ParseServerGroupName(name string) Moniker {
	cluster, seq, ok := cutSequence(name)
	m := Moniker{Cluster: cluster}
	if ok {
		m.Sequence = &seq
	}
	m.App, m.Stack, _ = strings.Cut(cluster, "-")
	m.Stack, m.Detail, _ = strings.Cut(m.Stack, "-")
	return m
}

func cutSequence(name string) (cluster string, seq int, ok bool) {
	i := strings.LastIndex(name, "-v")
	if i < 0 || len(name)-i-2 != 3 {
		return name, 0, false
	}
	n, err := strconv.ParseUint(name[i+2:], 10, 16)
	if err != nil {
		return name, 0, false
	}
	return name[:i], int(n), true
}
