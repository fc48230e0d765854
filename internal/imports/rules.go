package imports

// In the patterns, "./x" is package x of this repository, "x/..." is x and everything below it, "std" is the standard
// library, and "..." is everything.

// A layer says what the production code of some packages may import. A package belongs to the first layer that
// names it.
type layer struct {
	packages []string
	may      []string
	why      string
}

// A ban forbids one direction.
type ban struct {
	from   []string
	except []string
	to     []string
	// tests says that the tests of the packages are meant as well.
	tests bool
	why   string
}

// A closure says what must not come with some packages, by however many steps.
type closure struct {
	from  []string
	never []string
	why   string
}

// kits are packages that exist for tests: ours and those of users.
var kits = []string{"./stores/storetest", "./stores/storefault", "./flags/flagtest", "./dualwrite/dualwritetest"}

var layers = []layer{{
	packages: []string{"./stores"},
	may:      []string{"std"},
	why:      "the contract is what everybody builds on: it brings nothing along and knows no driver",
}, {
	packages: []string{"./stores/storefault"},
	may:      []string{"std", "./stores"},
	why:      "it wraps any store: the contract is all it may know",
}, {
	packages: []string{"./stores/storetest"},
	may:      []string{"std", "./stores", "./stores/storefault"},
	why:      "who writes a store tests it with the kit, which must not bring along another store or a test library",
}, {
	packages: []string{"./stores/memstore"},
	may:      []string{"std", "./stores", "./stores/internal/jsonform"},
	why:      "drivers never import drivers, and the one for unit tests brings nothing along",
}, {
	packages: []string{"./stores/boltstore"},
	may:      []string{"std", "./stores", "./stores/internal/jsonform", "go.etcd.io/bbolt/..."},
	why:      "drivers never import drivers: who uses one store must not inherit another one's database",
}, {
	packages: []string{"./stores/internal/typeshape"},
	may:      []string{"std"},
	why:      "it knows Go types and no database",
}, {
	packages: []string{"./stores/internal/jsonform"},
	may:      []string{"std", "./stores"},
	why:      "it knows Go types and no database",
}, {
	packages: []string{"./stores/mongostore"},
	may:      []string{"std", "./stores", "./stores/internal/typeshape", "go.mongodb.org/mongo-driver/v2/...", "golang.org/x/sync/..."},
	why:      "drivers never import drivers: who uses one store must not inherit another one's database",
}, {
	packages: []string{"./stores/dynamostore"},
	may: []string{
		"std", "./stores", "./stores/internal/typeshape", "github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/service/dynamodb/...",
		"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue", "github.com/aws/smithy-go/...",
	},
	why: "drivers never import drivers; of AWS it takes the client that the user made, not how credentials are found",
}, {
	packages: []string{"./flags"},
	may:      []string{"std", "github.com/open-feature/go-sdk/openfeature"},
	why:      "a phase is only proposed here: what it means for a record is dualwrite's, and stores are none of its business",
}, {
	packages: []string{"./flags/flagtest"},
	may:      []string{"std", "./flags", "github.com/open-feature/go-sdk/openfeature/..."},
	why:      "scripted flags need flags and OpenFeature, nothing else",
}, {
	packages: []string{"./dualwrite"},
	may:      []string{"std", "./stores", "./flags", "github.com/sony/gobreaker/v2"},
	why: "the repository works over the contract alone: no driver, and no copier, which need not be known because what keeps " +
		"it from overwriting a newer write is in the contract",
}, {
	packages: []string{"./dualwrite/dualwritetest"},
	may:      []string{"std", "./stores/...", "./flags/...", "./dualwrite", "./internal/interleave"},
	why: "the caller's view of a repository needs no copier and no test library of its own; the explorer brings both along, which " +
		"only tests compile, as nothing but tests and examples imports a kit",
}, {
	packages: []string{"./copier"},
	may:      []string{"std", "./stores", "golang.org/x/sync/...", "golang.org/x/time/rate"},
	why:      "the copier works over the contract alone: no driver, no flag, and no repository, whose writes it can not harm",
}, {
	packages: []string{"./copier/cmd/..."},
	may: []string{
		"std", "./stores/...", "./copier",
		"github.com/alecthomas/kong", "github.com/schollz/progressbar/v3", "golang.org/x/term",
	},
	why: "the batch job is a command line around the copier: it writes through no repository",
}, {
	packages: []string{"./internal/..."},
	may:      []string{"..."},
	why:      "nobody outside can import it",
}, {
	packages: []string{"./examples/..."},
	may:      []string{"..."},
	why:      "the examples are a module of their own; the bans hold for them",
}}

