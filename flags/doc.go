// Package flags says which phase of a migration an operation belongs to.
//
// A [Source] answers one question, cheaply enough to be asked for each operation. [NewOpenFeature] answers it from a
// live OpenFeature flag; [Static] always gives the same answer. What happens when the flag can not be read, when it jumps
// over a phase, and what one instance can not know about the others is said at [OpenFeature].
package flags
