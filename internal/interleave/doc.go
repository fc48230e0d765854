// Package interleave runs real repositories against each other in every order of their store calls, and judges what
// comes of it. It is for tests.
//
// A [Scenario] is a start state of one key and a few actors. Each actor is an instance of the service: a goroutine with a
// dualwrite.Repository, a clock and a phase of its own that carries out a short program; or a copy, a repair or a
// verify of the key. Every store call waits at a gate until the scheduler, which is the only one that decides, lets it through, so a
// schedule is a list of decisions and the same schedule gives the same history. What can go wrong is a decision too: an
// actor crashes, a call times out, a caller's context is cancelled, a store rejects a write; see [Fault]. A write whose
// answer is lost stays in flight and may arrive at any later moment, or never.
//
// [Explore] walks all schedules of a scenario depth first. Two schedules that lead to the same state are followed only
// once. That loses nothing: a state is what every actor that still runs has been answered so far, and when (all that its
// next calls can depend on), what the others have answered their callers or found, which records both places hold and have
// held, which writes are still in flight, how often time went on, and which operations had ended before which began (all that a
// judge can ask for), so what can follow is the same as well. That orders of calls that commute are followed only once comes
// with it: they lead to the same state.
//
// After each schedule the judges look at it: the history of the key has to be linearizable, including reads in every
// phase of the window before and after a repair; after the repair both places have to be equal; a version stands for one
// content for ever; a place never goes back to an older version except from an intent that is dead; and nobody but the
// actor that a fault hit may be answered an error that the protocol does not have.
package interleave
