package imports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/dualwrite/dualwrite"

// load reads the graph of both modules, with everything that they import.
func load(t *testing.T, root string) graph {
	t.Helper()
	openFolders(t, root)
	g := graph{}
	for _, dir := range []string{root, root + "/examples"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
		var stderr strings.Builder
		cmd.Dir, cmd.Stderr = dir, &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list in %s: %v\n%s", dir, err, &stderr)
		}
		if err := g.add(strings.NewReader(string(out))); err != nil {
			t.Fatalf("go list in %s: %v", dir, err)
		}
	}
	return g
}

// openFolders opens every folder of the repository. The go command keeps the result of a test as long as what the test has
// opened itself is as it was; it does not see what go list opens.
func openFolders(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// add reads the output of go list.
func (g graph) add(r io.Reader) error {
	dec := json.NewDecoder(r)
	for {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading the list of packages: %w", err)
		}
		path := short(p.ImportPath)
		var tests []string
		for _, to := range append(p.TestImports, p.XTestImports...) {
			// An external test always imports its own package.
			if to = short(to); to != path {
				tests = append(tests, to)
			}
		}
		for i, to := range p.Imports {
			p.Imports[i] = short(to)
		}
		g[path] = pkg{imports: p.Imports, tests: tests}
	}
}

// short turns a path of this repository into its "./" form.
func short(path string) string {
	if path == module {
		return "."
	}
	if rest, ok := strings.CutPrefix(path, module+"/"); ok {
		return "./" + rest
	}
	return path
}
