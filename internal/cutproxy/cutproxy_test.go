package cutproxy

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/dualwrite/dualwrite/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// answers tells what comes back.
func answers(c net.Conn) (string, error) { return answersWithin(c, 2*time.Minute) }

// answersWithin is for a connection that does not answer: nobody has to wait for long.
func answersWithin(c net.Conn, d time.Duration) (string, error) {
	if err := c.SetDeadline(time.Now().Add(d)); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		return "", err
	}
	b := make([]byte, 5)
	_, err := io.ReadFull(c, b)
	return string(b), err
}

func TestCutAndHeal(t *testing.T) {
	p := New(t, echo(t))
	c := dial(t, p)
	if got, err := answers(c); got != "hello" || err != nil {
		t.Fatal(got, err)
	}
	p.Cut()
	if got, err := answers(c); err == nil {
		t.Errorf("an old connection answers %q", got)
	}
	if got, err := answers(dial(t, p)); err == nil {
		t.Errorf("a new connection answers %q", got)
	}
	p.Heal()
	if got, err := answers(dial(t, p)); got != "hello" || err != nil {
		t.Error(got, err)
	}
}

func TestStall(t *testing.T) {
	for _, d := range []Direction{Upstream, Downstream} {
		p := New(t, echo(t))
		c := dial(t, p)
		if _, err := answers(c); err != nil {
			t.Fatal(err)
		}
		release := p.Stall(d)
		if got, err := answersWithin(c, 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a stalled connection: %q, %v", got, err)
		}
		release()
		if got, err := answers(c); err == nil {
			t.Errorf("after the release it answers %q", got)
		}
		if _, err := answers(dial(t, p)); err != nil {
			t.Error(err)
		}
	}
}
