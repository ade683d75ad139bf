package zeroloss

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// kubectl runs one command of kubectl.
func (w *world) kubectl(program, stdin string, args ...string) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), program, append([]string{"--kubeconfig", w.lab.Kubeconfig, "--namespace", w.namespace}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// plain is a Deployment of one version.
const plain = `apiVersion: apps/v1
kind: Deployment
metadata: {name: plain-%[1]d}
spec:
  replicas: 2
  minReadySeconds: 5
  selector: {matchLabels: {app: plain, version: "%[1]d"}}
  template:
    metadata: {labels: {app: plain, version: "%[1]d"}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: hello
        image: lab.local/hello:%[2]s
        imagePullPolicy: IfNotPresent
        env: [{name: STOP_DELAY, value: 3s}]
        ports: [{containerPort: 8080}]
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
`

func (w *world) switchByHand(program string, i int) {
	w.Helper()
	w.kubectl(program, fmt.Sprintf(plain, i, other(i)), "apply", "-f", "-")
	w.kubectl(program, "", "rollout", "status", "deployment/plain-"+strconv.Itoa(i), "--timeout=60s")
	if i == 0 {
		return
	}
	w.kubectl(program, "", "patch", "service", "plain", "-p", fmt.Sprintf(`{"spec":{"selector":{"app":"plain","version":"%d"}}}`, i))
	w.kubectl(program, "", "delete", "deployment", "plain-"+strconv.Itoa(i-1), "--wait=false")
}
