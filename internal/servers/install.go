package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// ErrNoCargo is returned by [Install] when the program that builds the servers is not on the machine, and ErrNoNPM when those are
// missing that install and run a server in JavaScript.
var (
	ErrNoCargo = errors.New("servers: cargo (Rust) is not installed; it builds the servers from source")
	ErrNoNPM   = errors.New("servers: node and npm are not installed; they run and install this server")
)

// InstallOptions are what tests want to replace. The zero value is right otherwise.
type InstallOptions struct {
	// Root is the folder to install below. Default [Root].
	Root string
	// Cargo is the program that builds. Default cargo from the path. CARGO_BUILD_JOBS in the environment bounds the
	// number of cores that it takes.
	Cargo string
	// Tick is the time between two lines of progress. Default 20 s.
	Tick time.Duration
}

// Install builds a server unless it is there already, and reports on out. It can be run by any number of processes at
// once: one builds, the others wait for it. The program appears whole or not at all. The error Is [ErrNoCargo] when
// cargo is missing.
func Install(ctx context.Context, s Server, out io.Writer, o *InstallOptions) error {
	opts, err := o.withDefaults()
	if err != nil {
		return err
	}
	if s.Installed(opts.Root) {
		say(out, "%s (%s) is installed", s.Name, s.folder())
		return nil
	}
	if err := s.tools(opts); err != nil {
		return err
	}
	if err := os.MkdirAll(opts.Root, 0o755); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(opts.Root, s.folder()+".lock"), func() {
		say(out, "%s (%s): another run is installing it, waiting", s.Name, s.folder())
	})
	if err != nil {
		return fmt.Errorf("servers: locking %s: %w", opts.Root, err)
	}
	defer unlock()
	if s.Installed(opts.Root) {
		say(out, "%s (%s) is installed", s.Name, s.folder())
		return nil
	}
	return s.build(ctx, out, opts)
}

// tools finds out whether what installs the server is there.
func (s Server) tools(o InstallOptions) error {
	if s.NPM == "" {
		if _, err := exec.LookPath(o.Cargo); err != nil {
			return fmt.Errorf("%w: %w", ErrNoCargo, err)
		}
		return nil
	}
	_, errNPM := exec.LookPath("npm")
	_, errNode := exec.LookPath("node")
	if err := errors.Join(errNPM, errNode); err != nil {
		return fmt.Errorf("%w: %w", ErrNoNPM, err)
	}
	return nil
}

func (o *InstallOptions) withDefaults() (InstallOptions, error) {
	var opts InstallOptions
	if o != nil {
		opts = *o
	}
	if opts.Cargo == "" {
		opts.Cargo = "cargo"
	}
	if opts.Tick == 0 {
		opts.Tick = 20 * time.Second
	}
	if opts.Root != "" {
		return opts, nil
	}
	root, err := Root()
	opts.Root = root
	return opts, err
}

// build lets cargo install into a folder of its own and renames that into place. The folder's name is fixed, so that what
// a killed run has left there goes with the next.
func (s Server) build(ctx context.Context, out io.Writer, o InstallOptions) error {
	started := time.Now()
	if s.NPM == "" {
		say(out, "%s (%s): building from source, once per machine; this takes minutes", s.Name, s.folder())
	}
	work := filepath.Join(o.Root, ".building-"+s.folder())
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	defer os.RemoveAll(work) //nolint:errcheck // the next run tries again
	tmp := filepath.Join(work, "root")
	fetch := s.fromCargo
	if s.NPM != "" {
		fetch = s.fromNPM
	}
	if err := fetch(ctx, out, o, work, tmp); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(tmp, "bin", s.Program)); err != nil {
		return fmt.Errorf("servers: %s was installed without its program: %w", s.folder(), err)
	}
	// What is in the way can only be an installation without its program.
	final := filepath.Join(o.Root, s.folder())
	if err := os.RemoveAll(final); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	if err := os.Rename(tmp, final); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	say(out, "%s (%s): installed in %v", s.Name, s.folder(), time.Since(started).Round(time.Second))
	return nil
}

func (s Server) fromCargo(ctx context.Context, out io.Writer, o InstallOptions, work, root string) error {
	args := []string{"install", s.Crate, "--version", s.Version, "--locked", "--root", root, "--target-dir", filepath.Join(work, "target")}
	return s.command(ctx, out, o, o.Cargo, append(args, s.Flags...))
}

// fromNPM runs no script of any package.
func (s Server) fromNPM(ctx context.Context, out io.Writer, o InstallOptions, _, root string) error {
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	args := []string{"install", "--prefix", root, "--ignore-scripts", "--no-audit", "--no-fund", s.NPM + "@" + s.Version}
	if err := s.command(ctx, out, o, "npm", args); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "bin", s.Program), []byte(s.script), 0o755); err != nil { //nolint:gosec // a program
		return fmt.Errorf("servers: %w", err)
	}
	return nil
}

// command runs one command and says every tick how far it is.
func (s Server) command(ctx context.Context, out io.Writer, o InstallOptions, program string, args []string) error {
	log := &output{limit: 8 << 10}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = time.Second
	tieGroup(cmd)
	started := time.Now()
	done := make(chan error, 2) // the answers of Start and Wait
	go startTied(cmd, done, func() { done <- cmd.Wait() })
	if err := <-done; err != nil {
		return fmt.Errorf("servers: starting %s: %w", program, err)
	}
	tick := time.NewTicker(o.Tick)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("servers: building %s: %w; the last it said:\n%s", s.folder(), errors.Join(err, ctx.Err()), log.tail())
			}
			return nil
		case <-tick.C:
			say(out, "%s (%s): %v, %s", s.Name, s.folder(), time.Since(started).Round(time.Second), log.lastLine())
		}
	}
}

func say(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, "servers: "+format+"\n", args...)
}
