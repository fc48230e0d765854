package mongostore_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/internal/mongotest"
)

// TestExamples runs the examples on a server and compares what they print with the comment at their end.
func TestExamples(t *testing.T) {
	db = mongotest.Database(t)
	want := printed(t)
	for name, example := range map[string]func(){
		"Example": Example, "ExampleOptions_rename": ExampleOptions_rename, "ExampleOptions_mapping": ExampleOptions_mapping,
		"ExampleOptions_expiry": ExampleOptions_expiry, "ExampleLive": ExampleLive,
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want[name], capture(t, example)); diff != "" || want[name] == "" {
				t.Errorf("(-promised +printed)\n%s", diff)
			}
		})
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s is not run", name)
	}
}

// printed are the comments that say what the examples print, by the examples' names.
func printed(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "example_test.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(f.Name.Name, "Example") {
			continue
		}
		want[f.Name.Name] = ""
		for _, c := range file.Comments {
			if text, ok := strings.CutPrefix(c.Text(), "It prints:\n"); ok && f.Body.Pos() < c.Pos() && c.Pos() < f.Body.End() {
				want[f.Name.Name] = text
			}
		}
	}
	return want
}

// capture returns what a function prints. No other test may print meanwhile.
func capture(t *testing.T, f func()) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdout")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = before }()
	f()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
