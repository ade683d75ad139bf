package demo

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/demo/load"
)

// report prints the table and the last line, and returns what went wrong.
func (d *demo) report(end load.Snapshot) error {
	w := tabwriter.NewWriter(d.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DEPLOYMENT\tRESULT\tDURATION\tREQUESTS SENT\tLOST")
	var problems []string
	for _, r := range d.results {
		fmt.Fprintf(w, "%s\t%s\t%.1f s\t%d\t%d\n", r.step.title, r.status, r.took.Seconds(), r.sent, r.lost)
		for _, p := range r.problems {
			problems = append(problems, r.step.title+": "+p)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	fmt.Fprintf(d.Out, "latency: half of the requests within %s, 99 %% within %s; %d downloads complete\n",
		end.Latency.P50.Round(10*time.Microsecond), end.Latency.P99.Round(10*time.Microsecond), end.Downloads)
	if end.Lost > 0 {
		problems = append(problems, fmt.Sprintf("%d requests were lost", end.Lost))
		for _, s := range end.Samples {
			fmt.Fprintf(d.Out, "lost: %s\n", s)
		}
	}
	if d.Keep {
		fmt.Fprintf(d.Out, "\nStill running: the service at http://%s, the server at %s.\nLook:  gennaker --server %s server-group list -a %s\nStop:  kill %d && gennaker node stop --instances --data %s\n\n",
			d.world.service, d.world.url, d.world.url, application, d.world.server.Process.Pid, d.world.data())
	}
	fmt.Fprintf(d.Out, "requests sent: %d, lost: %d\n", end.Sent, end.Lost)
	if len(problems) > 0 {
		return gennaker.Errorf(gennaker.Conflict, "the demo did not go as it should: %s", strings.Join(problems, "; "))
	}
	return nil
}
