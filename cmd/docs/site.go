package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

//go:embed page.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// A site is the whole book, rendered.
type site struct {
	root     string
	chapters []chapterView
	pages    []*page
	byFile   map[string]*page
	broken   []error // links to nothing
}

// A page is a chapter's page on its way from Markdown to HTML.
type page struct {
	file     string // in the repository, with slashes
	name     string // in the site
	title    string
	markdown []byte
	tree     ast.Node
	anchors  map[string]bool
	body     bytes.Buffer
}

type chapterView struct {
	Title string
	Pages []*page
}

// Title and Name are what the template shows of a page.
func (p *page) Title() string { return p.title }

// Name is the page's address in the site.
func (p *page) Name() string { return p.name }

// markdown renders GitHub's dialect, with the anchors that GitHub gives headings.
var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))

// build renders all pages of a repository and checks the links between them.
func build(root string) (*site, error) {
	s := &site{root: root, byFile: map[string]*page{}}
	for _, c := range book {
		view := chapterView{Title: c.title}
		for _, from := range c.pages {
			p, err := s.read(from)
			if err != nil {
				return nil, err
			}
			s.pages, s.byFile[p.file] = append(s.pages, p), p
			view.Pages = append(view.Pages, p)
		}
		s.chapters = append(s.chapters, view)
	}
	s.pages[0].name = "index.html"
	for _, p := range s.pages {
		s.link(p)
		if err := markdown.Renderer().Render(&p.body, p.markdown, p.tree); err != nil {
			return nil, fmt.Errorf("%s: %w", p.file, err)
		}
	}
	return s, nil
}

// read parses a page and notes its anchors.
func (s *site) read(from source) (*page, error) {
	p := &page{file: from.file, title: from.title, anchors: map[string]bool{}}
	switch {
	case from.write != nil:
		content, err := from.write(s.root)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from.file, err)
		}
		p.markdown = []byte(content)
	default:
		content, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(from.file)))
		if err != nil {
			return nil, err
		}
		p.markdown = content
	}
	p.name = siteName(from.file)
	p.tree = markdown.Parser().Parse(text.NewReader(p.markdown), parser.WithContext(parser.NewContext(parser.WithIDs(newAnchors()))))
	err := ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if heading, ok := n.(*ast.Heading); ok && entering {
			if id, found := heading.AttributeString("id"); found {
				p.anchors[string(id.([]byte))] = true
			}
			if p.title == "" {
				p.title = plainText(heading, p.markdown)
			}
		}
		return ast.WalkContinue, nil
	})
	return p, err
}

// siteName is a page's address: its path without what does not tell pages apart.
func siteName(file string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(file, "cmd/docs/"), ".md")
	name = strings.TrimSuffix(name, "/README")
	return strings.ReplaceAll(strings.ToLower(name), "/", "-") + ".html"
}

func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// write puts the site into a directory, which it makes.
func (s *site) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, p := range s.pages {
		view := struct {
			Title, Source  string
			Chapters       []chapterView
			Current        *page
			Previous, Next *page
			Body           template.HTML
		}{Title: p.title, Source: p.file, Chapters: s.chapters, Current: p, Body: template.HTML(p.body.String())}
		if i > 0 {
			view.Previous = s.pages[i-1]
		}
		if i+1 < len(s.pages) {
			view.Next = s.pages[i+1]
		}
		var b bytes.Buffer
		if err := pageTemplate.Execute(&b, view); err != nil {
			return fmt.Errorf("%s: %w", p.file, err)
		}
		if err := os.WriteFile(filepath.Join(dir, p.name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return s.copyPictures(dir)
}

// copyPictures copies the pictures that lie beside the book.
func (s *site) copyPictures(dir string) error {
	files, err := filepath.Glob(filepath.Join(s.root, "cmd", "docs", "pictures", "*"))
	if err != nil || len(files) == 0 {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "pictures"), 0o755); err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "pictures", path.Base(file)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
