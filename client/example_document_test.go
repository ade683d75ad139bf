package client_test

import (
	"context"
	"fmt"
)

func ExampleClient_Projects() {
	c, stop := server(map[string]string{
		"GET /projects": `[{"id":"p1","name":"Shop","email":"shop@example.com","config":{"applications":["shop","pay"],"clusters":[]}}]`,
	})
	defer stop()
	projects, err := c.Projects(context.Background())
	for _, p := range projects {
		fmt.Println(p.Name, p.Email, p.Applications)
	}
	fmt.Println(err)
	// Output:
	// Shop shop@example.com [shop pay]
	// <nil>
}

func ExampleClient_SaveProject() {
	c, stop := server(map[string]string{"POST /tasks": `{"ref":"/tasks/01K"}`})
	defer stop()
	id, err := c.SaveProject(context.Background(), map[string]any{
		"name": "Shop", "email": "shop@example.com", "config": map[string]any{"applications": []any{"shop"}},
	})
	fmt.Println(id, err)
	_, err = c.SaveProject(context.Background(), map[string]any{"name": "Shop"})
	fmt.Println(err)
	// Output:
	// 01K <nil>
	// Invalid project: email: Project must have a non-empty email
}

func ExampleClient_CanaryConfigs() {
	c, stop := server(map[string]string{
		"GET /v2/canaryConfig": `[{"id":"c1","name":"errors","applications":["shop"],"updatedTimestamp":1767323045000,"updatedTimestampIso":"2026-01-02T03:04:05Z"}]`,
	})
	defer stop()
	configs, err := c.CanaryConfigs(context.Background(), "shop")
	for _, config := range configs {
		fmt.Println(config.ID, config.Name, config.UpdateTime.Year())
	}
	fmt.Println(err)
	// Output:
	// c1 errors 2026
	// <nil>
}

func ExampleClient_ComparePipelines() {
	c, stop := server(map[string]string{
		"GET /api/v1/pipelines/p1/revisions/1/diff/2": `[{"path":"stages[refId=\"1\"].waitTime","was":5,"is":6},{"path":"disabled","is":true}]`,
	})
	defer stop()
	differences, err := c.ComparePipelines(context.Background(), "p1", 1, 2)
	for _, d := range differences {
		fmt.Printf("%s: %q, now %q\n", d.Path, d.Was, d.Is)
	}
	fmt.Println(err)
	// Output:
	// stages[refId="1"].waitTime: "5", now "6"
	// disabled: "", now "true"
	// <nil>
}
