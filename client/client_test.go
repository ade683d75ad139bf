package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// answering returns a client of a server that answers every request alike.
func answering(t *testing.T, status int, body string) *client.Client {
	t.Helper()
	return serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
}

func serving(t *testing.T, h http.Handler) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{URL: s.URL, HTTP: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestErrorBodies(t *testing.T) {
	t.Parallel()
	problem := gennaker.Problem{Path: "stages[0].type", Line: 3, Column: 9, Message: "there is no stage type \"x\""}
	for name, tt := range map[string]struct {
		status int
		body   string
		want   gennaker.Error
	}{
		"all fields": {
			400, `{"status":400,"error":"Bad Request","message":"no","hint":"try yes","problems":[{"path":"stages[0].type","line":3,"column":9,"message":"there is no stage type \"x\""}]}`,
			gennaker.Error{Kind: gennaker.Invalid, Message: "no", Hint: "try yes", Problems: []gennaker.Problem{problem}},
		},
		"denied":      {403, `{"message":"Access is denied"}`, gennaker.Error{Kind: gennaker.Denied, Message: "Access is denied"}},
		"not found":   {404, `{"message":"gone"}`, gennaker.Error{Kind: gennaker.NotFound, Message: "gone"}},
		"conflict":    {409, `{"message":"taken"}`, gennaker.Error{Kind: gennaker.Conflict, Message: "taken"}},
		"too large":   {413, `{"message":"big"}`, gennaker.Error{Kind: gennaker.TooLarge, Message: "big"}},
		"unavailable": {503, `{"message":"away"}`, gennaker.Error{Kind: gennaker.Unavailable, Message: "away"}},
		"internal":    {500, `{"message":"oops"}`, gennaker.Error{Kind: gennaker.Internal, Message: "oops"}},
		"not JSON": {
			502, `<html>`,
			gennaker.Error{Kind: gennaker.Unavailable, Message: "the server answered 502 Bad Gateway to GET /pipelines/1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := answering(t, tt.status, tt.body).Execution(t.Context(), "1")
			got, ok := errors.AsType[*gennaker.Error](err)
			if !ok {
				t.Fatalf("got %v, want a *gennaker.Error", err)
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Error(diff)
			}
			if errors.Is(err, client.ErrUnreachable) {
				t.Error("a server that answers was called unreachable")
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, err := client.New(client.Config{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Applications(t.Context())
	if !errors.Is(err, client.ErrUnreachable) || gennaker.KindOf(err) != gennaker.Unavailable || gennaker.HintOf(err) == "" {
		t.Errorf("got %v (kind %s, hint %q)", err, gennaker.KindOf(err), gennaker.HintOf(err))
	}
	for _, err := range c.Watch(t.Context(), "1") {
		if !errors.Is(err, client.ErrUnreachable) {
			t.Errorf("Watch: got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Applications(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("canceled: got %v", err)
	}
}

func TestNewRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"127.0.0.1:8084", "ftp://x", "http://", ":"} {
		if _, err := client.New(client.Config{URL: u}); gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%q: got %v", u, err)
		}
	}
}

// request is a call and what it sends: method, target and body.
type request struct {
	do   func(ctx context.Context, c *client.Client) error
	want string
}

// documentRequests are the calls about pipelines as documents.
func documentRequests() map[string]request {
	return map[string]request{
		"names are escaped": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Pipeline(ctx, "shop", "a/b c?")
				return err
			}, "GET /applications/shop/pipelineConfigs/a%2Fb%20c%3F ",
		},
		"save keeps the text": {
			func(ctx context.Context, c *client.Client) error {
				return c.SavePipeline(ctx, []byte("{\n  \"name\": \"p\"\n}"))
			}, "POST /pipelines {\n  \"name\": \"p\"\n}",
		},
		"delete a pipeline": {
			func(ctx context.Context, c *client.Client) error { return c.DeletePipeline(ctx, "shop", "a b") },
			"DELETE /pipelines/shop/a%20b ",
		},
		"rename a pipeline": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.RenamePipeline(ctx, "p1", []byte("{}"))
				return err
			}, "PUT /pipelines/p1 {}",
		},
		"history": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.PipelineHistory(ctx, "p1", 3)
				return ignoreShape(err)
			}, "GET /pipelineConfigs/p1/history?limit=3 ",
		},
	}
}

