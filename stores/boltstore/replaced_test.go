package boltstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/dualwrite/dualwrite/stores"
)

// TestScanOfAReplacedFileIsNotComplete: the scan itself would go on in what nobody will find again. A view that is deleted has no end
// either.
func TestScanOfAReplacedFileIsNotComplete(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(t *testing.T, d *DB){
		"removed": func(t *testing.T, d *DB) {
			if err := os.Remove(d.path); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, d *DB) {
			other := d.path + ".other"
			if err := os.WriteFile(other, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other, d.path); err != nil {
				t.Fatal(err)
			}
		},
		"without the view": func(t *testing.T, d *DB) {
			if err := d.bolt.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("v")) }); err != nil {
				t.Fatal(err)
			}
		},
		"closed": func(t *testing.T, d *DB) {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, at := range []int{1, firstPage, firstPage + 1, 50} { // in the first page, at its end, in the last one, at the end
			d, err := Open(filepath.Join(t.TempDir(), "f"), nil)
			if err != nil {
				t.Fatal(err)
			}
			s, err := View[string, int](d, "v", stores.StringKeys[string](), nil)
			if err != nil {
				t.Fatal(err)
			}
			writes := make([]stores.Write[string, int], 50)
			for i := range writes {
				writes[i] = stores.Write[string, int]{Key: fmt.Sprintf("%02d", i), Record: stores.Record[int]{Meta: stores.Meta{Version: stores.Unstamped}}, If: stores.IfOlder(stores.Unstamped)}
			}
			if errs, err := s.PutMany(t.Context(), writes); errors.Join(append(errs, err)...) != nil {
				t.Fatal(errs, err)
			}
			read, ended := 0, error(nil)
			for _, ended = range s.Scan(t.Context(), "", nil) {
				if ended != nil {
					break
				}
				if read++; read == at {
					happen(t, d)
				}
			}
			if ended == nil {
				t.Errorf("%s at record %d: the scan has ended as complete after %d", name, at, read)
			}
			_ = d.Close()
		}
	}
}