var bans = []ban{{
	from:   []string{"./..."},
	except: append([]string{"./internal/...", "./examples/..."}, kits...),
	to:     kits,
	why:    "test kits are for tests and examples: production code that needs one has a test's shape",
}, {
	from:   []string{"./..."},
	except: append([]string{"./internal/...", "./examples/..."}, kits...),
	to: []string{
		"testing/...", "github.com/google/go-cmp/...", "go.uber.org/goleak/...", "github.com/anishathalye/porcupine/...", "pgregory.net/rapid/...",
	},
	why: "production code does not import test libraries",
}, {
	from:  []string{"./dualwrite/..."},
	to:    []string{"./copier/..."},
	tests: true,
	why:   "the two halves do not know each other; what tests both together belongs in internal",
}, {
	from:  []string{"./copier/..."},
	to:    []string{"./dualwrite/...", "./flags/..."},
	tests: true,
	why:   "the two halves do not know each other, and the copier knows no flag; what tests both together belongs in internal",
}, {
	from:  []string{"./flags/..."},
	to:    []string{"./stores/...", "./dualwrite/...", "./copier/..."},
	tests: true,
	why:   "a phase is proposed without knowing what it is for",
}, {
	from:  []string{"./stores/..."},
	to:    []string{"./flags/...", "./dualwrite/...", "./copier/..."},
	tests: true,
	why:   "a store is driven through the contract and knows nobody who does",
}, {
	from:   []string{"./..."},
	except: []string{"./examples/..."},
	to:     []string{"github.com/open-feature/go-sdk-contrib/...", "github.com/open-feature/flagd/...", "github.com/launchdarkly/..."},
	tests:  true,
	why:    "flag services bring large module graphs, which who imports the library must not inherit: only the examples use it",
}, {
	from:   []string{"./..."},
	except: []string{"./examples/..."},
	to:     []string{"./examples/..."},
	tests:  true,
	why:    "the examples are a module of their own that requires this one",
}, {
	from: []string{"./examples/..."},
	to:   []string{"./internal/..."},
	why:  "an example shows what a user can do, and a user can not import it; its tests may, for a database server to run it on",
}}

var closures = []closure{{
	from:  []string{"./stores"},
	never: []string{"net/...", "log/...", "flag", "testing/..."},
	why:   "the contract is types and arithmetic",
}, {
	from: []string{"./dualwrite", "./copier", "./flags"},
	never: []string{
		"go.etcd.io/bbolt/...", "go.mongodb.org/...", "github.com/aws/...", "github.com/alecthomas/...", "github.com/schollz/...",
		"github.com/open-feature/go-sdk-contrib/...", "flag", "testing/...", "github.com/anishathalye/...", "./internal/...",
	},
	why: "who imports it must not compile a database driver, a command line, a flag service, a test library or the explorer",
}, {
	from: []string{"./stores/memstore", "./stores/boltstore", "./stores/mongostore", "./stores/dynamostore"},
	never: []string{
		"github.com/open-feature/...", "github.com/alecthomas/...", "github.com/schollz/...", "flag", "testing/...",
		"github.com/anishathalye/...", "./internal/...",
	},
	why: "a store brings its database along and nothing else",
}, {
	from:  []string{"./stores/memstore", "./stores/boltstore"},
	never: []string{"github.com/aws/..."},
	why:   "a store brings its own database along, not another one's",
}, {
	from:  []string{"./stores/dynamostore"},
	never: []string{"go.etcd.io/bbolt/...", "go.mongodb.org/..."},
	why:   "a store brings its own database along, not another one's",
}}

// topLevel are the folders of the repository, apart from those whose name begins with a dot.
var topLevel = []string{"copier", "dualwrite", "examples", "flags", "internal", "stores"}
