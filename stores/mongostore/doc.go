// Package mongostore keeps records in a MongoDB collection, through the official driver (version 2). The caller brings the
// collection, and keeps the client:
//
//	users, err := mongostore.New[string, User](ctx, client.Database("app").Collection("users"), nil)
//
// # What is stored
//
// The key is the _id, of any type that BSON has for it; K may be a string, an integer, [bson.ObjectID], a UUID as [bson.Binary],
// a struct, or [bson.RawValue] for a collection with ids of several types. The value's fields are the fields of the
// document. What the SDK adds is one sub-document, "_dw" unless [Options.Meta] says otherwise:
//
//	_dw: {s: Binary(16 bytes), p: Binary(16 bytes) | "absent" | "unstamped", i: true, d: true}
//
// which is the stamp, what the write was based on, and flags for an intent and a tombstone; only what there is. A document
// without it is a record from before the SDK. A tombstone has the _id and this sub-document and nothing else (in a view: none of its fields), so queries of
// the application's own leave it out with [Live].
//
// # Whole documents and views
//
// Without [Options.Fields] a document that is there is a record. A struct V owns the top-level fields that it maps: a
// write sets those that the value has and takes the others of them away, and whatever else is in the document stays, until it is deleted. A map,
// a bson.D, a bson.Raw and a struct with an inline map own all fields, and may have any names: a.b, $x and the empty one go along with
// the whole document (those with a dollar from MongoDB 5.0 on). Only names that stand for the metadata, _dw and _dw.s, are refused. Names match
// exactly, on all levels: Name is another field than name, which the driver alone would take for it. What
// V does not map is not copied to another collection, and what it does not hold exactly
// (a null in a string, 2⁵³+1 in a float64) arrives as V holds it: [Store.ScanNoting], and the report of a copy, name
// such fields. A type that keeps its value in unexported fields, as big.Int, is refused.
//
// With Options.Fields the store is a view. It owns exactly these fields and its own metadata; the record is absent where a
// document has none of them. Two views of one collection with different fields and different Meta are the two
// places of a change in place: a field gets another name or another type, without a second collection. Deleting a record of
// a view takes its fields away and leaves the document, which is the application's.
//
// # What the collection has to be like
//
// [New] asks the server, and refuses what would lose records or refuse tombstones later:
//
//   - a view, a time series, a capped collection, a clustered one whose documents expire, a default collation that takes different
//     strings for one _id;
//   - a validator (JSON schema) that allows no metadata field, or requires fields that tombstones do not have. Other validators show
//     at the first write, as an error that Is stores.ErrPermanent;
//   - a TTL index, unless [Options.ExpiresAt] says when a value expires and V maps the field. Then an expired record reads
//     as deleted in both places, whether the server has removed it yet or not. Set the index's expireAfterSeconds
//     higher by a day for the time of the migration: a record that vanishes from under a running operation can leave its key blocked.
//
// A unique index that holds tombstones is taken, and [Store.Advice] names it: two tombstones have the same null for the field, and the
// second is refused with an error that Is stores.ErrPermanent. What a tombstone has decides: the _id, the metadata, the fields of
// [Options.ShardKey], and in a view those of others; sparse indexes, partial ones, and those of places and texts are told exactly. Put an index of live records beside it, partial on the existence of a field, and then
// drop the old one, so that values are unique all the time; two indexes with one key take MongoDB 5.0. Advice has the statements:
//
//	db.getCollection("users").createIndex({"email":1}, {"name":"email_1_live","unique":true,"partialFilterExpression":{"email":{"$exists":true}}})
//	db.getCollection("users").dropIndex("email_1")
//
// Records without the field are not compared any more. Do so before the first delete, and at the latest before read-new/write-both:
// there [Store.Check] refuses each tombstone until the store is opened again, as the new place could refuse it when the old one has
// taken it. In the new place of a migration leave an index not unique until new-only: records that swap their values in old can not be
// mirrored one by one past it.
//
// Advice also names, of the first few records, those that no write can store as they are, for example with a field "_dw.x". Each update of
// such a record is refused, already in old-only. And it names a field of a struct that a document has twice: reads and updates go to
// the first, and the other one is left behind. That is looked for here and by copies, and not at each write, which does not read
// what it replaces.
//
// The SDK needs no index but the one on _id. An index of the application's that is to leave tombstones out is partial
// on the existence of a field that each live record has.
//
// # Concerns, sessions, retries
//
// The store works on a clone of the collection that writes with majority and reads from the primary with read concern
// majority: what one instance has read is never rolled back, and each acknowledged write is seen. A primary that was cut off may
// answer reads until it notices, at most the election timeout; [Options.Linearizable] rules that out, for the price of a
// round among the nodes for each read. Registry and BSON options of the collection can not be asked for: repeat them in
// [Options]. Options.Journal and Options.Timeout are for what a collection can not say.
//
// A context that carries a transaction is refused with stores.ErrInTransaction; a session without one is not used. The
// driver's retryable writes are welcome. What a failed call left behind is said by the identities of package stores: an
// error is stores.ErrTransient only if certainly no try was sent, stores.ErrPermanent if every try would be refused, and
// otherwise its outcome is unknown, as an error of the driver's last try says nothing about the tries before.
//
// # Deployments
//
// Both places in one replica set, with one client: a pair of writes is a transaction (stores.PairWriter), or a single
// update where both are views of one document. With two clients, on a standalone server and on a sharded cluster there is no
// pair: the repository then writes one place after the other. A collection that is sharded by anything else than _id or its hash
// needs [Options.ShardKey].
//
// The tests run on secantus-mdb 0.5.3-beta.196, a single-node server over WiredTiger that speaks MongoDB 8; elections,
// majorities of several nodes and sharding are not proven by them. DUALWRITE_TEST_MONGODB_URI runs them on another server.
package mongostore
