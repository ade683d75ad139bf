package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/embed"
)

// database is an etcd of one member, reached by sockets in its directory.
type database struct {
	etcd     *embed.Etcd
	endpoint string
}

// openDatabase starts etcd on the data that is in the directory.
func openDatabase(ctx context.Context, dir string) (*database, error) {
	client := url.URL{Scheme: "unix", Path: filepath.Join(dir, "etcd.sock")}
	peer := url.URL{Scheme: "unix", Path: filepath.Join(dir, "peer.sock")}
	for _, u := range []url.URL{client, peer} { // of one that was killed
		os.Remove(u.Path)
	}
	c := embed.NewConfig()
	c.Name = "kubelab"
	c.Dir = filepath.Join(dir, "etcd")
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.UnsafeNoFsync = true           // data has to outlive the process, not the machine
	c.TickMs, c.ElectionMs = 10, 100 // one member need not wait a second to elect itself
	c.LogLevel, c.LogOutputs = "warn", []string{filepath.Join(dir, "etcd.log")}
	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, err
	}
	select {
	case <-e.Server.ReadyNotify():
		return &database{e, client.String()}, nil
	case err = <-e.Err():
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(30 * time.Second):
		err = fmt.Errorf("not ready after 30 s: see etcd.log")
	}
	e.Close()
	return nil, err
}

// compact forgets every revision but the present one, which it returns.
func (d *database) compact(ctx context.Context) (int64, error) {
	revision := d.etcd.Server.KV().Rev()
	_, err := d.etcd.Server.Compact(ctx, &etcdserverpb.CompactionRequest{Revision: revision, Physical: true})
	return revision, err
}

func (d *database) close() {
	done := make(chan struct{})
	go func() {
		d.etcd.Close()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(stopTimeout):
	}
}
