package diagnose_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/internal/provider/kubernetes/diagnose"
)

var update = flag.Bool("update", false, "rewrite what the vectors want")

// TestVectors explains the states in testdata/*.txtar: objects.yaml are the
// workload first, and its pods, events and claims; the other files but want are
// what containers wrote, by pod/container.
func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var facts diagnose.Facts
			facts.Logs = map[string]string{}
			want := -1
			for i, f := range archive.Files {
				switch f.Name {
				case "objects.yaml":
					read(t, &facts, f.Data)
				case "want":
					want = i
				default:
					facts.Logs[f.Name] = string(f.Data)
				}
			}
			got := describe(facts)
			if *update {
				if want < 0 {
					archive.Files, want = append(archive.Files, txtar.File{Name: "want"}), len(archive.Files)
				}
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 {
				t.Fatalf("the vector has no file want; got\n%s", got)
			}
			if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// describe writes a cause as the vectors have it.
func describe(f diagnose.Facts) string {
	c, ok := diagnose.Explain(f)
	if !ok {
		return "nothing\n"
	}
	out := fmt.Sprintf("%s\n%s\n", c.Code, c.Sentence)
	if c.Hint != "" {
		out += "-> " + c.Hint + "\n"
	}
	if c.WantsLogs {
		out += fmt.Sprintf("logs of %s/%s\n", c.Pod, c.Container)
	}
	return out
}

// read reads objects, the workload first.
func read(t *testing.T, f *diagnose.Facts, text []byte) {
	t.Helper()
	for i, doc := range bytes.Split(text, []byte("\n---\n")) {
		body, err := yaml.YAMLToJSONStrict(doc)
		if err != nil {
			t.Fatalf("object %d: %v", i, err)
		}
		var kind metav1.TypeMeta
		if err := json.Unmarshal(body, &kind); err != nil {
			t.Fatal(err)
		}
		into := func(o metav1.Object) metav1.Object {
			d := json.NewDecoder(bytes.NewReader(body))
			d.DisallowUnknownFields()
			if err := d.Decode(o); err != nil {
				t.Fatalf("object %d, %s: %v", i, kind.Kind, err)
			}
			return o
		}
		workload := map[string]func() metav1.Object{
			"Deployment":  func() metav1.Object { return into(&appsv1.Deployment{}) },
			"ReplicaSet":  func() metav1.Object { return into(&appsv1.ReplicaSet{}) },
			"StatefulSet": func() metav1.Object { return into(&appsv1.StatefulSet{}) },
			"DaemonSet":   func() metav1.Object { return into(&appsv1.DaemonSet{}) },
			"Job":         func() metav1.Object { return into(&batchv1.Job{}) },
		}[kind.Kind]
		switch {
		case workload != nil && i == 0:
			f.Workload = workload()
		case workload != nil:
			f.Members = append(f.Members, workload())
		case kind.Kind == "Pod":
			p := &corev1.Pod{}
			into(p)
			f.Pods = append(f.Pods, p)
		case kind.Kind == "Event":
			e := &corev1.Event{}
			into(e)
			f.Events = append(f.Events, e)
		case kind.Kind == "PersistentVolumeClaim":
			c := &corev1.PersistentVolumeClaim{}
			into(c)
			f.Claims = append(f.Claims, c)
		default:
			t.Fatalf("object %d is a %s", i, kind.Kind)
		}
	}
}
