package lab

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// Namespace creates a namespace for the test, in which pods can be created at
// once, and returns its name. At the test's end it is deleted, and not waited
// for.
func (l *Lab) Namespace(t testing.TB) string {
	t.Helper()
	name := notInNames.ReplaceAllString(strings.ToLower(t.Name()), "-")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: strings.Trim(name[:min(40, len(name))], "-") + "-"}}
	namespace, err := l.Client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("create a namespace: %v", err)
	}
	t.Cleanup(func() {
		// A control plane of the test's own may have ended, and its namespaces with it.
		_ = l.Client.CoreV1().Namespaces().Delete(context.Background(), namespace.Name, metav1.DeleteOptions{})
	})
	Eventually(t, "the namespace has its service account", func(ctx context.Context) (bool, error) {
		_, err := l.Client.CoreV1().ServiceAccounts(namespace.Name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
	return namespace.Name
}

// Eventually asks every 20 ms until something is so, and ends the test with
// what it is when asking fails or two minutes have passed.
func Eventually(t testing.TB, what string, so wait.ConditionWithContextFunc) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, within, true, so); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
