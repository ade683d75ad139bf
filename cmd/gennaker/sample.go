package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker/internal/demo/hello"
)

// helloFile is how an artifact of the sample service says what it is.
type helloFile struct {
	Version      string `json:"version"`
	Healthy      bool   `json:"healthy"`
	StartDelayMS int    `json:"startDelayMs"`
}

// helloCommand runs the sample service that the demo deploys. It is in this
// binary so that an artifact of it can be made on any machine.
func helloCommand() *cobra.Command {
	return &cobra.Command{
		Use: "hello", Short: "Run the sample service of the demo", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := helloFile{Version: "dev", Healthy: true}
			b, err := os.ReadFile("hello.json")
			if err == nil {
				err = json.Unmarshal(b, &f)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read hello.json: %w", err)
			}
			return hello.Run(cmd.Context(), hello.Config{
				Addr: net.JoinHostPort("127.0.0.1", os.Getenv("PORT")), Version: f.Version, Healthy: f.Healthy,
				StartDelay: time.Duration(f.StartDelayMS) * time.Millisecond, Log: logger(cmd),
			})
		},
	}
}
