package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dualwrite/dualwrite/stores"
)

// PutPair commits a write to this store and one to another store of the same client together, or neither. See
// stores.PairWriter. It looks through stores.Wrapper to find the other store.
//
// Two views of one item are one UpdateItem with both conditions. Two items are one TransactWriteItems, and that only if
// both stores have Options.TransactReads: a plain read may see one item as the transaction leaves it and a later read the
// other one as it was before. errors.ErrUnsupported otherwise, and for stores of different clients.
func (s *Store[K, V]) PutPair(ctx context.Context, mine stores.Write[K, V], other stores.Store[K, V], theirs stores.Write[K, V]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o, ok := stores.As[*Store[K, V]](other)
	if !ok || o.client != s.client {
		return fmt.Errorf("dynamostore: a pair write needs two stores of one client: %w", errors.ErrUnsupported)
	}
	oneItem, transacts := s.sharesItems(o), s.opts.TransactReads && o.opts.TransactReads
	if !oneItem && !transacts {
		return fmt.Errorf("dynamostore: a pair write of two items needs Options.TransactReads in both stores: %w", errors.ErrUnsupported)
	}
	p := pair[K, V]{s: [2]*Store[K, V]{s, o}}
	p.encode(&mine, &theirs)
	switch {
	case p.errs[0] != nil || p.errs[1] != nil:
		return p.rejected(ctx)
	case s.sameTable(o) && s.keyText(p.c[0].attrs) == s.keyText(p.c[1].attrs):
		if !oneItem {
			return stores.Permanent(s.fail("pair write", p.c[0].itemKey, errors.New("it is of two records, not twice of one")))
		}
		return p.run(ctx, p.update)
	case !transacts:
		return fmt.Errorf("dynamostore: a pair write of two items needs Options.TransactReads in both stores: %w", errors.ErrUnsupported)
	default:
		return p.run(ctx, p.transact)
	}
}

// SamePlace tells whether another store works on the same records: the same table, and not views of different attributes.
// See stores.SamePlacer.
func (s *Store[K, V]) SamePlace(other stores.Store[K, V]) bool {
	o, ok := stores.As[*Store[K, V]](other)
	return ok && s.sameTable(o) && !s.sharesItems(o)
}

// sameTable goes by the table's unique id. A server that gives none is taken at its client.
func (s *Store[K, V]) sameTable(o *Store[K, V]) bool {
	if s.table.id != "" && o.table.id != "" {
		return s.table.id == o.table.id && s.table.name == o.table.name
	}
	return s.client == o.client && s.table.name == o.table.name
}

// sharesItems tells two views of one table that do not touch each other.
func (s *Store[K, V]) sharesItems(o *Store[K, V]) bool {
	disjoint := !slices.ContainsFunc(s.own.names, o.own.has) && !o.own.has(s.opts.Meta) && !s.own.has(o.opts.Meta)
	return s.sameTable(o) && s.own.view && o.own.view && disjoint && s.opts.Meta != o.opts.Meta
}

// pair is two writes that are carried out together.
type pair[K, V any] struct {
	s    [2]*Store[K, V]
	c    [2]*change
	errs [2]error
}

func (p *pair[K, V]) encode(mine, theirs *stores.Write[K, V]) {
	for i, w := range []*stores.Write[K, V]{mine, theirs} {
		p.c[i], p.errs[i] = p.s[i].encode(w)
	}
}

func (p *pair[K, V]) result() error {
	if p.errs[0] == nil && p.errs[1] == nil {
		return nil
	}
	return &stores.PairError{First: p.errs[0], Second: p.errs[1]}
}

// rejected answers for a pair of which at least one can never be stored: the other one's half is what a read says.
func (p *pair[K, V]) rejected(ctx context.Context) error {
	for i, s := range p.s {
		if p.errs[i] != nil {
			continue
		}
		item, err := s.getItem(ctx, p.c[i].itemKey)
		if err != nil {
			p.errs[i] = stores.Transient(err) // nothing was written
			continue
		}
		if again, err := s.refused(p.c[i], item); !again {
			p.errs[i] = err
		}
	}
	return p.result()
}

// run sends the pair until it is decided. It is sent again only if it certainly had no effect.
func (p *pair[K, V]) run(ctx context.Context, send func(context.Context) (again bool, err error)) error {
	for try := 1; ; try++ {
		again, err := send(ctx)
		if !again || try == sendTries {
			return err
		}
		if waited := stores.Backoff(stores.DefaultBackoff).Wait(ctx, try); waited != nil {
			return stores.Transient(p.s[0].fail("pair write", p.c[0].itemKey, waited))
		}
	}
}

