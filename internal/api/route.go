package api

import (
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/gennaker/gennaker"
)

// Route is one row of the table of routes. From it come the mux, the permission
// that is checked before the handler runs, the bounds of the body, the label of
// the metrics and the description in OpenAPI.
//
// The application that a permission is asked for is the path's {app}.
type Route struct {
	Method     string
	Pattern    string // of http.ServeMux, without method and host
	Permission Permission
	Does       string // in one sentence
	Handler    Handler
	Query      []string             // the parameters it reads, all of them in [Parameters]
	Failures   map[int]reflect.Type // the bodies of failures that are no [ErrorBody], by status

	failures []gennaker.Kind
}

// Row makes a route.
func Row(method, pattern string, p Permission, does string, h Handler) Route {
	return Route{Method: method, Pattern: pattern, Permission: p, Does: does, Handler: h}
}

// Reads returns r with more query parameters that it reads.
func (r Route) Reads(query ...string) Route {
	r.Query = slices.Concat(r.Query, query)
	return r
}

// Fails returns r with more reasons why it may not be done, besides those that
// its body, its query and its permission give.
func (r Route) Fails(kinds ...gennaker.Kind) Route {
	r.failures = slices.Concat(r.failures, kinds)
	return r
}

// Answers returns r with another body that it may answer with, of a [Failure].
func (r Route) Answers(status int, body any) Route {
	r.Failures = maps.Clone(r.Failures)
	if r.Failures == nil {
		r.Failures = map[int]reflect.Type{}
	}
	r.Failures[status] = reflect.TypeOf(body)
	return r
}

// Kinds returns all kinds of errors that the route answers with, but Internal.
func (r Route) Kinds() []gennaker.Kind {
	kinds := slices.Clone(r.failures)
	add := func(k gennaker.Kind) {
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	if r.Permission != Public {
		add(gennaker.Denied)
		add(gennaker.TooMany)
	}
	add(gennaker.Invalid) // of a query that cannot be read
	if r.Handler.Body != nil {
		add(gennaker.TooLarge)
	}
	return kinds
}

// Handler answers a request that was allowed. It is made by [Returns] or [Takes].
type Handler struct {
	Body   reflect.Type // what is read from the body; nil is that it is ignored
	Answer reflect.Type // what the answer holds; nil is nothing
	Status int          // of an answer that is no error
	Media  string       // media type of the answer
	Stream bool         // the answer goes on

	serve func(*Request) (any, error)
}

// Nothing is the answer without a body, and the body that is not read.
type Nothing struct{}

// Text is a body that the handler reads by itself, as [Request.Text].
type Text struct{}

// Returns makes the handler that answers with what f returns, as JSON: but a nil
// pointer and [Nothing] are no body, and [*Stream] and [*Content] what they are.
func Returns[T any](f func(*Request) (T, error)) Handler {
	h := Handler{Answer: reflect.TypeFor[T](), Status: http.StatusOK, Media: "application/json"}
	h.serve = func(r *Request) (any, error) {
		v, err := f(r)
		return v, err
	}
	switch h.Answer {
	case reflect.TypeFor[Nothing]():
		h.Answer, h.Media = nil, ""
	case reflect.TypeFor[*Stream]():
		h.Answer, h.Stream = reflect.TypeFor[string](), true
	case reflect.TypeFor[*Content](), reflect.TypeFor[*page]():
		h.Answer = reflect.TypeFor[string]()
	}
	return h
}

// Takes makes the handler that decodes the body, a JSON object, into a B first.
// A B that is a [*gennaker.Document] is the object itself; [Text] is left to f.
func Takes[B, T any](f func(*Request, B) (T, error)) Handler {
	h := Returns(func(r *Request) (T, error) {
		body, err := take[B](r)
		if err != nil {
			var none T
			return none, err
		}
		return f(r, body)
	})
	h.Body = reflect.TypeFor[B]()
	return h
}

func take[B any](r *Request) (body B, err error) {
	switch b := any(&body).(type) {
	case *Text:
	case **gennaker.Document:
		*b, err = r.Document()
	default:
		body, _, err = Decode[B](r)
	}
	return body, err
}

// As returns h with another status and media type; "" leaves the media type.
func (h Handler) As(status int, media string) Handler {
	h.Status = status
	if media != "" {
		h.Media = media
	}
	return h
}

// Routes returns the table of routes.
func (s *Server) Routes() []Route { return slices.Concat(s.routes(), s.Config.Routes) }

// routes are those about the server itself.
func (s *Server) routes() []Route {
	return []Route{
		Row("GET", "/{$}", Public, "Where the pages are.", Returns(s.root).As(http.StatusFound, "")),
		Row("GET", "/ui", Public, "Where the pages are.", Returns(s.root).As(http.StatusFound, "")),
		Row("GET", "/ui/{rest...}", Public, "The pages.", Returns(s.page).As(http.StatusOK, "text/html; charset=utf-8")).Fails(gennaker.NotFound),
		Row("GET", "/health", Public, "Whether the server can do its work.", Returns(s.health)).Answers(http.StatusServiceUnavailable, HealthBody{}),
		Row("GET", "/version", Public, "The version of the server.", Returns(s.version)),
		Row("GET", "/metrics", s.metricsPermission(), "What the server counted, for Prometheus.", Returns(s.metrics).As(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8")),
		Row("GET", "/api/v1/openapi.json", Public, "What can be asked: this description.", Returns(s.openAPI).As(http.StatusOK, "application/json")),
	}
}
