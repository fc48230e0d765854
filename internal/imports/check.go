package imports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// pkg is what a package imports.
type pkg struct {
	imports []string // by its production code
	tests   []string // by its tests, of either kind
}

// graph is every package by its path; those of this repository begin with "./".
type graph map[string]pkg

// own are the paths of this repository's packages, sorted.
func (g graph) own() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for path := range maps.Keys(g) {
			if isOwn(path) && !yield(path) {
				return
			}
		}
	})
}

// matches tells whether path is one that the patterns mean.
func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		switch {
		case p == "...":
			return true
		case p == "std":
			return isStd(path)
		case strings.HasSuffix(p, "/..."):
			return path == strings.TrimSuffix(p, "/...") || strings.HasPrefix(path, strings.TrimSuffix(p, "..."))
		default:
			return path == p
		}
	})
}

func isOwn(path string) bool { return path == "." || strings.HasPrefix(path, "./") }

// isStd goes by the rule that the first element of every other path has a dot.
func isStd(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// checkLayers finds packages that belong nowhere, and imports that a layer does not have.
func checkLayers(g graph, layers []layer) (found []string) {
	for _, path := range g.own() {
		i := slices.IndexFunc(layers, func(l layer) bool { return matches(path, l.packages) })
		if i < 0 {
			found = append(found, fmt.Sprintf("%s is in no layer: decide in internal/imports what it may import", path))
			continue
		}
		for _, to := range g[path].imports {
			if !matches(to, layers[i].may) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", path, to, layers[i].why))
			}
		}
	}
	return found
}

// checkBans finds forbidden directions.
func checkBans(g graph, bans []ban) (found []string) {
	for _, path := range g.own() {
		for _, b := range bans {
			if !matches(path, b.from) || matches(path, b.except) {
				continue
			}
			for _, to := range g[path].imports {
				if matches(to, b.to) {
					found = append(found, fmt.Sprintf("%s imports %s: %s", path, to, b.why))
				}
			}
			for _, to := range g[path].tests {
				if b.tests && matches(to, b.to) {
					found = append(found, fmt.Sprintf("a test of %s imports %s: %s", path, to, b.why))
				}
			}
		}
	}
	return found
}

// checkClosures finds what comes along by however many steps, and says which way.
func checkClosures(g graph, closures []closure) (found []string) {
	for _, path := range g.own() {
		for _, c := range closures {
			if !matches(path, c.from) {
				continue
			}
			for _, way := range g.ways(path, c.never) {
				found = append(found, fmt.Sprintf("%s: %s", strings.Join(way, " imports "), c.why))
			}
		}
	}
	return found
}

// ways are the shortest ways from a package to each of the first packages on it that never means, breadth first.
func (g graph) ways(from string, never []string) (found [][]string) {
	seen := map[string]bool{from: true}
	for queue := [][]string{{from}}; len(queue) > 0; queue = queue[1:] {
		way := queue[0]
		last := way[len(way)-1]
		// What the standard library imports from itself is its own affair.
		if isStd(last) {
			continue
		}
		for _, to := range g[last].imports {
			if seen[to] {
				continue
			}
			seen[to] = true
			next := append(slices.Clip(way), to)
			if matches(to, never) {
				found = append(found, next)
				continue
			}
			queue = append(queue, next)
		}
	}
	return found
}

// checkUse finds lines of the tables that are about no package: a rename must not take a rule out of force.
func checkUse(g graph, layers []layer, bans []ban, closures []closure) (found []string) {
	var patterns []string
	for _, l := range layers {
		patterns = slices.Concat(patterns, l.packages, l.may)
	}
	for _, b := range bans {
		patterns = slices.Concat(patterns, b.from, b.except, b.to)
	}
	for _, c := range closures {
		patterns = append(patterns, c.from...)
	}
	slices.Sort(patterns)
	for _, p := range slices.Compact(patterns) {
		if isOwn(p) && !slices.ContainsFunc(g.own(), func(path string) bool { return matches(path, []string{p}) }) {
			found = append(found, fmt.Sprintf("%s is in a rule of internal/imports, but there is no such package", p))
		}
	}
	return found
}

// checkFolders compares the folders that are there with those that should be.
func checkFolders(there, want []string) (found []string) {
	for _, name := range there {
		if !strings.HasPrefix(name, ".") && !slices.Contains(want, name) {
			found = append(found, fmt.Sprintf("folder %s: the top level has exactly %s", name, strings.Join(want, ", ")))
		}
	}
	for _, name := range want {
		if !slices.Contains(there, name) {
			found = append(found, fmt.Sprintf("folder %s is missing", name))
		}
	}
	return found
}
