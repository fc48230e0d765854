package servers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Server is one server program at one version.
type Server struct {
	// Name is what people call it.
	Name string
	// Crate and Version are what cargo installs, Flags how.
	Crate, Version string
	Flags          []string
	// Program is the executable's name.
	Program string
	// NPM is the package that npm installs, instead of a crate, and script the program that runs it.
	NPM    string
	script string

	// args is the command line for a data folder and a port.
	args func(dir string, port int) []string
	// picksPort is true for a server that can be told port 0 and prints the one that it got.
	picksPort bool
	// listening finds the port in the server's output. The line is what tells our server from another one that was
	// quicker to take the port.
	listening *regexp.Regexp
	// ready asks a server that listens whether it can serve.
	ready func(ctx context.Context, addr string) error
}

// MongoDB speaks the MongoDB wire protocol over WiredTiger: a single node, with transactions and fail points.
func MongoDB() Server {
	return Server{
		Name: "MongoDB", Crate: "secantus-mdb", Version: "0.5.3-beta.196", Program: "secantusd-rs",
		// The crate asks for a newer compiler than it needs.
		Flags: []string{"--ignore-rust-version"},
		args: func(dir string, port int) []string {
			return []string{
				"--host", "127.0.0.1", "--port", fmt.Sprint(port), "--storage-path", dir,
				// Without this a kill loses acknowledged writes.
				"--sync-on-commit", "--enable-test-commands", "--cache-size", "512M",
			}
		},
		picksPort: true,
		listening: regexp.MustCompile(`listening on 127\.0\.0\.1:(\d+)`),
		ready:     dialable,
	}
}

// With is the server with more flags on its command line.
func (s Server) With(flags ...string) Server {
	args := s.args
	s.args = func(dir string, port int) []string { return append(args(dir, port), flags...) }
	return s
}

// DynamoDB speaks DynamoDB's HTTP protocol over SQLite.
func DynamoDB() Server {
	return Server{
		Name: "DynamoDB", Crate: "dynoxide-rs", Version: "3.2.0", Program: "dynoxide",
		Flags: []string{"--no-default-features", "--features", "native-sqlite,http-server,cli"},
		args: func(dir string, port int) []string {
			return []string{
				"serve", "--host", "127.0.0.1", "--port", fmt.Sprint(port),
				"--db-path", filepath.Join(dir, "dynamodb.sqlite"),
			}
		},
		listening: regexp.MustCompile(`listening on http://127\.0\.0\.1:(\d+)`),
		ready:     listTables,
	}
}

// Dynalite speaks DynamoDB's HTTP protocol over memory: a second opinion on the tests, which knows neither PartiQL nor transactions and
// does not show what it refuses a write by. It needs node and npm, and is installed only when somebody asks for it.
func Dynalite() Server {
	return Server{
		Name: "dynalite", NPM: "dynalite", Version: "4.0.0", Program: "dynalite",
		// By itself it ends with the first request whose client goes away.
		script: `#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd)
exec node -e '
process.on("uncaughtException", function (err) { if (err.code !== "ECONNRESET") { console.error(err); process.exit(1) } })
require(process.argv[1] + "/node_modules/dynalite/cli.js")
' "$here" "$@"
`,
		args: func(_ string, port int) []string {
			return []string{"--host", "127.0.0.1", "--port", fmt.Sprint(port), "--createTableMs", "0", "--deleteTableMs", "0"}
		},
		listening: regexp.MustCompile(`listening at: http://127\.0\.0\.1:(\d+)`),
		ready:     listTables,
	}
}

// All are the servers that `make servers` installs, the quickest to build first.
func All() []Server { return []Server{DynamoDB(), MongoDB()} }

// Root is the folder that holds the installed servers, one folder each: dualwrite/servers in the user's cache directory.
func Root() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("servers: no cache directory to install into: %w", err)
	}
	return filepath.Join(cache, "dualwrite", "servers"), nil
}

// Path is where the program is below root, whether it is installed or not.
func (s Server) Path(root string) string {
	return filepath.Join(root, s.folder(), "bin", s.Program)
}

// Installed tells whether the program is there and can be executed.
func (s Server) Installed(root string) bool {
	info, err := os.Stat(s.Path(root))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func (s Server) folder() string { return s.Crate + s.NPM + "-" + s.Version }

func dialable(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// listTables sends the cheapest request that the server can only answer when it is up. It checks no signature.
func listTables(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/test/dynamodb/aws4_request, SignedHeaders=host, Signature=00")
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // nothing is written and the answer is in the status
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ListTables answered %s", resp.Status)
	}
	return nil
}
