// Package cluster speaks to one API server: it knows its kinds, repeats what
// is safe to repeat, and says in the product's own words why something failed.
//
// Every error that leaves it is classed by gennaker.Kind. What nobody can know
// (the connection broke, the server answered 500) is Unavailable: who called
// finds out by calling again, with the marks that it left on what it made.
package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker"
)

// FieldManager is who the cluster takes us for, as the owner of fields.
const FieldManager = "gennaker"

// Bounds of one request.
const (
	callTime = 30 * time.Second
	pageSize = 250
	maxList  = 20_000 // objects in one answer
)

// Client is a client of one API server. It is safe for concurrent use.
type Client struct {
	objects  dynamic.Interface
	metadata metadata.Interface
	kinds    kinds
}

// New returns a client that calls itself agent. Nothing is asked of the server
// yet.
//
// Errors: Invalid for a configuration that can never work.
func New(config *rest.Config, agent string) (*Client, error) {
	config = Config(config, agent)
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the configuration of the cluster's client is not usable: %w", err)
	}
	c := &Client{}
	if c.objects, err = dynamic.NewForConfigAndClient(config, http); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if c.metadata, err = metadata.NewForConfigAndClient(config, http); err != nil {
		return nil, fmt.Errorf("make a client of metadata: %w", err)
	}
	found, err := discovery.NewDiscoveryClientForConfigAndClient(config, http)
	if err != nil {
		return nil, fmt.Errorf("make a client of kinds: %w", err)
	}
	c.kinds.discovery = found
	return c, nil
}

// Config returns a copy of config as all our clients of a cluster want it: it
// names agent, has no limits of its own, since servers protect themselves by
// priority and fairness, and repeats what is safe to repeat.
func Config(config *rest.Config, agent string) *rest.Config {
	config = rest.CopyConfig(config)
	config.UserAgent = agent
	config.QPS, config.Burst, config.RateLimiter = -1, 0, nil
	config.WarningHandler = nil
	config.WarningHandlerWithContext = warnings{}
	config.Wrap(repeating)
	return config
}

// Ref names an object, or with an empty Name all of a namespace.
type Ref struct {
	Kind      Kind
	Namespace string
	Name      string
}

// String returns kind name in namespace.
func (r Ref) String() string {
	s := r.Kind.Kind
	if r.Name != "" {
		s += " " + r.Name
	}
	if r.Kind.Namespaced && r.Namespace != "" {
		s += " in " + r.Namespace
	}
	return s
}

func (c *Client) resource(r Ref) dynamic.ResourceInterface {
	all := c.objects.Resource(r.Kind.Resource)
	if r.Kind.Namespaced {
		return all.Namespace(r.Namespace)
	}
	return all
}

// call runs one request in bounded time and explains its error.
func call[T any](ctx context.Context, c *Client, verb string, r Ref, do func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := do(bounded)
	if err != nil {
		var none T
		if NoSuchKind(err) {
			c.kinds.forget(r.Kind)
		}
		return none, fmt.Errorf("%s %s: %w", verb, r, explain(ctx, verb, r, err))
	}
	return out, nil
}

// Get returns an object as it is now. Errors: NotFound.
func (c *Client) Get(ctx context.Context, r Ref) (*unstructured.Unstructured, error) {
	return call(ctx, c, "get", r, func(ctx context.Context) (*unstructured.Unstructured, error) {
		return c.resource(r).Get(ctx, r.Name, v1.GetOptions{})
	})
}

// Metadata returns the metadata of an object as it is now. Errors: NotFound.
func (c *Client) Metadata(ctx context.Context, r Ref) (*v1.PartialObjectMetadata, error) {
	return call(ctx, c, "get", r, func(ctx context.Context) (*v1.PartialObjectMetadata, error) {
		if r.Kind.Namespaced {
			return c.metadata.Resource(r.Kind.Resource).Namespace(r.Namespace).Get(ctx, r.Name, v1.GetOptions{})
		}
		return c.metadata.Resource(r.Kind.Resource).Get(ctx, r.Name, v1.GetOptions{})
	})
}

// List returns the objects of r's kind and namespace that the label selector
// chooses, as they are now. Errors: TooLarge for more than 20,000.
func (c *Client) List(ctx context.Context, r Ref, selector string) ([]unstructured.Unstructured, error) {
	var all []unstructured.Unstructured
	for token := ""; ; {
		page, err := call(ctx, c, "list", r, func(ctx context.Context) (*unstructured.UnstructuredList, error) {
			return c.resource(r).List(ctx, v1.ListOptions{LabelSelector: selector, Limit: pageSize, Continue: token})
		})
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Items...); len(all) > maxList {
			return nil, tooMany(r)
		}
		if token = page.GetContinue(); token == "" {
			return all, nil
		}
	}
}

// ListMetadata is List, but without what objects hold.
func (c *Client) ListMetadata(ctx context.Context, r Ref, selector string) ([]v1.PartialObjectMetadata, error) {
	var all []v1.PartialObjectMetadata
	for token := ""; ; {
		page, err := call(ctx, c, "list", r, func(ctx context.Context) (*v1.PartialObjectMetadataList, error) {
			return c.metadata.Resource(r.Kind.Resource).Namespace(r.Namespace).
				List(ctx, v1.ListOptions{LabelSelector: selector, Limit: pageSize, Continue: token})
		})
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Items...); len(all) > maxList {
			return nil, tooMany(r)
		}
		if token = page.GetContinue(); token == "" {
			return all, nil
		}
	}
}

