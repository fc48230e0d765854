// Package outage is what tests of stores over a network have in common: a server whose connections break and which is killed,
// and writers whose reports are compared with what is stored.
package outage

import (
	"testing"

	"github.com/dualwrite/dualwrite/internal/cutproxy"
	"github.com/dualwrite/dualwrite/internal/servers"
)

// Server is a server of one's own behind a proxy, which stays where it is when the server is killed and comes back.
type Server struct {
	*cutproxy.Proxy
	kind    servers.Server
	dir     string
	process *servers.Process
}

// NewServer starts a server, which ends with the test. The test skips, or fails in CI, if it is not installed.
func NewServer(tb testing.TB, kind servers.Server) *Server {
	tb.Helper()
	servers.Need(tb, kind)
	s := &Server{kind: kind, dir: tb.TempDir()}
	s.start(tb)
	tb.Cleanup(func() { _ = s.process.Kill() }) // nobody needs its data
	s.Proxy = cutproxy.New(tb, s.process.Addr())
	return s
}

func (s *Server) start(tb testing.TB) {
	tb.Helper()
	var err error
	if s.process, err = servers.Start(tb.Context(), s.kind, s.dir); err != nil {
		tb.Fatal(err)
	}
}

// Process is the server itself, past the proxy, until it is killed.
func (s *Server) Process() *servers.Process { return s.process }

// Restart is a power failure.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	s.Cut()
	if err := s.process.Kill(); err != nil {
		tb.Fatal(err)
	}
	s.start(tb)
	s.Redirect(s.process.Addr())
	s.Heal()
}
