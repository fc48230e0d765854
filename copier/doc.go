// Package copier moves and compares the records of a migration: [Copy] brings a new place up to what an old one holds,
// [Verify] compares them both ways, [Repair] sets single records right, and [Finish] takes the SDK's metadata off in the
// end. [CopyAndVerify] is the first three in one, as a batch job wants them.
//
// All of them work beside live traffic. They know no flag and take no lock: each write is one conditional write on one
// record, which the store refuses if something newer is there. So a pass can be killed at any moment, run twice at once
// and run again.
//
//   - A [Report] says what a pass did; Report.Clean and Report.Reasons whether anything was left undone. Whether it is
//     safe to go on is what those of a [Verify] say.
//   - A [Checkpointer] keeps how far a pass is. It never runs ahead of what the place has acknowledged. A pass that was
//     resumed is no evidence: writers may have left the phases that write both while it was interrupted. Its report is
//     clean only with VerifyOptions.MirroringSince.
//   - A record that cannot be dealt with is a [Finding] and never stops the others; failures that may pass are tried
//     again with backoff, and a pass that ends with some left returns [ErrIncomplete], never success.
//   - What is wrong with everything ends the pass early: [ErrRejected], where most records are refused, and
//     [ErrNotMirrored], where the services do not mirror yet. A pass that reads nothing is not clean.
//   - Memory is bounded by PassOptions: a batch for each worker, and a key for each record to look at again.
//
// Expiry (TTL) is not a delete to the SDK: records that one place expires before the other are found as missing or
// extra, and a repair would bring them back. Switch it off in both places for the time of the migration.
package copier
