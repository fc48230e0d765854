// Package dynamostore keeps records in DynamoDB tables, by way of the AWS SDK for Go, version 2. [New] opens a table as a
// store; the caller brings the client, with credentials, region and retries as the service has them.
//
// # Items
//
// A record is one item. The SDK's metadata is one map attribute of it, "_dw" unless Options.Meta says otherwise:
//
//	_dw: {s: <stamp, 16 bytes>, p: <prev, 16 bytes, "absent" or "unstamped">, i: true (intent), d: true (tombstone)}
//
// An item without it is a record from before the SDK. Metadata that this version does not understand is reported
// with its key and never overwritten.
//
// What a store owns of an item depends on V, and everything else survives each write:
//
//   - a struct owns the attributes that its fields map, by dynamodbav tags; [Store.ScanNoting], and the report of a copy,
//     name the others that a scan has met, which stay behind when records are copied to another place,
//   - an [Item] or another map owns the whole item, and so do Options.Encode and Decode,
//   - with Options.Attributes the store is a view of items that it shares: it owns exactly these, and a record is there if
//     one of them is, or the metadata. Two views of one table, with different attributes and a different Meta, are how an
//     attribute is renamed or retyped in place.
//
// Deleting a record of a store that is no view removes everything from its item but the key and the tombstone, also
// what a struct does not map.
//
// What V does not hold exactly (a NULL in a string, 38 digits in a float64, what a struct within it does not map) arrives at another
// table as V holds it; ScanNoting and the report of a copy name that too.
//
// Types that lose something on their way through attributevalue are refused by New: an any would come back with numbers as
// float64 and sets as lists, and a bson.Decimal128 or big.Int, which has no exported field, as nothing. As an Item nothing is lost; numbers have one form (1.50 is 1.5) and sets are sorted when they are
// read. Strings that are not UTF-8, numbers of more than 38 digits and empty sets are errors that Is
// stores.ErrPermanent, where the wire format would change them silently.
//
// # Keys
//
// A K of a string kind is a partition key of type S, an integer or attributevalue.Number one of type N (exactly: never by way
// of a float), bytes one of type B. A struct gives the partition and the sort key by its dynamodbav tags. Two functions
// map any other design, as a single table with "USER#7" and "ORDER#12": one store for each kind of item, all over one
// table, whose DecodeKey tells its own kind from the others ([ErrOtherKind]). New compares with the table and names both sides if they
// differ. [KeysOf] says what the canonical form of each is. An item whose key is no K is named by scans, which
// go on after it.
//
// # Conditions and outcomes
//
// Each write is one request with one condition, and what refuses it comes back with the refusal. All reads are strongly
// consistent. Names and values are placeholders in each expression; a batch insertion, where names can not be, is only
// used with plain ones.
//
// The SDK sends a request again behind a call. The store looks at each of these requests: an error Is stores.ErrTransient
// or stores.ErrPermanent only if none of them can have had an effect, and is an unknown outcome otherwise. So is a refusal after
// a lost answer, unless what is stored shows the write. Throttling is transient, once the client's retries are used up.
//
// An item has at most 400 KB, names included, and an attribute that is in the key of an index has the index's type, is not
// empty and has at most 2048 bytes, as a sort key 1024. An item without it is not in the index. What the store can know of this
// is checked before anything is sent; the indexes are those that the table had when [New] was called, so restart the service, or
// open the store again, after one was added or removed.
//
// # Expiry
//
// With Options.ExpiresAt an expired record reads as deleted everywhere, with its version, whether DynamoDB has removed it yet
// or not; one from before the SDK reads as absent. What DynamoDB never removes reads as live: a time of more than five years ago,
// as 0, and an attribute for Time to Live that is no number. A copy counts what it passes over as
// expired, and times of years ago. That is not enough where DynamoDB does remove items: the removal leaves
// no tombstone, and happens up to days later, at another time in each place. Delay the expiry of both tables, or disable Time to
// Live, for the time of the migration. New refuses a table with Time to Live on an attribute that the store does not own,
// or without ExpiresAt. Tombstones never carry the attribute.
//
// # Guard
//
// While the SDK is being rolled out, some writers do not use it yet. If they all compare and raise a number in the item,
// name it in Options.Guard: the store does the same, in addition to its own condition, so that neither loses an update to the
// other.
//
// # Pairs
//
// Two views of one item are written together by one UpdateItem with both conditions. Two items are written by
// TransactWriteItems, at twice the price, and that is offered only with Options.TransactReads in both stores. DynamoDB
// applies a transaction item by item, and a GetItem does not wait for it: after one item was read as the transaction
// leaves it, the other one may still be read as it was. In a migration a reader in the old phase would go back in time.
// TransactGetItems is refused while a transaction is under way, and repeated by the store. All programs that read the
// two stores have to set the option.
//
// # Several regions
//
// All writers of a table have to be in one region. In a global table with eventual consistency a condition is decided in each
// region for itself, and the last writer wins.
//
// # What it costs
//
// Options.OnUsage is called after each call with the requests, throttled ones among them, and the capacity units that it
// took. A [Budget] holds the passes of a copier to so many units per second in all. For 1,000 items of up to 1 KB:
//
//	                                        requests                             units
//	copy into an empty table                40 BatchExecuteStatement (INSERT)    1,000 write
//	copy again, all is there                10 BatchGetItem (40 INSERT at first) 1,000 read (and 1,000 write at first)
//	copy over older records                 10 BatchGetItem, 1,000 conditional   1,000 read, 1,000 write
//	batch read                              10 BatchGetItem                      1,000 read
//	batch read, Options.TransactReads       40 TransactGetItems                  2,000 read
//	scan                                    1 Scan for each MB, 1 DescribeTable  250 read for each MB
//	pair of two views of an item            1,000 UpdateItem                     1,000 write
//	pair of two items                       1,000 TransactWriteItems             4,000 write
//	purge live records / tombstones         1,000 / 2,000 UpdateItem, DeleteItem 1,000 / 2,000 write
//
// Transactions of a hundred conditional writes would be fewer requests than single ones, for twice the units, and a live
// write that meets one fails with a conflict: a copy does not use them.
//
// The requests are those that the package's tests count, on a server over SQLite (dynoxide 3.2.0) with version 1.73 of the SDK;
// the units are those of DynamoDB's price list. Neither has been measured on AWS.
//
// # Servers that know less
//
// Not every server that speaks DynamoDB's protocol knows all of it. One without PartiQL, as ScyllaDB's, gets single conditional
// writes: the store finds that out from the first batch and remembers it. One that refuses a write without showing the stored item
// is asked by one consistent read. Without DescribeTimeToLive no item expires by itself; without transactions a pair of two items
// is not offered, and Options.TransactReads can not be used.
//
// The store needs these permissions: DescribeTable, DescribeTimeToLive, GetItem, BatchGetItem, Scan, PutItem, UpdateItem,
// DeleteItem and, for batch insertions, PartiQLInsert (without it, single writes take their place); with TransactReads, those of the items in transactions are the same ones.
package dynamostore
