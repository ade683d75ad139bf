package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker"
)

// explain says in our words why a request failed. What ctx ended is the error
// of ctx.
func explain(ctx context.Context, verb string, r Ref, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // who called wraps it
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		if errors.Is(err, context.DeadlineExceeded) {
			return gennaker.Errorf(gennaker.Unavailable, "the cluster did not answer within %s: %w", callTime, err)
		}
		return gennaker.Errorf(gennaker.Unavailable, "the cluster cannot be reached: %w", err).
			WithHint("check that its API server runs, and the network between")
	}
	s := status.Status()
	if e := explainAdmission(s.Message); e != nil {
		return hide(r, wrap(e, err))
	}
	return hide(r, wrap(explainStatus(verb, r, s), err))
}

func wrap(e *gennaker.Error, cause error) *gennaker.Error {
	out := *e
	out.Err = cause
	return &out
}

// explainStatus explains what is no matter of admission.
func explainStatus(verb string, r Ref, s v1.Status) *gennaker.Error {
	switch s.Code {
	case http.StatusUnauthorized:
		return gennaker.Errorf(gennaker.Denied, "the cluster does not accept the account's credentials (401)").
			WithHint("the token or certificate is wrong or has expired: give the account a new one")
	case http.StatusForbidden:
		return explainForbidden(verb, r, s)
	case http.StatusNotFound:
		return explainNotFound(r, s)
	case http.StatusConflict:
		return explainConflict(r, s)
	case http.StatusGone:
		return gennaker.Errorf(gennaker.Unavailable, "the list was too old to go on with")
	case http.StatusRequestEntityTooLarge:
		return gennaker.Errorf(gennaker.TooLarge, "the object is larger than the cluster takes").
			WithHint("an object may have 1.5 MiB: split it, or keep data elsewhere")
	case http.StatusUnprocessableEntity:
		return explainInvalid(r, s)
	case http.StatusTooManyRequests:
		return gennaker.Errorf(gennaker.Unavailable, "the cluster asks to come back later (429): %s", s.Message)
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return gennaker.Errorf(gennaker.Invalid, "the cluster does not understand it: %s", s.Message)
	}
	if text, ok := untyped(s.Message); ok {
		return gennaker.Errorf(gennaker.Invalid, "the object does not fit its kind: %s", text).
			WithHint("compare the field with the kind's schema: kubectl explain %s", strings.ToLower(r.Kind.Kind))
	}
	return gennaker.Errorf(gennaker.Unavailable, "the cluster answered %d: %s", s.Code, s.Message)
}

// untyped returns what server-side apply finds wrong with the schema of an
// object; the status says no more than that something failed.
func untyped(message string) (string, bool) {
	_, text, ok := strings.Cut(message, "failed to create typed patch object ")
	if _, after, found := strings.Cut(text, "): "); ok && found {
		text = after
	}
	return strings.TrimSpace(text), ok
}

// What admission answers, by its text: there is nothing else to know it by.
//
// Source: kube-apiserver, admission plug-ins.
var (
	webhookDenied = regexp.MustCompile(`(?s)admission webhook "([^"]*)" denied the request(?:: (.*)| without explanation)?`)
	webhookFailed = regexp.MustCompile(`(?s)failed calling webhook "([^"]*)": (?:failed to call webhook: )?(.*)`)
	policyDenied  = regexp.MustCompile(`(?s)ValidatingAdmissionPolicy '([^']*)' with binding '[^']*' denied request: (.*)`)
	podSecurity   = regexp.MustCompile(`(?s)violates PodSecurity "([^"]*)": (.*)`)
	quotaExceeded = regexp.MustCompile(`(?s)exceeded quota: ([^,]*), requested: (.*), used: (.*), limited: (.*)`)
	quotaMissing  = regexp.MustCompile(`(?s)failed quota: ([^:]*): (must specify .*)`)
)

