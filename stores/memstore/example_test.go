package memstore_test

import (
	"context"
	"fmt"
	"maps"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// A store in memory stands in for a database in the tests of a service.
func Example() {
	type user struct{ Name string }
	ctx := context.Background()
	users, err := memstore.New[string, user](stores.StringKeys[string](), nil)
	if err != nil {
		panic(err)
	}
	// What the application had before it used the SDK.
	if _, err := stores.Import(ctx, users, maps.All(map[string]user{"ada": {Name: "Ada Lovelace"}})); err != nil {
		panic(err)
	}
	r, err := users.Get(ctx, "ada")
	fmt.Println(r.Value.Name, r.Version, err)
	// Output: Ada Lovelace unstamped <nil>
}
