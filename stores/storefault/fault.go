package storefault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dualwrite/dualwrite/stores"
)

// ErrInjected is what every error that a [Fault] makes up Is.
var ErrInjected = errors.New("injected fault")

// Kind is what goes wrong.
type Kind uint8

// The kinds of faults. The zero Kind is none.
const (
	// FailBefore: the call has no effect and answers an error that says so. Default error: ErrTransient.
	FailBefore Kind = iota + 1
	// FailAfter: the call takes effect as far as the store lets it, and the answer is lost. Default error: one of
	// unknown outcome.
	FailAfter
	// Lost: the call never arrives, and the caller can not know. Default error: one of unknown outcome.
	Lost
	// Slow: the call is late by Fault.Delay, and otherwise right. A context that is done in the meantime ends the
	// wait: the call then goes on to the inner store, which refuses it.
	Slow
	// Hooked is counted when Options.Before or Options.After makes a call fail; no Fault has it.
	Hooked

	kinds
)

var kindNames = [kinds]string{"none", "fail before", "fail after", "lost", "slow", "hooked"}

// String is the kind in words.
func (k Kind) String() string {
	if k >= kinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// Fault is what is injected into one call.
type Fault struct {
	Kind Kind
	// Err replaces the default error of the kind. It is returned as it is.
	Err error
	// Delay is waited before the call, for every kind. Default 0.
	Delay time.Duration
	// Only restricts the fault to calls with an item that it is true for; of a batch (get, put, purge many) those items
	// fail one by one, and the others are carried out. Default nil: every call, as a whole.
	Only func(Item) bool
	// Records is how many records a scan yields before FailAfter ends it. Default 0. The other kinds that fail do so
	// before the first.
	Records int

	hit bool // it was injected
}

// err is the error that the caller gets.
func (f *Fault) err() error {
	switch {
	case f.Err != nil:
		return f.Err
	case f.Kind == FailBefore:
		return stores.Transient(ErrInjected)
	default:
		return fmt.Errorf("storefault: no answer: %w", ErrInjected)
	}
}

// prevents tells whether the call does not reach the store.
func (f *Fault) prevents() bool { return f.Kind == FailBefore || f.Kind == Lost }

// strike returns the error and notes that the fault was injected.
func (f *Fault) strike() error {
	f.hit = true
	return f.err()
}

// A Rule says whether to inject a fault into a call. It may be asked concurrently.
type Rule func(c Call) (Fault, bool)

// Always injects f into every call of the operations given, or of any if none is.
func Always(f Fault, ops ...Op) Rule {
	return func(c Call) (Fault, bool) { return f, isOneOf(c.Op, ops) }
}

// Nth injects f into the n-th call, counted from 1 since the rule was made, of the operations given together (of any,
// if none is).
func Nth(n int, f Fault, ops ...Op) Rule {
	var seen atomic.Int64
	return func(c Call) (Fault, bool) {
		return f, isOneOf(c.Op, ops) && seen.Add(1) == int64(n)
	}
}

// Random injects f into calls of the operations given (of any, if none is) with probability p, drawn from the seed. Which calls it hits
// is repeatable as far as their order is.
func Random(seed uint64, p float64, f Fault, ops ...Op) Rule {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, seed))
	return func(c Call) (Fault, bool) {
		if !isOneOf(c.Op, ops) {
			return Fault{}, false
		}
		mu.Lock()
		defer mu.Unlock()
		return f, rng.Float64() < p
	}
}

func isOneOf(op Op, ops []Op) bool {
	for _, o := range ops {
		if o == op {
			return true
		}
	}
	return len(ops) == 0
}