func explainAdmission(text string) *gennaker.Error {
	if m := webhookDenied.FindStringSubmatch(text); m != nil {
		return gennaker.Errorf(gennaker.Denied, "the admission webhook %s denied it: %s", m[1], cmp.Or(strings.TrimSpace(m[2]), "it does not say why")).
			WithHint("who runs the webhook says what it wants; kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations shows where it is")
	}
	if m := webhookFailed.FindStringSubmatch(text); m != nil {
		return gennaker.Errorf(gennaker.Unavailable, "the admission webhook %s did not answer the cluster: %s", m[1], m[2]).
			WithHint("is the service of the webhook running?")
	}
	if m := policyDenied.FindStringSubmatch(text); m != nil {
		return gennaker.Errorf(gennaker.Denied, "the admission policy %s denied it: %s", m[1], m[2]).
			WithHint("change what the policy names; kubectl get validatingadmissionpolicy %s shows its rules", m[1])
	}
	if m := podSecurity.FindStringSubmatch(text); m != nil {
		return gennaker.Errorf(gennaker.Denied, "it violates the pod security standard %s of its namespace: %s", m[1], m[2]).
			WithHint("set these fields of the securityContext, or label the namespace with a weaker standard")
	}
	if m := quotaExceeded.FindStringSubmatch(text); m != nil {
		return gennaker.Errorf(gennaker.Denied, "the quota %s is exceeded: requested %s, used %s, limited to %s", m[1], m[2], m[3], m[4]).
			WithHint("delete old versions, ask for less, or raise the quota")
	}
	if m := quotaMissing.FindStringSubmatch(text); m != nil {
		return gennaker.Errorf(gennaker.Denied, "the quota %s wants more to be said: %s", m[1], m[2]).
			WithHint("set these requests and limits in every container")
	}
	return nil
}

func explainForbidden(verb string, r Ref, s v1.Status) *gennaker.Error {
	if cause(s, core.NamespaceTerminatingCause) != nil {
		return gennaker.Errorf(gennaker.Conflict, "the namespace %s is being deleted", r.Namespace).
			WithHint("wait until it is gone, and make it again before deploying to it")
	}
	if !strings.Contains(s.Message, " cannot "+verb+" ") {
		return gennaker.Errorf(gennaker.Denied, "the cluster does not allow it: %s", s.Message)
	}
	resource := r.Kind.Resource.GroupResource().String()
	where, role := "in namespace "+r.Namespace, "role"
	bind := fmt.Sprintf("kubectl create rolebinding gennaker -n %s --role=gennaker", r.Namespace)
	if !r.Kind.Namespaced || r.Namespace == "" {
		where, role, bind = "in the whole cluster", "clusterrole", "kubectl create clusterrolebinding gennaker --clusterrole=gennaker"
	}
	return gennaker.Errorf(gennaker.Denied, "the account may not %s %s %s", verb, resource, where).
		WithHint("grant it: kubectl create %s gennaker --verb=%s --resource=%s, then %s for the account's user", role, verb, resource, bind)
}

func explainNotFound(r Ref, s v1.Status) *gennaker.Error {
	switch {
	case nameless(s):
		return gennaker.Errorf(gennaker.NotFound, "the cluster does not have the kind %s of %s any more", r.Kind.Kind, r.Kind.GroupVersion())
	case s.Details.Kind == "namespaces" && r.Kind.Kind != "Namespace":
		return gennaker.Errorf(gennaker.NotFound, "there is no namespace %s", s.Details.Name).
			WithHint("deploy a Namespace with it, or create it: kubectl create namespace %s", s.Details.Name)
	}
	return gennaker.Errorf(gennaker.NotFound, "there is no %s", r)
}

// nameless reports whether a 404 is about no object: the path itself is not
// there.
func nameless(s v1.Status) bool {
	return s.Details == nil || s.Details.Name == "" && s.Details.Kind == ""
}

// NoSuchKind reports whether a request failed since the server does not know what was asked for.
func NoSuchKind(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code == http.StatusNotFound && nameless(status.Status())
}

