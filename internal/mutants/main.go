// Command mutants breaks the code on purpose, one small change at a time, and runs the test that has to notice. It is how
// we know that the tests can fail.
//
//	go run ./internal/mutants               every mutant
//	go run ./internal/mutants -run REGEXP   those whose name matches
//	go run ./internal/mutants -list         what there is
//
// A mutant is applied with a build overlay: the files of the checkout are never touched. It fails the run if it survives
// its test, if it does not compile, if the test fails without it, or if the text it replaces is not in its file exactly once, which is how a change of
// the code shows that a mutant has to follow.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	only := flag.String("run", "", "run only mutants whose name matches this regular expression")
	list := flag.Bool("list", false, "list the mutants and do nothing")
	verbose := flag.Bool("v", false, "print what the tests print")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !runAll(pattern, *list, *verbose) {
		os.Exit(1)
	}
}

// runAll runs or lists the mutants and tells whether all is well.
func runAll(only *regexp.Regexp, list, verbose bool) bool {
	begun, bad := time.Now(), 0
	chosen := slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { return !only.MatchString(m.name) })
	if list {
		for _, m := range chosen {
			fmt.Printf("%-42s %s\n", m.name, m.hazard)
		}
		return true
	}
	if out, err := unchanged(chosen); err != nil {
		fmt.Printf("the tests fail without any mutant: %v\n%s", err, out)
		return false
	}
	for _, m := range chosen {
		r := m.try()
		fmt.Printf("%-9s %-42s %6.1fs  %s\n", r.verdict, m.name, r.took.Seconds(), r.by)
		if verbose || r.verdict != killed {
			fmt.Print(r.output)
		}
		if r.verdict != killed {
			bad++
		}
	}
	fmt.Printf("%d mutants, %d killed, %v\n", len(chosen), len(chosen)-bad, time.Since(begun).Round(time.Second))
	return bad == 0 && len(chosen) > 0
}

// unchanged runs the tests of the mutants without any of them: a test that fails anyway would notice everything.
func unchanged(chosen []mutant) (out string, err error) {
	byPkg := map[string][]string{}
	for _, m := range chosen {
		test, _, _ := strings.Cut(m.run, "/")
		if !slices.Contains(byPkg[m.pkg], test) {
			byPkg[m.pkg] = append(byPkg[m.pkg], test)
		}
	}
	for pkg, tests := range byPkg {
		b, err := exec.Command("go", "test", "-count=1", "-timeout", "15m", "-run", strings.Join(tests, "|"), pkg).CombinedOutput()
		if err != nil {
			return string(b), err
		}
	}
	return "", nil
}
