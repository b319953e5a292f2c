package look

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
	"github.com/seedproof/seedproof/internal/svm/spec"
)

// The kinds of things that are noted in a record before they are asked for.
const (
	MadeInterface = "interface"
	MadeRoute     = "route"
)

// Judge compares what stands on the SVM with what is wanted, what was made, and
// the mark that the SVM should bear. Unreachable says that a login found no
// connection from here. The wanted object has its defaults filled in. Shoots are
// left to the caller.
//
// It is pure. What was not read is unknown, and so is everything where the SVM
// itself was not read. A service that is no longer wanted is left alone: others
// may use it.
func (f Facts) Judge(want spec.StorageVM, made []seed.Made, mark decide.Mark, unreachable bool) decide.Site {
	site := decide.Site{Mark: f.markDrift(mark), Services: f.judgeServices(want.Spec.Protocols), Reach: f.reach(unreachable)}
	site.Limits, _ = f.Limits(want)
	site.Interfaces, site.Management = f.judgeInterfaces(want.Spec, made)
	site.Routes = f.judgeRoutes(want.Spec.Routes, made)
	site.Notes = f.judgeNotes(want.Spec, made)
	return site
}

// Limits compares the SVM's own limits, those that are wanted alone, and says
// why where they differ or are not known.
func (f Facts) Limits(want spec.StorageVM) (decide.Drift, string) {
	if f.SVMErr != nil || f.SVM.UUID == "" {
		return decide.DriftUnknown, f.whyNoSVM()
	}
	unknown := ""
	if volumes := want.Spec.MaxVolumes; volumes != "" {
		switch is, told := sameCount(f.SVM.MaxVolumes, volumes); {
		case !told:
			unknown = "the array does not tell max_volumes"
		case !is:
			return decide.Differs, "max_volumes is " + printable(f.SVM.MaxVolumes) + ", wanted is " + volumes
		}
	}
	if limit, wanted := want.StorageLimitBytes(); wanted {
		switch {
		case f.SVM.StorageLimit == nil:
			unknown = "the array does not tell storage.limit, as releases before 9.13 cannot"
		case *f.SVM.StorageLimit != limit:
			return decide.Differs, fmt.Sprintf("storage.limit is %d bytes, wanted are %d", *f.SVM.StorageLimit, limit)
		}
	} else if want.Spec.StorageLimit != "" {
		unknown = "the wanted storage limit is no quantity"
	}
	if unknown != "" {
		return decide.DriftUnknown, unknown
	}
	return decide.AsWanted, ""
}

func (f Facts) whyNoSVM() string {
	if f.SVMErr != nil {
		return f.SVMErr.Error()
	}
	return "SVM: " + ErrNotAsked.Error()
}

// sameCount compares two numbers of volumes, each maybe "unlimited".
func sameCount(is, want string) (same, told bool) {
	a, okA := countOf(is)
	b, okB := countOf(want)
	return a == b, okA && okB
}

func countOf(s string) (uint64, bool) {
	const unlimited = ^uint64(0)
	if strings.EqualFold(s, "unlimited") {
		return unlimited, true
	}
	n, err := strconv.ParseUint(s, 10, 63)
	return n, err == nil
}

// markDrift: a mark is written where there is none, or one of an earlier
// attempt or generation of credentials. Whatever else stands there is not
// written over, and not taken for right.
func (f Facts) markDrift(want decide.Mark) decide.Drift {
	if f.SVMErr != nil || f.SVM.UUID == "" || want.Validate() != nil {
		return decide.DriftUnknown
	}
	owned, has := want.Owner.Read(f.SVM.Comment)
	same := has.Attempt == want.Attempt && has.Nonce == want.Nonce
	switch {
	case owned == decide.Unmarked:
		return decide.Differs
	case owned != decide.Ours || has.Shoot != want.Shoot:
		return decide.DriftUnknown
	case has.Attempt < want.Attempt, same && has.Credentials < want.Credentials:
		return decide.Differs
	case same:
		return decide.AsWanted
	}
	return decide.DriftUnknown
}

// licenceOf are the packages that protocols need.
var licenceOf = map[ontap.Protocol]string{ontap.ProtocolNVMe: "nvme_of", ontap.ProtocolISCSI: "iscsi", ontap.ProtocolNFS: "nfs"}

func (f Facts) judgeServices(words []string) []decide.Service {
	var all []decide.Service
	for _, word := range words {
		s := decide.Service{Name: word}
		s.State, s.Why = f.judgeService(spec.Protocol(word))
		all = append(all, s)
	}
	return all
}

// judgeService: one that is there and switched off is Missing too, and is
// switched on. Without a word about licences the creation will tell.
func (f Facts) judgeService(p ontap.Protocol) (decide.Thing, string) {
	s, err := f.Services[p].Get()
	switch {
	case err != nil:
		return decide.ThingUnknown, err.Error()
	case s.There && s.Enabled == decide.Yes:
		return decide.InPlace, ""
	case s.There && s.Enabled == decide.No:
		return decide.Missing, "it is there, and switched off"
	case s.There:
		return decide.ThingUnknown, "the array does not tell whether it is switched on"
	}
	licences, err := f.Licences.Get()
	if err == nil && len(licences) > 0 && !slices.Contains(licences, licenceOf[p]) {
		return decide.Unavailable, "the array lists no licence " + licenceOf[p]
	}
	return decide.Missing, "there is none"
}

// reach: a login can be tried where the array lists an interface of the SVM that
// is up and takes logins.
func (f Facts) reach(unreachable bool) decide.Reach {
	interfaces, err := f.Interfaces.Get()
	if err != nil || f.SVMErr != nil {
		return decide.ReachUnknown
	}
	if slices.ContainsFunc(interfaces, Interface.takesLogins) {
		if unreachable {
			return decide.Unreachable
		}
		return decide.Reachable
	}
	maybe := func(i Interface) bool { return i.Login != decide.No && i.Up != decide.No }
	if slices.ContainsFunc(interfaces, maybe) {
		return decide.ReachUnknown
	}
	return decide.NoAddress
}