// executionRequests are the calls about executions.
func executionRequests() map[string]request {
	return map[string]request{
		"start": {
			func(ctx context.Context, c *client.Client) error {
				id, err := c.StartPipeline(ctx, "shop", "p", client.Start{Parameters: map[string]any{"v": "1"}})
				if err == nil && id != "01A" {
					return fmt.Errorf("got ID %q", id)
				}
				return err
			}, `POST /pipelines/shop/p {"type":"manual","parameters":{"v":"1"}}`,
		},
		"executions of pipelines": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Executions(ctx, client.ExecutionQuery{
					PipelineIDs: []string{"a", "b"}, Limit: 2,
					Statuses: []gennaker.Status{gennaker.Running, gennaker.Paused},
				})
				return ignoreShape(err)
			}, "GET /executions?expand=false&limit=2&pipelineConfigIds=a%2Cb&statuses=RUNNING%2CPAUSED ",
		},
		"judge": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Judge(ctx, "1", "2", client.Judgment{Continue: true, Input: "blue"})
				return err
			}, `PATCH /pipelines/1/stages/2 {"judgmentInput":"blue","judgmentStatus":"continue"}`,
		},
		"judge stop": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Judge(ctx, "1", "2", client.Judgment{})
				return err
			}, `PATCH /pipelines/1/stages/2 {"judgmentStatus":"stop"}`,
		},
		"restart": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.RestartStage(ctx, "1", "2")
				return err
			}, `PUT /pipelines/1/stages/2/restart {}`,
		},
		"cancel": {
			func(ctx context.Context, c *client.Client) error { return c.CancelExecution(ctx, "1", "too late") },
			`PUT /pipelines/1/cancel?reason=too+late `,
		},
		"delete an execution": {
			func(ctx context.Context, c *client.Client) error { return c.DeleteExecution(ctx, "1") },
			"DELETE /pipelines/1 ",
		},
		"pause": {
			func(ctx context.Context, c *client.Client) error { return c.PauseExecution(ctx, "1") },
			"PUT /pipelines/1/pause ",
		},
		"resume": {
			func(ctx context.Context, c *client.Client) error { return c.ResumeExecution(ctx, "1") },
			"PUT /pipelines/1/resume ",
		},
	}
}

// fleetRequests are the calls about server groups and load balancers.
func fleetRequests() map[string]request {
	group := gennaker.ServerGroup{
		Name: "shop-prod-v001", Account: "local", Region: "local", CloudProvider: "local", Cluster: "shop-prod",
		Moniker: gennaker.Moniker{App: "shop", Stack: "prod", Cluster: "shop-prod"},
	}
	job := func(typ, more string) string {
		return `"job":[{` + more + `"cloudProvider":"local","cluster":"shop-prod","credentials":"local",` +
			`"moniker":{"app":"shop","stack":"prod","cluster":"shop-prod"},"region":"local","regions":["local"],` +
			`"serverGroupName":"shop-prod-v001","type":"` + typ + `"}]`
	}
	return map[string]request{
		"resize": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.ResizeServerGroup(ctx, group, gennaker.Capacity{Min: 1, Desired: 2, Max: 3})
				return err
			}, `POST /tasks {"application":"shop","description":"Resize Server Group: shop-prod-v001",` +
				strings.Replace(job("resizeServerGroup", `"action":"scale_exact","capacity":{"min":1,"max":3,"desired":2},`),
					`"serverGroupName"`, `"resizeType":"exact","serverGroupName"`, 1) + "}",
		},
		"destroy": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.DestroyServerGroup(ctx, group)
				return err
			}, `POST /tasks {"application":"shop","description":"Destroy Server Group: shop-prod-v001",` +
				job("destroyServerGroup", "") + "}",
		},
		"rollback": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.RollbackCluster(ctx, client.Rollback{
					Application: "shop", Account: "local", Region: "local", CloudProvider: "local", Cluster: "shop-prod", To: "shop-prod-v000",
				})
				return err
			}, `POST /tasks {"application":"shop","description":"Rollback Cluster: shop-prod","job":[{"cloudProvider":"local",` +
				`"cluster":"shop-prod","credentials":"local","originalServerGroup":"shop-prod-v000","regions":["local"],"type":"rollbackCluster"}]}`,
		},
		"load balancer": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.UpsertLoadBalancer(ctx, gennaker.LoadBalancer{
					Name: "lb", Account: "local", Region: "local", CloudProvider: "local", Application: "shop", Listen: "127.0.0.1:1",
				})
				return err
			}, `POST /tasks {"application":"shop","description":"Create Load Balancer: lb","job":[{"account":"local","application":"shop",` +
				`"cloudProvider":"local","credentials":"local","listen":"127.0.0.1:1","name":"lb","region":"local","type":"upsertLoadBalancer"}]}`,
		},
		"delete a load balancer": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.DeleteLoadBalancer(ctx, gennaker.LoadBalancer{Name: "lb", Account: "local", Region: "local", CloudProvider: "local", Application: "shop"})
				return err
			}, `POST /tasks {"application":"shop","description":"Delete Load Balancer: lb","job":[{"account":"local","cloudProvider":"local",` +
				`"credentials":"local","loadBalancerName":"lb","region":"local","type":"deleteLoadBalancer"}]}`,
		},
		"clusters": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Clusters(ctx, "shop")
				return ignoreShape(err)
			}, "GET /applications/shop/clusters ",
		},
		"logs": {
			func(ctx context.Context, c *client.Client) error {
				r, err := c.Logs(ctx, group.Ref(), client.LogQuery{Instance: "i", TailBytes: 9, Follow: true})
				if err == nil {
					err = r.Close()
				}
				return err
			}, "GET /api/v1/server-groups/local/local/shop-prod-v001/logs?follow=true&instance=i&tail=9 ",
		},
	}
}

