package template

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Latest is the tag of the copy that is written with every other.
const Latest = "latest"

// tags are the tags that a template may be saved under.
var tags = []string{Latest, "stable", "unstable", "experimental", "test", "canary"}

// What references to stored templates begin with, and digests within them.
const (
	scheme       = "spinnaker://"
	digestPrefix = "sha256:"
)

// Version names one stored copy of a template: the one with a tag, the one with
// a digest, or the one with neither, which is a copy of its own.
type Version struct{ ID, Tag, Digest string }

// Check returns why there can be no such version, or nil.
//
// Errors: Invalid, with Front50's message.
func (v Version) Check() error {
	switch {
	case v.Tag != "" && v.Digest != "":
		return gennaker.Errorf(gennaker.Invalid, "Cannot query pipeline by 'tag' and 'digest' simultaneously. Specify one of 'tag' or 'digest'.")
	case v.Tag != "" && !slices.Contains(tags, v.Tag):
		return gennaker.Errorf(gennaker.Invalid, "The provided tag %s is not supported. Pipeline template tag must be one of [%s]", v.Tag, strings.Join(tags, ", "))
	}
	return nil
}

// Key returns the name of the copy: id, id:tag or id@sha256:digest.
func (v Version) Key() string {
	switch {
	case v.Digest != "":
		return v.ID + "@" + digestPrefix + v.Digest
	case v.Tag != "":
		return v.ID + ":" + v.Tag
	}
	return v.ID
}

// Reference returns how configs name the copy.
func (v Version) Reference() string { return scheme + v.Key() }

// ParseReference reads the name of a stored copy, and reports whether ref is
// one. What can never be stored is found by nobody.
func ParseReference(ref string) (v Version, ok bool) {
	rest, ok := strings.CutPrefix(ref, scheme)
	if !ok || rest == "" {
		return v, false
	}
	if id, digest, found := strings.Cut(rest, "@"); found {
		return Version{ID: id, Digest: strings.TrimPrefix(digest, digestPrefix)}, true
	}
	id, tag, _ := strings.Cut(rest, ":")
	return Version{ID: id, Tag: tag}, true
}

// VersionOf returns the stored copy that a pipeline document refers to, and
// reports whether it refers to one.
func VersionOf(config map[string]any) (Version, bool) {
	if !Templated(config) {
		return Version{}, false
	}
	artifact, _ := config["template"].(map[string]any)
	ref, _ := artifact["reference"].(string)
	if strings.Contains(ref, "${") {
		return Version{}, false // nobody knows before it runs
	}
	return ParseReference(ref)
}

// UsedBy reports whether a pipeline document refers to v or, if v is the copy
// with neither tag nor digest, to any copy of the template.
//
// Front50 compares prefixes only, by which "foo2" depends on "foo".
func (v Version) UsedBy(config map[string]any) bool {
	used, ok := VersionOf(config)
	return ok && (used == v || v == Version{ID: used.ID})
}

// Templated reports whether a pipeline document is a config: it has to be
// planned before it can run.
func Templated(doc map[string]any) bool { return doc["schema"] == Schema && doc["template"] != nil }

// Refused returns why a pipeline document can never be planned: it is a config
// of version 1. Otherwise it is nil. Deck writes schema "1" into pipelines that
// have no template; they are none.
//
// Errors: Invalid.
func Refused(doc map[string]any) error {
	config, _ := doc["config"].(map[string]any)
	schema := doc["schema"]
	if schema == nil {
		schema = config["schema"]
	}
	if doc["type"] != "templatedPipeline" && config == nil && doc["template"] == nil || schema != nil && schema != "1" {
		return nil
	}
	return gennaker.Errorf(gennaker.Invalid, "this is a config of pipeline templates of version 1, which are not supported").
		WithHint("write the template anew with \"schema\": \"v2\", and the config with \"schema\": \"v2\" and \"template\"")
}
