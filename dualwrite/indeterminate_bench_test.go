package dualwrite_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/dualwrite"
	"github.com/dualwrite/dualwrite/flags"
	"github.com/dualwrite/dualwrite/stores"
	"github.com/dualwrite/dualwrite/stores/memstore"
	"github.com/dualwrite/dualwrite/stores/storefault"
)

// BenchmarkIndeterminate counts writes whose outcome is not known although nothing has failed: 32 callers put, update and
// delete 50 keys through two instances, one of them in the later phase. A store call takes about a millisecond.
func BenchmarkIndeterminate(b *testing.B) {
	for name, window := range map[string][2]flags.Phase{"A beside B": {phaseA, phaseB}, "B beside N": {phaseB, phaseN}} {
		b.Run(name, func(b *testing.B) {
			network := func(context.Context, storefault.Call) error {
				time.Sleep(time.Millisecond/2 + rand.N(time.Millisecond))
				return nil
			}
			var places [2]stores.Store[string, account]
			for i := range places {
				s, err := memstore.New(stores.StringKeys[string](), &memstore.Options[account]{Clone: func(a account) account { return a }})
				if err != nil {
					b.Fatal(err)
				}
				places[i] = storefault.New[string, account](s, &storefault.Options{Before: network})
			}
			var repos [2]*repo
			for i, p := range window {
				var err error
				if repos[i], err = dualwrite.New(places[0], places[1], flags.Static(p), &dualwrite.Options{SeparateWrites: true}); err != nil {
					b.Fatal(err)
				}
			}
			var next, unknown atomic.Int64
			var callers sync.WaitGroup
			for c := range 32 {
				callers.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						key, r := strconv.Itoa(int(i*7919%50)), repos[c%2]
						var err error
						switch i % 4 {
						case 0:
							_, err = r.Upsert(b.Context(), key, func(a *account, _ bool) error { return addOne(a) })
						case 1:
							err = r.Delete(b.Context(), key)
						default:
							_, err = r.Put(b.Context(), key, account{Balance: i})
						}
						if errors.Is(err, dualwrite.ErrIndeterminate) {
							unknown.Add(1)
						}
					}
				})
			}
			callers.Wait()
			b.ReportMetric(float64(unknown.Load())*1e6/float64(b.N), "indeterminate/Mop")
		})
	}
}
