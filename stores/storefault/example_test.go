package storefault_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// The answer to a write gets lost: the caller can not know, and asking again tells.
func Example() {
	ctx := context.Background()
	inner, err := memstore.New[string, int](stores.StringKeys[string](), nil)
	if err != nil {
		panic(err)
	}
	clock, err := stores.NewClock(nil)
	if err != nil {
		panic(err)
	}
	t, err := clock.Next()
	if err != nil {
		panic(err)
	}
	s := storefault.New(inner, nil)
	s.SetRules(storefault.Nth(1, storefault.Fault{Kind: storefault.FailAfter}, storefault.OpPut))

	w := stores.Write[string, int]{Key: "k", Record: stores.Record[int]{Meta: stores.Meta{Version: t}, Value: 1}, If: stores.IfOlder(t)}
	err = s.Put(ctx, w)
	fmt.Println("injected:", errors.Is(err, storefault.ErrInjected))
	_, stored := stores.OutcomeOf(s.Put(ctx, w))
	fmt.Println("had been applied:", stored.Shows(t))
	fmt.Println("puts:", s.Calls(storefault.OpPut), "faults:", s.Injected())
	// Output:
	// injected: true
	// had been applied: true
	// puts: 2 faults: 1
}
