package ontap

import "github.com/seedproof/seedproof/internal/flow"

// Error codes of ONTAP that callers tell apart. They are strings in bodies and
// integers in jobs. HTTP statuses are no substitute: the same event comes with
// different ones.
const (
	CodeDuplicate        = "1"       // same identifiers exist; accounts use it
	CodeNotFound         = "4"       // on a thing's own path: it is not there
	CodeForbidden        = "6"       // the role forbids
	CodeNotAuthorized    = "6691623" // user, password or application not accepted
	CodeTooManyRequests  = "262160"
	CodeUnknownField     = "262179" // also: newer than this release
	CodeInvalidValue     = "262197"
	CodeOutOfQuorum      = "393271"  // a node is out of quorum
	CodeSVMNotFound      = "2621462" // or not accessible to this user
	CodeSVMInaccessible  = "1260882" // as above
	CodeSVMNameNotValid  = "1967146" // in a network call: its SVM is not there
	CodeSVMUUIDNotValid  = "1967147"
	CodeSVMDestination   = "2621574" // refused on a MetroCluster destination
	CodeSVMLocked        = "2621576"
	CodeSVMExists        = "13434908" // an SVM, IPspace or cluster has that name
	CodeSVMNameTooLong   = "13434911"
	CodeSVMJobsFull      = "13434894" // five create or delete jobs are under way
	CodeNoAggregate      = "13434909"
	CodeNoSpaceForRoot   = "13434914"
	CodeSVMBusy          = "13434915" // a create or delete job is in progress
	CodeSVMBeingMade     = "13434916"
	CodeInterfaceExists  = "1966140"
	CodeDuplicateAddress = "1376963"
	CodeRouteExists      = "1966345"
	CodeNoBGPSession     = "1967384"
	CodeInterfaceActive  = "1966238" // home of an active SAN or NVMe LIF cannot change
	CodeUserNotFound     = "1261218" // PATCH of an account, or its password
	CodeRoleMissing      = "1261215"
	CodePasswordReused   = "7077924" // one of the last few
	CodePasswordSame     = "7077925" // the current one
	CodeNoNVMeLicence    = "1115127"
	CodeSVMStopped       = "5374893"
	CodeServiceExists    = "72089650"
	CodeServiceNone      = "72089651"
)

// meaning is what a code says of a call that earned it. A code that has no
// entry here is not understood, and leaves the outcome Unknown.
type meaning struct {
	class flow.Class // of the refusal
	late  bool       // in a job it may come after something was begun
}

// refusals are the codes by which ONTAP says no, before any effect. Left out
// on purpose, because something may have been done or nothing is known: RPC and
// quorum errors (655xx, 393271, 1966465), internal ones (262145, 13434889,
// 13434910, 13434913, 13434880, 13434881), partial ones (13434883, 1967102,
// 53281113).
var refusals = func() map[string]meaning {
	table := map[string]meaning{}
	add := func(m meaning, codes ...string) {
		for _, code := range codes {
			table[code] = m
		}
	}
	add(meaning{class: flow.Permanent}, "1", "2", "3", "4")
	add(meaning{class: flow.Transient}, "7", "8", CodeTooManyRequests, CodeSVMJobsFull, CodeSVMBusy, CodeSVMBeingMade, CodeSVMLocked)
	add(meaning{class: flow.NeedsPerson}, CodeForbidden, CodeNotAuthorized, CodeNoNVMeLicence)
	add(meaning{class: flow.NeedsPerson, late: true}, CodeNoAggregate, CodeNoSpaceForRoot)
	for _, group := range [][]string{generalRefusals, svmRefusals, interfaceRefusals, routeRefusals, accountRefusals, serviceRefusals} {
		add(meaning{class: flow.Permanent}, group...)
	}
	return table
}()

var generalRefusals = []string{
	"262177", CodeUnknownField, "262185", "262186", "262188", "262190", "262196", CodeInvalidValue, "262198", "262199",
	"262200", "262201", "262202", "262203", "262211", "262212", "262245", "262247", "262254", "262255", "262268", "262286",
	CodeSVMInaccessible, CodeSVMNotFound, "2621471", "2621519", "2621643", "2621685", CodeSVMDestination, "2621706", "2621707", "8586226",
}

var svmRefusals = []string{
	CodeSVMExists, CodeSVMNameTooLong, "13434884", "13434885", "13434886", "13434888", "13434902", "13434906", "13434912",
	"13434918", "13434935", "2621634", "2621657", "2621580", "2621525", "458753", "12451843",
}

var interfaceRefusals = []string{
	CodeDuplicateAddress, CodeInterfaceExists, CodeInterfaceActive, CodeNoBGPSession,
	"1966267", "1966269", "1966300", "1967128", "1967398", "1967111", "1967385", "1967383", "1967382", "1967387", "1967389",
	"53281104", "53281073", "1966138", "1966505", "1377666", "1967135", "1967136", "1967137", "1967122", "1967123", "1967124",
	"1967397", "1967401", "1967396", "1966419", "1966987", "1967107", "1967129", "1967130", "1967131", "1966217",
	"1967108", "1967109", "1967110", "1967112", "1967153", "1967154", "1966373", "1376976", "53281092",
	"1967120", "1967121", "53281065", "53216540", "53281018", "1967145", "1967127", CodeSVMNameNotValid, CodeSVMUUIDNotValid,
	"1967081", "1967082", "53281087", "5373966", "5376953", "53281112",
}

var routeRefusals = []string{CodeRouteExists, "1966265", "53282375", "1967080"}

var accountRefusals = []string{
	CodeUserNotFound, CodeRoleMissing, CodePasswordReused, CodePasswordSame,
	"5636121", "5636126", "7077897", "5636206", "1263343", "7077906", "5636178", "5636176", "5636140", "5636141", "2621475",
	"2621601", "7077898", "7077899", "7077918", "7077919", "7077920", "7077921", "7077940", "7077941",
	"7077911", "5636096", "5636097", "7077896", "5636098", "5636125", "5636146",
}

var serviceRefusals = []string{
	CodeSVMStopped, CodeServiceExists, CodeServiceNone, "2621507", "72089653", "72089654", "72090028", "72089900", "5376452",
}

// passwordRules are the refusals of a password by the array's policy: another
// password may pass.
var passwordRules = map[string]bool{
	"7077898": true, "7077899": true, "7077918": true, "7077919": true, "7077920": true, "7077921": true,
	CodePasswordReused: true, CodePasswordSame: true, "7077940": true, "7077941": true,
}
