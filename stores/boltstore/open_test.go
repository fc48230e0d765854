package boltstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// boltFile makes a bolt file as another program would, with a free list that opening for writing would rewrite.
func boltFile(t *testing.T, path string, fill func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fill), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func marker(magic, format string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(markerBucket)
		if err != nil {
			return err
		}
		return errors.Join(b.Put(magicKey, []byte(magic)), b.Put(formatKey, []byte(format)))
	}
}

func TestForeignFilesAreRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want error
		says string
	}{
		"text":       {text("hello, world\n"), ErrForeign, "name another path"},
		"long text":  {text(strings.Repeat("hello, world\n", 10_000)), ErrForeign, "name another path"},
		"zeros":      {text(strings.Repeat("\x00", 64<<10)), ErrForeign, "name another path"},
		"other bolt": {bolt(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("users")); return err }), ErrForeign, "another program"},
		"magic":      {bolt(marker("something else", "1")), ErrForeign, "marker"},
		"no format":  {bolt(marker(magic, "")), ErrForeign, "format version"},
		"newer":      {bolt(marker(magic, "2")), ErrNewer, "update this program"},
		"cut off":    {cutOff, ErrForeign, "cut off"},
		"folder":     {func(t *testing.T, path string) { mkdir(t, path) }, ErrForeign, "no regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			statBefore, _ := os.Stat(path)
			_, err := Open(path, nil)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v", err)
			}
			after, _ := os.ReadFile(path)
			statAfter, _ := os.Stat(path)
			if !bytes.Equal(before, after) || !statBefore.ModTime().Equal(statAfter.ModTime()) {
				t.Error("the file was touched")
			}
		})
	}
}

func text(s string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func bolt(fill func(*bbolt.Tx) error) func(*testing.T, string) {
	return func(t *testing.T, path string) { t.Helper(); boltFile(t, path, fill) }
}

func cutOff(t *testing.T, path string) {
	t.Helper()
	db, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, notes(t, db, "v"), 5000)
	if err := errors.Join(db.Close(), os.Truncate(path, 5*int64(os.Getpagesize()))); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestNewAndEmptyFilesAreInitialised(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, string){
		"new":              func(*testing.T, string) {},
		"empty":            text(""),
		"killed at birth":  bolt(func(*bbolt.Tx) error { return nil }),
		"already our file": bolt(marker(magic, "1")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			prepare(t, path)
			for range 2 {
				db, err := Open(path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 && name != "empty" {
				t.Error(info.Mode(), err)
			}
		})
	}
}

func TestOpenSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := Open("", &Options{LockTimeout: -1, FileMode: 0o400})
	for _, want := range []string{"path", "LockTimeout", "FileMode"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %s", err, want)
		}
	}
	_, err = View[string, note](nil, "_dualwrite", nil, &ViewOptions[note]{Encode: func(dst []byte, _ note) ([]byte, error) { return dst, nil }})
	for _, want := range []string{"DB", "name", "key codec", "both are needed or neither"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %s", err, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "no", "such", "folder")
	if _, err := Open(missing, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestSecondHolderTimesOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	db, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, &Options{LockTimeout: 60 * time.Millisecond}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "60ms") {
		t.Errorf("second open: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(path, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestViewsOfOneFileAreApart(t *testing.T) {
	t.Parallel()
	db := open(t)
	a := notes(t, db, "a")
	b, err := View[int64, []string](db, "b", stores.Int64Keys[int64](), nil)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, a, write{Key: "12345678", Record: live(stamp(1), stores.Unknown, 1), If: stores.IfOlder(stamp(1))})
	if n, err := b.ApproxCount(t.Context()); n != 0 || err != nil {
		t.Errorf("b has %d records (%v)", n, err)
	}
	if n, err := notes(t, db, "a").ApproxCount(t.Context()); n != 1 || err != nil {
		t.Errorf("a, opened again, has %d records (%v)", n, err)
	}
	got, err := db.Views()
	if d := cmp.Diff([]string{"a", "b"}, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

// What is acknowledged is on the disk, unless somebody does without that.
func TestWritesAreSyncedByDefault(t *testing.T) {
	t.Parallel()
	for _, noSync := range []bool{false, true} {
		o := &Options{NoSync: true}
		if !noSync {
			o = nil
		}
		db, err := Open(filepath.Join(t.TempDir(), "f"), o)
		if err != nil {
			t.Fatal(err)
		}
		if b := db.bolt; b.NoSync != noSync || b.NoGrowSync {
			t.Errorf("NoSync %v, NoGrowSync %v; asked for %v", b.NoSync, b.NoGrowSync, noSync)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
