package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
)

// usedTemplate is what a pipeline that uses a template is made of.
type usedTemplate struct {
	application, name, description string
	tag, kind, account             string
	set, values                    []string
}

func (s *session) templateUse() *cobra.Command {
	var u usedTemplate
	cmd := &cobra.Command{
		Use: "use ID -a APPLICATION -n NAME", Short: "Print a pipeline that uses a template", Args: cobra.ExactArgs(1),
		Long: `Print a pipeline that uses a template, to be edited and saved with
"gennaker pipeline save". The server is not asked. ID may also be a whole
reference, as in https://example.com/deploy.json.

--set KEY=VALUE sets a variable to a text, --set KEY:=JSON to anything else; they
win over --values, which are JSON or YAML files of variables.`,
		Example: `  gennaker template use deploy -a shop -n prod --set region=eu,wait:=30
  gennaker template use deploy -a shop -n prod --tag stable --values prod.yaml | gennaker pipeline save -f -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := s.inApplication(cmd, u.application)
			if err != nil {
				return err
			}
			u.application = app
			doc, err := u.config(s, args[0])
			if err != nil {
				return err
			}
			body, err := json.Marshal(doc)
			if err != nil {
				return fmt.Errorf("write the pipeline: %w", err)
			}
			return s.printDocument(body)
		},
	}
	s.application(cmd, &u.application)
	s.tag(cmd, &u.tag)
	flags := cmd.Flags()
	flags.StringVarP(&u.name, "name", "n", "", "`name` of the pipeline")
	flags.StringVar(&u.description, "description", "", "`text` that describes the pipeline")
	flags.StringVar(&u.kind, "type", "front50/pipelineTemplate", "`type` of the artifact that the template is")
	flags.StringVar(&u.account, "artifact-account", "front50ArtifactCredentials", "`account` of the artifact that the template is")
	flags.StringArrayVar(&u.set, "set", nil, "variables, as `KEY=VALUE` or KEY:=JSON, several with commas between; may be given more than once")
	flags.StringSliceVar(&u.values, "values", nil, "`files` of variables, JSON or YAML, later ones win")
	required(cmd, "name")
	cmd.ValidArgsFunction = s.offers(s.templateIDs)
	return cmd
}

// config returns the pipeline.
//
// Source: spin pipeline-template use. There all values are texts; here those of
// files are what the files say.
func (u usedTemplate) config(s *session, id string) (map[string]any, error) {
	variables := map[string]any{}
	for _, file := range u.values {
		d, err := s.read(file)
		if err != nil {
			return nil, err
		}
		maps.Copy(variables, d.doc.Value)
	}
	for _, text := range u.set {
		if err := setVariables(variables, text); err != nil {
			return nil, err
		}
	}
	reference := id
	if !strings.Contains(id, "://") {
		reference = "spinnaker://" + id
		if u.tag != "" {
			reference += ":" + u.tag
		}
	}
	return map[string]any{
		"schema": "v2", "application": u.application, "name": u.name, "description": u.description,
		"template":  map[string]any{"artifactAccount": u.account, "reference": reference, "type": u.kind},
		"variables": variables, "exclude": []any{}, "triggers": []any{}, "parameters": []any{}, "notifications": []any{}, "stages": []any{},
	}, nil
}

// setVariables reads "a=1,b=2", or "a:=JSON", in which commas are JSON's.
func setVariables(into map[string]any, text string) error {
	for text != "" {
		key, rest, ok := strings.Cut(text, "=")
		if !ok || key == "" || key == ":" {
			return gennaker.Errorf(gennaker.Invalid, "%q is not a variable", text).WithHint("write --set KEY=VALUE, or --set KEY:=JSON")
		}
		if name, isJSON := strings.CutSuffix(key, ":"); isJSON {
			dec := json.NewDecoder(strings.NewReader(rest))
			dec.UseNumber()
			var v any
			if err := dec.Decode(&v); err != nil {
				return gennaker.Errorf(gennaker.Invalid, "the value of %s is not JSON: %w", name, err)
			}
			into[name] = v
			rest = strings.TrimLeft(rest[dec.InputOffset():], " ")
			if rest != "" && rest[0] != ',' {
				return gennaker.Errorf(gennaker.Invalid, "after the value of %s there is %q", name, rest).WithHint("write a comma between variables")
			}
			text = strings.TrimPrefix(rest, ",")
			continue
		}
		into[key], text, _ = strings.Cut(rest, ",")
	}
	return nil
}
