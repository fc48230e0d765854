// Package crossstore tests repositories over the stores of real databases: in itself each, and from one to another. It
// is here because a store knows nobody who drives it, and its tests neither.
package crossstore
