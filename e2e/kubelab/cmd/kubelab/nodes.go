package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/client/clientset/versioned"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	"sigs.k8s.io/kwok/pkg/utils/client"
)

const (
	simulatedNodes = "type=kwok"          // selects them by label
	simulatedTaint = "kwok.x-k8s.io/node" // keeps other pods off them where a real node is
)

var (
	//go:embed nodes.yaml
	nodeStages string
	//go:embed pods.yaml
	podStages string
)

type stages = map[internalversion.StageResourceRef][]*internalversion.Stage

// lifeCycles returns KWOK's stage of new nodes, and those of nodes.yaml and pods.yaml.
func lifeCycles() (stages, error) {
	out := stages{}
	texts := append([]string{nodefast.DefaultNodeInit, nodeStages}, strings.Split(podStages, "\n---\n")...)
	for _, text := range texts {
		s, err := config.UnmarshalWithType[*internalversion.Stage](text)
		if err != nil {
			return nil, err
		}
		out[s.Spec.ResourceRef] = append(out[s.Spec.ResourceRef], s)
	}
	return out, nil
}

// simulate creates the nodes, and plays them, their pods and their kubelet.
func (p *plane) simulate(ctx context.Context) error {
	if err := p.createNodes(ctx); err != nil {
		return err
	}
	if err := p.serveKubelet(ctx); err != nil {
		return fmt.Errorf("kubelet: %w", err)
	}
	kwok, err := p.newController()
	if err != nil {
		return err
	}
	if err := kwok.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// newController returns KWOK's controller. It takes no leases of nodes: one that
// does overlooks the pods which were bound between its start and its leases.
func (p *plane) newController() (*controllers.Controller, error) {
	life, err := lifeCycles()
	if err != nil {
		return nil, fmt.Errorf("stages: %w", err)
	}
	set, err := client.NewClientset("", p.ca.kubeconfigPath("kwok"))
	if err != nil {
		return nil, err
	}
	cfg, err := set.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	dynamic, err := set.ToDynamicClient()
	if err != nil {
		return nil, err
	}
	mapper, err := set.ToRESTMapper()
	if err != nil {
		return nil, err
	}
	raw, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, err
	}
	typed, err := versioned.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	return controllers.NewController(controllers.Config{
		Clock:                             clock.RealClock{},
		DynamicClient:                     dynamic,
		RESTClient:                        raw,
		RESTMapper:                        mapper,
		ImpersonatingDynamicClient:        set.ToImpersonatingDynamicClient(),
		ImpersonatingTypedClient:          set.ToImpersonatingTypedClient(),
		TypedClient:                       p.client,
		TypedKwokClient:                   typed,
		ManageNodesWithAnnotationSelector: simulatedTaint + "=fake",
		CIDR:                              "10.0.0.1/16",
		NodeIP:                            kubeletAddress,
		NodePort:                          p.port,
		LocalStages:                       life,
		PodPlayStageParallelism:           16,
		NodePlayStageParallelism:          4,
		PodsOnNodeSyncParallelism:         4,
		EnablePodsOnNodeSyncListPager:     true,
		ID:                                fmt.Sprintf("kubelab-%d", os.Getpid()),
	})
}

// createNodes creates node-0, node-1 and so on, in three zones. Beside a real
// node they have a taint, so that only pods that tolerate it are simulated.
func (p *plane) createNodes(ctx context.Context) error {
	for i := range p.nodes {
		name := fmt.Sprintf("node-%d", i)
		size := corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse("32"),
			corev1.ResourceMemory:           resource.MustParse("256Gi"),
			corev1.ResourcePods:             resource.MustParse("256"),
			corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
		}
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{
				Name:        name,
				Annotations: map[string]string{simulatedTaint: "fake", "node.alpha.kubernetes.io/ttl": "0"},
				Labels: map[string]string{
					"type":                          "kwok",
					"kubernetes.io/hostname":        name,
					"kubernetes.io/os":              "linux",
					"kubernetes.io/arch":            "amd64",
					"topology.kubernetes.io/zone":   fmt.Sprintf("zone-%d", i%3),
					"node-role.kubernetes.io/agent": "",
				},
			},
			Status: corev1.NodeStatus{Allocatable: size, Capacity: size},
		}
		if p.realNode != "" {
			node.Spec.Taints = []corev1.Taint{{Key: simulatedTaint, Value: "fake", Effect: corev1.TaintEffectNoSchedule}}
		}
		if _, err := p.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create %s: %w", name, err)
		}
	}
	return nil
}
