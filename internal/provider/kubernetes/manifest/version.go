package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
)

// Version is an object that is a version of another name: web-v003 of web.
type Version struct {
	Number int
	Object gennaker.Manifest
}

// VersionedName returns the name of version n: "web-v003".
func VersionedName(name string, n int) string { return name + "-" + versionText(n) }

func versionText(n int) string { return fmt.Sprintf("v%03d", n) }

// cutVersion takes a versioned name apart. Numbers have three digits or more.
func cutVersion(name string) (base string, n int, ok bool) {
	i := strings.LastIndex(name, "-v")
	if i < 1 || len(name)-i-2 < 3 {
		return name, 0, false
	}
	n, ok = number(name[i+2:])
	if !ok || VersionedName(name[:i], n) != name {
		return name, 0, false
	}
	return name[:i], n, true
}

// number reads digits alone.
func number(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}

// IsVersioned reports whether each deployment of m makes a new version: as its
// annotation says, else the stage, else its kind, of which the account may have
// said so. An object whose name the cluster makes up is never versioned.
//
// Errors: those of StrategyOf.
func IsVersioned(m gennaker.Manifest, stage *bool, custom Custom) (bool, error) {
	s, err := StrategyOf(m)
	return s.Method != Create && versioned(m, s, stage, custom), err
}

func versioned(m gennaker.Manifest, s Strategy, stage *bool, custom Custom) bool {
	switch {
	case s.Versioned != nil:
		return *s.Versioned
	case stage != nil:
		return *stage
	}
	return custom.KindOf(m).Versioned
}

// Digest identifies what an object says outside its metadata: "sha256:" and hex
// digits of its canonical JSON. Two that differ only in how they were written
// have one digest.
func Digest(m gennaker.Manifest) string {
	rest := make(map[string]any, len(m))
	for k, v := range m {
		if k != "metadata" {
			rest[k] = v
		}
	}
	b, err := json.Marshal(rest) // keys sorted
	if err != nil {
		b = fmt.Appendf(nil, "%v", rest) // not JSON: equal to nothing that is
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Versions returns those of the objects of a cluster that are versions of m,
// which has its unversioned name, oldest first.
//
// An object is a version if it is of m's kind and namespace and its annotations
// say so, or its name does: a number that is taken is taken by whomever. Where
// they disagree the name holds.
func Versions(m gennaker.Manifest, objects []gennaker.Manifest) []Version {
	kind, namespace, name := KindOf(m), Namespace(m), Name(m)
	var out []Version
	for _, o := range objects {
		if k := KindOf(o); k.Name != kind.Name || k.Group != kind.Group || Namespace(o) != namespace {
			continue
		}
		if n, ok := versionOf(o, name); ok {
			out = append(out, Version{n, o})
		}
	}
	slices.SortStableFunc(out, func(a, b Version) int {
		return cmp.Or(Created(a.Object).Compare(Created(b.Object)), cmp.Compare(a.Number, b.Number))
	})
	return out
}

func versionOf(o gennaker.Manifest, name string) (int, bool) {
	if base, n, ok := cutVersion(Name(o)); ok && base == name {
		return n, true
	}
	a := Annotations(o)
	// The ReplicaSets of a Deployment carry its annotations.
	own := strings.EqualFold(unquote(a[ArtifactTypeAnnotation]), "kubernetes/"+KindOf(o).String())
	if !own || unquote(a[ArtifactNameAnnotation]) != name {
		return 0, false
	}
	digits, ok := strings.CutPrefix(unquote(a[ArtifactVersionAnnotation]), "v")
	if !ok {
		return 0, false
	}
	return number(digits)
}

// NextVersion returns the number of the version that a deployment of m makes.
// m is as the author wants it, artifacts bound and not yet annotated. If a
// version was last deployed as exactly this, outside metadata, reused is true
// and the number is that version's. So an unchanged ConfigMap or Secret stays,
// while ReplicaSets, in whose pod template Annotate writes, normally differ.
//
// Source: clouddriver-kubernetes ResourceVersioner.
func NextVersion(m gennaker.Manifest, versions []Version) (n int, reused bool) {
	digest := Digest(m)
	for _, v := range versions {
		if lastApplied(v.Object) == digest {
			return v.Number, true
		}
		n = max(n, v.Number+1)
	}
	return n, false
}

// lastApplied returns the digest of what an object was last deployed as, by us
// or by Spinnaker; "" if neither did.
func lastApplied(o gennaker.Manifest) string {
	a := Annotations(o)
	if digest, ok := a[LastAppliedAnnotation]; ok {
		return digest
	}
	if a[ArtifactTypeAnnotation] == "" || a[KubectlAnnotation] == "" {
		return ""
	}
	var m gennaker.Manifest
	if err := json.Unmarshal([]byte(a[KubectlAnnotation]), &m); err != nil {
		return ""
	}
	return Digest(m)
}

// Obsolete returns the versions that a history of keep does not hold: all but
// the newest keep. The one that current names is never obsolete, even if it is an
// old one that was reused. A keep of 0 holds all.
//
// Source: clouddriver-kubernetes KubernetesCleanupArtifactsOperation; that it
// spares the current one is ours.
func Obsolete(versions []Version, keep, current int) []gennaker.Manifest {
	if keep <= 0 || len(versions) <= keep {
		return nil
	}
	var out []gennaker.Manifest
	for _, v := range versions[:len(versions)-keep] {
		if v.Number != current {
			out = append(out, v.Object)
		}
	}
	return out
}
