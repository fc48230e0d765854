package servers

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

func TestServersStartAnswerAndStop(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		server Server
		ask    func(ctx context.Context, addr string) error
	}{
		{MongoDB(), hello},
		{DynamoDB(), listTables},
	} {
		t.Run(tc.server.Name, func(t *testing.T) {
			t.Parallel()
			p := ForTest(t, tc.server)
			if err := tc.ask(t.Context(), p.Addr()); err != nil {
				t.Fatal(err)
			}
			if err := p.Stop(); err != nil {
				t.Fatal(err)
			}
			isGone(t, p)
		})
	}
}

func TestServersStartAgainAfterAKill(t *testing.T) {
	t.Parallel()
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			ForTest(t, s) // for its verdict on a missing server
			dir := t.TempDir()
			port, err := StablePort(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				p, err := StartAt(t.Context(), s, dir, port)
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("127.0.0.1:%d", port); p.Addr() != want {
					t.Errorf("at %s, want %s", p.Addr(), want)
				}
				if err := p.Kill(); err != nil {
					t.Fatal(err)
				}
				isGone(t, p)
			}
		})
	}
}

func isGone(t *testing.T, p *Process) {
	t.Helper()
	if runtime.GOOS == "linux" && alive(p.PID()) {
		t.Errorf("process %d still runs", p.PID())
	}
	if conn, err := net.DialTimeout("tcp", p.Addr(), time.Second); err == nil {
		t.Errorf("somebody still listens on %s", p.Addr())
		_ = conn.Close()
	}
}

// hello asks a MongoDB server whether it takes writes, in the wire protocol by hand: one OP_MSG with the command
// {hello: 1, $db: "admin"}.
func hello(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	doc := []byte("\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00")
	var msg []byte
	for _, n := range []int{16 + 4 + 1 + 4 + len(doc), 1, 0, 2013, 0} { // length, id, in answer to, OP_MSG, flags
		msg = binary.LittleEndian.AppendUint32(msg, uint32(n))
	}
	msg = append(msg, 0)
	msg = binary.LittleEndian.AppendUint32(msg, uint32(4+len(doc)))
	if _, err := conn.Write(append(msg, doc...)); err != nil {
		return err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	answer := make([]byte, min(binary.LittleEndian.Uint32(size[:]), 1<<20)-4)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if !bytes.Contains(answer, []byte("\x08isWritablePrimary\x00\x01")) {
		return fmt.Errorf("no writable primary: %q", answer)
	}
	return nil
}
