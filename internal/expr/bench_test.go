package expr_test

import (
	"fmt"
	"testing"

	"github.com/gennaker/gennaker/internal/expr"
)

// stageContext returns a context like one of a deployManifest stage, with 50
// expressions.
func stageContext(tb testing.TB) map[string]any {
	tb.Helper()
	container := func(name string) string {
		return fmt.Sprintf(`{"name": %[1]q, "image": "${trigger.artifacts.?[name == 'registry.example/%[1]s'][0].reference}",
			"imagePullPolicy": "${parameters.pullPolicy ?: 'IfNotPresent'}",
			"args": ["--region=${parameters.region}", "--log-level=${parameters['logLevel'] ?: 'info'}", "--port=${8000 + #toInt(parameters.offset)}"],
			"env": [{"name": "VERSION", "value": "${trigger.tag.replaceAll('^v', '')}"}, {"name": "BUILD", "value": "${trigger['buildInfo']['number']}"},
				{"name": "ENV", "value": "${parameters.environment.toUpperCase()}"}, {"name": "PLAIN", "value": "nothing to evaluate here"}],
			"resources": {"limits": {"cpu": "${parameters.cpu}", "memory": "${parameters.environment == 'prod' ? '1Gi' : '256Mi'}"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
			"readinessProbe": {"httpGet": {"path": "/health", "port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 10}}`, name)
	}
	return decode(tb, `{"account": "${parameters.account}", "cloudProvider": "kubernetes", "moniker": {"app": "${execution.application}"},
		"source": "text", "namespaceOverride": "${parameters.environment}-${parameters.region}", "skipExpressionEvaluation": false,
		"trafficManagement": {"enabled": "${parameters.environment == 'prod'}", "options": {"strategy": "redblack", "services": ["service ${execution.application}"]}},
		"stageEnabled": {"type": "expression", "expression": "parameters.environment == 'prod'"},
		"comments": "Deployed by ${execution.authentication.user} for build ${trigger.buildInfo.number}, ${#stage('Bake').context.package ?: 'no package'}",
		"manifests": [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app-${parameters.environment}",
			"labels": {"app": "${execution.application}", "version": "${trigger.tag.replaceAll('[^A-Za-z0-9.]', '-')}", "team": "team"},
			"annotations": {"spinnaker/run": "${execution.id}", "when": "${new java.text.SimpleDateFormat('yyyy-MM-dd').format(new java.util.Date())}",
				"changes": "${#toJson(trigger.buildInfo.scm.![sha1])}", "approved": "${#judgment('Approve')}", "regions": "${parameters.regions.split(',')}"}},
			"spec": {"replicas": "${#toInt(parameters.replicas)}", "selector": {"matchLabels": {"app": "${execution.application}"}},
			"template": {"metadata": {"labels": {"app": "${execution.application}", "release": "${trigger.tag matches 'v[0-9]+.*' ? 'stable' : 'dev'}"}},
			"spec": {"containers": [`+container("web")+`,`+container("sidecar")+`]}}}},
			{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc-${parameters.environment}", "annotations": {"ami": "${deployedServerGroups[0].ami}"}},
			"spec": {"type": "ClusterIP", "selector": {"app": "${execution.application}"}, "ports": [{"port": 80, "targetPort": 8080}]}},
			{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config-${#alphanumerical(trigger.tag)}"}, "data": {"region": "${parameters.region}",
			"servers": "${execution.stages.?[type == 'bake'].![name]}", "count": "${execution.stages.size() - 1}", "flag": "${#toBoolean(parameters.flag)}",
			"first": "${execution.stages.^[status == 'SUCCEEDED'].name}", "encoded": "${#toBase64(parameters.account)}", "owner": "${#currentUser()}"}}]}`)
}

// stageEnv returns what the expressions of stageContext see.
func stageEnv(tb testing.TB) expr.Env {
	tb.Helper()
	trigger := decode(tb, `{"type": "jenkins", "user": "somebody", "tag": "v1.20.3", "buildInfo": {"number": 512, "scm": [{"branch": "main", "sha1": "0a1b2c"}, {"branch": "x", "sha1": "3d4e5f"}]},
		"parameters": {"account": "prod-eu", "environment": "prod", "region": "eu-west-1", "regions": "eu-west-1,us-east-1", "replicas": "3", "offset": "80", "cpu": "500m", "flag": "true"},
		"artifacts": [{"type": "docker/image", "name": "registry.example/web", "reference": "registry.example/web:1.20.3"}, {"type": "docker/image", "name": "registry.example/sidecar", "reference": "registry.example/sidecar:7"}]}`)
	execution := decode(tb, `{"id": "01HZX", "application": "shop", "authentication": {"user": "a@b.example"}, "stages": [
		{"id": "s1", "refId": "1", "name": "Bake", "type": "bake", "status": "SUCCEEDED", "context": {"package": "shop"}, "outputs": {"deploymentDetails": [{"region": "eu-west-1", "ami": "ami-1"}]}},
		{"id": "s2", "refId": "2", "name": "Approve", "type": "manualJudgment", "status": "SUCCEEDED", "context": {"judgmentInput": "yes"}, "outputs": {}},
		{"id": "s3", "refId": "3", "name": "Deploy", "type": "createServerGroup", "status": "SUCCEEDED", "requisiteStageRefIds": ["1"], "context": {"account": "prod-eu", "deploy.server.groups": {"eu-west-1": ["shop-v001"]}}, "outputs": {}},
		{"id": "s4", "refId": "4", "name": "Manifest", "type": "deployManifest", "status": "RUNNING", "context": {}, "outputs": {}}]}`)
	return expr.Env{Root: expr.Root(decode(tb, `{"stage": "context"}`), trigger), Execution: func() map[string]any { return execution }, Now: noon}
}

// TestStageContext holds that the benchmark measures expressions that have
// values.
func TestStageContext(t *testing.T) {
	t.Parallel()
	_, summary := expr.Evaluate(stageContext(t), stageEnv(t))
	if len(summary.Findings) > 0 || summary.Evaluated < 45 {
		t.Errorf("evaluated %d, findings %v; want at least 45 texts, and none", summary.Evaluated, summary.Findings)
	}
}

// BenchmarkStageContext50 evaluates one stage's context, as before every task.
func BenchmarkStageContext50(b *testing.B) {
	context, env := stageContext(b), stageEnv(b)
	b.ReportAllocs()
	for b.Loop() {
		expr.Evaluate(context, env)
	}
}
