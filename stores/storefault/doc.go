// Package storefault wraps a store and makes it fail on demand: errors before and after the call took effect, requests
// that get lost, latency. It counts every call and every fault, and passes every optional capability of the inner store
// on. It is for tests; nothing in production imports it.
//
//	s := storefault.New(inner, nil)
//	s.SetRules(storefault.Nth(1, storefault.Fault{Kind: storefault.FailAfter}, storefault.OpPut))
//	err := s.Put(ctx, w)                       // stored, but err does not say so
//	s.Injected(storefault.FailAfter)           // 1
//	s.Calls(storefault.OpPut)                  // 1
package storefault
