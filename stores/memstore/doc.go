// Package memstore is a store in memory: for the unit tests of services that use the SDK, and the reference that the
// conformance kit is measured against. It has every optional capability, keeps nothing over a restart, and scans in the
// order of the canonical keys.
//
// Values never alias: by default each is kept as JSON, so that what the codec of a real database would lose tends to be
// seen in a unit test already. [Options] replaces that by a copy function or by another codec.
package memstore
