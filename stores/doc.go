// Package stores is the contract between this SDK and a database.
//
// A [Store] is a view: it maps the user's V to the native documents of one place (a MongoDB collection, a DynamoDB
// table, a bucket of an embedded file, or a set of fields of shared documents) and back. Beside the value every record
// carries a little metadata, [Meta]: the version that the last write gave it, the version that this write was based on,
// and two flags. Every write is conditional on the version that is stored, and each store evaluates the condition
// atomically with the write. That is the whole of what the rest of the SDK is built on: nothing in it needs a lock, a
// trigger or a change stream.
//
// A store has four required methods. What only some stores can do (batches, parallel scans, pair writes …) is an
// optional interface each, reached through a function of this package that contains the fallback: [GetMany], [PutMany],
// [Segments], [ApproxCount], [Purge], [PutPair], [Check] and [RoundTrip]. A store that wraps another one implements all
// of them and answers [errors.ErrUnsupported] where the inner store has none.
//
// Package storetest has a conformance kit for people who write a store of their own.
package stores