// taskRequests are the calls about tasks and applications.
func taskRequests() map[string]request {
	return map[string]request{
		"create an application": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.CreateApplication(ctx, map[string]any{"name": "shop", "email": "a@b"})
				return err
			}, `POST /tasks {"application":"shop","description":"Create Application: shop","job":[{"application":{"email":"a@b","name":"shop"},"type":"createApplication"}]}`,
		},
		"update an application": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.UpdateApplication(ctx, "shop", map[string]any{"x": nil})
				return err
			}, `POST /tasks {"application":"shop","description":"Update Application: shop","job":[{"application":{"name":"shop","x":null},"type":"updateApplication"}]}`,
		},
		"delete an application": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.DeleteApplication(ctx, "shop")
				return err
			}, `POST /tasks {"application":"shop","description":"Delete Application: shop","job":[{"application":{"name":"shop"},"type":"deleteApplication"}]}`,
		},
		"tasks": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Tasks(ctx, "shop", 0)
				return ignoreShape(err)
			}, "GET /applications/shop/tasks ",
		},
		"cancel a task": {
			func(ctx context.Context, c *client.Client) error { return c.CancelTask(ctx, "1") },
			"PUT /tasks/1/cancel ",
		},
	}
}

// TestRequests pins what goes over the wire for each call.
func TestRequests(t *testing.T) {
	t.Parallel()
	all := documentRequests()
	maps.Copy(all, executionRequests())
	maps.Copy(all, fleetRequests())
	maps.Copy(all, taskRequests())
	for name, tt := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			c := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- r.Method + " " + r.RequestURI + " " + string(body)
				_, _ = io.WriteString(w, `{"ref":"/pipelines/01A"}`)
			}))
			if err := tt.do(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, <-got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// ignoreShape drops the error of an answer that is an object where a list was
// due: the server of TestRequests answers the same to all.
func ignoreShape(err error) error {
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}

func TestChecksBeforeItAsks(t *testing.T) {
	t.Parallel()
	c := serving(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked %s %s", r.Method, r.URL)
	}))
	if _, err := c.CreateApplication(t.Context(), map[string]any{"name": "shop"}); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("CreateApplication without email: %v", err)
	}
	if _, err := c.Application(t.Context(), ""); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("Application without a name: %v", err)
	}
	if _, err := c.ResizeServerGroup(t.Context(), gennaker.ServerGroup{}, gennaker.Capacity{Min: 2, Max: 1}); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("ResizeServerGroup to a capacity that cannot be: %v", err)
	}
}

func TestKeepBody(t *testing.T) {
	t.Parallel()
	const body = `[{"name":"shop","unknown":[1]}]`
	var got json.RawMessage
	if _, err := answering(t, 200, body).Applications(client.KeepBody(t.Context(), &got)); err != nil {
		t.Fatal(err)
	}
	if string(got) != body {
		t.Errorf("got %s", got)
	}
}

// canned answers every request with a body.
type canned string

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(string(c)))}, nil
}

func TestStale(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, v := range []string{"prod=2026-01-02T03:04:05Z", "old", "a=b=2026-01-02T03:04:05Z", "c=soon"} {
			w.Header().Add("X-Gennaker-Stale", v)
		}
		_, _ = io.WriteString(w, "[]")
	}))
	t.Cleanup(s.Close)
	var got []client.Stale
	c, err := client.New(client.Config{URL: s.URL, HTTP: s.Client(), Stale: func(s client.Stale) { got = append(got, s) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ServerGroups(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := []client.Stale{{Account: "prod", At: at}, {Account: "old"}, {Account: "a=b", At: at}, {Account: "c=soon"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestManifestRequests(t *testing.T) {
	t.Parallel()
	var asked []string
	c := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		_, _ = io.WriteString(w, "null")
	}))
	ref := gennaker.ManifestRef{Account: "prod", Location: "shop", Kind: "Deployment", Name: "web"}
	_, err := c.Manifest(t.Context(), ref)
	_, err2 := c.ManifestEvents(t.Context(), gennaker.ManifestRef{Account: "prod", Kind: "Gadget.example.com", Name: "a:b"})
	logs, err3 := c.ManifestLogs(t.Context(), ref, "proxy", 9)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	logs.Close()
	want := []string{
		"/manifests/prod/shop/deployment%20web", "/api/v1/manifests/prod/_/gadget.example.com%20a:b/events",
		"/api/v1/manifests/prod/shop/deployment%20web/logs?container=proxy&tail=9",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}
