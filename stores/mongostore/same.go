package mongostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dualwrite/dualwrite/stores"
)

// errReplaced is what a scan ends with that would have gone from one collection into another one.
var errReplaced = errors.New("the collection was dropped, renamed or created again since the store was opened: the scan has not seen all of one collection; " +
	"find out who does that, open the store again and begin a new pass")

// identity is which collection the store was opened over: its UUID, empty if the server gives none.
type identity struct {
	mu    sync.Mutex
	known bool // it is there
	uuid  []byte
}

// learn takes a collection for the store's own if there was none before, and tells whether it is the one that there was.
func (d *identity) learn(info collectionInfo) (same bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	there := info.Type != ""
	if !d.known {
		d.known, d.uuid = there, bytes.Clone(info.Info.UUID.Data)
		return true
	}
	return there && bytes.Equal(d.uuid, info.Info.UUID.Data)
}

// sameCollection ends a scan that has come to its end: a cursor that is gone, because the collection is, was replaced by one over
// what is there now under its name.
func (s *Store[K, V]) sameCollection(ctx context.Context) error {
	info, err := s.collectionOptions(ctx)
	if err != nil {
		return fmt.Errorf("asking whether it is the same collection as before: %w", err)
	}
	if !s.identity.learn(info) {
		return stores.Permanent(errReplaced)
	}
	return nil
}

// collectionID is the part of listCollections that says which collection it is.
type collectionID struct {
	UUID bson.Binary `bson:"uuid"`
}
