// Command docs writes the project's book as a static site:
//
//	go run ./cmd/docs --out out/docs
//
// Its chapters are Markdown files, most of them beside this program, and pages
// that are made of the code: commands, fields of the three kinds, figures. A link
// to nothing fails the call. Pages stay readable where they lie; links between
// them are relative.
package main
