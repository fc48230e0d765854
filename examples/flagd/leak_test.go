package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/dualwrite/dualwrite/internal/leaktest"
)

// flagd's provider leaves a goroutine behind when it is shut down; ours do not.
func TestMain(m *testing.M) {
	leaktest.Main(m, goleak.IgnoreAnyFunction("github.com/open-feature/go-sdk-contrib/providers/flagd/pkg.(*Provider).handleEvents"))
}