func tooMany(r Ref) error {
	return gennaker.Errorf(gennaker.TooLarge, "there are more than %d objects of kind %s in %q", maxList, r.Kind.Kind, r.Namespace)
}

// Apply makes an object what it says, by server-side apply: fields that are not
// in it and that nobody else owns go away. With force it takes fields from
// whoever owns them.
//
// Errors: Conflict if another manager owns a field; see [Owners].
func (c *Client) Apply(ctx context.Context, r Ref, obj map[string]any, force bool) (*unstructured.Unstructured, error) {
	return call(ctx, c, "patch", r, func(ctx context.Context) (*unstructured.Unstructured, error) {
		return c.resource(r).Apply(ctx, r.Name, &unstructured.Unstructured{Object: obj}, v1.ApplyOptions{FieldManager: FieldManager, Force: force})
	})
}

// Create makes an object that is not there yet. Errors: Conflict, for which
// [Exists] is true, if it is.
func (c *Client) Create(ctx context.Context, r Ref, obj map[string]any) (*unstructured.Unstructured, error) {
	return call(ctx, c, "create", r, func(ctx context.Context) (*unstructured.Unstructured, error) {
		return c.resource(r).Create(ctx, &unstructured.Unstructured{Object: obj},
			v1.CreateOptions{FieldManager: FieldManager, FieldValidation: v1.FieldValidationStrict})
	})
}

// Replace makes an object, whose resourceVersion obj holds, another one.
// Errors: NotFound; Conflict if it has changed since.
func (c *Client) Replace(ctx context.Context, r Ref, obj map[string]any) (*unstructured.Unstructured, error) {
	return call(ctx, c, "update", r, func(ctx context.Context) (*unstructured.Unstructured, error) {
		return c.resource(r).Update(ctx, &unstructured.Unstructured{Object: obj},
			v1.UpdateOptions{FieldManager: FieldManager, FieldValidation: v1.FieldValidationStrict})
	})
}

// Patch changes a part of an object, or of its subresource.
// Errors: NotFound, Invalid; Conflict if a resourceVersion in it has passed.
func (c *Client) Patch(ctx context.Context, r Ref, how types.PatchType, body []byte, sub ...string) (*unstructured.Unstructured, error) {
	return call(ctx, c, "patch", r, func(ctx context.Context) (*unstructured.Unstructured, error) {
		return c.resource(r).Patch(ctx, r.Name, how, body, v1.PatchOptions{FieldManager: FieldManager}, sub...)
	})
}

// PatchMetadata changes metadata of an object by a JSON merge patch, and returns
// no more than that of it.
// Errors: NotFound, Invalid; Conflict if a uid or resourceVersion in it is not its own.
func (c *Client) PatchMetadata(ctx context.Context, r Ref, metadata map[string]any) (*v1.PartialObjectMetadata, error) {
	body, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return nil, fmt.Errorf("write a patch of %s: %w", r, err)
	}
	return call(ctx, c, "patch", r, func(ctx context.Context) (*v1.PartialObjectMetadata, error) {
		return c.metadata.Resource(r.Kind.Resource).Namespace(r.Namespace).
			Patch(ctx, r.Name, types.MergePatchType, body, v1.PatchOptions{FieldManager: FieldManager})
	})
}

// MergePatch is Patch with a JSON merge patch.
func (c *Client) MergePatch(ctx context.Context, r Ref, patch any) (*unstructured.Unstructured, error) {
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("write a patch of %s: %w", r, err)
	}
	return c.Patch(ctx, r, types.MergePatchType, body)
}

// Delete begins to delete an object; uid, unless it is empty, must be its own.
// One that does not exist, or has another uid, is deleted.
func (c *Client) Delete(ctx context.Context, r Ref, uid types.UID, how v1.DeletionPropagation, grace *int64) error {
	options := v1.DeleteOptions{PropagationPolicy: &how, GracePeriodSeconds: grace}
	if uid != "" {
		options.Preconditions = &v1.Preconditions{UID: &uid}
	}
	_, err := call(ctx, c, "delete", r, func(ctx context.Context) (any, error) {
		return nil, c.resource(r).Delete(ctx, r.Name, options)
	})
	if gennaker.KindOf(err) == gennaker.NotFound || uid != "" && gennaker.KindOf(err) == gennaker.Conflict {
		return nil
	}
	return err
}

// warnings passes what the server warns of to who called.
type warnings struct{}

type warningsKey struct{}

// Warnings holds what the server warned of.
type Warnings struct {
	mu   sync.Mutex
	list []string
}

// WithWarnings returns a context whose requests put the server's warnings into
// w.
func WithWarnings(ctx context.Context, w *Warnings) context.Context {
	return context.WithValue(ctx, warningsKey{}, w)
}

// maxWarnings bounds those of one context.
const maxWarnings = 100

// Add adds a warning, once.
func (w *Warnings) Add(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.list, text) {
		return
	}
	if len(w.list) < maxWarnings {
		w.list = append(w.list, text)
	}
}

// List returns the warnings so far.
func (w *Warnings) List() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.list...)
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (warnings) HandleWarningHeaderWithContext(ctx context.Context, _ int, _ string, text string) {
	if w, ok := ctx.Value(warningsKey{}).(*Warnings); ok && text != "" {
		w.Add(text)
	}
}

// Object returns a manifest as the client's libraries want it.
func Object(m gennaker.Manifest) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(m)}
}
