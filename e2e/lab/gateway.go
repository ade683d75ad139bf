package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// installGateway creates the resources of the Gateway API's standard channel,
// of the version that the product is compiled with.
func (l *Lab) installGateway(ctx context.Context) error {
	files, err := gatewayFiles(ctx)
	if err != nil {
		return fmt.Errorf("find the Gateway API: %w", err)
	}
	client, err := dynamic.NewForConfig(l.Config)
	if err != nil {
		return err
	}
	var names []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		crd := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &crd.Object); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		if crd.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if _, err := client.Resource(crds).Create(ctx, crd, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("install %s: %w", crd.GetName(), err)
		}
		names = append(names, crd.GetName())
	}
	for _, name := range names {
		if err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, within, true, established(client, name)); err != nil {
			return fmt.Errorf("%s is not served: %w", name, err)
		}
	}
	return nil
}

// gatewayFiles returns the definitions that come with the module.
func gatewayFiles(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return nil, err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(module.Dir, "config", "crd", "standard", "*.yaml"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no definitions", module.Dir)
	}
	return files, err
}

func established(client dynamic.Interface, name string) wait.ConditionWithContextFunc {
	return func(ctx context.Context) (bool, error) {
		crd, err := client.Resource(crds).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		conditions, _, err := unstructured.NestedSlice(crd.Object, "status", "conditions")
		for _, c := range conditions {
			if c, ok := c.(map[string]any); ok && c["type"] == "Established" && c["status"] == "True" {
				return true, err
			}
		}
		return false, err
	}
}
