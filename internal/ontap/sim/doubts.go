package sim

import "reflect"

// Doubts are what the facts could not confirm, each a switch. The zero value is
// what the facts hold for likelier.
type Doubts struct {
	// DuplicatesAs400: duplicate names and addresses (13434908, 1966140, 1376963,
	// 1966345, account) are 400, not 409.
	DuplicatesAs400 bool
	// DuplicateSVMInJob: a taken SVM name is refused in the job, not at the POST.
	DuplicateSVMInJob bool
	// DuplicateAccountCode is the code of a duplicate account; 0 means 1.
	DuplicateAccountCode int

	// Unauthorized is how a 401 looks.
	Unauthorized UnauthorizedForm
	// NoChallenge: a 401 bears no WWW-Authenticate header.
	NoChallenge bool
	// FailuresKept: a good login does not reset the count of failed ones.
	FailuresKept bool
	// LockHidden: a lock after failed logins does not show in the field locked.
	LockHidden bool
	// SVMAccountsOnCluster: an SVM's account may also log in at the cluster's LIF.
	SVMAccountsOnCluster bool
	// TwinLockSeparate: the twin of a MetroCluster SVM does not learn of locks.
	TwinLockSeparate bool
	// PasswordStatus201: setting a password answers 201, not 200.
	PasswordStatus201 bool

	// TwinSharesCertificate: both SVMs of a pair present the same certificate.
	TwinSharesCertificate bool
	// CertificateNamesIP: an SVM's certificate names the addresses of its LIFs.
	CertificateNamesIP bool

	// RootVolumeBlocksDelete: the root volume must be deleted before the SVM.
	RootVolumeBlocksDelete bool
	// LIFsBlockDelete, AccountsBlockDelete: these must go before the SVM, too.
	LIFsBlockDelete, AccountsBlockDelete bool
	// RecoveryQueueBlocksDelete: deleted volumes that linger block it.
	RecoveryQueueBlocksDelete bool
	// VolumesRefusedAtOnce: an SVM with volumes is refused at the DELETE, not in
	// the job.
	VolumesRefusedAtOnce bool
	// DeleteRefusedCode is the code of that refusal; 0 means 8.
	DeleteRefusedCode int

	// LIFMustBeDown: a LIF must be disabled before it is deleted.
	LIFMustBeDown bool
	// PlusRefused: "+" is not allowed in the name of a LIF.
	PlusRefused bool
	// StrictNames: SVM and LIF names take letters, digits, "_", "-" and "." only.
	StrictNames bool

	// NVMeAfterRunning: the NVMe service appears after the SVM is running, not
	// counted from its birth.
	NVMeAfterRunning bool
	// NVMeFirst: the NVMe service is there before the SVM is running.
	NVMeFirst bool
	// NVMePatchable: nvme.enabled can be set by PATCH of the SVM.
	NVMePatchable bool
	// ListedWhileCreated: a new SVM is seen as initializing while its job runs.
	ListedWhileCreated bool

	// NoVsadmin: a new SVM has no locked account vsadmin.
	NoVsadmin bool
	// JobsWithoutSVM: the job of a create does not name the SVM before it exists.
	JobsWithoutSVM bool
	// RootAggregatesListed: aggregates of the nodes' root volumes are listed.
	RootAggregatesListed bool
	// FilteredFieldsShown: a field that is filtered by is shown, too.
	FilteredFieldsShown bool
	// DeadAddressTimesOut: an address without a LIF swallows packets instead of
	// refusing the connection.
	DeadAddressTimesOut bool
}

// EachDoubt gives, by its name, every doubt turned by itself, for tests that must
// hold whichever way an array behaves.
func EachDoubt() map[string]Doubts {
	all := map[string]Doubts{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Doubts]()) {
		var d Doubts
		switch v := reflect.ValueOf(&d).Elem().FieldByIndex(f.Index); v.Kind() {
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int: // a code that the facts do not know
			v.SetInt(9999999)
		default:
			v.SetString(string(UnauthorizedEmpty))
		}
		all[f.Name] = d
	}
	return all
}

// UnauthorizedForm is a body of a 401.
type UnauthorizedForm string

// The forms of a 401.
const (
	UnauthorizedJSON  UnauthorizedForm = ""      // with code 6691623
	UnauthorizedEmpty UnauthorizedForm = "empty" // no body
	UnauthorizedHTML  UnauthorizedForm = "html"  // a page of the web server
)
