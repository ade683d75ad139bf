package show

import (
	"fmt"
	"io"
	"strings"

	"github.com/gennaker/gennaker"
)

// Diagnosis writes what was found when the credentials of an account were tried.
func Diagnosis(w io.Writer, name string, d gennaker.AccountDiagnosis) error {
	var b strings.Builder
	if d.Version != "" {
		fmt.Fprintln(&b, Clean(fmt.Sprintf("%s answers at %s: %s, as %s", name, d.Server, d.Version, d.User)))
	}
	for _, p := range d.Problems {
		fmt.Fprintln(&b, Clean(p.Kind+": "+p.Message))
		for _, m := range p.Missing {
			where := "in all namespaces"
			if m.Namespace != "" {
				where = "in " + m.Namespace
			}
			resource := m.Resource
			if m.Group != "" {
				resource += " (" + m.Group + ")"
			}
			fmt.Fprintln(&b, Clean(fmt.Sprintf("  %s: %s %s", resource, strings.Join(m.Verbs, ", "), where)))
		}
		if p.Hint != "" {
			fmt.Fprintln(&b, Clean("  "+p.Hint))
		}
	}
	if d.OK {
		b.WriteString("everything that it needs is allowed\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
