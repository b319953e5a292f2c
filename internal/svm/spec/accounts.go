package spec

import (
	"regexp"
	"strings"
)

// Rules of account names (facts 6.2, 6.4, 15). The characters are those that
// are known to be taken, which are fewer than the specification allows.
const (
	accountMin = 3
	accountMax = 40
	shootCut   = 25 // of the shoot's name, as metal-stack's extension cuts it
	// secondAccount makes the other name that passwords are rotated to. A shoot's
	// name in Kubernetes holds no underscore, so that the second account of "prod"
	// is never the first of another shoot.
	secondAccount = "_2"
)

var (
	accountForm      = regexp.MustCompile(`^[A-Za-z0-9._][A-Za-z0-9._-]*$`)
	reservedAccounts = []string{"admin", "diag", "autosupport", "root", "vsadmin"}
)

// Users are the two accounts of a shoot, which its passwords take turns in: the
// first is the one that metal-stack's extension makes (facts 17), the shoot's
// own name cut to 25 characters, a dash before it replaced by "s".
func Users(shoot string) [2]string {
	name := shootName(shoot)
	if rest, dashed := strings.CutPrefix(name, "-"); dashed {
		name = "s" + rest
	}
	if len(name) > shootCut {
		name = name[:shootCut]
	}
	return [2]string{name, name + secondAccount}
}

// Users are the two accounts of these credentials.
func (c Credentials) Users() [2]string { return Users(c.Shoot) }

// shootName is the shoot's own name out of that of its namespace in the seed,
// "shoot--PROJECT--NAME"; any other name is taken as it is.
func shootName(shoot string) string {
	rest, technical := strings.CutPrefix(shoot, "shoot--")
	if !technical {
		return shoot
	}
	if _, name, both := strings.Cut(rest, "--"); both {
		return name
	}
	return shoot
}
