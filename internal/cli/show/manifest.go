package show

import (
	"fmt"
	"io"
	"strings"

	"github.com/gennaker/gennaker"
)

// Manifest writes how an object of a cluster is: first whether all is well, why
// not and what to do about it, then what it has to do with.
func Manifest(w io.Writer, v gennaker.ManifestView) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s\n", Clean(v.Name), manifestState(v.Status), Clean(place(v.Account, v.Location)))
	if v.Reason != "" {
		fmt.Fprintf(&b, "because: %s\n", Clean(v.Reason))
	}
	if v.Hint != "" {
		fmt.Fprintf(&b, "hint: %s\n", Clean(v.Hint))
	}
	for _, warning := range v.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", Clean(warning))
	}
	line := func(what string, values ...string) {
		if len(values) > 0 {
			fmt.Fprintf(&b, "%-12s %s\n", what, Clean(strings.Join(values, ", ")))
		}
	}
	if v.Moniker.App != "" {
		line("application", v.Moniker.App)
		line("cluster", v.Moniker.Cluster)
	}
	if !v.Status.Stable.State && v.Status.Stable.Message != v.Reason {
		line("waits for", v.Status.Stable.Message)
	}
	var images, others []string
	for _, a := range v.Artifacts {
		if a.Type == "docker/image" {
			images = append(images, a.Reference)
		} else {
			others = append(others, strings.TrimPrefix(a.Type, "kubernetes/")+" "+a.Name)
		}
	}
	line("images", images...)
	line("uses", others...)
	line("traffic from", v.Serving.Services...)
	switch {
	case v.Serving.Draining:
		line("traffic", "requests may still arrive")
	case !v.Serving.DrainedAt.IsZero():
		line("traffic", "none since "+Moment(v.Serving.DrainedAt))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func place(account, location string) string {
	if location == "" {
		return account
	}
	return account + "/" + location
}

func manifestState(s gennaker.ManifestStatus) string {
	switch {
	case s.Failed.State:
		return "failed"
	case s.Paused.State:
		return "paused"
	case s.Stable.State:
		return "stable"
	case s.Available.State:
		return "available, not stable"
	}
	return "not stable"
}

// Events returns what a cluster says of an object.
func Events(all []gennaker.ManifestEvent) *Table {
	t := NewTable("LAST", "TYPE", "OBJECT", "COUNT", "REASON", "MESSAGE")
	for _, e := range all {
		ref := gennaker.ManifestRef{Kind: e.Kind, Name: e.Name}
		t.Add(Moment(gennaker.At(e.Last)), e.Type, ref.ManifestName(), fmt.Sprint(e.Count), e.Reason, e.Message)
	}
	return t
}

// ServerGroups returns server groups as a table; of clusters of containers it
// has the images, and of others the requests.
func ServerGroups(all []gennaker.ServerGroup) *Table {
	containers, others := false, false
	for _, g := range all {
		containers, others = containers || g.Kind != "", others || g.Kind == ""
	}
	heading := []string{"NAME", "STATE", "UP", "ACCOUNT", "REGION", "LOAD BALANCERS"}
	if containers {
		heading = append(heading, "IMAGES")
	}
	if others || !containers {
		heading = append(heading, "REQUESTS")
	}
	t := NewTable(append(heading, "CREATED")...)
	for _, g := range all {
		row := []string{g.Name, GroupState(g), Up(g), g.Account, g.Region, OrDash(strings.Join(g.LoadBalancers, ","))}
		if containers {
			row = append(row, OrDash(strings.Join(g.BuildInfo.Images, ",")))
		}
		switch requests := fmt.Sprint(g.Traffic.Requests); {
		case g.Kind == "":
			row = append(row, requests)
		case others:
			row = append(row, Dash)
		}
		t.Add(append(row, Moment(g.CreatedTime))...)
	}
	return t
}

// GroupState says whether a server group gets requests.
func GroupState(g gennaker.ServerGroup) string {
	switch {
	case g.Destroying:
		return "destroying"
	case g.Disabled:
		return "disabled"
	}
	return "enabled"
}

// Up returns how many instances are up, of how many.
func Up(g gennaker.ServerGroup) string {
	return fmt.Sprintf("%d/%d", g.InstanceCounts.Up, g.Capacity.Desired)
}
