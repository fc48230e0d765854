package dynamostore

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// Options of [New]. The zero value is right for a table whose items are the records, with a K and a V that say by their
// types and dynamodbav tags what they are.
type Options[K, V any] struct {
	// Meta is the name of the top-level attribute that holds the SDK's metadata, a map. Default "_dw".
	Meta string
	// Attributes makes the store a view of items that it shares with others: it owns exactly these top-level attributes,
	// and a record is there if one of them is or the metadata. V may map only these and the key. Two views of one table
	// need different attributes and a different Meta. Default nil: an item that exists is a record.
	Attributes []string
	// Encode and Decode replace dynamodbav tags: both or neither. Encode returns the attributes of a value; it may share
	// memory with the value. Decode gets what the store owns, with the key attributes and without the metadata; it may
	// keep it. Without Attributes such a store owns the whole item. Default nil: struct tags, or the item itself for a V
	// that is an [Item].
	Encode func(V) (Item, error)
	Decode func(Item) (V, error)
	// EncodeKey and DecodeKey map a key to the attributes of the primary key and back: both or neither. Default nil: a K
	// of a string, integer or byte slice kind is the partition key, a struct's fields are the attributes. For an item of
	// another kind in a table that several kinds share, DecodeKey returns an error that Is ErrOtherKind.
	EncodeKey func(K) (Item, error)
	DecodeKey func(Item) (K, error)
	// Keys is the canonical form of keys, which has to be the same in both places. Default [KeysOf] K.
	Keys stores.KeyCodec[K]

	// ExpiresAt tells when a record stops being there: from then on it reads as a tombstone of the same version, or as
	// absent if it is unstamped, whether DynamoDB has removed it yet or not. The zero time is never, and so is, as to DynamoDB, a
	// time of more than five years ago, Unix 0 among them. Needed for a table with Time to Live, whose attribute has to be one that
	// the store owns; an item in which that is no number never expires. Default nil: records do not expire.
	ExpiresAt func(V) time.Time
	// Guard is the attribute in which the application keeps an integer version of its own, for writers that do not use
	// the SDK yet. A live write on IfStamp of what is there also requires that the stored number is the value's; every
	// write of a live value stores the greater of both and one more. Default "": there is none.
	Guard string

	// TransactReads makes Get and GetMany use TransactGetItems, at twice the price in read units. They never read beside
	// a transaction that is under way, and so [Store.PutPair] can be offered for two items; every program that reads the
	// two stores has to set it. Default false.
	TransactReads bool
	// Timeout bounds each call to DynamoDB, the SDK's own retries included, if the context has no earlier deadline.
	// Default 0: it does not.
	Timeout time.Duration
	// Concurrency is how many requests of one batch are under way at once. Default 8.
	Concurrency int
	// PageSize is how many items a request of a scan reads at most. Default 0: 1 MB of them, which takes 128 read units
	// at once.
	PageSize int
	// OnUsage is called after each call to DynamoDB, also one that failed, by the goroutine that made it. It has to be
	// safe for concurrent use. Default nil.
	OnUsage func(Usage)
}

// ErrOtherKind is what Options.DecodeKey returns for the key of an item that is no record of this store, in a table that
// items of several kinds share: a scan passes over it.
var ErrOtherKind = errors.New("the key is that of another kind of item")

// Usage is what one call to DynamoDB took, for a budget in read and write units per second.
type Usage struct {
	// Operation is the name of the API call, as "PutItem".
	Operation string
	// Requests is how many were sent: more than one if the SDK repeated it.
	Requests int
	// Throttled is how many of these DynamoDB refused because of the table's or the account's limits.
	Throttled int
	// Read and Write are the capacity units that were consumed. For a write whose condition was refused, of which
	// DynamoDB does not report any, they are estimated from the size of the stored item.
	Read, Write float64
}

const (
	defaultMeta        = "_dw"
	defaultConcurrency = 8
	// A view has each of its attributes in its conditions, and an expression has at most 4 KB.
	maxViewAttributes  = 60 // two of them in one condition, for a pair
	maxFieldAttributes = 250
)

func (o *Options[K, V]) withDefaults() *Options[K, V] {
	var out Options[K, V]
	if o != nil {
		out = *o
	}
	if out.Meta == "" {
		out.Meta = defaultMeta
	}
	if out.Concurrency == 0 {
		out.Concurrency = defaultConcurrency
	}
	out.Attributes = slices.Clone(out.Attributes)
	return &out
}

// check finds what is wrong whatever the table is like.
func (o *Options[K, V]) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if (o.Encode == nil) != (o.Decode == nil) {
		fail("of Encode and Decode both are needed, or neither")
	}
	if (o.EncodeKey == nil) != (o.DecodeKey == nil) {
		fail("of EncodeKey and DecodeKey both are needed, or neither")
	}
	if o.Timeout < 0 {
		fail("Timeout %v is negative", o.Timeout)
	}
	if o.Concurrency < 0 {
		fail("Concurrency %d is negative", o.Concurrency)
	}
	if o.PageSize < 0 || o.PageSize > 1<<20 {
		fail("PageSize %d is not between 0 and %d", o.PageSize, 1<<20)
	}
	if o.Attributes != nil && len(o.Attributes) == 0 {
		fail("Attributes is empty: name the attributes of the view, or leave it nil for whole items")
	}
	if len(o.Attributes) > maxViewAttributes {
		fail("Attributes names %d, a view has at most %d", len(o.Attributes), maxViewAttributes)
	}
	seen := map[string]bool{}
	for _, name := range o.Attributes {
		switch {
		case name == "":
			fail("Attributes names an empty one")
		case name == o.Meta:
			fail("Attributes names %s, which is the metadata's: choose another Meta", name)
		case seen[name]:
			fail("Attributes names %s twice", name)
		}
		seen[name] = true
	}
	if o.Guard != "" && o.Attributes != nil && !seen[o.Guard] {
		fail("Guard %s is not one of Attributes: a view can not write it", o.Guard)
	}
	return errors.Join(errs...)
}
