package dualwritetest_test

import (
	"fmt"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

// This file reads as an example: your records, your two stores with their mapping, and the test.

// User is a record of the application.
type User struct {
	Name string
	Age  int
}

// openUsers stands for your two databases.
func openUsers(t *testing.T) (old, new stores.Store[string, User]) {
	old, err := memstore.New[string, User](stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	if new, err = memstore.New[string, User](stores.StringKeys[string](), nil); err != nil {
		t.Fatal(err)
	}
	return old, new
}

func TestInterleavings(t *testing.T) {
	dualwritetest.Explore(t, dualwritetest.Config[string, User]{
		Open:  openUsers,
		Key:   func(i int) string { return fmt.Sprintf("user-%06d", i) },
		Value: func(_ string, i int) User { return User{Name: fmt.Sprint(i), Age: i} },
	}, nil)
}
