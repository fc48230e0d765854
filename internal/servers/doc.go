// Package servers installs and starts the two real database servers that the tests run against: one that speaks the
// MongoDB wire protocol and one that speaks DynamoDB's.
//
// Both are built from source by cargo, once per machine and version, into the user's cache directory (`make servers`).
// They are separate programs, never linked into anything here and never shipped. A test asks for a fresh server with
// [ForTest]; what is missing makes the test skip, and fail where CI=true.
package servers
