//go:build race

package interleave

// raceEnabled: the race detector makes everything about five times slower, and looks for something else than schedules.
const raceEnabled = true
