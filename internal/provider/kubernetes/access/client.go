package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/gennaker/gennaker"
)

// maxKubeconfig bounds a kubeconfig, in bytes.
const maxKubeconfig = 1 << 20

// Secrets returns what a reference to a secret stands for.
type Secrets func(ctx context.Context, reference string) (string, error)

// Client returns what reaches the cluster of a. Nothing is asked of it.
//
// Errors: Invalid for a kubeconfig that is missing, malformed, or without the
// context; Denied for one that runs a command where a does not allow it. No
// message holds a credential.
func (a Account) Client(ctx context.Context, secrets Secrets) (*rest.Config, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	cfg, err := a.client(ctx, secrets)
	if err != nil {
		return nil, fmt.Errorf("make a client of account %s: %w", a.Name, err)
	}
	// Servers protect themselves by priority and fairness; a limit here would
	// only delay.
	cfg.QPS, cfg.Burst = -1, 0
	return cfg, nil
}

func (a Account) client(ctx context.Context, secrets Secrets) (*rest.Config, error) {
	if a.ServiceAccount {
		cfg, err := rest.InClusterConfig()
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "serviceAccount is set, and the server does not run in a pod: %w", err).
				WithHint("name a kubeconfigFile instead")
		}
		return cfg, nil
	}
	kubeconfig, err := a.kubeconfig(ctx, secrets)
	if err != nil {
		return nil, err
	}
	name := cmp.Or(a.Context, kubeconfig.CurrentContext)
	if err := a.checkContext(kubeconfig, name); err != nil {
		return nil, err
	}
	cfg, err := clientcmd.NewNonInteractiveClientConfig(*kubeconfig, name, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the context %q of the kubeconfig is not usable: %w", name, err)
	}
	return cfg, nil
}

// kubeconfig reads the kubeconfig of a.
func (a Account) kubeconfig(ctx context.Context, secrets Secrets) (*api.Config, error) {
	if a.KubeconfigContents != "" {
		text, err := secrets(ctx, a.KubeconfigContents)
		if err != nil {
			return nil, err
		}
		return parse([]byte(text), "the secret "+a.KubeconfigContents)
	}
	path := a.KubeconfigFile
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "the account names no kubeconfigFile, and there is no home directory: %w", err)
		}
		path = filepath.Join(home, ".kube", "config")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, gennaker.Errorf(gennaker.Invalid, "there is no kubeconfig %s", path).WithHint("name the right one in kubeconfigFile")
	case err != nil:
		return nil, gennaker.Errorf(gennaker.Invalid, "the kubeconfig cannot be read: %w", err)
	case info.IsDir() || info.Size() > maxKubeconfig:
		return nil, gennaker.Errorf(gennaker.Invalid, "%s is no kubeconfig: it is a directory or has more than %d bytes", path, maxKubeconfig)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the administrator names it
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the kubeconfig cannot be read: %w", err)
	}
	cfg, err := parse(text, path)
	if err != nil {
		return nil, err
	}
	for _, c := range cfg.Clusters {
		c.LocationOfOrigin = path
	}
	for _, u := range cfg.AuthInfos {
		u.LocationOfOrigin = path
	}
	if err := clientcmd.ResolveLocalPaths(cfg); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s: %w", path, err)
	}
	return cfg, nil
}

func parse(text []byte, where string) (*api.Config, error) {
	if len(text) > maxKubeconfig {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s has more than %d bytes", where, maxKubeconfig)
	}
	cfg, err := clientcmd.Load(text)
	if err != nil { // its message may quote the text, and with it credentials
		return nil, gennaker.Errorf(gennaker.Invalid, "%s is no kubeconfig", where).
			WithHint("check it with kubectl config view --kubeconfig FILE")
	}
	return cfg, nil
}

// checkContext refuses a context that is not there, or that runs commands.
func (a Account) checkContext(cfg *api.Config, name string) error {
	known := strings.Join(slices.Sorted(maps.Keys(cfg.Contexts)), ", ")
	if name == "" {
		return gennaker.Errorf(gennaker.Invalid, "the kubeconfig has no current context").WithHint("name one in context: %s", cmp.Or(known, "it has none"))
	}
	c := cfg.Contexts[name]
	if c == nil {
		return gennaker.Errorf(gennaker.Invalid, "the kubeconfig has no context %q", name).WithHint("its contexts are %s", cmp.Or(known, "none"))
	}
	if cfg.Clusters[c.Cluster] == nil {
		return gennaker.Errorf(gennaker.Invalid, "the context %q of the kubeconfig names the cluster %q, which it does not have", name, c.Cluster)
	}
	user := cfg.AuthInfos[c.AuthInfo]
	switch {
	case user == nil && c.AuthInfo != "":
		return gennaker.Errorf(gennaker.Invalid, "the context %q of the kubeconfig names the user %q, which it does not have", name, c.AuthInfo)
	case user == nil:
		return nil
	case user.AuthProvider != nil:
		return gennaker.Errorf(gennaker.Invalid, "the user %q of the kubeconfig has an auth-provider, which Kubernetes has removed", c.AuthInfo).
			WithHint("use a token, a certificate, or an exec plug-in")
	case user.Exec != nil && !a.AllowExec:
		return gennaker.Errorf(gennaker.Denied, "the user %q of the kubeconfig runs the command %q to get credentials, which this account does not allow", c.AuthInfo, user.Exec.Command).
			WithHint("set allowExec on the account if the command may run as the server, or use a token or a certificate")
	}
	return nil
}
