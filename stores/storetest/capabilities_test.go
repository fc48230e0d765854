package storetest

import (
	"reflect"
	"testing"

	"github.com/dualwrite/dualwrite/stores"
)

// TestWrapperKnowsEveryCapability: each method that stores.Forward has is one of a capability in the list. (A test of package
// stores holds that Forward has them all.)
func TestWrapperKnowsEveryCapability(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	add := func(is reflect.Type) {
		for i := range is.NumMethod() {
			known[is.Method(i).Name] = true
		}
	}
	add(reflect.TypeFor[stores.Store[string, int]]())
	for _, c := range capabilities[string, int]() {
		add(c.is)
	}
	forward := reflect.TypeFor[stores.Forward[string, int]]()
	for i := range forward.NumMethod() {
		if name := forward.Method(i).Name; !known[name] {
			t.Errorf("Wrapper does not know of the capability with the method %s", name)
		}
	}
}
