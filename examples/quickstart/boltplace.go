package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/boltstore"
)

// boltPlace is a place in a bolt file, which belongs to one process: all instances work on the same opened file.
type boltPlace[V any] struct {
	path   string
	encode func(dst []byte, v V) ([]byte, error)
	decode func(b []byte) (V, error)
	shape  *shape[V]
	// unchanged tells that the bytes are just what was imported as r.
	unchanged func(r *record, b []byte) bool
	// named says that the user has named the file; otherwise it is removed with the folder of the run.
	named bool

	db   *boltstore.DB
	view stores.Store[string, V]
	// raw are the same records as bytes, for the checker.
	raw stores.Store[string, []byte]
}

const (
	oldFile  = "old.bolt"
	newFile  = "new.bolt"
	viewName = "records"
)

func oldBolt[V any](path string, sh *shape[V], named bool) *boltPlace[V] {
	same := func(r *record, b []byte) bool { return bytes.Equal(r.line, b) }
	return &boltPlace[V]{path: path, encode: sh.encodeOld, decode: sh.decodeOld, shape: sh, unchanged: same, named: named}
}

func newBolt[V any](path string, sh *shape[V], named bool) *boltPlace[V] {
	same := func(r *record, b []byte) bool { return r.text == string(b) }
	return &boltPlace[V]{path: path, encode: sh.encodeNew, decode: sh.decodeNew, shape: sh, unchanged: same, named: named}
}

func (p *boltPlace[V]) String() string { return filepath.Base(p.path) }

func (p *boltPlace[V]) claim(context.Context) error {
	if _, err := os.Stat(p.path); !errors.Is(err, os.ErrNotExist) {
		return refused(fmt.Errorf("%s is there already: name another file, or move it away", p.path))
	}
	return nil
}

// open opens the file. The codecs of a view are where a shape is mapped to the service's own type and back; that is all
// there is to a change of shape.
func (p *boltPlace[V]) open(context.Context) (err error) {
	if p.db, err = boltstore.Open(p.path, nil); err != nil {
		return err
	}
	keys := stores.StringKeys[string]()
	p.view, err = boltstore.View(p.db, viewName, keys, &boltstore.ViewOptions[V]{Encode: p.encode, Decode: p.decode})
	if err != nil {
		return err
	}
	p.raw, err = rawView(p.db)
	return err
}

// rawView opens the records of a file as the bytes that they are.
func rawView(db *boltstore.DB) (*boltstore.Store[string, []byte], error) {
	return boltstore.View(db, viewName, stores.StringKeys[string](), &boltstore.ViewOptions[[]byte]{
		Encode: func(dst, b []byte) ([]byte, error) { return append(dst, b...), nil },
		Decode: func(b []byte) ([]byte, error) { return b, nil },
	})
}

func (p *boltPlace[V]) store(context.Context, *clients) (stores.Store[string, V], error) {
	return p.view, nil
}

func (p *boltPlace[V]) snapshot(ctx context.Context) (map[string][]byte, error) {
	records := map[string][]byte{}
	for e, err := range p.raw.Scan(ctx, "", nil) {
		if err != nil {
			return nil, err
		}
		if e.Record.Live() {
			records[e.Key] = e.Record.Value
		}
	}
	return records, nil
}

// text decodes only what is not just what was imported, which most is.
func (p *boltPlace[V]) text(imported *record, b []byte) (string, error) {
	if imported != nil && p.unchanged(imported, b) {
		return imported.text, nil
	}
	v, err := p.decode(b)
	if err != nil {
		return "", err
	}
	return p.shape.text(v)
}

func (p *boltPlace[V]) ping(context.Context) error { return nil }

func (p *boltPlace[V]) close() error {
	if p.db == nil {
		return nil
	}
	return p.db.Close()
}

func (p *boltPlace[V]) leave(_ context.Context, _ bool) (string, error) {
	if !p.named {
		return "", nil
	}
	return p.path, nil
}

// importBatch is how many records go into one commit.
const importBatch = 2000

// fill makes the file: the records byte for byte in the old shape and without a version. The file gets its name only
// when all of them are in it.
func (p *boltPlace[V]) fill(ctx context.Context, records []record, progress func(done int)) (err error) {
	db, err := boltstore.Open(p.path+".import", nil)
	if err != nil {
		return err
	}
	if err := errors.Join(importInto(ctx, db, records, progress), db.Close()); err != nil {
		return errors.Join(err, os.Remove(p.path+".import"))
	}
	return os.Rename(p.path+".import", p.path)
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
