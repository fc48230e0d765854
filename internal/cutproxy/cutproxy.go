// Package cutproxy is a TCP proxy for tests that breaks and stalls connections on purpose. It is ours because the module graph
// of everybody who imports the library would otherwise hold that of a proxy made to be a server (metrics, routers, loggers).
package cutproxy

import (
	"net"
	"sync"
	"testing"
)

// Direction is one of the two that bytes go in.
type Direction int

// The directions.
const (
	Upstream   Direction = iota // to the server
	Downstream                  // to the client
)

// Proxy listens on 127.0.0.1 and passes on to one server. Its methods are safe for concurrent use.
type Proxy struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu       sync.Mutex
	upstream string
	cut      bool
	stalled  [2]bool
	conns    map[net.Conn]struct{}
}

// New starts a proxy, which ends with the test.
func New(tb testing.TB, upstream string) *Proxy {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{listener: l, upstream: upstream, conns: make(map[net.Conn]struct{})}
	p.wg.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// Addr is the host:port that clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut breaks all connections, and every new one until Heal.
func (p *Proxy) Cut() { p.set(func() { p.cut = true }) }

// Redirect makes new connections go to another server: one that came back elsewhere.
func (p *Proxy) Redirect(upstream string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = upstream
}

// Heal lets new connections through again.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// Stall swallows what is sent in one direction until release, which breaks the connections: what was swallowed is lost.
func (p *Proxy) Stall(d Direction) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled[d] = true
	return func() { p.set(func() { p.stalled[d] = false }) }
}

// set changes the state and breaks all connections.
func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.set(func() { p.cut = true })
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close() //nolint:errcheck // nothing is lost that is not meant to be
	upstream, ok := p.enter(client)
	if !ok {
		return
	}
	defer p.leave(client)
	server, err := net.Dial("tcp", upstream) //nolint:noctx // loopback answers at once
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // as above
	if _, ok := p.enter(server); !ok {
		return
	}
	defer p.leave(server)
	var both sync.WaitGroup
	both.Go(func() { p.pass(server, client, Upstream) })
	both.Go(func() { p.pass(client, server, Downstream) })
	both.Wait()
}

// enter tells whether a connection may live, and where it goes.
func (p *Proxy) enter(c net.Conn) (upstream string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		p.conns[c] = struct{}{}
	}
	return p.upstream, !p.cut
}

func (p *Proxy) leave(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// pass copies in one direction until either end is closed.
func (p *Proxy) pass(to, from net.Conn, d Direction) {
	defer to.Close()   //nolint:errcheck // as above
	defer from.Close() //nolint:errcheck // as above
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if p.isStalled(d) {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) isStalled(d Direction) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stalled[d]
}
