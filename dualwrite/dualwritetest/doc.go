// Package dualwritetest is the caller's view of a repository as a test kit: what a service relies on has to hold over one
// plain store, in every phase of a migration, and across every flip from one phase to its neighbour. Run it over your own
// pair of stores, with your own mapping of records, before you migrate with them:
//
//	func TestRepository(t *testing.T) {
//		dualwritetest.Run(t, dualwritetest.Config[string, User]{
//			Open: func(t *testing.T) (old, new stores.Store[string, User]) {
//				return openOld(t), openNew(t) // empty ones
//			},
//			Key:   func(i int) string { return fmt.Sprintf("user-%03d", i) },
//			Value: func(key string, i int) User { return User{ID: key, Name: fmt.Sprint(i), Age: i} },
//		})
//	}
//
// It finds what the conformance kit for a single store can not see: two stores that give the same value back differently,
// that disagree about keys, or that can not hold all of V. Package storetest has the kit for one store; run that first.
//
// [Explore] asks what becomes of a record when several instances, copies and repairs work on it at the same time and some
// of them fail: it runs them over the same stores in every order of their store calls, or as many as there is time for,
// and judges each.
//
//	func TestInterleavings(t *testing.T) {
//		dualwritetest.Explore(t, dualwritetest.Config[string, User]{
//			Open: func(t *testing.T) (old, new stores.Store[string, User]) {
//				return openOld(t), openNew(t)
//			},
//			Key:   func(i int) string { return fmt.Sprintf("user-%06d", i) },
//			Value: func(key string, i int) User { return User{ID: key, Name: fmt.Sprint(i), Age: i} },
//		}, nil)
//	}
//
// A failure tells the schedule step by step, down to the call that the store has answered wrongly, and how to run this one
// schedule again.
package dualwritetest
