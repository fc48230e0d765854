package stores_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storetest"
)

// bare has the four methods alone.
type bare struct {
	stores.Store[string, int]
}

// required are the interfaces that are no capabilities.
var required = map[string]bool{"Store": true, "KeyCodec": true}

// contract are the files of the package, and the names of its capabilities with their methods.
func contract(t *testing.T) (files []*ast.File, capabilities map[string][]string) {
	t.Helper()
	fset := token.NewFileSet()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	capabilities = map[string][]string{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, entry.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() || required[spec.Name.Name] {
				return true
			}
			if is, ok := spec.Type.(*ast.InterfaceType); ok {
				for _, m := range is.Methods.List {
					for _, name := range m.Names {
						capabilities[spec.Name.Name] = append(capabilities[spec.Name.Name], name.Name)
					}
				}
			}
			return true
		})
	}
	if len(capabilities) < 14 {
		t.Fatalf("only %v were found", capabilities)
	}
	return files, capabilities
}

// TestForwardHasEveryCapability: who adds one gives Forward its methods too.
func TestForwardHasEveryCapability(t *testing.T) {
	t.Parallel()
	_, capabilities := contract(t)
	forward := reflect.TypeFor[stores.Forward[string, int]]()
	for name, methods := range capabilities {
		for _, method := range methods {
			if _, ok := forward.MethodByName(method); !ok {
				t.Errorf("Forward has no %s of %s", method, name)
			}
		}
	}
}

// TestDocumentationNamesEveryCapability and no other, as the list of doc.go is where readers look.
func TestDocumentationNamesEveryCapability(t *testing.T) {
	t.Parallel()
	files, capabilities := contract(t)
	var text string
	for _, file := range files {
		if file.Doc != nil {
			text += file.Doc.Text()
		}
	}
	for name := range capabilities {
		if !strings.Contains(text, "["+name+"]") {
			t.Errorf("doc.go does not name [%s]", name)
		}
	}
	known := map[string]bool{}
	for _, file := range files {
		for name := range file.Scope.Objects {
			known[name] = true
		}
	}
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "[")
		name, more, _ := strings.Cut(after, "]")
		if !found {
			break
		}
		if rest = more; !strings.Contains(name, ".") && !known[name] {
			t.Errorf("doc.go names [%s], which is not there", name)
		}
	}
}

// TestForwardDropsNothing and adds nothing: around a store with capabilities and around one with none.
func TestForwardDropsNothing(t *testing.T) {
	t.Parallel()
	inner := newMem(t)
	twice := stores.Forward[string, int]{Store: stores.Forward[string, int]{Store: inner}}
	storetest.Wrapper[string, int](t, inner, twice, "k", 1)
	ctx := t.Context()
	none := stores.Forward[string, int]{Store: stores.Forward[string, int]{Store: bare{newMem(t)}}}
	for name, err := range map[string]error{
		"batch read": second(none.GetMany(ctx, nil)), "batch write": second(none.PutMany(ctx, nil)), "segments": second(none.Segments(ctx, 1)),
		"bounds": second(none.Bounds(ctx, 1)), "range": second(none.Range(nil, nil)), "count": second(none.ApproxCount(ctx)),
		"purge": second(none.Purge(ctx, nil)), "pair": none.PutPair(ctx, write("k", 1), none, write("l", 1)), "check": none.Check(write("k", 1)),
		"round trip": second(none.RoundTrip("k", 1)), "metadata": second(none.GetMetas(ctx, nil)),
		"scan of metadata": first(none.ScanMeta(ctx, "", nil)), "noting scan": first(none.ScanNoting(ctx, "", nil)),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func first(scan iter.Seq2[stores.Entry[string, int], error]) error {
	for _, err := range scan {
		return err
	}
	return nil
}

func write(key string, n int) stores.Write[string, int] {
	return stores.Write[string, int]{Key: key, If: stores.IfOlder(at(1)), Record: stores.Record[int]{Meta: stores.Meta{Version: at(1)}, Value: n}}
}

// TestFunctionsFallBackBehindWrappers: each function does the same over a store that has none as over wrappers around it that
// say so.
func TestFunctionsFallBackBehindWrappers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := stores.Forward[string, int]{Store: stores.Forward[string, int]{Store: bare{newMem(t)}}}
	if errs, err := stores.PutMany(ctx, s, []stores.Write[string, int]{write("a", 1), write("b", 2)}); err != nil || errs[0] != nil || errs[1] != nil {
		t.Fatal(errs, err)
	}
	for name, scan := range map[string]iter.Seq2[stores.Entry[string, int], error]{
		"plain": s.Scan(ctx, "", nil), "metadata": stores.ScanMeta(ctx, s, "", nil), "noting": stores.ScanNoting(ctx, s, "", nil),
	} {
		for range 2 { // a scan can be gone over again
			keys := ""
			for e, err := range scan {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				keys += e.Key
			}
			if keys != "ab" {
				t.Errorf("%s: %q", name, keys)
			}
		}
		for e, err := range scan {
			if e.Key != "a" || err != nil {
				t.Errorf("%s: %q comes first, %v", name, e.Key, err)
			}
			break
		}
	}
	for name, read := range map[string]func(context.Context, stores.Store[string, int], []string) ([]stores.Result[int], error){
		"values": stores.GetMany[string, int], "metadata": stores.GetMetas[string, int],
	} {
		if res, err := read(ctx, s, []string{"b", "c"}); err != nil || res[0].Record.Version != at(1) || !errors.Is(res[1].Err, stores.ErrNotFound) {
			t.Errorf("%s: %v, %v", name, res, err)
		}
	}
	if segs, err := stores.Segments(ctx, s, 4); err != nil || len(segs) != 1 {
		t.Errorf("segments: %v, %v", segs, err)
	}
	if err := stores.Check(s, write("k", 1)); err != nil {
		t.Errorf("check: %v", err)
	}
	if v, err := stores.RoundTrip(s, "k", 7); v != 7 || err != nil {
		t.Errorf("round trip: %v, %v", v, err)
	}
	if err := stores.CheckContext(ctx, s); err != nil {
		t.Errorf("context: %v", err)
	}
	if err := stores.CheckContext(ctx, unsure{bare{s}}); err != nil {
		t.Errorf("context of a store that has no say: %v", err)
	}
	if !stores.SamePlace(s, s.Store) || stores.SamePlace[string, int](s, newMem(t)) {
		t.Error("the wrapper is not the place that it is around, or is another one")
	}
}

// unsure says that it can not tell.
type unsure struct{ bare }

func (unsure) CheckContext(context.Context) error { return errors.ErrUnsupported }

// loud is a wrapper of one's own: it tells of the reads of single records, and is otherwise what is in it.
type loud struct {
	stores.Forward[string, int]
}

func (l loud) Get(ctx context.Context, key string) (stores.Record[int], error) {
	r, err := l.Forward.Get(ctx, key)
	fmt.Println("get", key, err)
	return r, err
}

func ExampleForward() {
	inner, err := memstore.New[string, int](stores.StringKeys[string](), nil)
	if err != nil {
		panic(err)
	}
	var s stores.Store[string, int] = loud{stores.Forward[string, int]{Store: inner}}
	_, _ = s.Get(context.Background(), "a")
	_, err = stores.GetMany(context.Background(), s, []string{"a", "b"}) // the inner store's own
	fmt.Println("get many", err)
	// Output:
	// get a not found
	// get many <nil>
}
