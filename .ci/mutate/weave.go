package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// variable holds, in a program with all mutations, the number of the one that is
// in force, counted from 1.
const variable = "MUTATION"

// weave writes the mutated files to dir, and a file that has go build take them
// in the place of the originals. A program so built holds all mutations, and
// is linked once: each function that one of them breaks begins with a switch to
// its broken twins.
func weave(dir string, all []mutation) (overlay string, err error) {
	files := map[string][]int{}
	for i, m := range all {
		files[m.file] = append(files[m.file], i)
	}
	replace := map[string]string{}
	put := func(path string, text []byte) error {
		original, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if replace[original] == "" {
			replace[original] = filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		}
		return os.WriteFile(replace[original], text, 0o600)
	}
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(files)) {
		text, name, err := mutate(path, all, files[path])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		inForce := fmt.Sprintf("package %s\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\nvar mutationInForce, _ = strconv.Atoi(os.Getenv(%q))\n", name, variable)
		errs = append(errs, put(path, text), put(filepath.Join(filepath.Dir(path), "mutation_in_force.go"), []byte(inForce)))
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	encoded, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, encoded, 0o600)
}

// mutate is the text of a file with the mutations that are said, and the name
// of its package.
func mutate(path string, all []mutation, own []int) (text []byte, name string, err error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, "", err
	}
	offset := func(p token.Pos) int { return positions.Position(p).Offset }
	var twins bytes.Buffer
	cases := map[*ast.FuncDecl]string{}
	var errs []error
	for _, i := range own {
		m, number := all[i], i+1
		if n := bytes.Count(source, []byte(m.old)); n != 1 {
			errs = append(errs, fmt.Errorf("%s: %s: %q stands in it %d times, want once", path, m.why, m.old, n))
			continue
		}
		at := bytes.Index(source, []byte(m.old))
		f := enclosing(file, func(body *ast.BlockStmt) bool {
			return offset(body.Pos()) < at && at+len(m.old) < offset(body.End())
		})
		if f == nil {
			errs = append(errs, fmt.Errorf("%s: %s: %q is in no function", path, m.why, m.old))
			continue
		}
		call, err := invocation(f, number)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", path, m.why, err))
			continue
		}
		cases[f] += fmt.Sprintf("case %d: %s; ", number, call)
		body := string(source[offset(f.Name.End()):at]) + m.new + string(source[at+len(m.old):offset(f.End())])
		fmt.Fprintf(&twins, "\n//line %s(mutation):%d\n%s%s%s\n", path, positions.Position(f.Pos()).Line,
			source[offset(f.Pos()):offset(f.Name.Pos())], twin(f, number), body)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	done := 0
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && cases[f] != "" {
			start := offset(f.Body.Lbrace) + 1
			out.Write(source[done:start])
			fmt.Fprintf(&out, " switch mutationInForce { %s}; ", cases[f])
			done = start
		}
	}
	out.Write(source[done:])
	out.Write(twins.Bytes())
	return out.Bytes(), file.Name.Name, nil
}

// enclosing is the function whose body is the one looked for.
func enclosing(file *ast.File, here func(*ast.BlockStmt) bool) *ast.FuncDecl {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil && here(f.Body) {
			return f
		}
	}
	return nil
}

// twin is the name of a function that a mutation broke.
func twin(f *ast.FuncDecl, number int) string {
	return fmt.Sprintf("%s_%d", f.Name.Name, number)
}

// invocation is the statement by which a function hands over to its twin.
func invocation(f *ast.FuncDecl, number int) (string, error) {
	callee := twin(f, number)
	if f.Recv != nil {
		if len(f.Recv.List[0].Names) == 0 {
			return "", fmt.Errorf("the receiver of %s has no name", f.Name.Name)
		}
		callee = f.Recv.List[0].Names[0].Name + "." + callee
	}
	var arguments []string
	for _, parameter := range f.Type.Params.List {
		for _, name := range parameter.Names {
			if name.Name == "_" {
				return "", fmt.Errorf("a parameter of %s has no name", f.Name.Name)
			}
			argument := name.Name
			if _, variadic := parameter.Type.(*ast.Ellipsis); variadic {
				argument += "..."
			}
			arguments = append(arguments, argument)
		}
		if len(parameter.Names) == 0 {
			return "", fmt.Errorf("a parameter of %s has no name", f.Name.Name)
		}
	}
	call := fmt.Sprintf("%s(%s)", callee, strings.Join(arguments, ", "))
	if f.Type.Results == nil {
		return call + "; return", nil
	}
	return "return " + call, nil
}
