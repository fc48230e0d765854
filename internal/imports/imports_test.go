package imports

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func TestImportDirections(t *testing.T) {
	t.Parallel()
	g := load(t, root)
	if len(g.own()) == 0 {
		t.Fatal("no package found")
	}
	for _, found := range slices.Concat(
		checkLayers(g, layers), checkBans(g, bans), checkClosures(g, closures), checkUse(g, layers, bans, closures),
	) {
		t.Error(found)
	}
}

func TestTopLevelFolders(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, e := range entries {
		if e.IsDir() {
			there = append(there, e.Name())
		}
	}
	for _, found := range checkFolders(there, topLevel) {
		t.Error(found)
	}
}

// TestEachRuleCanFail breaks every line of the tables once.
func TestEachRuleCanFail(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		from, to string
		test     bool // the import is in a test
		want     []string
	}{
		{from: "./stores", to: "github.com/google/go-cmp/cmp", want: []string{"brings nothing along", "test libraries"}},
		{from: "./stores", to: "./stores/memstore", want: []string{"knows no driver"}},
		{from: "./stores", to: "net/http", want: []string{"types and arithmetic"}},
		{from: "./stores/storetest", to: "github.com/google/go-cmp/cmp", want: []string{"a test library"}},
		{from: "./stores/storetest", to: "./stores/memstore", want: []string{"another store"}},
		{from: "./stores/storefault", to: "./stores/memstore", want: []string{"all it may know"}},
		{from: "./stores/memstore", to: "./stores/boltstore", want: []string{"drivers never import drivers"}},
		{from: "./stores/boltstore", to: "./stores/memstore", want: []string{"drivers never import drivers"}},
		{from: "./stores/boltstore", to: "./dualwrite", test: true, want: []string{"knows nobody who does"}},
		{from: "./flags", to: "./stores", want: []string{"stores are none of its business", "without knowing what it is for"}},
		{from: "./flags", to: "./dualwrite", test: true, want: []string{"without knowing what it is for"}},
		{from: "./flags/flagtest", to: "go.uber.org/goleak", want: []string{"nothing else"}},
		{from: "./dualwrite", to: "./stores/memstore", want: []string{"over the contract alone"}},
		{from: "./dualwrite", to: "./copier", want: []string{"no copier", "two halves"}},
		{from: "./dualwrite", to: "./copier", test: true, want: []string{"two halves"}},
		{from: "./dualwrite", to: "./flags/flagtest", want: []string{"over the contract alone", "test kits"}},
		{from: "./dualwrite", to: "testing/synctest", want: []string{"test libraries", "must not compile"}},
		{from: "./dualwrite/dualwritetest", to: "./copier", want: []string{"needs no copier", "two halves"}},
		{from: "./dualwrite/dualwritetest", to: "github.com/anishathalye/porcupine", want: []string{"no test library"}},
		{from: "./dualwrite", to: "./internal/interleave", want: []string{"over the contract alone", "or the explorer"}},
		{from: "./stores/boltstore", to: "./internal/interleave", want: []string{"drivers never import drivers", "its database along"}},
		{from: "./copier", to: "./dualwrite", want: []string{"no repository", "two halves"}},
		{from: "./copier", to: "./flags", test: true, want: []string{"knows no flag"}},
		{from: "./copier/cmd/copier", to: "./dualwrite", want: []string{"writes through no repository", "two halves"}},
		{from: "./copier", to: "github.com/alecthomas/kong", want: []string{"over the contract alone", "must not compile"}},
		{from: "./copier/cmd/copier", to: "./stores/storefault", want: []string{"test kits"}},
		{from: "./internal/servers", to: "./examples/flagd", want: []string{"module of their own"}},
		{from: "./dualwrite", to: "github.com/open-feature/go-sdk-contrib/providers/flagd", test: true, want: []string{"flag services bring"}},
		{from: "./examples/quickstart", to: "./internal/servers", want: []string{"a user can not import it"}},
		{from: "./stores/memstore", to: "flag", want: []string{"its database along"}},
		{from: "./surprise", to: "fmt", want: []string{"in no layer"}},

		{from: "./dualwrite", to: "./stores/storetest", test: true},
		{from: "./dualwrite/dualwritetest", to: "./internal/interleave"},
		{from: "./dualwrite", to: "github.com/google/go-cmp/cmp", test: true},
		{from: "./dualwrite", to: "github.com/sony/gobreaker/v2"},
		{from: "./examples/quickstart", to: "./stores/storefault"},
		{from: "./examples/mongodb/rename", to: "./internal/mongotest", test: true},
		{from: "./internal/explore", to: "./copier"},
		{from: "./stores/boltstore", to: "go.etcd.io/bbolt/errors"},
	} {
		p := pkg{imports: []string{tc.to}}
		if tc.test {
			p = pkg{tests: []string{tc.to}}
		}
		g := graph{tc.from: p}
		found := slices.Concat(checkLayers(g, layers), checkBans(g, bans), checkClosures(g, closures))
		if len(found) != len(tc.want) {
			t.Errorf("%s imports %s (in a test: %v): found %d of %d:\n%s", tc.from, tc.to, tc.test, len(found), len(tc.want), strings.Join(found, "\n"))
			continue
		}
		for i, want := range tc.want {
			if !strings.Contains(found[i], want) || !strings.Contains(found[i], tc.from) {
				t.Errorf("%s imports %s: %q is not in %q", tc.from, tc.to, want, found[i])
			}
		}
	}
}

