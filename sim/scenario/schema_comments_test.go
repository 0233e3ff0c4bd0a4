package scenario

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// comments is what the package's source says of its types, which reflection
// cannot see.
type comments struct {
	// types are the comments of types, fields those of TYPE.FIELD.
	types, fields map[string]string
	// values are the constants of a string type, in order, each with the
	// comment beside it.
	values map[string][]constant
}

type constant struct{ value, comment string }

func readComments(t *testing.T) *comments {
	t.Helper()
	c := &comments{types: map[string]string{}, fields: map[string]string{}, values: map[string][]constant{}}
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if d, ok := declared.(*ast.GenDecl); ok {
				c.read(d)
			}
		}
	}
	return c
}

func (c *comments) read(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			doc := spec.Doc
			if doc == nil {
				doc = d.Doc
			}
			c.types[spec.Name.Name] = oneLine(doc)
			if s, ok := spec.Type.(*ast.StructType); ok {
				c.readFields(spec.Name.Name, s)
			}
		case *ast.ValueSpec:
			c.readConstant(spec)
		}
	}
}

// readFields takes a comment that names several fields for each of them.
func (c *comments) readFields(name string, s *ast.StructType) {
	shared := ""
	for _, f := range s.Fields.List {
		if f.Doc != nil {
			shared = oneLine(f.Doc)
		}
		for _, n := range f.Names {
			if f.Doc != nil || strings.Contains(shared, n.Name+" ") || strings.Contains(shared, n.Name+",") {
				c.fields[name+"."+n.Name] = shared
			}
		}
	}
}

func (c *comments) readConstant(spec *ast.ValueSpec) {
	kind, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
		value, _ := strconv.Unquote(literal.Value)
		c.values[kind.Name] = append(c.values[kind.Name], constant{value, oneLine(spec.Comment)})
	}
}

func oneLine(group *ast.CommentGroup) string {
	return strings.Join(strings.Fields(group.Text()), " ")
}

// of is the comment of a field, else of its type.
func (c *comments) of(owner reflect.Type, field *reflect.StructField) string {
	if text := c.fields[owner.Name()+"."+field.Name]; text != "" && ours(owner) {
		return text
	}
	named := field.Type
	for named.Kind() == reflect.Pointer {
		named = named.Elem()
	}
	if ours(named) && named.Kind() == reflect.Struct {
		return c.types[named.Name()]
	}
	return ""
}

func ours(t reflect.Type) bool { return t.PkgPath() == reflect.TypeFor[Scenario]().PkgPath() }
