package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"go.uber.org/goleak"

	"github.com/dualwrite/dualwrite/internal/dynamotest"
	"github.com/dualwrite/dualwrite/internal/leaktest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
)

func TestMain(m *testing.M) {
	code := dynamotest.Main(func() int { return mongotest.Main(m) })
	dynamotest.Connections.CloseIdleConnections()
	openfeature.Shutdown()
	// The provider does not end its watcher of events when it is shut down.
	events := goleak.IgnoreAnyFunction("github.com/open-feature/go-sdk-contrib/providers/flagd/pkg.(*Provider).handleEvents")
	if err := leaktest.Find(events); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}
