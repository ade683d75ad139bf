package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// kubeletAddress is where the kubelet of all simulated nodes listens: on the
// API server's port, on a loopback address of its own, so that it is there
// again after a restart.
const kubeletAddress = "127.0.0.2"

// What a pod says of itself; see pods.yaml.
const (
	logAnnotation       = "kubelab/log"
	messageAnnotation   = "kubelab/message"
	behaviourAnnotation = "kubelab/behaviour"
)

// serveKubelet answers what the API server asks a kubelet, and reports events
// as one would, until the context ends.
func (p *plane) serveKubelet(ctx context.Context) error {
	cert, err := tls.LoadX509KeyPair(p.ca.path("kubelet.crt"), p.ca.path("kubelet.key"))
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(p.ca.path("ca.crt"))
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(pem)
	l, err := net.Listen("tcp", net.JoinHostPort(kubeletAddress, strconv.Itoa(p.port)))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", p.logs)
	s := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert},
	}
	context.AfterFunc(ctx, func() { s.Close() })
	go s.ServeTLS(l, "", "")
	return p.reportEvents(ctx)
}

// logs writes the lines of a pod's annotation, as all that each of its
// containers ever wrote.
func (p *plane) logs(w http.ResponseWriter, r *http.Request) {
	pod, err := p.client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), metav1.GetOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	for _, c := range pod.Status.ContainerStatuses {
		if waits := c.State.Waiting; c.Name == r.PathValue("container") && waits != nil && c.LastTerminationState.Terminated == nil {
			http.Error(w, fmt.Sprintf("container %q in pod %q is waiting to start: %s", c.Name, pod.Name, waits.Reason), http.StatusBadRequest)
			return
		}
	}
	text := strings.TrimSuffix(pod.Annotations[logAnnotation], "\n")
	if text == "" {
		return
	}
	lines := strings.Split(text, "\n")
	if tail, err := strconv.Atoi(r.FormValue("tailLines")); err == nil && tail < len(lines) {
		lines = lines[len(lines)-tail:]
	}
	if limit, err := strconv.Atoi(r.FormValue("limitBytes")); err == nil {
		text := strings.Join(lines, "\n") + "\n"
		io.WriteString(w, text[:min(limit, len(text))])
		return
	}
	for _, line := range lines {
		if r.FormValue("timestamps") == "true" {
			line = pod.CreationTimestamp.UTC().Format(time.RFC3339Nano) + " " + line
		}
		fmt.Fprintln(w, line)
	}
}

// reportEvents watches the simulated pods, and says once of each what ails it.
func (p *plane) reportEvents(ctx context.Context) error {
	recorders := record.NewBroadcaster(record.WithContext(ctx))
	recorders.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: p.client.CoreV1().Events("")})
	type told struct {
		uid    types.UID
		reason string
	}
	done := map[told]bool{}
	report := func(obj any) {
		pod, ok := obj.(*corev1.Pod)
		if !ok {
			return
		}
		for _, e := range complaints(pod) {
			if key := (told{pod.UID, e.Reason + e.Message}); !done[key] {
				done[key] = true
				recorder := recorders.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: pod.Spec.NodeName})
				recorder.Event(pod, e.Type, e.Reason, e.Message)
			}
		}
	}
	factory := informers.NewSharedInformerFactory(p.client, 0)
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    report,
		UpdateFunc: func(_, obj any) { report(obj) },
		DeleteFunc: func(obj any) {
			if pod, ok := obj.(*corev1.Pod); ok {
				for key := range done {
					if key.uid == pod.UID {
						delete(done, key)
					}
				}
			}
		},
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	return nil
}

// complaints returns the events that a kubelet would report of a pod.
func complaints(pod *corev1.Pod) []corev1.Event {
	var out []corev1.Event
	warn := func(reason, format string, args ...any) {
		out = append(out, corev1.Event{Type: corev1.EventTypeWarning, Reason: reason, Message: fmt.Sprintf(format, args...)})
	}
	behaviour := pod.Annotations[behaviourAnnotation]
	for _, c := range pod.Status.ContainerStatuses {
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason == "ImagePullBackOff":
			warn("Failed", "Failed to pull image %q: rpc error: code = NotFound desc = failed to pull and unpack image %q: not found", c.Image, c.Image)
			warn("Failed", "Error: ImagePullBackOff")
		case c.State.Waiting != nil && c.State.Waiting.Reason == "CrashLoopBackOff":
			warn("BackOff", "Back-off restarting failed container %s in pod %s_%s(%s)", c.Name, pod.Name, pod.Namespace, pod.UID)
		case c.State.Running != nil && !c.Ready && behaviour == "never-ready":
			message := pod.Annotations[messageAnnotation]
			if message == "" {
				message = "Readiness probe failed: HTTP probe failed with statuscode: 503"
			}
			warn("Unhealthy", "%s", message)
		}
	}
	return out
}
