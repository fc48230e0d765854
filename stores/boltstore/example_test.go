package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
)

// A file, opened a second time while it is open: it belongs to one process.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder

	path := filepath.Join(dir, "users.bolt")
	db, err := boltstore.Open(path, nil)
	if err != nil {
		panic(err)
	}
	_, err = boltstore.Open(path, &boltstore.Options{LockTimeout: 1})
	fmt.Println(errors.Is(err, boltstore.ErrLocked))
	fmt.Println(db.Close())
	// Output:
	// true
	// <nil>
}

// Two views of one file: users as they are, in JSON, and the same people in a line of text that some other program
// has written so far.
func ExampleView() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	db, err := boltstore.Open(filepath.Join(dir, "users.bolt"), nil)
	if err != nil {
		panic(err)
	}
	defer db.Close() //nolint:errcheck // nothing was written since

	type User struct {
		Name string `json:"name"`
		City string `json:"city"`
	}
	users, err := boltstore.View[string, User](db, "users", stores.StringKeys[string](), nil)
	if err != nil {
		panic(err)
	}
	lines, err := boltstore.View(db, "lines", stores.StringKeys[string](), &boltstore.ViewOptions[User]{
		Encode: func(dst []byte, u User) ([]byte, error) { return fmt.Appendf(dst, "%s;%s", u.Name, u.City), nil },
		Decode: func(b []byte) (User, error) {
			name, city, ok := strings.Cut(string(b), ";")
			if !ok {
				return User{}, fmt.Errorf("want NAME;CITY, got %q", b)
			}
			return User{Name: name, City: city}, nil
		},
	})
	if err != nil {
		panic(err)
	}

	clock, err := stores.NewClock(nil)
	if err != nil {
		panic(err)
	}
	version, err := clock.Next()
	if err != nil {
		panic(err)
	}
	ada := stores.Write[string, User]{
		Key:    "ada",
		Record: stores.Record[User]{Meta: stores.Meta{Version: version}, Value: User{Name: "Ada", City: "London"}},
		If:     stores.IfOlder(version),
	}
	if err := stores.PutPair(context.Background(), users, ada, lines, ada); err != nil {
		panic(err)
	}
	for entry, err := range lines.Scan(context.Background(), "", nil) {
		fmt.Println(entry.Key, entry.Record.Value, entry.Record.Version.Same(version), err)
	}
	// Output:
	// ada {Ada London} true <nil>
}
