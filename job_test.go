package gennaker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
)

func TestJobSpecCheck(t *testing.T) {
	t.Parallel()
	good := gennaker.JobSpec{Application: "demo", Script: "true"}
	tests := map[string]struct {
		change func(*gennaker.JobSpec)
		want   string // in the message; "" for good
	}{
		"script":              {func(*gennaker.JobSpec) {}, ""},
		"command":             {func(s *gennaker.JobSpec) { s.Script, s.Command = "", []string{"true"} }, ""},
		"artifact":            {func(s *gennaker.JobSpec) { s.Script, s.Artifact.Reference = "", "/a" }, ""},
		"absolute directory":  {func(s *gennaker.JobSpec) { s.Dir = "/tmp" }, ""},
		"directory":           {func(s *gennaker.JobSpec) { s.Dir = "a/b" }, ""},
		"most files":          {func(s *gennaker.JobSpec) { s.OutputFiles = strings.Split("abcdefgh", "") }, ""},
		"nothing":             {func(s *gennaker.JobSpec) { s.Script = "" }, "nothing to run"},
		"both":                {func(s *gennaker.JobSpec) { s.Command = []string{"x"} }, "both a command and a script"},
		"no application":      {func(s *gennaker.JobSpec) { s.Application = "" }, "application is missing"},
		"odd application":     {func(s *gennaker.JobSpec) { s.Application = "a-b" }, "is not allowed"},
		"odd name":            {func(s *gennaker.JobSpec) { s.Name = "a b" }, "is not allowed"},
		"long name":           {func(s *gennaker.JobSpec) { s.Name = strings.Repeat("x", 240) }, "longer than 255"},
		"zero in script":      {func(s *gennaker.JobSpec) { s.Script = "a\x00" }, "zero byte"},
		"long script":         {func(s *gennaker.JobSpec) { s.Script = strings.Repeat("x", gennaker.MaxJobScript+1) }, "longer than"},
		"directory above":     {func(s *gennaker.JobSpec) { s.Dir = "a/../../b" }, "leads out"},
		"file above":          {func(s *gennaker.JobSpec) { s.OutputFiles = []string{"../x"} }, "not in the working directory"},
		"absolute file":       {func(s *gennaker.JobSpec) { s.OutputFiles = []string{"/x"} }, "not in the working directory"},
		"too many files":      {func(s *gennaker.JobSpec) { s.OutputFiles = strings.Split("abcdefghi", "") }, "at most 8"},
		"negative timeout":    {func(s *gennaker.JobSpec) { s.TimeoutSeconds = -1 }, "jobTimeoutSeconds"},
		"long timeout":        {func(s *gennaker.JobSpec) { s.TimeoutSeconds = gennaker.MaxJobSeconds + 1 }, "jobTimeoutSeconds"},
		"long stop":           {func(s *gennaker.JobSpec) { s.StopSeconds = gennaker.MaxJobSeconds + 1 }, "stopSeconds"},
		"empty word":          {func(s *gennaker.JobSpec) { s.Script, s.Command = "", []string{""} }, "cannot be passed"},
		"too many words":      {func(s *gennaker.JobSpec) { s.Script, s.Command = "", make([]string, 1001) }, "more than 1000 words"},
		"our variable":        {func(s *gennaker.JobSpec) { s.Env = map[string]string{"GENNAKER_X": ""} }, "set by the node"},
		"impossible variable": {func(s *gennaker.JobSpec) { s.Env = map[string]string{"A=B": ""} }, "not possible"},
		"large env":           {func(s *gennaker.JobSpec) { s.Env = map[string]string{"A": strings.Repeat("x", 200_000)} }, "larger than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			tt.change(&s)
			err := s.Check()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if good.Timeout() != 2*time.Hour || good.StopTime() != 10*time.Second {
		t.Errorf("defaults are %s, %s", good.Timeout(), good.StopTime())
	}
}

func TestJobName(t *testing.T) {
	t.Parallel()
	if got, want := gennaker.JobName("demo", "", "k"), "demo-job-8254c329a92850f6"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if gennaker.JobName("demo", "x", "1") == gennaker.JobName("demo", "x", "2") {
		t.Error("two keys have one name")
	}
}

func TestJobApplication(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		gennaker.JobName("demo", "", "k"):         "demo",
		gennaker.JobName("my.app_1", "a-b.c", ""): "my.app_1",
		"demo-x": "", "": "", "demo-x-0123456789abcdeg": "", "-x-0123456789abcdef": "", "../x-y-0123456789abcdef": "",
		"a/b-y-0123456789abcdef": "", "demo-" + strings.Repeat("x", 300) + "-0123456789abcdef": "",
	} {
		if got, ok := gennaker.JobApplication(name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", name, got, ok)
		}
	}
}
