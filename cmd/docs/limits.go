package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

// limits is the page of engine/limit's constants, with their comments.
func limits(root string) (string, error) {
	name := filepath.Join(root, "engine", "limit", "limit.go")
	source, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "engine/limit/limit.go", source, parser.ParseComments)
	if err != nil {
		return "", err
	}
	pkg, err := (&types.Config{}).Check("limit", set, []*ast.File{file}, nil)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Limits\n\n" + file.Doc.Text())
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| limit | value | meaning |\n|---|---|---|\n", strings.TrimSuffix(strings.TrimSpace(group.Doc.Text()), "."))
		meaning := "" // a comment is of all constants up to the next one
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			if value.Doc != nil {
				meaning = value.Doc.Text()
			}
			for _, name := range value.Names {
				n, exact := constant.Int64Val(pkg.Scope().Lookup(name.Name).(*types.Const).Val())
				if !exact {
					return "", fmt.Errorf("engine/limit: %s is no whole number", name.Name)
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name.Name, limitText(n), cell(meaning))
			}
		}
	}
	return b.String(), nil
}

// limitText is a number with its thousands apart; whole KiB, MiB and GiB are said
// as such.
func limitText(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.size && n%unit.size == 0 {
			return fmt.Sprintf("%d %s", n/unit.size, unit.name)
		}
	}
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
