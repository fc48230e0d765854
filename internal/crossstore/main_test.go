package crossstore

import (
	"os"
	"testing"

	"github.com/dualwrite/dualwrite/internal/mongotest"
)

func TestMain(m *testing.M) { os.Exit(mongotest.Main(m)) }
