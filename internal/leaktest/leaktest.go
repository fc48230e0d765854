// Package leaktest fails a package whose tests leave a goroutine behind. It waits for those that are about to end, as goleak
// gives them less than half a second, which a busy machine may need to let them run.
package leaktest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Main is for TestMain: it runs the tests and ends the process.
func Main(m *testing.M, options ...goleak.Option) {
	code := m.Run()
	if err := Find(options...); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code) //nolint:revive // it is what TestMain ends with
}

// Find returns an error that names the goroutines which do not end within a minute.
func Find(options ...goleak.Option) error { return find(time.Minute, options...) }

func find(within time.Duration, options ...goleak.Option) error {
	for end := time.Now().Add(within); ; {
		if err := goleak.Find(options...); err == nil || time.Now().After(end) {
			return err
		}
	}
}
