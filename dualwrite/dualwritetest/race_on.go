//go:build race

package dualwritetest

// raceEnabled: the race detector makes an exploration about ten times slower, and looks for something else than schedules.
const raceEnabled = true
