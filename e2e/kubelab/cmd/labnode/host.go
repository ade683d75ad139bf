package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What the host sees, and what the node's addresses are.
const (
	nodeName    = "real-1"
	device      = "kubelab0"
	hostAddress = "10.213.0.1"
	nodeAddress = "10.213.0.2"
	podCIDR     = "10.214.0.0/16"
	serviceCIDR = "10.215.0.0/16"
	cgroup      = "kubelab"
)

// cleanUp removes what the host sees of a node that ended.
func cleanUp() {
	// The kernel removes the device with the namespace, some time later.
	_ = command(context.Background(), "ip link del "+device)
	removeCgroups()
}

// attach connects the network of a process with the host's.
func attach(ctx context.Context, pid int) error {
	for _, c := range []string{
		fmt.Sprintf("ip link add %s type veth peer name eth0 netns %d", device, pid),
		fmt.Sprintf("ip addr add %s/24 dev %s", hostAddress, device),
		fmt.Sprintf("ip link set %s up", device),
		fmt.Sprintf("ip route add %s via %s", podCIDR, nodeAddress),
		fmt.Sprintf("ip route add %s via %s", serviceCIDR, nodeAddress),
	} {
		if err := command(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// command runs words separated by spaces.
func command(ctx context.Context, line string) error {
	words := strings.Fields(line)
	if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", line, err, out)
	}
	return nil
}

// hierarchies returns the roots of cgroups: one, or with version 1 several.
func hierarchies() []string {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/cgroup.controllers"); err == nil {
		return []string{root}
	}
	all, _ := filepath.Glob(root + "/*")
	return slices.DeleteFunc(all, func(dir string) bool {
		info, err := os.Stat(dir)
		return err != nil || !info.IsDir()
	})
}

// makeCgroups makes the parent of all that the pods get.
func makeCgroups() error {
	for _, root := range hierarchies() {
		_ = os.Mkdir(filepath.Join(root, cgroup), 0o755)
		switch filepath.Base(root) {
		case "cgroup":
			if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+cpu +cpuset +memory +pids"), 0o644); err != nil {
				return err
			}
		case "cpuset": // has no processors until it is told
			for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
				all, err := os.ReadFile(filepath.Join(root, name))
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(root, cgroup, name), all, 0o644); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// removeCgroups removes what the pods left: directories only, from the inside
// out, once their processes have gone.
func removeCgroups() {
	for range 50 {
		left := false
		for _, root := range hierarchies() {
			var dirs []string
			_ = filepath.WalkDir(filepath.Join(root, cgroup), func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					dirs = append(dirs, path)
				}
				return nil
			})
			for _, dir := range slices.Backward(dirs) {
				left = os.Remove(dir) != nil || left
			}
		}
		if !left {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}
