package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// planned holds every statement of the package, with the scans that it may do:
// those that read all that they answer.
var planned = map[string]struct{ text, scan string }{
	"sqlInsertExecution": {sqlInsertExecution, ""},
	"sqlInsertLane":      {sqlInsertLane, ""},
	"sqlUpdateHead":      {sqlUpdateHead, ""},
	"sqlPutStage":        {sqlPutStage, ""},
	"sqlPutDoc":          {sqlPutDoc, ""},
	"sqlDeleteStage":     {sqlDeleteStage, ""},
	"sqlDeleteDoc":       {sqlDeleteDoc, ""},
	"sqlDeleteExecution": {sqlDeleteExecution, ""},
	"sqlDeleteStages":    {sqlDeleteStages, ""},
	"sqlDeleteDocs":      {sqlDeleteDocs, ""},
	"sqlExecution":       {sqlExecution, ""},
	"sqlStages":          {sqlStages, ""},
	"sqlDocs":            {sqlDocs, ""},
	"sqlOpen":            {sqlOpen, "SCAN execution USING COVERING INDEX execution_open"},

	"sqlAppendJournal": {sqlAppendJournal, ""},
	"sqlJournal":       {sqlJournal, "SCAN journal"}, // all of it
	"sqlEmptyJournal":  {sqlEmptyJournal, "SCAN journal"},
	"sqlSnapshot":      {sqlSnapshot, "SCAN journal"}, // of an empty table

	"sqlKeysByTime":           {sqlKeysByTime, ""},
	"sqlKeysByApplication":    {sqlKeysByApplication, ""},
	"sqlKeysByConfig":         {sqlKeysByConfig, ""},
	"sqlKey":                  {sqlKey, ""},
	"sqlOldKeysByTime":        {sqlOldKeysByTime, ""},
	"sqlOldKeysByApplication": {sqlOldKeysByApplication, ""},
	"sqlOldKeysByConfig":      {sqlOldKeysByConfig, ""},
	"sqlListed":               {sqlListed, ""},
	"sqlLanesOf":              {sqlLanesOf, ""},
	"sqlLanes":                {sqlLanes, "SCAN lane"}, // as many as pipelines
	"sqlLanesOfConfig":        {sqlLanesOfConfig, ""},
	"sqlBriefs":               {sqlBriefs, ""},
	"sqlRunsOfApplication":    {sqlRunsOfApplication, ""},
	"sqlRunsOfConfig":         {sqlRunsOfConfig, ""},
	"sqlCountExecutions":      {sqlCountExecutions, "SCAN execution USING COVERING INDEX sqlite_autoindex_execution_1"}, // all of it, of an index
	"sqlCountByStatus":        {sqlCountByStatus, ""},
	"sqlCountRuns":            {sqlCountRuns, ""},
	"sqlOld":                  {sqlOld, ""},

	"sqlApplications":        {sqlApplications, "SCAN application"},
	"sqlApplication":         {sqlApplication, ""},
	"sqlPutApplication":      {sqlPutApplication, ""},
	"sqlDeleteApplication":   {sqlDeleteApplication, ""},
	"sqlPipelines":           {sqlPipelines, ""},
	"sqlAllPipelines":        {sqlAllPipelines, "SCAN pipeline USING INDEX sqlite_autoindex_pipeline_2"},
	"sqlPipelineByID":        {sqlPipelineByID, ""},
	"sqlPipelineByName":      {sqlPipelineByName, ""},
	"sqlPutPipeline":         {sqlPutPipeline, ""},
	"sqlDeletePipeline":      {sqlDeletePipeline, ""},
	"sqlAccounts":            {sqlAccounts, "SCAN account"},
	"sqlAccount":             {sqlAccount, ""},
	"sqlPutAccount":          {sqlPutAccount, ""},
	"sqlDeleteAccount":       {sqlDeleteAccount, ""},
	"sqlProjects":            {sqlProjects, "SCAN project USING INDEX sqlite_autoindex_project_2"},
	"sqlProjectByID":         {sqlProjectByID, ""},
	"sqlProjectByName":       {sqlProjectByName, ""},
	"sqlPutProject":          {sqlPutProject, ""},
	"sqlDeleteProject":       {sqlDeleteProject, ""},
	"sqlCanaryConfigs":       {sqlCanaryConfigs, "SCAN canary_config"},
	"sqlCanaryConfig":        {sqlCanaryConfig, ""},
	"sqlPutCanaryConfig":     {sqlPutCanaryConfig, ""},
	"sqlDeleteCanaryConfig":  {sqlDeleteCanaryConfig, ""},
	"sqlNotifications":       {sqlNotifications, ""},
	"sqlPutNotifications":    {sqlPutNotifications, ""},
	"sqlDeleteNotifications": {sqlDeleteNotifications, ""},
	"sqlTemplates":           {sqlTemplates, "SCAN template"},
	"sqlTemplate":            {sqlTemplate, ""},
	"sqlPutTemplate":         {sqlPutTemplate, ""},
	"sqlKeepTemplate":        {sqlKeepTemplate, ""},
	"sqlDeleteTemplate":      {sqlDeleteTemplate, ""},
	"sqlNextRevision":        {sqlNextRevision, ""},
	"sqlInsertRev":           {sqlInsertRev, ""},
	"sqlRevisions":           {sqlRevisions, ""},
	"sqlInsertAudit":         {sqlInsertAudit, ""},
	"sqlAudit":               {sqlAudit, "SCAN audit"}, // by its key backwards, and stops at the limit
	"sqlMigrations":          {sqlMigrations, "SCAN migration"},
	"sqlInsertMigration":     {sqlInsertMigration, ""},
}

// unplanned are the statements that have no plan.
var unplanned = []string{"sqlBackup", "sqlCreateMigration"}

func TestNoStatementScans(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, p := range planned {
		plan, err := db.plan(t, p.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, step := range plan {
			scans := strings.HasPrefix(step, "SCAN") && step != p.scan && step != "SCAN CONSTANT ROW"
			if scans || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s: %s\n%s", name, step, p.text)
			}
		}
	}
}

func TestScansAreSeen(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	plan, err := db.plan(t, `SELECT id FROM execution WHERE name = ? ORDER BY end_time`)
	if err != nil || len(plan) != 2 || !strings.HasPrefix(plan[0], "SCAN") || !strings.Contains(plan[1], "TEMP B-TREE") {
		t.Errorf("plan of a scan = %q, %v", plan, err)
	}
}

func (d *DB) plan(t *testing.T, text string) ([]string, error) {
	t.Helper()
	args := make([]any, strings.Count(text, "?"))
	rows, err := d.w.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		out = append(out, detail)
	}
	return out, rows.Err()
}

func TestEveryStatementIsPlanned(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "sql") {
				return true
			}
			found++
			name := spec.Names[0].Name
			if _, ok := planned[name]; !ok && !slices.Contains(unplanned, name) {
				t.Errorf("%s in %s is in no list of this test", name, e.Name())
			}
			return true
		})
	}
	if found != len(planned)+len(unplanned) {
		t.Errorf("found %d statements, the lists have %d", found, len(planned)+len(unplanned))
	}
}
