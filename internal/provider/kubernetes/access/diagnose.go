package access

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker"
)

// Bounds of a diagnosis.
const (
	diagnosisTime = 20 * time.Second
	asked         = 8 // questions at the same time
	maxAskedIn    = 5 // namespaces
)

// Kinds of problems.
const (
	problemConfiguration = "configuration"
	problemUnreachable   = "unreachable"
	problemTLS           = "tls"
	problemUnauthorized  = "unauthorized"
	problemForbidden     = "forbidden"
	problemFailing       = "failing"
)

// Diagnose tries the credentials of a: whether the server answers, who it takes
// them for, and which of the operations that the account needs are allowed. It
// changes nothing. What is wrong is in the answer.
func (a Account) Diagnose(ctx context.Context, secrets Secrets) gennaker.AccountDiagnosis {
	ctx, cancel := context.WithTimeout(ctx, diagnosisTime)
	defer cancel()
	out := gennaker.AccountDiagnosis{CheckedAt: gennaker.At(time.Now()), Problems: []gennaker.AccountProblem{}}
	cfg, err := a.Client(ctx, secrets)
	if err != nil {
		out.Problems = append(out.Problems, gennaker.AccountProblem{Kind: problemConfiguration, Message: err.Error(), Hint: gennaker.HintOf(err)})
		return out
	}
	out.Server = cfg.Host
	a.try(ctx, cfg, &out)
	out.OK = len(out.Problems) == 0
	return out
}

func (a Account) try(ctx context.Context, cfg *rest.Config, out *gennaker.AccountDiagnosis) {
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		out.Problems = append(out.Problems, gennaker.AccountProblem{Kind: problemConfiguration, Message: fmt.Sprintf("the kubeconfig is not usable: %v", err)})
		return
	}
	// /version may be open to everyone: who we are is the first question that
	// needs credentials.
	who, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authentication.SelfSubjectReview{}, meta.CreateOptions{})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
		out.Problems = append(out.Problems, Explain(err, cfg.Host))
		return
	}
	if err == nil {
		out.User = who.Status.UserInfo.Username
	}
	if out.Version, err = serverVersion(ctx, client); err != nil {
		out.Problems = append(out.Problems, Explain(err, cfg.Host))
		return
	}
	missing, err := a.missing(ctx, client)
	if err != nil {
		out.Problems = append(out.Problems, Explain(err, cfg.Host))
		return
	}
	reads := func(o gennaker.AccountOperation) bool {
		return o.Resource == "pods" && slices.Contains(o.Verbs, "list")
	}
	out.Usable = !slices.ContainsFunc(missing, reads)
	if len(missing) > 0 {
		out.Problems = append(out.Problems, forbidden(out.User, missing))
	}
}

func serverVersion(ctx context.Context, client kubernetes.Interface) (string, error) {
	text, err := client.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx).Raw()
	if err != nil {
		return "", fmt.Errorf("ask for the server's version: %w", err)
	}
	var v version.Info
	if err := json.Unmarshal(text, &v); err != nil {
		return "", fmt.Errorf("read the server's version: %w", err)
	}
	return v.GitVersion, nil
}

// forbidden says what is not allowed, verb by verb.
func forbidden(user string, missing []gennaker.AccountOperation) gennaker.AccountProblem {
	const shown = 4
	var list []string
	for _, o := range missing[:min(shown, len(missing))] {
		list = append(list, strings.Join(o.Verbs, ", ")+" "+groupResource(o.Group, o.Resource)+in(o.Namespace))
	}
	if n := len(missing) - shown; n > 0 {
		list = append(list, fmt.Sprintf("and %d more", n))
	}
	return gennaker.AccountProblem{
		Kind: problemForbidden, Missing: missing,
		Message: fmt.Sprintf("%s may not: %s", cmp.Or(user, "the user of the kubeconfig"), strings.Join(list, "; ")),
		Hint:    "bind a Role or ClusterRole with these verbs to it; what needs none of them works nevertheless",
	}
}

func groupResource(group, resource string) string {
	if group == "" {
		return resource
	}
	name, sub, _ := strings.Cut(resource, "/")
	if sub != "" {
		sub = "/" + sub
	}
	return name + "." + group + sub
}

func in(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in " + namespace
}

// needs is what an account is used for: reading the fleet, and deploying what
// most pipelines do.
func needs() []gennaker.AccountOperation {
	watch := []string{"get", "list", "watch"}
	change := []string{"get", "list", "watch", "create", "patch", "delete"}
	return []gennaker.AccountOperation{
		{Group: "", Resource: "pods", Verbs: append(slices.Clone(watch), "patch", "delete")},
		{Group: "", Resource: "pods/log", Verbs: []string{"get"}},
		{Group: "", Resource: "events", Verbs: watch},
		{Group: "", Resource: "services", Verbs: change},
		{Group: "", Resource: "configmaps", Verbs: change},
		{Group: "", Resource: "secrets", Verbs: change},
		{Group: "apps", Resource: "deployments", Verbs: change},
		{Group: "apps", Resource: "replicasets", Verbs: change},
		{Group: "apps", Resource: "statefulsets", Verbs: change},
		{Group: "apps", Resource: "daemonsets", Verbs: change},
		{Group: "apps", Resource: "controllerrevisions", Verbs: []string{"list"}},
		{Group: "batch", Resource: "jobs", Verbs: change},
		{Group: "batch", Resource: "cronjobs", Verbs: change},
		{Group: "discovery.k8s.io", Resource: "endpointslices", Verbs: watch},
		{Group: "networking.k8s.io", Resource: "ingresses", Verbs: change},
		{Group: "networking.k8s.io", Resource: "networkpolicies", Verbs: change},
	}
}

