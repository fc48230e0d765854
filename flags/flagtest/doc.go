// Package flagtest helps to test code that follows the phase of a migration: [Source] answers what the test says, and
// [Provider] is an OpenFeature provider whose flags are set live, lose their events or fail when the test says so.
package flagtest
