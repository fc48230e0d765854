package flagtest_test

import (
	"testing"

	"github.com/dualwrite/dualwrite/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
