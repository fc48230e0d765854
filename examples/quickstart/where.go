package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dualwrite/dualwrite/stores"
)

// place is one of the two places of the migration. Its methods are called one at a time, but for store and ping, and in
// this order: claim, fill (the old place only), open, the others, leave, close. String names it for people.
type place[V any] interface {
	fmt.Stringer
	owned
	inspected
	// store is what one user of the SDK works on, over connections of its own where the database has any.
	store(ctx context.Context, own *clients) (stores.Store[string, V], error)
}

// owned is what the run does to a place that it has for itself.
type owned interface {
	// claim makes sure that nobody's data is there.
	claim(ctx context.Context) error
	// fill stores the records as a service left them that never knew the SDK: in the old shape and without a version.
	fill(ctx context.Context, records []record, progress func(done int)) error
	open(ctx context.Context) error
	// leave cleans up what this run has made, unless that is to be kept, and names what is left.
	leave(ctx context.Context, keep bool) (left string, err error)
	close() error
}

// inspected is what the checker reads of a place, past the SDK.
type inspected interface {
	// snapshot reads every live record. It is only called while nothing runs.
	snapshot(ctx context.Context) (map[string][]byte, error)
	// text is the content of a record of a snapshot. imported is what was imported under its key, nil if nothing was.
	text(imported *record, b []byte) (string, error)
	// ping asks the database for an answer; a file always gives one.
	ping(ctx context.Context) error
}

// errRefused is what an error Is when a place can not be used, and nothing was done.
var errRefused = errors.New("nothing was imported")

func refused(err error) error { return fmt.Errorf("%w: %w", errRefused, err) }

// newPlaces are the places that the command line names.
func newPlaces[V any](cfg *config, dir string, sh *shape[V]) (old, new place[V]) {
	old = newPlace(&cfg.old, sh, &sh.oldDocuments, &sh.oldItems)
	if old == nil {
		old = oldBolt(cfg.old.pathIn(dir, oldFile), sh, cfg.old.file != "")
	}
	new = newPlace(&cfg.new, sh, &sh.newDocuments, &sh.newItems)
	if new == nil {
		new = newBolt(cfg.new.pathIn(dir, newFile), sh, cfg.new.file != "")
	}
	return old, new
}

// newPlace is a place in a database with a server, or nil.
func newPlace[V any](t *target, sh *shape[V], d *documents[V], i *items[V]) place[V] {
	switch {
	case t.inMongoDB():
		return &mongoPlace[V]{target: t, shape: sh, documents: d}
	case t.inDynamoDB():
		return &dynamoPlace[V]{target: t, shape: sh, items: i}
	default:
		return nil
	}
}