func explainConflict(r Ref, s v1.Status) *gennaker.Error {
	if owners := ownersOf(s); len(owners) > 0 {
		var parts []string
		for _, o := range owners {
			parts = append(parts, fmt.Sprintf("%s is owned by %s", o.Field, o.Manager))
		}
		return gennaker.Errorf(gennaker.Conflict, "another field manager holds what %s sets: %s", r, strings.Join(parts, "; ")).
			WithHint("leave the field out of the manifest, or take it with the annotation strategy.spinnaker.io/server-side-apply: force-conflicts")
	}
	if s.Reason == v1.StatusReasonAlreadyExists {
		if strings.Contains(s.Message, "being deleted") {
			return gennaker.Errorf(gennaker.Conflict, "%s is being deleted still", r)
		}
		return gennaker.Errorf(gennaker.Conflict, "%s is there already", r)
	}
	return gennaker.Errorf(gennaker.Conflict, "%s was changed by somebody else at the same time: %s", r, s.Message)
}

// explainInvalid lists what is wrong, field by field.
func explainInvalid(r Ref, s v1.Status) *gennaker.Error {
	e := gennaker.Errorf(gennaker.Invalid, "the cluster does not accept %s: %s", r, s.Message)
	if s.Details == nil || len(s.Details.Causes) == 0 {
		return e
	}
	var parts []string
	for _, c := range s.Details.Causes {
		p := gennaker.Problem{Path: c.Field, Message: c.Message}
		e.Problems = append(e.Problems, p)
		parts = append(parts, p.String())
	}
	const shown = 4
	if n := len(parts) - shown; n > 0 {
		parts = append(parts[:shown], fmt.Sprintf("and %d more", n))
	}
	e.Message = fmt.Sprintf("the cluster does not accept %s: %s", r, strings.Join(parts, "; "))
	if slices.ContainsFunc(s.Details.Causes, func(c v1.StatusCause) bool { return strings.Contains(c.Message, "field is immutable") }) {
		return e.WithHint("the field cannot be changed: give the object another name, or recreate it with the annotation strategy.spinnaker.io/recreate: \"true\"")
	}
	return e
}

// hide takes what may quote a secret's data out of an error.
func hide(r Ref, e *gennaker.Error) *gennaker.Error {
	if r.Kind.Kind != "Secret" || e.Kind != gennaker.Invalid && e.Kind != gennaker.Unavailable {
		return e
	}
	out := &gennaker.Error{Kind: e.Kind, Hint: e.Hint, Message: fmt.Sprintf("the cluster does not accept %s", r)}
	if e.Kind == gennaker.Unavailable {
		out.Message = fmt.Sprintf("the cluster failed with %s", r)
	}
	for i, p := range e.Problems {
		if i == 0 {
			out.Message += ": wrong is"
		}
		out.Message += " " + p.Path
		out.Problems = append(out.Problems, gennaker.Problem{Path: p.Path, Message: "is not right"})
	}
	return out
}

func cause(s v1.Status, typ v1.CauseType) *v1.StatusCause {
	if s.Details == nil {
		return nil
	}
	for i, c := range s.Details.Causes {
		if c.Type == typ {
			return &s.Details.Causes[i]
		}
	}
	return nil
}

// Owner is who holds a field that we wanted to set.
type Owner struct {
	Field   string // .spec.replicas
	Manager string // kube-controller-manager
}

// conflictWith is what the server says of a conflict.
var conflictWith = regexp.MustCompile(`conflict with "([^"]*)"`)

func ownersOf(s v1.Status) []Owner {
	var out []Owner
	if s.Details == nil {
		return nil
	}
	for _, c := range s.Details.Causes {
		if c.Type != v1.CauseTypeFieldManagerConflict {
			continue
		}
		o := Owner{Field: c.Field, Manager: c.Message}
		if m := conflictWith.FindStringSubmatch(c.Message); m != nil {
			o.Manager = m[1]
		}
		out = append(out, o)
	}
	return out
}

// Owners returns who holds the fields because of which an apply failed.
func Owners(err error) []Owner {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return nil
	}
	return ownersOf(status.Status())
}

// Exists reports whether a create failed since the object is there already;
// one that is being deleted is there.
func Exists(err error) bool { return apierrors.IsAlreadyExists(err) }

// Stale reports whether a change failed since the object had changed.
func Stale(err error) bool {
	return apierrors.IsConflict(err) && len(Owners(err)) == 0
}
