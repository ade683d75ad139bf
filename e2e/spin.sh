#!/bin/sh
# Runs every command of spin against a server, and holds what it prints and how it
# ends to what its documentation says.
#
#   e2e/spin.sh                      starts bin/gennaker on a directory of its own
#   GATE=http://… e2e/spin.sh        asks a server that runs
#   SPIN=/path/to/spin e2e/spin.sh   another spin than the one on the path
#   ACCOUNT=name e2e/spin.sh         an account of that server, instead of local
set -eu
cd "$(dirname "$0")/.."

spin=${SPIN:-$(command -v spin || true)}
if [ -z "$spin" ]; then
	echo "skipped: there is no spin on the path"
	exit 0
fi

dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; }; rm -rf "$dir"' EXIT

account=${ACCOUNT:-local}
gate=${GATE:-}
if [ -z "$gate" ]; then
	gate=http://127.0.0.1:18084
	bin/gennaker up --data "$dir/data" --listen 127.0.0.1:18084 >"$dir/log" 2>&1 &
	server=$!
fi
for _ in 1 2 3 4 5 6 7 8 9 10; do
	"$spin" --gate-endpoint "$gate" account whoami >/dev/null 2>&1 && break
	sleep 1
done

n=0
fail() {
	echo "FAILED: spin $*"
	cat "$dir/out"
	exit 1
}

# ok PATTERN ARGUMENT…: spin ends well, and prints a line that has the pattern.
ok() {
	pattern=$1
	shift
	"$spin" --gate-endpoint "$gate" --no-color=true "$@" >"$dir/out" 2>&1 </dev/null || fail "$@" "ended with $?"
	grep -q -- "$pattern" "$dir/out" || fail "$@" "did not print $pattern"
	n=$((n + 1))
}

# no PATTERN ARGUMENT…: spin ends with an error that has the pattern.
no() {
	pattern=$1
	shift
	if "$spin" --gate-endpoint "$gate" --no-color=true "$@" >"$dir/out" 2>&1 </dev/null; then fail "$@" "ended well"; fi
	grep -q -- "$pattern" "$dir/out" || fail "$@" "did not print $pattern"
	n=$((n + 1))
}

# Who and where.
ok '"username": "anonymous"' account whoami
ok "\"name\": \"$account\"" account list
ok "\"accountId\": \"$account\"" account get "$account"
no "not found" account get nowhere

# Applications.
ok "Application save succeeded" application save --application-name spinner --owner-email spin@example.com --cloud-providers kubernetes
ok '"name": "spinner"' application list
ok '"email": "spin@example.com"' application get spinner
ok '"clusters"' application get spinner --expand
ok 'spin@example.com' application get spinner -o jsonpath='{.email}'
no "Application 'nothing' not found" application get nothing
cat >"$dir/application.json" <<'EOF'
{"name": "spinner", "email": "other@example.com", "cloudProviders": "kubernetes", "instancePort": 8080}
EOF
ok "Application save succeeded" application save --file "$dir/application.json"
ok 'other@example.com' application get spinner -o jsonpath='{.email}'

# Pipelines.
cat >"$dir/pipeline.json" <<'EOF'
{
  "application": "spinner", "id": "spin-hello", "name": "hello",
  "parameterConfig": [{"name": "who", "default": "you"}],
  "stages": [{"type": "manualJudgment", "name": "Judge", "refId": "1", "requisiteStageRefIds": []}]
}
EOF
cat >"$dir/quick.json" <<'EOF'
{
  "application": "spinner", "id": "spin-quick", "name": "quick",
  "stages": [{"type": "wait", "name": "Wait", "refId": "1", "requisiteStageRefIds": [], "waitTime": 1}]
}
EOF
ok "Pipeline save succeeded" pipeline save --file "$dir/pipeline.json"
ok "Pipeline save succeeded" pipeline save --file "$dir/quick.json"
ok "Pipeline save succeeded" pipeline save --file "$dir/quick.json"
ok '"name": "hello"' pipeline list --application spinner
ok '"id": "spin-hello"' pipeline get --application spinner --name hello
no "404" pipeline get --application spinner --name nothing
ok "Pipeline update succeeded" pipeline update --application spinner --name quick --disabled
ok 'true' pipeline get --application spinner --name quick -o jsonpath='{.disabled}'
no "" pipeline execute --application spinner --name quick
ok "Pipeline update succeeded" pipeline update --application spinner --name quick --enabled
echo '{"application": "spinner"}' >"$dir/nameless.json"
no "Required pipeline key 'name' missing" pipeline save --file "$dir/nameless.json"

