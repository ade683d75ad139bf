package main

import (
	"os"
	"path/filepath"
	"strings"
)

// runtimeFiles and agentFiles are configurations by name below the directory.
// DIR and the names of the node's addresses are replaced.
var runtimeFiles = map[string]string{
	"containerd.toml": `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "DIR/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "lab.local/pause:1"
  stream_server_address = "127.0.0.1"
  # Machines that withhold CAP_SYS_RESOURCE don't let runc lower scores.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "DIR/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`,
	"cni/10-bridge.conflist": `{"cniVersion": "0.4.0", "name": "lab", "plugins": [{
  "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true, "promiscMode": false,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "POD_CIDR"}]], "routes": [{"dst": "0.0.0.0/0"}]}
}]}
`,
}

var agentFiles = map[string]string{
	"resolv.conf": "",
	"kubelet.yaml": `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: NODE_ADDRESS
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: DIR/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: DIR/pki/kubelet-NODE_NAME.crt
tlsPrivateKeyFile: DIR/pki/kubelet-NODE_NAME.key
cgroupDriver: cgroupfs
cgroupRoot: /CGROUP
failCgroupV1: false
containerRuntimeEndpoint: unix://DIR/containerd.sock
clusterDomain: cluster.local
resolvConf: DIR/resolv.conf
protectKernelDefaults: true
makeIPTablesUtilChains: false
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
healthzPort: 0
readOnlyPort: 0
serializeImagePulls: false
registryPullQPS: 0
nodeStatusUpdateFrequency: 5s
volumePluginDir: DIR/lib/kubelet/plugins-exec
`,
	"kube-proxy.yaml": `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: DIR/pki/kube-proxy.kubeconfig}
hostnameOverride: NODE_NAME
bindAddress: NODE_ADDRESS
healthzBindAddress: ""
metricsBindAddress: 127.0.0.1:10249
mode: nftables
clusterCIDR: POD_CIDR
conntrack: {maxPerCore: 0, min: 0}
nftables: {minSyncPeriod: 100ms}
`,
}

// write writes files with what they name filled in.
func write(dir string, files map[string]string) error {
	fill := strings.NewReplacer("DIR", dir, "NODE_ADDRESS", nodeAddress, "NODE_NAME", nodeName, "POD_CIDR", podCIDR, "CGROUP", cgroup)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill.Replace(text)), 0o600); err != nil {
			return err
		}
	}
	return nil
}
