// Package imports holds the import directions of this repository as tables with a reason for each line, and checks them
// in its tests: which package may use what, what a user of a package must not inherit, and which top-level folders there
// are. A new package fits none of the lines and so fails the test, until somebody has decided where it belongs. The tests
// also see to it that those named in HAZARDS.md exist.
package imports
