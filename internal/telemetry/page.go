package telemetry

import (
	"bytes"
	"html/template"

	"github.com/seedproof/seedproof/internal/flow"
)

// Pager is a status that has a page for people. One that is no Pager is shown
// as its JSON.
type Pager interface{ Page() Page }

// Page is a status page: what needs a person first, then a sentence on how
// things stand, then tables.
type Page struct {
	Title       string
	Summary     string
	Escalations []flow.Escalation
	Sections    []Section
}

// Section is one table of a Page.
type Section struct {
	Title   string
	Columns []string
	Rows    [][]string
}

type pageData struct {
	Page
	JSON string // for a status without a page
}

// html/template escapes by context: texts of errors and names come from outside.
var pageTemplate = template.Must(template.New("status").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3em .8em .3em 0;border-bottom:1px solid #ddd}
.escalation{border-left:4px solid #b00020;background:#fdf0f1;padding:.6em 1em;margin:.6em 0}
.calm{border-left:4px solid #2e7d32;background:#f1f8f2;padding:.6em 1em}
code,pre{font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap}
</style></head><body>
<h1>{{.Title}}</h1>
{{range .Escalations}}<div class="escalation"><strong>{{.Step}}</strong> ({{.Flow}} {{.Subject}}): {{.Why}}<br>
since {{.Since.UTC.Format "2006-01-02 15:04:05 UTC"}}, {{.Attempts}} tries{{with .Advice}}<br>type: <code>{{.}}</code>{{end}}</div>
{{else}}{{if not .JSON}}<div class="calm">Nothing waits for a person.</div>
{{end}}{{end}}{{with .Summary}}<p>{{.}}</p>
{{end}}{{range .Sections}}<h2>{{.Title}}</h2>
<table><tr>{{range .Columns}}<th>{{.}}</th>{{end}}</tr>
{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</table>
{{end}}{{with .JSON}}<pre>{{.}}</pre>
{{end}}</body></html>`))

func renderPage(s any, asJSON []byte) ([]byte, error) {
	data := pageData{Page: Page{Title: "Seedproof"}, JSON: string(asJSON)}
	if p, ok := s.(Pager); ok {
		data = pageData{Page: p.Page()}
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
