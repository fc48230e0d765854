// Package metamorphic has one test: a random script of operations must give one history, whatever migration goes on
// below it. Each script runs over one plain store, in each phase, over two instances in neighbouring phases, along a walk
// through the phases with copies and repairs where the protocol asks for them, beside a running copier, and with writes
// whose acknowledgement is lost; with instances that write both places together, instances that do not, and both side by
// side. A model in memory says what each result has to be.
package metamorphic
