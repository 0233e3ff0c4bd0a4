package reports

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
)

// contentPolicy is the meta element by which a page allows one script, by its
// hash, and no other: text from a manifest or a recording that got into a page
// as a script would not run. Nothing is loaded from anywhere.
func contentPolicy(script string) template.HTML {
	sum := sha256.Sum256([]byte(script))
	return template.HTML(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-` +
		base64.StdEncoding.EncodeToString(sum[:]) + `'">`)
}
