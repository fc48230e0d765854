package stores

import (
	"context"
	"fmt"
	"iter"
)

// importBatch is how many records Import hands to the store together.
const importBatch = 500

// Import stores records as an application left them that did not use the SDK: unstamped, for a store whose files or
// collections only the SDK can make, and for tests. It never overwrites: a key that is there already is a
// *[ConditionError]. n is how many records were stored; at the first failure the rest is not tried, and the error is an
// *[Error] with the key. The order of a batch of 500 is kept, but one of its records may fail and later ones be stored.
func Import[K, V any](ctx context.Context, s Store[K, V], records iter.Seq2[K, V]) (n int, err error) {
	batch := make([]Write[K, V], 0, importBatch)
	flush := func() error {
		errs, err := PutMany(ctx, s, batch)
		if err != nil {
			return &Error{Op: "import", Err: err}
		}
		var first error
		for i, err := range errs {
			switch {
			case err == nil:
				n++
			case first == nil:
				first = &Error{Op: "import", Key: keyText(s.Keys(), batch[i].Key), Err: err}
			}
		}
		batch = batch[:0]
		return first
	}
	for key, v := range records {
		batch = append(batch, Write[K, V]{
			Key: key, Record: Record[V]{Meta: Meta{Version: Unstamped}, Value: v}, If: IfOlder(Unstamped),
		})
		if len(batch) == importBatch {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}

func keyText[K any](keys KeyCodec[K], key K) string {
	b, err := keys.Append(nil, key)
	if err != nil {
		return fmt.Sprint(key)
	}
	return FormatKey(b)
}
