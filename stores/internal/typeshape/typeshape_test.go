package typeshape_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/stores/internal/typeshape"
)

type (
	tree  map[string]tree
	lists []lists
	node  struct {
		Name string
		Kids []*node
		More tree
		Deep lists
		At   time.Time
	}
)

var rules = typeshape.Rules{
	Opaque: func(t reflect.Type) bool { return t == reflect.TypeFor[time.Time]() },
	Fields: func(t reflect.Type, visit func(string, reflect.Type, bool)) {
		for f := range t.Fields() {
			visit(f.Name, f.Type, f.Anonymous)
		}
	},
}

// Types that hold themselves have a shape too.
func TestShape(t *testing.T) {
	t.Parallel()
	type outer struct {
		node
		Other int
	}
	s := rules.Of(reflect.TypeFor[*outer]())
	for _, tc := range []struct {
		path []string
		want typeshape.Name
	}{
		{[]string{"Name"}, typeshape.Mapped},
		{[]string{"Other"}, typeshape.Mapped},
		{[]string{"node"}, typeshape.Unmapped},
		{[]string{"Kids", "Kids", "Name"}, typeshape.Mapped},
		{[]string{"Kids", "Kids", "Nick"}, typeshape.Unmapped},
		{[]string{"More", "a", "b"}, typeshape.Data},
		{[]string{"Deep", "a"}, typeshape.Data},
		{[]string{"At", "zone"}, typeshape.Data},
	} {
		in, is := s, typeshape.Unmapped
		for _, name := range tc.path {
			in, is = in.At(name)
		}
		if is != tc.want {
			t.Errorf("%q is %v, want %v", tc.path, is, tc.want)
		}
	}
}
