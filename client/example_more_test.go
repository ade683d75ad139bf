package client_test

import (
	"context"
	"fmt"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

func ExampleClient_Accounts() {
	c, stop := server(map[string]string{
		"GET /api/v1/accounts": `[{"name":"prod","type":"kubernetes","regions":["shop"],"state":{"connected":false,"reason":"it does not answer"}}]`,
	})
	defer stop()
	accounts, err := c.Accounts(context.Background())
	for _, a := range accounts {
		fmt.Println(a.Name, a.Regions, a.State.Reason)
	}
	fmt.Println(err)
	// Output:
	// prod [shop] it does not answer
	// <nil>
}

func ExampleClient_Manifest() {
	c, stop := server(map[string]string{
		"GET /manifests/prod/shop/{name}": `{"account":"prod","location":"shop","name":"deployment web","status":{"stable":{"state":false,"message":"2 of 3 pods are ready"}}}`,
	})
	defer stop()
	m, err := c.Manifest(context.Background(), gennaker.ManifestRef{Account: "prod", Location: "shop", Kind: "deployment", Name: "web"})
	fmt.Println(m.Status.Stable.State, m.Status.Stable.Message, err)
	// Output: false 2 of 3 pods are ready <nil>
}

func ExampleClient_Executions() {
	c, stop := server(map[string]string{
		"GET /applications/shop/pipelines": `[{"id":"01J","name":"Deploy","status":"RUNNING"}]`,
	})
	defer stop()
	list, err := c.Executions(context.Background(), client.ExecutionQuery{Application: "shop", Statuses: []gennaker.Status{gennaker.Running}})
	for _, x := range list {
		fmt.Println(x.ID, x.Name, x.Status)
	}
	fmt.Println(err)
	// Output:
	// 01J Deploy RUNNING
	// <nil>
}

func ExampleClient_Judge() {
	c, stop := server(map[string]string{
		"PATCH /pipelines/01J/stages/01S": `{"id":"01J","name":"Deploy","status":"RUNNING"}`,
	})
	defer stop()
	x, err := c.Judge(context.Background(), "01J", "01S", client.Judgment{Continue: true, Input: "blue"})
	fmt.Println(x.Status, err)
	// Output: RUNNING <nil>
}

func ExampleClient_EvaluateExpression() {
	c, stop := server(map[string]string{"POST /pipelines/01J/evaluateExpression": `{"result":3}`})
	defer stop()
	v, err := c.EvaluateExpression(context.Background(), "01J", "", "${1 + 2}")
	fmt.Println(string(v.Result), err)
	// Output: 3 <nil>
}

func ExampleClient_PlanPipeline() {
	c, stop := server(map[string]string{
		"POST /api/v1/pipelines/plan": `{"application":"shop","name":"Deploy","status":"SUCCEEDED","seconds":90,"parameters":{},"stages":[]}`,
	})
	defer stop()
	plan, err := c.PlanPipeline(context.Background(), client.PlanRequest{Application: "shop", Name: "Deploy"})
	fmt.Println(plan.Status, plan.Seconds, err)
	// Output: SUCCEEDED 90 <nil>
}

func ExampleClient_Templates() {
	c, stop := server(map[string]string{
		"GET /v2/pipelineTemplates": `[{"schema":"v2","id":"deploy","metadata":{"name":"Deploy","owner":"shop@example.com","scopes":["global"]}}]`,
	})
	defer stop()
	templates, err := c.Templates(context.Background(), "global")
	for _, t := range templates {
		fmt.Println(t.ID)
	}
	fmt.Println(err)
	// Output:
	// deploy
	// <nil>
}
