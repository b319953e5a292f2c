package ontap

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/seedproof/seedproof/internal/flow"
)

// Kind is what a call is about.
type Kind string

// The kinds of things that this client knows.
const (
	KindCluster      Kind = "cluster"
	KindNode         Kind = "node"
	KindLicence      Kind = "licence"
	KindMetroCluster Kind = "metrocluster"
	KindAggregate    Kind = "aggregate"
	KindJob          Kind = "job"
	KindSVM          Kind = "svm"
	KindInterface    Kind = "interface"
	KindRoute        Kind = "route"
	KindIPspace      Kind = "ipspace"
	KindDomain       Kind = "broadcast domain"
	KindSubnet       Kind = "subnet"
	KindPeerGroup    Kind = "BGP peer group"
	KindAccount      Kind = "account"
	KindCertificate  Kind = "certificate"
	KindVolume       Kind = "volume"
	KindSnapshot     Kind = "snapshot"
	KindService      Kind = "protocol service"
	KindSnapMirror   Kind = "snapmirror relationship"
)

// ErrCredentials is wrapped by the errors of calls that an array refused, or
// that were not sent any more, because it does not accept our own login.
var ErrCredentials = errors.New("the array does not accept this user and password")

// Error is how a call ended that was not Done. Its texts bear no password.
type Error struct {
	Array   string // the array's configured name
	Call    string // such as "create SVM"
	Kind    Kind
	Status  int    // HTTP status; 0 when there was no answer
	Code    string // ONTAP's code, "" when there was none
	Message string
	Target  string // the field that ONTAP complains of
	Outcome flow.Outcome
	// RetryAfter is what the array asked for, zero if it did not.
	RetryAfter time.Duration
	// NeedsPerson is set when the array accepted the call and made no job of
	// it: multi-admin verification holds it until somebody approves it there.
	NeedsPerson bool
	// Job is the UUID of the job that was made, if its end is not known.
	Job string

	own   bool // the call went to the thing's own path
	class flow.Class
	cause error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on array %s: ", e.Call, e.Array)
	b.WriteString(e.what())
	if e.Target != "" {
		fmt.Fprintf(&b, " (field %s)", e.Target)
	}
	if e.Job != "" {
		fmt.Fprintf(&b, " (job %s)", e.Job)
	}
	return b.String()
}

func (e *Error) what() string {
	said := e.Message
	if said == "" && e.cause != nil {
		said = e.cause.Error()
	}
	switch {
	case e.NeedsPerson:
		return strings.TrimSuffix("accepted without a job: an approval may be asked for on the array: "+said, ": ")
	case e.Code != "":
		return fmt.Sprintf("%s (code %s, status %d)", said, e.Code, e.Status)
	case e.Status != 0 && said == "":
		return fmt.Sprintf("status %d, not understood", e.Status)
	case e.Status != 0:
		return fmt.Sprintf("%s (status %d)", said, e.Status)
	}
	return said
}

func (e *Error) Unwrap() error { return e.cause }

// Refused reports whether ONTAP said no, before any effect.
func (e *Error) Refused() bool { return e.Outcome == flow.Refused }

// FlowClass says what is to be done about the error.
func (e *Error) FlowClass() flow.Class { return e.class }

// FlowAdvice is what a person types next, "" if there is nothing of use.
func (e *Error) FlowAdvice() string {
	if e.NeedsPerson {
		return "security multi-admin-verify request show"
	}
	return ""
}

// IsAbsent reports whether err proves that the thing of that kind is not there:
// code 4 with status 404 on the thing's own path, "user not found" for an
// account, "no service" for a protocol service. Nothing else is an absence.
// What another call says about its SVM is not either: see NamesNoSVM.
func IsAbsent(err error, k Kind) bool {
	var e *Error
	if !errors.As(err, &e) || e.Kind != k || e.Outcome != flow.Refused {
		return false
	}
	switch {
	case e.own && e.Code == CodeNotFound && e.Status == http.StatusNotFound:
		return true
	case k == KindAccount:
		return e.Code == CodeUserNotFound
	case k == KindService:
		return e.Code == CodeServiceNone
	}
	return false
}

// NamesNoSVM reports whether a call was refused because the SVM that it named
// is not there or may not be seen by this user. It is a reason to look at the
// SVM, not proof of its absence.
func NamesNoSVM(err error) bool {
	return HasCode(err, CodeSVMNotFound, CodeSVMInaccessible, CodeSVMNameNotValid, CodeSVMUUIDNotValid)
}

// HasCode reports whether a call was refused with one of these codes.
func HasCode(err error, codes ...string) bool {
	var e *Error
	if !errors.As(err, &e) || e.Outcome != flow.Refused {
		return false
	}
	for _, code := range codes {
		if e.Code == code {
			return true
		}
	}
	return false
}

// IsUnknownField reports whether a call was refused because it named a field
// that this release does not know, in its body or among those to read.
func IsUnknownField(err error) bool {
	var e *Error
	return HasCode(err, CodeUnknownField) || HasCode(err, CodeInvalidValue) && errors.As(err, &e) && e.Target == "fields"
}

// IsDuplicate reports whether a create was refused because a thing with that
// name, address or destination exists. It says nothing of whose it is.
func IsDuplicate(err error) bool {
	return HasCode(err, CodeDuplicate, CodeSVMExists, CodeInterfaceExists, CodeDuplicateAddress, CodeRouteExists, CodeServiceExists)
}

// IsPasswordRefused reports whether the array's password policy refused a
// password; another one may pass.
func IsPasswordRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Outcome == flow.Refused && passwordRules[e.Code]
}

// tidy bounds a text from outside and makes it safe to stand in one line.
func tidy(s string) string {
	const limit = 1024
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return strings.TrimSpace(s)
}
