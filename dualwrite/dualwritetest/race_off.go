//go:build !race

package dualwritetest

const raceEnabled = false