# Executions.
ok "Pipeline execution started" pipeline execute --application spinner --name hello --parameter who=me
ok '"status": "RUNNING"' pipeline execution list --pipeline-id spin-hello --running
id=$("$spin" --gate-endpoint "$gate" pipeline execution list --pipeline-id spin-hello --limit 1 -o jsonpath='{[0].id}')
ok '"who": "me"' pipeline execution get "$id"
ok "Execution $id" pipeline execution cancel "$id"
ok '"status": "CANCELED"' pipeline execution list --pipeline-id spin-hello --canceled
ok '\[\]' pipeline execution list --pipeline-id spin-hello --failed
ok "Pipeline execution started" pipeline execute --application spinner --name quick
for _ in 1 2 3 4 5 6 7 8 9 10; do
	"$spin" --gate-endpoint "$gate" pipeline execution list --pipeline-id spin-quick --succeeded | grep -q SUCCEEDED && break
	sleep 1
done
ok '"status": "SUCCEEDED"' pipeline execution list --pipeline-id spin-quick --succeeded
ok '"name": "quick"' application pipelines get --application-name spinner
ok '"name": "hello"' application pipelines get --application-name spinner --status CANCELED --expand
ok "Pipeline execution started" pipeline execute --application spinner --name hello
id=$("$spin" --gate-endpoint "$gate" pipeline execution list --pipeline-id spin-hello --running --limit 1 -o jsonpath='{[0].id}')
ok "" application pipelines cancel --id "$id" --reason "because"
ok '"cancellationReason": "because"\|CANCELED' pipeline execution get "$id"
ok "Pipeline execution started" pipeline execute --application spinner --name hello
ok "" application pipelines cancel-all --application-name spinner --status RUNNING

# Pipeline templates.
cat >"$dir/template.json" <<'EOF'
{
  "schema": "v2", "id": "spin-template", "protect": false,
  "metadata": {"name": "Waits", "description": "Waits a while", "owner": "spin@example.com", "scopes": ["global"]},
  "variables": [{"name": "seconds", "type": "string", "defaultValue": "1", "description": "how long"}],
  "pipeline": {"stages": [{"type": "wait", "name": "Wait", "refId": "1", "requisiteStageRefIds": [], "waitTime": "${ templateVariables.seconds }"}]}
}
EOF
ok "Pipeline template save succeeded" pipeline-template save --file "$dir/template.json"
ok "Pipeline template save succeeded" pipeline-template save --file "$dir/template.json"
ok "Pipeline template save succeeded" pipeline-template save --file "$dir/template.json" --tag stable
ok '"id": "spin-template"' pipeline-template list
ok '"id": "spin-template"' pipeline-template list --scopes global
ok '"protect"' pipeline-template get spin-template
ok '"protect"' pipeline-template get spin-template --tag stable
no "" pipeline-template get nothing
"$spin" --gate-endpoint "$gate" pipeline-template use spin-template --application spinner --name templated --set seconds=2 >"$dir/use.json"
grep -q 'spinnaker://spin-template' "$dir/use.json" || fail pipeline-template use
ok '"waitTime": "2"' pipeline-template plan --file "$dir/use.json"
ok "Pipeline save succeeded" pipeline save --file "$dir/use.json"
ok "Pipeline execution started" pipeline execute --application spinner --name templated
ok "" pipeline delete --application spinner --name templated
ok "Pipeline template" pipeline-template delete spin-template --tag stable
ok "Pipeline template" pipeline-template delete spin-template

# Projects.
cat >"$dir/project.json" <<'EOF'
{
  "name": "spinproject", "email": "spin@example.com",
  "config": {"applications": ["spinner"], "clusters": [], "pipelineConfigs": [{"application": "spinner", "pipelineConfigId": "spin-hello"}]}
}
EOF
ok "Project save succeeded" project save --file "$dir/project.json"
ok "Project save succeeded" project save --file "$dir/project.json"
ok '"name": "spinproject"' project list
ok '"pipelineConfigId": "spin-hello"' project get spinproject
ok '"name": "hello"' project get-pipelines spinproject
no "not found" project get nothing
ok "" project delete --name spinproject
no "not found" project get spinproject

# Canary configs.
cat >"$dir/canary.json" <<'EOF'
{
  "id": "spin-canary", "name": "spin-canary", "description": "latency", "configVersion": "1", "applications": ["spinner"],
  "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
  "metrics": [{"name": "latency", "query": {"type": "prometheus", "metricName": "latency"}, "groups": ["all"], "analysisConfigurations": {"canary": {"direction": "increase"}}, "scopeName": "default"}],
  "templates": {}, "classifier": {"groupWeights": {"all": 100}}
}
EOF
ok "Canary config save succeeded" canary canary-config save --file "$dir/canary.json"
ok "Canary config save succeeded" canary canary-config save --file "$dir/canary.json"
ok 'spin-canary' canary canary-config list --application spinner
ok '"metricName": "latency"' canary canary-config get spin-canary
ok "" canary canary-config delete spin-canary
no "" canary canary-config get spin-canary

# And away.
ok "Pipeline deleted\|Pipeline" pipeline delete --application spinner --name hello
ok "" pipeline delete --application spinner --name quick
ok "Application deleted\|Application" application delete spinner
no "not found" application get spinner
no "does not exist" application delete spinner
echo "ok: $n commands of spin"
