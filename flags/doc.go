// Package flags says which phase of a migration an operation belongs to.
//
// A [Source] answers one question, cheaply enough to be asked for each operation. [NewOpenFeature] answers it from a
// live OpenFeature flag; [Static] always gives the same answer.
package flags