func TestClosureFollowsOtherPeoplesPackages(t *testing.T) {
	t.Parallel()
	g := graph{
		"./dualwrite":               {imports: []string{"github.com/a/b", "net/http"}},
		"github.com/a/b":            {imports: []string{"github.com/a/c", "fmt"}},
		"github.com/a/c":            {imports: []string{"./dualwrite", "go.etcd.io/bbolt"}},
		"go.etcd.io/bbolt":          {imports: []string{"github.com/alecthomas/kong"}},
		"net/http":                  {imports: []string{"flag"}},
		"./dualwrite/dualwritetest": {imports: []string{"testing"}},
	}
	found := checkClosures(g, closures)
	want := "./dualwrite imports github.com/a/b imports github.com/a/c imports go.etcd.io/bbolt: "
	if len(found) != 1 || !strings.HasPrefix(found[0], want) {
		t.Errorf("got %q, want one that starts with %q", found, want)
	}
}

func TestCheckUse(t *testing.T) {
	t.Parallel()
	g := graph{"./a": {}, "./b/c": {}}
	found := checkUse(g,
		[]layer{{packages: []string{"./a", "./gone"}, may: []string{"std", "./gone1"}}},
		[]ban{{from: []string{"./b/..."}, except: []string{"./gone2"}, to: []string{"./gone3/...", "github.com/x/y"}}},
		[]closure{{from: []string{"./gone4"}, never: []string{"flag"}}})
	for i, want := range []string{"./gone ", "./gone1 ", "./gone2 ", "./gone3/... ", "./gone4 "} {
		if i >= len(found) || !strings.HasPrefix(found[i], want) {
			t.Fatalf("got %q, want %q at %d", found, want, i)
		}
	}
	if len(found) != 5 {
		t.Errorf("got %q, want five", found)
	}
}

func TestCheckFolders(t *testing.T) {
	t.Parallel()
	found := checkFolders([]string{".git", ".ci", "a", "pkg"}, []string{"a", "b"})
	if len(found) != 2 || !strings.HasPrefix(found[0], "folder pkg: ") || found[1] != "folder b is missing" {
		t.Errorf("got %q", found)
	}
}

func TestAddReadsAListOfPackages(t *testing.T) {
	t.Parallel()
	g := graph{}
	err := g.add(strings.NewReader(`
		{"ImportPath": "github.com/dualwrite/dualwrite/flags", "Imports": ["fmt", "github.com/dualwrite/dualwrite/stores"],
		 "TestImports": ["testing"], "XTestImports": ["github.com/dualwrite/dualwrite/flags", "os"]}
		{"ImportPath": "fmt", "Imports": ["os"]}`))
	if err != nil {
		t.Fatal(err)
	}
	flags := g["./flags"]
	if !slices.Equal(flags.imports, []string{"fmt", "./stores"}) || !slices.Equal(flags.tests, []string{"testing", "os"}) {
		t.Errorf("got %+v", flags)
	}
	if !slices.Equal(g.own(), []string{"./flags"}) || !slices.Equal(g["fmt"].imports, []string{"os"}) {
		t.Errorf("got %v", g)
	}
	if err := g.add(strings.NewReader("{")); err == nil {
		t.Error("no error for half an answer")
	}
}
