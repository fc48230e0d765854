package imports

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestHazardsHaveTheirTests keeps the table of HAZARDS.md true: the tests that it names are there.
func TestHazardsHaveTheirTests(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile(filepath.Join(root, "HAZARDS.md"))
	if err != nil {
		t.Fatal(err)
	}
	found, rows := checkHazards(string(table), func(pkg, test string) bool { return hasTest(t, pkg, test) })
	if rows == 0 {
		t.Error("there is no row")
	}
	for _, f := range found {
		t.Error(f)
	}
}

var (
	hazardRow = regexp.MustCompile(`(?m)^\| \d.*$`)
	namedTest = regexp.MustCompile("^`([a-z/]+): (Test[A-Z]\\w*|Fuzz[A-Z]\\w*)`$")
)

// checkHazards looks at each row: numbered in order, and with tests that exist, or "not yet".
func checkHazards(table string, exists func(pkg, test string) bool) (found []string, rows int) {
	for _, row := range hazardRow.FindAllString(table, -1) {
		rows++
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		if len(cells) != 4 || cells[0] != fmt.Sprint(rows) {
			found = append(found, fmt.Sprintf("row %d is not: number %d, hazard, what holds it off, tests: %s", rows, rows, row))
			continue
		}
		if cells[3] == "–" {
			if !strings.Contains(cells[2], "not yet: with ") {
				found = append(found, fmt.Sprintf("row %d has no test and does not say with what it gets one", rows))
			}
			continue
		}
		for name := range strings.SplitSeq(cells[3], ", ") {
			m := namedTest.FindStringSubmatch(name)
			if m == nil {
				found = append(found, fmt.Sprintf("row %d: %s is not `package: Test`", rows, name))
			} else if !exists(m[1], m[2]) {
				found = append(found, fmt.Sprintf("row %d: package %s has no %s", rows, m[1], m[2]))
			}
		}
	}
	return found, rows
}

// hasTest looks for the test in the text of the package's tests.
func hasTest(t *testing.T, pkg, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		return strings.Contains(string(text), "\nfunc "+test+"(")
	})
}

func TestCheckHazards(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ table, want string }{
		{"| # | hazard | what holds it off | tests |\n|---|---|---|---|\n| 1 | a | b | `internal/imports: TestCheckHazards` |\n| 2 | a | not yet: with c | – |", ""},
		{"| 1 | a | b | `internal/imports: TestCheckHazard` |", "has no TestCheckHazard"},
		{"| 1 | a | b | `internal/import: TestCheckHazards` |", "package internal/import has no"},
		{"| 1 | a | b | `internal/imports: TestCheckHazards`, TestOther |", "TestOther is not"},
		{"| 1 | a | b |  |", "is not"},
		{"| 1 | a | b | – |", "does not say"},
		{"| 2 | a | b | – |", "number 1"},
		{"| 1 | a | b |", "number 1"},
	} {
		found, rows := checkHazards(tc.table, func(pkg, test string) bool { return hasTest(t, pkg, test) })
		switch {
		case rows == 0:
			t.Errorf("no row in %q", tc.table)
		case tc.want == "" && len(found) != 0:
			t.Errorf("%q in %q", found, tc.table)
		case tc.want != "" && (len(found) != 1 || !strings.Contains(found[0], tc.want)):
			t.Errorf("got %q for %q, want %q", found, tc.table, tc.want)
		}
	}
}
