//go:build race

package metamorphic

// raceDetector makes everything some ten times slower.
const raceDetector = true
