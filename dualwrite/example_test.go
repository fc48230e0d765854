package dualwrite_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// User is the record of the examples.
type User struct {
	Name   string
	Visits int
}

// exampleStore stands for a store in a database.
func exampleStore() *memstore.Store[string, User] {
	s, err := memstore.New[string, User](stores.StringKeys[string](), nil)
	if err != nil {
		panic(err)
	}
	return s
}

// exampleRepository is a repository over two empty places, in a phase that never changes.
func exampleRepository(p flags.Phase, o *dualwrite.Options) *dualwrite.Repository[string, User] {
	users, err := dualwrite.New[string, User](exampleStore(), exampleStore(), flags.Static(p), o)
	if err != nil {
		panic(err)
	}
	return users
}

// How do I put the repository where mine was? Give it both places and the flag; in production the phase comes from
// flags.NewOpenFeature.
func ExampleNew() {
	ctx := context.Background()
	oldStore, newStore := exampleStore(), exampleStore()

	users, err := dualwrite.New[string, User](oldStore, newStore, flags.Static(flags.ReadOldWriteBoth), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := users.Put(ctx, "ada", User{Name: "Ada"}); err != nil {
		fmt.Println(err)
		return
	}
	u, err := users.Get(ctx, "ada")
	fmt.Println(u.Name, err)

	_, err = users.Get(ctx, "bob")
	fmt.Println(errors.Is(err, dualwrite.ErrNotFound), err)
	fmt.Println(users.Close(ctx))
	// Output:
	// Ada <nil>
	// true get "bob": not found
	// <nil>
}

// How do I change a record that others change at the same time? The function may run several times, each time on what is
// stored then, so it must have no effect of its own.
func ExampleRepository_Update() {
	ctx := context.Background()
	users := exampleRepository(flags.ReadNewWriteBoth, nil)
	if _, err := users.Put(ctx, "ada", User{Name: "Ada"}); err != nil {
		fmt.Println(err)
		return
	}

	_, err := users.Update(ctx, "ada", func(u *User) error {
		u.Visits++
		return nil
	})
	u, _ := users.Get(ctx, "ada")
	fmt.Println(u.Visits, err)

	errBanned := errors.New("banned")
	_, err = users.Update(ctx, "ada", func(u *User) error {
		u.Visits++
		return errBanned // nothing is written
	})
	u, _ = users.Get(ctx, "ada")
	fmt.Println(u.Visits, errors.Is(err, errBanned))
	// Output:
	// 1 <nil>
	// 1 true
}

// How do I count from nothing? Upsert is an Update for a record that may not be there yet.
func ExampleRepository_Upsert() {
	ctx := context.Background()
	users := exampleRepository(flags.OldOnly, nil)
	for range 3 {
		_, err := users.Upsert(ctx, "ada", func(u *User, exists bool) error {
			if !exists {
				u.Name = "Ada"
			}
			u.Visits++
			return nil
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	u, err := users.Get(ctx, "ada")
	fmt.Println(u.Name, u.Visits, err)
	// Output:
	// Ada 3 <nil>
}

// How do ETags work? The version of a record, as text, is one: it stays valid from the first phase to the last.
func ExampleRepository_PutIf() {
	ctx := context.Background()
	users := exampleRepository(flags.NewOnly, nil)
	version, err := users.Create(ctx, "ada", User{Name: "Ada"})
	if err != nil {
		fmt.Println(err)
		return
	}
	etag := version.String() // to the client, and back in its If-Match

	ifMatch, err := stores.ParseVersion(etag)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = users.PutIf(ctx, "ada", User{Name: "Ada L."}, ifMatch)
	fmt.Println("first:", err)
	_, err = users.PutIf(ctx, "ada", User{Name: "Ada B."}, ifMatch)
	fmt.Println("second:", errors.Is(err, dualwrite.ErrVersion)) // 412 Precondition Failed
	// Output:
	// first: <nil>
	// second: true
}

// How do I go on with a query that the repository does not have? Read sends it to the place that reads go to in the
// phase of the moment.
func ExampleRead() {
	ctx := context.Background()
	users := exampleRepository(flags.ReadNewWriteBoth, nil)

	named, err := dualwrite.Read(ctx, users,
		func(context.Context) ([]string, error) { return []string{"from the old index"}, nil },
		func(context.Context) ([]string, error) { return []string{"from the new index"}, nil },
	)
	fmt.Println(named, err)
	// Output:
	// [from the new index] <nil>
}

// How do I get counters? An observer sees what callers do not; Status counts the same events since the start.
func ExampleObserverFunc() {
	ctx := context.Background()
	counters := map[string]int{} // a metric with labels, in production; calls come from many goroutines
	observer := dualwrite.ObserverFunc(func(_ context.Context, e dualwrite.Event) {
		counters[e.Kind.String()+" in "+e.Phase.String()]++
	})
	newStore := exampleStore()
	if err := newStore.Close(); err != nil { // the new place is down
		fmt.Println(err)
		return
	}
	users, err := dualwrite.New[string, User](exampleStore(), newStore, flags.Static(flags.ReadOldWriteBoth), &dualwrite.Options{Observer: observer})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = users.Put(ctx, "ada", User{Name: "Ada"})
	fmt.Println("put:", err) // the old place decides: nothing is lost, and nobody has to wait
	fmt.Println(counters)
	fmt.Println(users.Status().Events["mirror_missed"])
	// Output:
	// put: <nil>
	// map[mirror_missed in read-old/write-both:1]
	// 1
}

// How do I go over all records? Deleted ones are left out, and a record that is there all the time comes exactly once.
func ExampleRepository_Scan() {
	ctx := context.Background()
	users := exampleRepository(flags.ReadNewWriteBoth, nil)
	for _, name := range []string{"ada", "bob", "eve"} {
		if _, err := users.Put(ctx, name, User{Name: name}); err != nil {
			fmt.Println(err)
		}
	}
	if err := users.Delete(ctx, "bob"); err != nil {
		fmt.Println(err)
	}
	for item, err := range users.Scan(ctx) {
		if err != nil { // one record that can not be read does not end the scan
			fmt.Println(err)
			continue
		}
		fmt.Println(item.Key, item.Value.Name)
	}
	// Output:
	// ada ada
	// eve eve
}

// How do I know that the phase before is over? When the flag has left it, and nothing that began in it still runs, in
// any instance.
func ExampleRepository_Drained() {
	ctx := context.Background()
	users := exampleRepository(flags.ReadNewWriteBoth, nil)
	fmt.Println(users.Drained(ctx, flags.ReadOldWriteBoth))
	fmt.Println(users.Status().Phase)
	// Output:
	// <nil>
	// read-new/write-both
}

// How do I write many records? Each has an answer of its own.
func ExampleRepository_PutMany() {
	ctx := context.Background()
	users := exampleRepository(flags.ReadOldWriteBoth, nil)
	results, err := users.PutMany(ctx, []dualwrite.Item[string, User]{
		{Key: "ada", Value: User{Name: "Ada"}},
		{Key: "", Value: User{Name: "Nobody"}},
	})
	fmt.Println(err)
	for _, res := range results {
		fmt.Println(res.Err == nil)
	}
	// Output:
	// put many: 1 of 2 keys failed, the first: put many: permanent failure: stores: the empty string is no key
	// true
	// false
}
