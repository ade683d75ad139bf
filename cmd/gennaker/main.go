// Command gennaker is continuous delivery in one binary: the server, the node
// that runs server groups on this machine, and the command-line client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // execution windows are in time zones that the machine may not have

	"github.com/gennaker/gennaker/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: version(), Commands: commands(),
		Tester: testPipelines,
	}, os.Args[1:])
	stop()
	os.Exit(int(code))
}
