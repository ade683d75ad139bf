package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// kernel holds settings of the whole kernel on which kubelet insists. It is
// given files to look at, so that the host's stay what they are.
var kernel = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// mount is one call of mount(2).
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

// prepare gives the namespaces file systems, settings and a network of their
// own. Nothing of it is visible outside, or survives.
func prepare(ctx context.Context, dir string) error {
	binds := map[string]string{ // from below the directory
		"lib/containerd": "/var/lib/containerd",
		"lib/kubelet":    "/var/lib/kubelet",
		"lib/cni":        "/var/lib/cni",
		"pods":           "/var/log/pods",
	}
	for name, target := range binds {
		for _, d := range []string{filepath.Join(dir, name), target} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"cg", "cni", "sysctl"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	if err := mountAll(dir, binds); err != nil {
		return err
	}
	if err := makeCgroups(); err != nil {
		return fmt.Errorf("make cgroups: %w", err)
	}
	return configureNetwork(ctx)
}

func mountAll(dir string, binds map[string]string) error {
	cgroups := filepath.Join(dir, "cg")
	list := []mount{
		{"", "/", "", syscall.MS_REC | syscall.MS_PRIVATE, ""},
		{"proc", "/proc", "proc", 0, ""},
		// A sysfs of this network namespace, with the cgroups that were in the old one.
		{"/sys/fs/cgroup", cgroups, "", syscall.MS_BIND | syscall.MS_REC, ""},
		{"sysfs", "/sys", "sysfs", 0, ""},
		{cgroups, "/sys/fs/cgroup", "", syscall.MS_BIND | syscall.MS_REC, ""},
		{"tmpfs", "/run", "tmpfs", 0, "mode=755"},
	}
	for name, target := range binds {
		list = append(list, mount{filepath.Join(dir, name), target, "", syscall.MS_BIND, ""})
	}
	for name, value := range kernel {
		file := filepath.Join(dir, "sysctl", strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		list = append(list, mount{file, "/proc/sys/" + name, "", syscall.MS_BIND, ""})
	}
	list = append(list, mount{"", "/", "", syscall.MS_REC | syscall.MS_SHARED, ""})
	for _, m := range list {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.source, m.target, err)
		}
	}
	return syscall.Unmount(cgroups, syscall.MNT_DETACH)
}

func configureNetwork(ctx context.Context) error {
	for _, c := range []string{
		"ip link set lo up",
		"ip addr add " + nodeAddress + "/24 dev eth0",
		"ip link set eth0 up",
		"ip route add default via " + hostAddress,
	} {
		if err := command(ctx, c); err != nil {
			return err
		}
	}
	// Without bridge netfilter, pods of this node miss what kube-proxy does; a
	// kernel that lacks it has no such file.
	_ = os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-iptables", []byte("1"), 0o644)
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}
