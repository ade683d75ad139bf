package lab

import (
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// ServiceAccount creates a service account in a namespace that may do there
// what the rules say, and elsewhere nothing, and returns a kubeconfig with its
// token.
func (l *Lab) ServiceAccount(t testing.TB, namespace string, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	name := l.account(t, namespace)
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	if _, err := l.Client.RbacV1().Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatalf("create a role: %v", err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
	}
	if _, err := l.Client.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatalf("bind the role: %v", err)
	}
	return l.token(t, namespace, name)
}

// ClusterAccount is like ServiceAccount, but the rules hold in every namespace
// and for what is in none. The rules are removed at the test's end.
func (l *Lab) ClusterAccount(t testing.TB, namespace string, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	name := l.account(t, namespace)
	meta := metav1.ObjectMeta{
		Name: namespace + "-" + name,
		// They go with the namespace.
		OwnerReferences: []metav1.OwnerReference{l.owner(t, namespace)},
	}
	if _, err := l.Client.RbacV1().ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{}); err != nil {
		t.Fatalf("create a cluster role: %v", err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: meta.Name},
	}
	if _, err := l.Client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatalf("bind the cluster role: %v", err)
	}
	return l.token(t, namespace, name)
}

func (l *Lab) owner(t testing.TB, namespace string) metav1.OwnerReference {
	t.Helper()
	n, err := l.Client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: n.Name, UID: n.UID}
}

func (l *Lab) account(t testing.TB, namespace string) (name string) {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{GenerateName: "account-"}}
	account, err := l.Client.CoreV1().ServiceAccounts(namespace).Create(t.Context(), account, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("create a service account: %v", err)
	}
	return account.Name
}

// token writes a kubeconfig with a token of the account, good for an hour.
func (l *Lab) token(t testing.TB, namespace, name string) string {
	t.Helper()
	request, err := l.Client.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("create a token: %v", err)
	}
	return l.rewrite(t, l.Kubeconfig, func(c *api.Config) {
		for user := range c.AuthInfos {
			c.AuthInfos[user] = &api.AuthInfo{Token: request.Status.Token}
		}
	})
}

// rewrite writes a changed copy of a kubeconfig to a file of the test.
func (l *Lab) rewrite(t testing.TB, kubeconfig string, change func(*api.Config)) string {
	t.Helper()
	c, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, file); err != nil {
		t.Fatal(err)
	}
	return file
}
