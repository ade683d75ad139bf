package app

import (
	"path/filepath"

	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/examples"
	"github.com/gennaker/gennaker/internal/demo"
)

// resident returns the demo inside this server: a client of it.
func (a *App) resident() (*demo.Resident, error) {
	c, err := client.New(client.Config{URL: "http://" + a.Addr().String()})
	if err != nil {
		return nil, err
	}
	cfg := demo.ResidentConfig{Dir: filepath.Join(a.cfg.Data, "demo"), Examples: examples.Files, Client: c, Log: a.log}
	if a.guard != nil {
		cfg.Program = a.cfg.Node[0]
	}
	return demo.NewResident(cfg)
}
