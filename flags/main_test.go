package flags_test

import (
	"testing"

	"github.com/dualwrite/dualwrite/internal/leaktest"
)

// A test that leaves a goroutine behind fails the package.
func TestMain(m *testing.M) { leaktest.Main(m) }
