package dynamostore

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualwrite/dualwrite/stores"
)

// Names match exactly on all levels, in single reads and scans, and a scan names what V has no place for.
func TestNamesMatchExactly(t *testing.T) {
	t.Parallel()
	type leaf struct {
		Name string `dynamodbav:"name"`
		N    int64  `dynamodbav:"n,omitempty"`
	}
	type top struct {
		Visits int64           `dynamodbav:"visits"`
		Name   string          `dynamodbav:"name"`
		Leaf   leaf            `dynamodbav:"leaf"`
		Ptr    *leaf           `dynamodbav:"ptr"`
		List   []leaf          `dynamodbav:"list"`
		Map    map[string]leaf `dynamodbav:"map"`
	}
	client := newClient(t)
	table := newTable(t, client, "id:S")
	names := func() Item {
		return Item{"name": avS("right"), "Name": avS("other"), "NAME": avN("1"), "N": avS("no number")}
	}
	item := names()
	item["id"], item["leaf"], item["ptr"], item["list"], item["map"] = avS("k"), avM(names()), avM(names()), avL(avM(names())), avM(Item{"Name": avM(names()), "name": avM(Item{"NAME": avS("only")})})
	plant(t, client, table, item)
	right := leaf{Name: "right"}
	want := top{Name: "right", Leaf: right, Ptr: &right, List: []leaf{right}, Map: map[string]leaf{"Name": right, "name": {}}}
	s := open[string, top](t, client, table, nil)
	for range 20 { // a map has no order
		got, err := s.Get(t.Context(), "k")
		if d := cmp.Diff(want, got.Value); d != "" || err != nil {
			t.Fatalf("%v (-want +got)\n%s", err, d)
		}
	}
	for e, err := range s.ScanNoting(t.Context(), "", nil) {
		if d := cmp.Diff(want, e.Record.Value); d != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, d)
		}
		if d := cmp.Diff([]string{"N", "NAME", "Name", "leaf.N", "list.N", "map", "ptr.N"}, e.Lost); d != "" {
			t.Errorf("named (-want +got)\n%s", d)
		}
		v := e.Record.Value
		v.Visits++
		mustPut(t, s, stores.Write[string, top]{Key: "k", Record: stores.Record[top]{Meta: stores.Meta{Version: stamp(1)}, Value: v}, If: stores.IfStamp(stores.Unstamped)})
	}
	stored := raw(t, client, table, Item{"id": avS("k")})
	for _, name := range []string{"Name", "NAME", "N"} {
		if d := cmp.Diff(describe(Item{name: item[name]}), describe(Item{name: stored[name]})); d != "" {
			t.Errorf("%s after an update of visits (-want +got)\n%s", name, d)
		}
	}
}
