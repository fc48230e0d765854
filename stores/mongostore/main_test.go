package mongostore

import (
	"fmt"
	"os"
	"testing"

	"github.com/dualwrite/dualwrite/internal/leaktest"
	"github.com/dualwrite/dualwrite/internal/mongotest"
)

// TestMain also looks for goroutines that are left when the clients are gone. (The proxy leaves some of its own.)
func TestMain(m *testing.M) {
	code := mongotest.Main(m)
	if err := leaktest.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
