package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// blob is where a reader finds a file of the repository that is no page.
const blob = "https://github.com/karpenter-sim/karpenter/blob/main/"

// link points a page's links at the site, and notes those that lead to nothing.
func (s *site) link(p *page) {
	_ = ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			n.Destination = []byte(s.target(p, string(n.Destination)))
		case *ast.Image:
			n.Destination = []byte(s.picture(p, string(n.Destination)))
		}
		return ast.WalkContinue, nil
	})
}

// target is the address in the site of what a link of a page means.
func (s *site) target(p *page, destination string) string {
	if strings.Contains(destination, "://") || strings.HasPrefix(destination, "mailto:") {
		return destination
	}
	file, anchor, _ := strings.Cut(destination, "#")
	to := p
	if file != "" {
		resolved := path.Join(path.Dir(p.file), file)
		if to = s.byFile[resolved]; to == nil {
			if _, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(resolved))); err != nil {
				s.breaks(p, destination, "there is no such file")
			}
			return blob + resolved + fragment(anchor)
		}
	}
	if anchor != "" && !to.anchors[anchor] {
		s.breaks(p, destination, to.file+" has no such heading")
	}
	if file == "" {
		return fragment(anchor)
	}
	return to.name + fragment(anchor)
}

// picture is the address of a picture: those beside the book are copied.
func (s *site) picture(p *page, destination string) string {
	if strings.Contains(destination, "://") {
		return destination
	}
	resolved := path.Join(path.Dir(p.file), destination)
	if _, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(resolved))); err != nil {
		s.breaks(p, destination, "there is no such picture")
	}
	if path.Dir(resolved) != "cmd/docs/pictures" {
		s.breaks(p, destination, "pictures lie in cmd/docs/pictures")
	}
	return "pictures/" + path.Base(resolved)
}

func (s *site) breaks(p *page, destination, reason string) {
	s.broken = append(s.broken, fmt.Errorf("%s: link %s: %s", p.file, destination, reason))
}

func fragment(anchor string) string {
	if anchor == "" {
		return ""
	}
	return "#" + anchor
}

// anchors gives headings the anchors that GitHub gives them, so that one link
// works in both places: lower case, letters, digits, hyphens and underscores kept,
// spaces as hyphens, repetitions numbered.
type anchors struct{ used map[string]int }

func newAnchors() *anchors { return &anchors{used: map[string]int{}} }

// Generate implements parser.IDs.
func (a *anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(string(value))) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	id := b.String()
	n := a.used[id]
	a.used[id] = n + 1
	if n > 0 {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	return []byte(id)
}

// Put implements parser.IDs.
func (a *anchors) Put(value []byte) { a.used[string(value)]++ }