// missing asks for each operation that a needs whether it is allowed. Of an
// account with many namespaces only some are asked about.
func (a Account) missing(ctx context.Context, client kubernetes.Interface) ([]gennaker.AccountOperation, error) {
	namespaces := a.Namespaces
	var ask []gennaker.AccountOperation
	if len(namespaces) == 0 {
		namespaces = []string{meta.NamespaceAll}
		ask = append(ask, gennaker.AccountOperation{Resource: "namespaces", Verbs: []string{"list", "watch"}})
	}
	for _, ns := range namespaces[:min(maxAskedIn, len(namespaces))] {
		for _, o := range needs() {
			o.Namespace = ns
			ask = append(ask, o)
		}
	}
	refused := make([][]string, len(ask))
	errs := make([]error, len(ask))
	room := make(chan struct{}, asked)
	var all sync.WaitGroup
	for i, o := range ask {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			refused[i], errs[i] = refusedVerbs(ctx, client, o)
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errs[slices.IndexFunc(errs, func(err error) bool { return err != nil })]
	}
	var out []gennaker.AccountOperation
	for i, o := range ask {
		if o.Verbs = refused[i]; len(o.Verbs) > 0 {
			out = append(out, o)
		}
	}
	return out, nil
}

func refusedVerbs(ctx context.Context, client kubernetes.Interface, o gennaker.AccountOperation) ([]string, error) {
	resource, sub, _ := strings.Cut(o.Resource, "/")
	var out []string
	for _, verb := range o.Verbs {
		answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorization.SelfSubjectAccessReview{
			Spec: authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorization.ResourceAttributes{
				Namespace: o.Namespace, Verb: verb, Group: o.Group, Resource: resource, Subresource: sub,
			}},
		}, meta.CreateOptions{})
		if err != nil {
			return nil, fmt.Errorf("ask whether %s %s is allowed: %w", verb, o.Resource, err)
		}
		if !answer.Status.Allowed {
			out = append(out, verb)
		}
	}
	return out, nil
}

// Explain says why a request to the server at host failed.
func Explain(err error, host string) gennaker.AccountProblem {
	out := gennaker.AccountProblem{Kind: problemFailing, Message: fmt.Sprintf("%s answers with an error: %v", host, err)}
	switch {
	case apierrors.IsUnauthorized(err):
		out.Kind, out.Message = problemUnauthorized, host+" does not accept the credentials (401)"
		out.Hint = "the token or certificate is wrong or has expired: make a new one"
	case apierrors.IsForbidden(err):
		out.Kind, out.Message = problemForbidden, fmt.Sprintf("%s does not allow it: %v", host, err)
	case explainTLS(err, host, &out), explainNetwork(err, host, &out):
	}
	return out
}

func explainTLS(err error, host string, out *gennaker.AccountProblem) bool {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	switch {
	case errors.As(err, &unknown):
		out.Message = "the certificate of " + host + " is signed by an authority that the kubeconfig does not name"
		out.Hint = "put the cluster's certificate authority into certificate-authority-data"
	case errors.As(err, &invalid):
		out.Message = fmt.Sprintf("the certificate of %s is not valid: %v", host, invalid)
		out.Hint = "renew it, or check the clock of this machine"
	case errors.As(err, &name):
		out.Message = fmt.Sprintf("the certificate of %s is for another name: %v", host, name)
		out.Hint = "write the server's name as in the certificate, or set tls-server-name in the kubeconfig"
	case strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		out.Message = fmt.Sprintf("no secure connection to %s: %v", host, err)
		out.Hint = "is it the API server's HTTPS port, and is the client's certificate right?"
	default:
		return false
	}
	out.Kind = problemTLS
	return true
}

func explainNetwork(err error, host string, out *gennaker.AccountProblem) bool {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		out.Message = fmt.Sprintf("the name of the server %s is not known", host)
		out.Hint = "check the server in the kubeconfig, and the DNS of this machine"
	case errors.Is(err, syscall.ECONNREFUSED):
		out.Message = "nothing listens at " + host
		out.Hint = "is the cluster running, and the port right?"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		out.Message = host + " does not answer"
		out.Hint = "check routes and firewalls between this machine and the cluster"
	case errors.As(err, new(*net.OpError)):
		out.Message = fmt.Sprintf("%s cannot be reached: %v", host, err)
	default:
		return false
	}
	out.Kind = problemUnreachable
	return true
}
