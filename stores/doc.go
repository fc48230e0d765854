// Package stores is the contract between this SDK and a database.
//
// A [Store] is a view: it maps the user's V to the native documents of one place (a MongoDB collection, a DynamoDB
// table, a bucket of an embedded file, or a set of fields of shared documents) and back. Beside the value every record
// carries a little metadata, [Meta]: the version that the last write gave it, the version that this write was based on,
// and two flags. Every write is conditional on the version that is stored, and each store evaluates the condition
// atomically with the write. That is the whole of what the rest of the SDK is built on: nothing in it needs a lock, a
// trigger or a change stream.
//
// # Capabilities
//
// A store has four required methods. What only some stores can do is an optional interface each, reached through a function of
// this package that contains the fallback:
//
//   - [BatchReader] and [BatchWriter]: many records in fewer round trips, through [GetMany] and [PutMany]
//   - [MetaReader]: metadata without values, through [ScanMeta] and [GetMetas]
//   - [ExactScanner]: a scan that tells what V does not hold, through [ScanNoting]
//   - [Segmenter]: parts for scans side by side, through [Segments]
//   - [KeyOrdered]: scans in the order of keys, through [Bounds] and [Range]
//   - [Counter]: about how many records there are, through [ApproxCount]
//   - [Purger]: the SDK's traces are removed, through [Purge]
//   - [PairWriter]: two writes at the same moment, through [PutPair]
//   - [SamePlacer]: whether two stores are one place, through [SamePlace]
//   - [Checker], [RoundTripper] and [ContextChecker]: what can be known without I/O, through [Check], [RoundTrip] and [CheckContext]
//   - [Wrapper]: a store around another one, which [As] looks through
//
// A store may implement one of these and answer [errors.ErrUnsupported], a scan as the first that it yields: to the functions that
// is the same as to have none. So a store that wraps another one can implement all of them. Embed [Forward] in it, which does that,
// and storetest.Wrapper finds what it drops nevertheless.
//
// Package storetest has a conformance kit for people who write a store of their own.
package stores