// update is for two views of one item.
func (p *pair[K, V]) update(ctx context.Context) (again bool, err error) {
	e := newExpression()
	r := p.s[0].request(e, p.c[0])
	r.join(p.s[1].request(e, p.c[1]))
	doubt, err := p.s[0].sendUpdate(ctx, r)
	var refused *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return false, nil
	case !errors.As(err, &refused):
		return p.failed(err)
	}
	again = true
	for i, s := range p.s {
		var fits bool
		p.errs[i] = nil
		if fits, err = s.refusedBy(ctx, p.c[i], refused.Item); !fits {
			again, p.errs[i] = false, err
		}
	}
	if !again {
		err = p.result()
	}
	return again && !doubt, p.judge(doubt, err)
}

// judge is for a pair of which an earlier request may have had an effect: either half shows that it had.
func (p *pair[K, V]) judge(doubt bool, err error) error {
	for i, c := range p.c {
		if outcome, stored := stores.OutcomeOf(p.errs[i]); outcome == stores.OutcomeRefused && stored.Shows(c.meta.Version) {
			return err
		}
	}
	if doubt && err != nil {
		return &lostAnswer{err}
	}
	return err
}

// failed is for a call that was not refused by a condition.
func (p *pair[K, V]) failed(err error) (again bool, _ error) {
	again = conflicts[rejection(err)] && errors.Is(err, stores.ErrTransient)
	return again, p.s[0].fail("pair write", p.c[0].itemKey, err)
}

// transact is for two items. The SDK gives each call a token, so that its own repetition is no second transaction. A server
// without transactions offers no pairs.
func (p *pair[K, V]) transact(ctx context.Context) (again bool, err error) {
	in := &dynamodb.TransactWriteItemsInput{ReturnConsumedCapacity: p.s[0].measure()}
	for i, s := range p.s {
		in.TransactItems = append(in.TransactItems, s.request(newExpression(), p.c[i]).transact(s))
	}
	bounded, cancel := p.s[0].bounded(ctx)
	defer cancel()
	c := &call{op: "TransactWriteItems"}
	out, err := p.s[0].client.TransactWriteItems(bounded, in, c.options)
	var consumed []types.ConsumedCapacity
	if err == nil {
		consumed = out.ConsumedCapacity
	}
	p.s[0].report(c, true, consumed...)
	var cancelled *types.TransactionCanceledException
	switch {
	case err == nil:
		return false, nil
	case rejection(err) == unknownOperation && !c.doubt:
		return false, fmt.Errorf("dynamostore: the server has no transactions: %w: %w", errors.ErrUnsupported, err)
	case errors.As(err, &cancelled):
		reasons := cancelled.CancellationReasons
		if len(reasons) != len(p.s) { // not told: what is stored tells
			reasons = make([]types.CancellationReason, len(p.s))
			for i := range reasons {
				reasons[i].Code = aws.String("ConditionalCheckFailed")
			}
		}
		return p.cancelled(ctx, reasons, c.doubt)
	default:
		return p.failed(c.classify(err))
	}
}

// cancelled goes by the reasons, one for each write.
func (p *pair[K, V]) cancelled(ctx context.Context, reasons []types.CancellationReason, doubt bool) (again bool, err error) {
	for i, s := range p.s {
		p.errs[i] = nil
		switch code := aws.ToString(reasons[i].Code); code {
		case "None", "":
		case "ConditionalCheckFailed":
			var fits bool
			if fits, err = s.refusedBy(ctx, p.c[i], reasons[i].Item); fits {
				again = true
			} else {
				p.errs[i] = err
			}
		default:
			err = s.fail("pair write", p.c[i].itemKey, fmt.Errorf("%s: %s", code, aws.ToString(reasons[i].Message)))
			switch {
			case hopeless[code]:
				p.errs[i] = stores.Permanent(err)
			case conflicts[code] || throttles[code]:
				again, err = true, stores.Transient(err)
			default:
				p.errs[i] = stores.Transient(err)
			}
		}
	}
	// With one half refused and the other one not decided, the pair is sent again too.
	if p.errs[0] != nil || p.errs[1] != nil {
		err = p.result()
	}
	return again && !doubt, p.judge(doubt, err)
}
