package servers

import (
	"os"
	"testing"
)

// SkipVariable is the environment variable that, set to 1, makes the tests that need a real server skip everywhere.
const SkipVariable = "DUALWRITE_SKIP_SERVERS"

// DataVariable is the environment variable that names the folder below which [Data] makes folders. The Makefile names one in
// memory, where a sync costs nothing.
const DataVariable = "DUALWRITE_TEST_DATA"

// Data makes a folder for the data of a server that ends with its tests. The caller removes it. A test of what survives a kill
// takes a folder on a disk instead: that of the test.
func Data() (dir string, err error) {
	return os.MkdirTemp(os.Getenv(DataVariable), "dualwrite-server-")
}

// ForTest starts a server with a data folder of its own and kills it when the test ends, as nobody needs its data. For a
// server that is not there see [Need].
func ForTest(t testing.TB, s Server) *Process {
	t.Helper()
	Need(t, s)
	dir, err := Data()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	p, err := Start(t.Context(), s, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", s.Program, p.Output())
		}
	})
	return p
}

// Need skips the test if the server is not installed, or fails it where CI=true; with [SkipVariable] it always skips.
func Need(t testing.TB, s Server) {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	if verdict, why := missing(s.Installed(root), os.Getenv); verdict == fail {
		t.Fatalf("%s: %s", s.Name, why)
	} else if verdict == skip {
		t.Skipf("%s: NOT TESTED: %s", s.Name, why)
	}
}

type verdict int

const (
	run verdict = iota
	skip
	fail
)

// missing decides what becomes of a test that needs a server. It takes the environment as a function.
func missing(installed bool, getenv func(string) string) (verdict, string) {
	switch {
	case getenv(SkipVariable) == "1":
		return skip, SkipVariable + "=1 is set"
	case installed:
		return run, ""
	case getenv("CI") == "true":
		return fail, "the server is not installed and CI=true: `make servers` comes first"
	default:
		return skip, "the server is not installed: run `make servers`"
	}
}
