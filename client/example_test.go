package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// server stands in for a real one: it answers as the routes say.
func server(routes map[string]string) (*client.Client, func()) {
	mux := http.NewServeMux()
	for pattern, body := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	}
	s := httptest.NewServer(mux)
	c, err := client.New(client.Config{URL: s.URL})
	if err != nil {
		panic(err)
	}
	return c, s.Close
}

func ExampleClient_Applications() {
	c, stop := server(map[string]string{
		"GET /applications": `[{"name":"shop","email":"shop@example.com","cloudProviders":"local"}]`,
	})
	defer stop()
	apps, err := c.Applications(context.Background())
	for _, a := range apps {
		fmt.Println(a.Name, a.Email, a.Attrs["cloudProviders"])
	}
	fmt.Println(err)
	// Output:
	// shop shop@example.com local
	// <nil>
}

func ExampleClient_StartPipeline() {
	c, stop := server(map[string]string{"POST /pipelines/shop/{name}": `{"ref":"/pipelines/01J"}`})
	defer stop()
	id, err := c.StartPipeline(context.Background(), "shop", "Deploy to prod", client.Start{
		Parameters: map[string]any{"version": "2"},
	})
	fmt.Println(id, err)
	// Output: 01J <nil>
}

func ExampleClient_Watch() {
	c, stop := server(map[string]string{
		"GET /api/v1/events":  "",
		"GET /pipelines/{id}": `{"id":"01J","name":"Deploy","status":"SUCCEEDED"}`,
	})
	defer stop()
	for e, err := range c.Watch(context.Background(), "01J") {
		fmt.Println(e.Name, e.Status, err)
	}
	// Output: Deploy SUCCEEDED <nil>
}

func ExampleClient_Submit() {
	c, stop := server(map[string]string{
		"POST /tasks":        `{"ref":"/tasks/01K"}`,
		"GET /api/v1/events": "",
		"GET /tasks/{id}":    `{"id":"01K","name":"Enable","status":"SUCCEEDED"}`,
	})
	defer stop()
	id, err := c.Submit(context.Background(), client.Operation{
		Application: "shop", Description: "Enable",
		Job: []map[string]any{{"type": "enableServerGroup", "serverGroupName": "shop-v001"}},
	})
	fmt.Println(id, err)
	for task, err := range c.WatchTask(context.Background(), id) {
		fmt.Println(task.Name, task.Status, err)
	}
	// Output:
	// 01K <nil>
	// Enable SUCCEEDED <nil>
}

func ExampleClient_ServerGroups() {
	c, stop := server(map[string]string{
		"GET /applications/shop/serverGroups": `[{"name":"shop-v001","account":"local","region":"local","instanceCounts":{"total":2,"up":2}}]`,
	})
	defer stop()
	groups, err := c.ServerGroups(context.Background(), "shop")
	for _, g := range groups {
		fmt.Println(g.Ref(), g.InstanceCounts.Up, "up")
	}
	fmt.Println(err)
	// Output:
	// local/local/shop-v001 2 up
	// <nil>
}

func ExampleClient_Logs() {
	c, stop := server(map[string]string{"GET /api/v1/server-groups/local/local/shop-v001/logs": "listening\n"})
	defer stop()
	ref := gennaker.ServerGroupRef{Account: "local", Region: "local", Name: "shop-v001"}
	logs, err := c.Logs(context.Background(), ref, client.LogQuery{TailBytes: 4096})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer logs.Close()
	_, _ = io.Copy(os.Stdout, logs)
	// Output: listening
}

func ExampleClient_LoadBalancers() {
	c, stop := server(map[string]string{
		"GET /api/v1/load-balancers": `[{"name":"shop","listen":"127.0.0.1:8080","traffic":{"requests":7}}]`,
	})
	defer stop()
	lbs, err := c.LoadBalancers(context.Background(), "")
	for _, lb := range lbs {
		fmt.Println(lb.Name, lb.Listen, lb.Traffic.Requests)
	}
	fmt.Println(err)
	// Output:
	// shop 127.0.0.1:8080 7
	// <nil>
}

func ExampleClient_Events() {
	c, stop := server(map[string]string{
		"GET /api/v1/events": "id: 1\nevent: document\ndata: {\"id\":1,\"type\":\"document\",\"name\":\"Deploy\"}\n\n",
	})
	defer stop()
	events, err := c.Events(context.Background(), client.EventQuery{Application: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer events.Close()
	e, err := events.Next()
	fmt.Println(e.Type, e.Name, err)
	// Output: document Deploy <nil>
}
