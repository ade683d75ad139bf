// Package cli is the command line: cobra commands over the client, one file per
// noun.
//
//	env := cli.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: version}
//	os.Exit(cli.Run(ctx, env, os.Args[1:]))
//
// It prints results to stdout and everything else to stderr, reads no file that
// it was not given, and ends with one of the exit codes of [Exit].
package cli
