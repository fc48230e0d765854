package dualwritetest_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/dualwrite/dualwritetest"
	"github.com/dualwrite/dualwrite/internal/leaktest"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
	"github.com/dualwrite/dualwrite/stores/memstore"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

type user struct {
	Name string
	Age  int
	Tags []string
}

func userKey(i int) string { return fmt.Sprintf("user-%03d", i) }
func userValue(_ string, i int) user {
	return user{Name: "u" + strconv.Itoa(i), Age: i, Tags: []string{"x"}}
}

func memory(t *testing.T, o *memstore.Options[user]) stores.Store[string, user] {
	t.Helper()
	s, err := memstore.New(stores.StringKeys[string](), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Stores in memory can commit together; that is what the kit tests first.
func TestMemory(t *testing.T) {
	t.Parallel()
	for _, separate := range []bool{false, true} {
		t.Run(fmt.Sprintf("separate %v", separate), func(t *testing.T) {
			t.Parallel()
			dualwritetest.Run(t, dualwritetest.Config[string, user]{
				Open: func(t *testing.T) (old, new stores.Store[string, user]) { return memory(t, nil), memory(t, nil) },
				Key:  userKey, Value: userValue,
				Options: &dualwrite.Options{SeparateWrites: separate},
			})
		})
	}
}

// flat is the old shape of a user in TestAsymmetricCodecs: one string.
func flat() *memstore.Options[user] {
	return &memstore.Options[user]{
		Encode: func(u user) ([]byte, error) {
			return fmt.Appendf(nil, "%s|%d|%s", u.Name, u.Age, u.Tags[0]), nil
		},
		Decode: func(b []byte) (u user, err error) {
			u.Tags = []string{"x"}
			_, err = fmt.Sscanf(string(b), "u%d|%d|x", new(int), &u.Age)
			u.Name = "u" + strconv.Itoa(u.Age)
			return u, err
		},
	}
}

// nested is the new shape: another structure and other types.
func nested() *memstore.Options[user] {
	type shape struct {
		Person struct{ Name, Age string }
		Tags   map[string]bool
	}
	return &memstore.Options[user]{
		Encode: func(u user) ([]byte, error) {
			var s shape
			s.Person.Name, s.Person.Age, s.Tags = u.Name, strconv.Itoa(u.Age), map[string]bool{u.Tags[0]: true}
			return json.Marshal(s)
		},
		Decode: func(b []byte) (u user, err error) {
			var s shape
			if err := json.Unmarshal(b, &s); err != nil {
				return u, err
			}
			for tag := range s.Tags {
				u.Tags = append(u.Tags, tag)
			}
			u.Name = s.Person.Name
			u.Age, err = strconv.Atoi(s.Person.Age)
			return u, err
		},
	}
}

func TestAsymmetricCodecs(t *testing.T) {
	t.Parallel()
	dualwritetest.Run(t, dualwritetest.Config[string, user]{
		Open: func(t *testing.T) (old, new stores.Store[string, user]) {
			return memory(t, flat()), memory(t, nested())
		},
		Key: userKey, Value: userValue,
	})
}

// The views of all subtests share two files; or one, in which a record's two places can be committed together.
func TestBolt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ oneFile, separate bool }{
		"two files":          {},
		"one file":           {oneFile: true},
		"one file, separate": {oneFile: true, separate: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			oldDB := bolt(t)
			newDB := oldDB
			if !c.oneFile {
				newDB = bolt(t)
			}
			var views atomic.Int64
			dualwritetest.Run(t, dualwritetest.Config[string, user]{
				Open: func(t *testing.T) (old, new stores.Store[string, user]) {
					n := views.Add(1)
					return view(t, oldDB, fmt.Sprint("old ", n)), view(t, newDB, fmt.Sprint("new ", n))
				},
				Key: userKey, Value: userValue,
				Options: &dualwrite.Options{SeparateWrites: c.separate},
			})
		})
	}
}

func bolt(t *testing.T) *boltstore.DB {
	t.Helper()
	db, err := boltstore.Open(filepath.Join(t.TempDir(), "records.bolt"), &boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func view(t *testing.T, db *boltstore.DB, name string) stores.Store[string, user] {
	t.Helper()
	s, err := boltstore.View[string, user](db, name, stores.StringKeys[string](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
