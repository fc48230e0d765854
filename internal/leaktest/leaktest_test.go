package leaktest

import (
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

func TestAGoroutineThatStaysIsNamed(t *testing.T) {
	stay := make(chan struct{})
	go lingers(stay)
	if err := find(0); err == nil || !strings.Contains(err.Error(), "lingers") {
		t.Errorf("got %v", err)
	}
	time.AfterFunc(time.Second, func() { close(stay) }) // later than goleak alone waits
	if err := Find(); err != nil {
		t.Errorf("it ended: %v", err)
	}
}

func lingers(stay <-chan struct{}) { <-stay }
