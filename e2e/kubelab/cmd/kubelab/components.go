package main

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/cli/flag"
	logsapi "k8s.io/component-base/logs/api/v1"

	apiapp "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apioptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	managerapp "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	manageroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	schedulerapp "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// components are the three programs of Kubernetes, as their flags make them.
// They share one set of feature gates and one registry, which are global: all
// flags are parsed before any of them runs. Their commands are not used, since
// each of those takes the signals of the process.
type components struct {
	api       *apioptions.ServerRunOptions
	manager   *manageroptions.KubeControllerManagerOptions
	scheduler *scheduleroptions.Options
}

func newComponents(o options, ca *authority, etcd string, l net.Listener) (*components, error) {
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	c := &components{api: apioptions.NewServerRunOptions(), scheduler: scheduleroptions.NewOptions()}
	if err := parse("kube-apiserver", c.api.Flags(), append(apiServerFlags(o, ca, etcd), o.apiServer...)); err != nil {
		return nil, err
	}
	c.api.SecureServing.Listener = l
	var err error
	if c.manager, err = manageroptions.NewKubeControllerManagerOptions(); err != nil {
		return nil, err
	}
	flags := c.manager.Flags(managerapp.KnownControllers(), managerapp.ControllersDisabledByDefault(), managerapp.ControllerAliases())
	c.manager.ParsedFlags = &flags
	if err := parse("kube-controller-manager", flags, append(managerFlags(ca), o.controllerManager...)); err != nil {
		return nil, err
	}
	if err := parse("kube-scheduler", *c.scheduler.Flags, append(clientFlags(ca, "scheduler"), o.scheduler...)); err != nil {
		return nil, err
	}
	if err := compatibility.DefaultComponentGlobalsRegistry.Set(); err != nil {
		return nil, err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	return c, logsapi.ValidateAndApply(c.api.Logs, utilfeature.DefaultFeatureGate)
}

func parse(name string, sets flag.NamedFlagSets, args []string) error {
	all := pflag.NewFlagSet(name, pflag.ContinueOnError)
	for _, f := range sets.FlagSets {
		all.AddFlagSet(f)
	}
	if err := all.Parse(args); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func apiServerFlags(o options, ca *authority, etcd string) []string {
	reconciler := "none"
	if o.advertise {
		reconciler = "lease"
	}
	return []string{
		"--etcd-servers=" + etcd,
		"--bind-address=" + o.address,
		"--advertise-address=" + o.address,
		fmt.Sprintf("--secure-port=%d", o.port),
		"--endpoint-reconciler-type=" + reconciler,
		"--service-cluster-ip-range=" + o.serviceCIDR,
		"--cert-dir=" + ca.dir,
		"--tls-cert-file=" + ca.path("apiserver.crt"),
		"--tls-private-key-file=" + ca.path("apiserver.key"),
		"--client-ca-file=" + ca.path("ca.crt"),
		"--kubelet-certificate-authority=" + ca.path("ca.crt"),
		"--kubelet-client-certificate=" + ca.path("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + ca.path("apiserver-kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP,Hostname",
		"--proxy-client-cert-file=" + ca.path("front-proxy-client.crt"),
		"--proxy-client-key-file=" + ca.path("front-proxy-client.key"),
		"--requestheader-client-ca-file=" + ca.path("ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + ca.path("sa.key"),
		"--service-account-signing-key-file=" + ca.path("sa.key"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--profiling=false",
	}
}

func managerFlags(ca *authority) []string {
	return append(clientFlags(ca, "controller-manager"),
		"--service-account-private-key-file="+ca.path("sa.key"),
		"--root-ca-file="+ca.path("ca.crt"),
		"--cluster-signing-cert-file="+ca.path("ca.crt"),
		"--cluster-signing-key-file="+ca.path("ca.key"),
		"--use-service-account-credentials=true",
		"--profiling=false")
}

func clientFlags(ca *authority, client string) []string {
	return []string{
		"--kubeconfig=" + ca.kubeconfigPath(client),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
	}
}

func (c *components) runAPIServer(ctx context.Context) error {
	done, err := c.api.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := done.Validate(); len(errs) != 0 {
		return utilerrors.NewAggregate(errs)
	}
	return apiapp.Run(ctx, done)
}

func (c *components) runControllerManager(ctx context.Context) error {
	cfg, err := c.manager.Config(ctx, managerapp.KnownControllers(), managerapp.ControllersDisabledByDefault(), managerapp.ControllerAliases())
	if err != nil {
		return err
	}
	return managerapp.Run(ctx, cfg.Complete())
}

func (c *components) runScheduler(ctx context.Context) error {
	completed, scheduler, err := schedulerapp.Setup(ctx, c.scheduler)
	if err != nil {
		return err
	}
	return schedulerapp.Run(ctx, completed, scheduler)
}
