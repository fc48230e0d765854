package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// Process is a running server. Its methods are safe for concurrent use.
type Process struct {
	addr string
	cmd  *exec.Cmd
	out  *output
	done chan struct{} // closed when the process has ended
}

// startTimeout bounds the time from start to ready: both servers need a fraction of a second on an idle machine.
const startTimeout = 2 * time.Minute

// stopTimeout is how long a server may take to end by itself before it is killed.
const stopTimeout = 2 * time.Minute

// Start starts an installed server on 127.0.0.1, with its data in dir, and returns when it can serve. Starting again
// with the same dir continues with the data. The server ends when it is stopped, or with this process at the latest.
func Start(ctx context.Context, s Server, dir string) (*Process, error) {
	return StartAt(ctx, s, dir, 0)
}

// StartAt is Start with the port that the server listens on, for one that has to come back where its clients know it; 0
// is any. Use a [StablePort]: while the server is down, one of the system's own choice may be taken by any connection.
func StartAt(ctx context.Context, s Server, dir string, port int) (*Process, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	if !s.Installed(root) {
		return nil, fmt.Errorf("servers: %s is not installed: run `make servers`", s.folder())
	}
	return s.start(ctx, s.Path(root), dir, port)
}

// start tries a few times for a server that has to be told a port: somebody else may take the free one first.
func (s Server) start(ctx context.Context, program, dir string, port int) (*Process, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var errs []error
	for range 3 {
		p, err := s.startOnce(ctx, program, dir, port)
		if err == nil {
			return p, nil
		}
		errs = append(errs, err)
		if s.picksPort || port != 0 || ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (s Server) startOnce(ctx context.Context, program, dir string, port int) (*Process, error) {
	if port == 0 && !s.picksPort {
		var err error
		if port, err = freePort(ctx); err != nil {
			return nil, fmt.Errorf("servers: %w", err)
		}
	}
	p, printed, err := s.launch(program, s.args(dir, port))
	if err != nil {
		return nil, fmt.Errorf("servers: starting %s: %w", s.Program, err)
	}
	select {
	case port = <-printed:
	case <-p.done:
	case <-ctx.Done():
	}
	p.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := s.await(ctx, p); err != nil {
		return nil, errors.Join(fmt.Errorf("servers: %s did not become ready: %w; it said:\n%s", s.Program, err, p.Output()), p.Kill())
	}
	return p, nil
}

// launch starts the program. The channel gets the port that it prints.
func (s Server) launch(program string, args []string) (*Process, <-chan int, error) {
	printed := make(chan int, 1)
	watch := func(line string) {
		if m := s.listening.FindStringSubmatch(line); m != nil {
			port, _ := strconv.Atoi(m[1]) // the pattern has only digits
			select {
			case printed <- port:
			default:
			}
		}
	}
	p := &Process{
		cmd:  exec.Command(program, args...),
		out:  &output{limit: 64 << 10, line: watch},
		done: make(chan struct{}),
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.WaitDelay = time.Second
	tie(p.cmd)
	started := make(chan error, 1)
	go startTied(p.cmd, started, func() {
		_ = p.cmd.Wait() // how it ended is in the ProcessState
		close(p.done)
	})
	return p, printed, <-started
}

// await polls until the server can serve, has ended, or there is no more time.
func (s Server) await(ctx context.Context, p *Process) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.ready(ctx, p.addr)
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %v", p.cmd.ProcessState)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		default:
		}
		if err == nil {
			return nil
		}
		<-tick.C
	}
}

// Addr is host:port.
func (p *Process) Addr() string { return p.addr }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is the end of what the server has printed.
func (p *Process) Output() string { return p.out.tail() }

// Stop asks the server to end and waits until it has; one that does not is killed, and that is an error. A server that
// has ended already is none.
func (p *Process) Stop() error { return p.stop(stopTimeout) }

func (p *Process) stop(timeout time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return errors.Join(err, p.Kill())
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("servers: process %d did not end within %v", p.PID(), timeout), p.Kill())
	}
}

// Kill ends the server at once, as a power failure would end it, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *Process) signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("servers: process %d: %w", p.PID(), err)
	}
	return nil
}

// StablePort is a free port below those that the system hands out to connections by itself (32768 and up on Linux): it
// stays free for a server that is started again there, unless another one takes it.
func StablePort(ctx context.Context) (int, error) {
	const low, high, tries = 20_000, 32_000, 100
	for range tries {
		port := low + rand.IntN(high-low)
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("servers: none of %d ports between %d and %d is free", tries, low, high)
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
