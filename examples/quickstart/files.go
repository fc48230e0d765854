package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
)

// files are the two places of the migration: a bolt file in the old shape and one in the new shape.
type files[V any] struct {
	oldDB, newDB *boltstore.DB
	old, new     stores.Store[string, V]
	// rawOld and rawNew are the same records as bytes, for the import and for the checker.
	rawOld, rawNew stores.Store[string, []byte]
}

const (
	oldFile  = "old.bolt"
	newFile  = "new.bolt"
	viewName = "records"
)

// openFiles opens both places. The codecs of a view are where a shape is mapped to the service's own type and back; that
// is all there is to a change of shape.
func openFiles[V any](dir string, sh *shape[V]) (_ *files[V], err error) {
	var f files[V]
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if f.oldDB, err = boltstore.Open(filepath.Join(dir, oldFile), nil); err != nil {
		return nil, err
	}
	if f.newDB, err = boltstore.Open(filepath.Join(dir, newFile), nil); err != nil {
		return nil, err
	}
	keys := stores.StringKeys[string]()
	f.old, err = boltstore.View(f.oldDB, viewName, keys, &boltstore.ViewOptions[V]{Encode: sh.encodeOld, Decode: sh.decodeOld})
	if err != nil {
		return nil, err
	}
	f.new, err = boltstore.View(f.newDB, viewName, keys, &boltstore.ViewOptions[V]{Encode: sh.encodeNew, Decode: sh.decodeNew})
	if err != nil {
		return nil, err
	}
	if f.rawOld, err = rawView(f.oldDB); err != nil {
		return nil, err
	}
	f.rawNew, err = rawView(f.newDB)
	return &f, err
}

// rawView opens the records of a file as the bytes that they are.
func rawView(db *boltstore.DB) (*boltstore.Store[string, []byte], error) {
	return boltstore.View(db, viewName, stores.StringKeys[string](), &boltstore.ViewOptions[[]byte]{
		Encode: func(dst, b []byte) ([]byte, error) { return append(dst, b...), nil },
		Decode: func(b []byte) ([]byte, error) { return b, nil },
	})
}

func (f *files[V]) close() error {
	var errs []error
	for _, db := range []*boltstore.DB{f.oldDB, f.newDB} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// importBatch is how many records go into one commit.
const importBatch = 2000

// importOld makes the old file: the records as a service left them that never knew the SDK, byte for byte in the old
// shape and without a version. The file gets its name only when all of them are in it.
func importOld(ctx context.Context, dir string, records []record, progress func(done int)) (err error) {
	path := filepath.Join(dir, oldFile)
	db, err := boltstore.Open(path+".import", nil)
	if err != nil {
		return err
	}
	if err := errors.Join(importInto(ctx, db, records, progress), db.Close()); err != nil {
		return errors.Join(fmt.Errorf("importing: %w", err), os.Remove(path+".import"))
	}
	return os.Rename(path+".import", path)
}

func importInto(ctx context.Context, db *boltstore.DB, records []record, progress func(done int)) error {
	view, err := rawView(db)
	if err != nil {
		return err
	}
	writes := make([]stores.Write[string, []byte], 0, importBatch)
	for done := 0; done < len(records); {
		writes = writes[:0]
		for _, r := range records[done:min(done+importBatch, len(records))] {
			legacy := stores.Record[[]byte]{Meta: stores.Meta{Version: stores.Unstamped}, Value: r.line}
			writes = append(writes, stores.Write[string, []byte]{Key: r.id, Record: legacy, If: stores.IfOlder(stores.Unstamped)})
		}
		outcomes, err := view.PutMany(ctx, writes)
		if err := errors.Join(append(outcomes, err)...); err != nil {
			return err
		}
		done += len(writes)
		progress(done)
	}
	return nil
}
