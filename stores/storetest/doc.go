// Package storetest is the conformance kit for implementations of [stores.Store]. A driver passes it with one function:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, storetest.Config[string, user]{
//			Open:  func(tb testing.TB) stores.Store[string, user] { return open(tb, tb.TempDir()) },
//			Key:   func(i int) string { return fmt.Sprintf("user-%d", i) },
//			Value: func(i int) user { return user{Name: fmt.Sprint(i), Tags: []string{"a"}} },
//		})
//	}
//
// Each topic is a subtest, so that -run narrows it down: get, validation, conditions, metadata, tombstones, scan,
// segments, cancellation, concurrency, unknown-outcome, aliasing, batches, large, purge, pair, durability, close, wrapper.
// An optional capability that the store lacks, or for which a field of [Config] is missing, is skipped and says so
// under -v.
package storetest
