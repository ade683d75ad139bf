package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker/internal/expr/value"
)

// stages returns the stages of the execution.
func (c Call) stages() []Object { return c.run.stages() }

func (r *run) stages() []Object {
	v, _ := value.Normal(r.theExecution()["stages"])
	var out []Object
	for _, s := range value.Items(v) {
		if m, ok := value.Entries(s); ok {
			out = append(out, m)
		}
	}
	return out
}

func byNameOrID(s Object, want string) bool { return s["name"] == want || s["id"] == want }

// stage returns the first stage that the first argument fits, or nil.
func (c Call) stage(fits func(Object, string) bool) Object {
	want := value.ScalarString(c.Args[0])
	for _, s := range c.stages() {
		if fits(s, want) {
			return s
		}
	}
	return nil
}

// noStage is the error of a name that no stage has.
func (c Call) noStage(what, name string) error {
	if c.Execution() == nil {
		return value.Refuse("stages can be named where a stage is about to run", "there is no execution here, and so no stages")
	}
	var names []string
	for _, s := range c.stages() {
		if n, ok := s["name"].(string); ok && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	hint := value.Suggest(name, names)
	if hint == "" && len(names) > 0 && len(names) <= 10 {
		hint = "there are '" + strings.Join(names, "', '") + "'"
	}
	return value.Refuse(hint, "there is no %s '%s'", what, value.Shorten(name))
}

func stageNamed(c Call) (any, error) {
	if s := c.stage(byNameOrID); s != nil {
		return s, nil
	}
	return nil, c.noStage("stage named", value.ScalarString(c.Args[0]))
}

func stageByRef(c Call) (any, error) {
	if s := c.stage(func(s Object, ref string) bool { return s["refId"] == ref }); s != nil {
		return s, nil
	}
	var refs []string
	for _, s := range c.stages() {
		refs = append(refs, fmt.Sprint(s["refId"]))
	}
	hint := ""
	if len(refs) > 0 && len(refs) <= 30 {
		hint = "there are '" + strings.Join(refs, "', '") + "'"
	}
	return nil, value.Refuse(hint, "there is no stage with refId '%s'", value.Shorten(value.ScalarString(c.Args[0])))
}

func currentUser(c Call) (any, error) {
	if user, ok := at(c.Execution(), "authentication", "user").(string); ok && user != "" {
		return user, nil
	}
	return "anonymous", nil
}

// at returns what is at a path of maps, or nil.
func at(v any, path ...string) any {
	for _, p := range path {
		m, ok := value.Entries(v)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

func judgment(c Call) (any, error) {
	name := value.ScalarString(c.Args[0])
	var input any
	s := c.stage(func(s Object, name string) bool {
		if s["name"] != name || s["type"] != "manualJudgment" {
			return false
		}
		input = at(s, "context", "judgmentInput")
		return input != nil
	})
	if s == nil {
		return nil, c.noStage("manual judgment with an input named", name)
	}
	return input, nil
}

func (c Call) resolved(field string) (any, error) {
	want := value.ScalarString(c.Args[0])
	trigger := c.Root["trigger"]
	if trigger == nil {
		trigger = c.Execution()["trigger"]
	}
	expected, _ := value.Normal(at(trigger, "resolvedExpectedArtifacts"))
	var have []string
	for _, e := range value.Items(expected) {
		bound := at(e, "boundArtifact")
		value, ok := at(bound, field).(string)
		if ok && value == want {
			return bound, nil
		}
		have = append(have, value)
	}
	return nil, value.Refuse(value.Suggest(want, have), "the trigger has no artifact of %s '%s'", field, value.Shorten(want))
}

func resolvedArtifacts(c Call) (any, error) {
	out := []any{}
	for _, s := range c.stages() {
		v, _ := value.Normal(at(s, "outputs", "artifacts"))
		out = append(out, value.Items(v)...)
	}
	return out, c.run.Spend(16 * len(out))
}

func manifestLabelValue(c Call) (any, error) {
	kind, key := value.ScalarString(c.Args[1]), value.ScalarString(c.Args[2])
	if kind != "Deployment" && kind != "ReplicaSet" {
		return nil, value.Refuse("the second argument is one of them", "the kind '%s' is neither Deployment nor ReplicaSet", value.Shorten(kind))
	}
	s := c.stage(func(s Object, name string) bool {
		return s["name"] == name && s["type"] == "deployManifest" && fmt.Sprint(s["status"]) == "SUCCEEDED"
	})
	if s == nil {
		return nil, c.noStage("succeeded deployManifest stage named", value.ScalarString(c.Args[0]))
	}
	v, _ := value.Normal(at(s, "context", "outputs.manifests"))
	if v == nil {
		v, _ = value.Normal(at(s, "outputs", "manifests"))
	}
	for _, m := range value.Items(v) {
		if at(m, "kind") != kind {
			continue
		}
		labels, _ := value.Entries(at(m, "spec", "template", "metadata", "labels"))
		if label := labels[key]; label != nil {
			return label, nil
		}
		return nil, value.Refuse(value.Suggest(key, slices.Sorted(maps.Keys(labels))), "the %s has no label '%s' in its template", kind, value.Shorten(key))
	}
	return nil, value.Refuse("the second argument is the kind of what it deployed", "the stage deployed no %s", kind)
}

func serviceKey(c Call) (any, error) {
	s := c.stage(func(s Object, name string) bool {
		return byNameOrID(s, name) && s["type"] == "createServiceKey" && fmt.Sprint(s["status"]) == "SUCCEEDED"
	})
	for _, result := range results(s["context"]) {
		if m, ok := value.Entries(at(result, "serviceKey")); ok {
			return m, nil
		}
	}
	return map[string]any{}, nil
}

// deploys are the types of stages that #deployedServerGroups looks at.
var deploys = []string{"deploy", "createServerGroup", "cloneServerGroup", "rollingPush"}

// deployedServerGroups returns a map for each stage that deployed to a region;
// one that does not say to which deployed to all that it has server groups in.
func deployedServerGroups(c Call) (any, error) {
	out := []any{}
	for _, s := range c.stages() {
		kind, _ := s["type"].(string)
		groups, ok := value.Entries(at(s, "context", "deploy.server.groups"))
		if !ok || !slices.Contains(deploys, kind) || fmt.Sprint(s["status"]) != "SUCCEEDED" || !c.names(s) {
			continue
		}
		regions := slices.Sorted(maps.Keys(groups))
		if region, ok := at(s, "context", "region").(string); ok {
			regions = []string{region}
		} else if zones, ok := value.Entries(at(s, "context", "availabilityZones")); ok && len(zones) > 0 {
			regions = slices.Sorted(maps.Keys(zones))[:1]
		}
		for _, region := range regions {
			names, _ := value.Normal(groups[region])
			out = append(out, c.deployed(s, region, value.Items(names)))
			if err := c.run.Spend(1024); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// names reports whether the arguments name a stage, or nothing.
func (c Call) names(s Object) bool {
	return len(c.Args) == 0 || slices.ContainsFunc(c.Args, func(a any) bool {
		name, ok := a.(string)
		return ok && byNameOrID(s, name)
	})
}

func (c Call) deployed(s Object, region string, names []any) map[string]any {
	context := s["context"]
	account := at(context, "account")
	if account == nil {
		account = at(context, "account.name")
	}
	parent := at(context, "parentStage")
	if parent == nil {
		parent = s["parentStageId"]
	}
	out := map[string]any{"account": account, "capacity": at(context, "capacity"), "parentStage": parent, "region": region}
	seen, _ := c.run.visible(s, "deploymentDetails")
	details, _ := value.Normal(seen)
	for _, d := range value.Items(details) {
		if m, ok := value.Entries(d); ok && m["region"] == region {
			maps.Copy(out, m)
		}
	}
	if len(names) > 0 {
		out["serverGroup"] = names[0]
	}
	deployments := []any{}
	for _, result := range results(context) {
		list, _ := value.Normal(at(result, "deployments"))
		deployments = append(deployments, value.Items(list)...)
	}
	out["deployments"] = deployments
	return out
}

// results returns what the cloud operations of a context report.
func results(context any) []any {
	var out []any
	tasks, _ := value.Normal(at(context, "kato.tasks"))
	for _, t := range value.Items(tasks) {
		list, _ := value.Normal(at(t, "resultObjects"))
		out = append(out, value.Items(list)...)
	}
	return out
}
