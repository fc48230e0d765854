package servers

import (
	"bytes"
	"strings"
	"sync"
)

// output keeps the end of what a program printed and tells a watcher of everything, line by line. It is safe for
// concurrent use.
type output struct {
	limit int               // bytes kept
	line  func(line string) // told each whole line; may be nil

	mu   sync.Mutex
	kept []byte
	part []byte
}

// Write never fails: the program must not notice that it is watched.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, p...)
	o.kept = o.kept[max(0, len(o.kept)-o.limit):]
	if o.line == nil {
		return len(p), nil
	}
	o.part = append(o.part, p...)
	for {
		line, rest, ok := bytes.Cut(o.part, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		o.part = rest
		o.line(string(line))
	}
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(bytes.TrimSpace(o.kept))
}

func (o *output) lastLine() string {
	tail := o.tail()
	return strings.TrimSpace(tail[strings.LastIndexByte(tail, '\n')+1:])
}
