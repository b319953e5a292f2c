package credential

import (
	"fmt"
	"slices"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// LeftInput is everything that was read about a shoot that the record names and
// that nobody asks for any more.
type LeftInput struct {
	SVM   []string // UUIDs of the SVM, or of both halves
	Owner decide.Owner
	Shoot string
	// Note is what the record says of the shoot; Noted is false where it says
	// nothing.
	Note  seed.ShootNote
	Noted bool
	// Secrets are those that the note names, as they were read.
	Secrets []seed.Secret
	// Wanted are the shoots that are asked for now, WantedSecrets where their pairs
	// lie.
	Wanted        []string
	WantedSecrets []seed.SecretRef
	// Accounts are all of the SVM, from one listing that was read whole, else
	// AccountsErr says why not.
	Accounts    []ontap.Account
	AccountsErr error
}

// Left puts what was read into the words of package decide. It is pure. What was
// not read stays not known.
func Left(in LeftInput) decide.Leaving {
	l := decide.Leaving{Shoot: in.Shoot, Noted: in.Noted, GivenOut: in.Note.Generation, Accounts: in.accounts()}
	for _, s := range in.Secrets {
		left := in.secret(s)
		l.Secrets = append(l.Secrets, left)
		if left.Finding == proof.Present && left.Holding == decide.HoldingOurs {
			l.GivenOut = max(l.GivenOut, s.Active.Generation, s.Pending.Generation)
		}
	}
	return l
}

// accounts are those that were asked for, and every other one that bears the
// shoot's mark.
func (in LeftInput) accounts() []decide.Left {
	if in.AccountsErr != nil {
		return []decide.Left{{Name: "the list of the accounts", Why: in.AccountsErr.Error()}}
	}
	var all []decide.Left
	for _, name := range in.Note.Accounts {
		if !slices.ContainsFunc(in.Accounts, func(a ontap.Account) bool { return a.Name == name }) {
			all = append(all, decide.Left{Name: name, Finding: proof.Absent})
		}
	}
	for _, a := range in.Accounts {
		if left := in.account(a); left.Holding == decide.HoldingOurs || slices.Contains(in.Note.Accounts, a.Name) {
			all = append(all, left)
		}
	}
	return all
}

// account: its mark alone says whose it is. One that bears that of another shoot
// which is wanted here is that one's: their names are one when they are cut.
func (in LeftInput) account(a ontap.Account) decide.Left {
	left := decide.Left{Name: a.Name, Finding: proof.Present, Holding: decide.HoldingDoubtful}
	owned, mark := in.Owner.Read(a.Comment)
	switch {
	case owned == decide.Ours && mark.Shoot == in.Shoot:
		left.Holding, left.Generation = decide.HoldingOurs, mark.Credentials
	case owned == decide.Ours && slices.Contains(in.Wanted, mark.Shoot):
		left.Holding = decide.HoldingOthers
	case owned == decide.Unmarked:
		left.Why = "it was made or taken over for the shoot, and bears no mark any more"
	case owned == decide.Ours:
		left.Why = fmt.Sprintf("it bears the mark of shoot %q", mark.Shoot)
	case owned == decide.Foreign:
		left.Why = "it bears the mark of " + mark.Owner.String()
	default:
		left.Why = "its mark is damaged"
	}
	return left
}

// secret says what of a Secret is this shoot's. Keys of others stay in it
// whatever becomes of it; what is asked here is whose the pairs are.
func (in LeftInput) secret(s seed.Secret) decide.Left {
	left := decide.Left{Name: s.Ref.String(), Finding: s.Finding, Why: s.Why}
	if s.Finding != proof.Present {
		return left
	}
	left.Holding, left.Why = decide.HoldingOthers, ""
	if slices.Contains(in.WantedSecrets, s.Ref) || !ours(s) {
		return left
	}
	if why := in.doubt(s); why != "" {
		left.Holding, left.Why = decide.HoldingDoubtful, why
		return left
	}
	left.Holding = decide.HoldingOurs
	return left
}

// ours: something in it was written here.
func ours(s seed.Secret) bool {
	return s.Labels[seed.LabelKind] == seed.KindCredentials || s.Damaged || noted(s.Active) || noted(s.Pending)
}

// noted: what is noted beside the pair was noted of this very pair.
func noted(p seed.Pair) bool { return p.Generation != 0 || p.SVM != "" }

// doubt says why a Secret may be more than what this shoot had of this SVM. An
// active pair that others wrote into a Secret of their own stays theirs.
func (in LeftInput) doubt(s seed.Secret) string {
	if s.Damaged {
		return "what was noted of its pairs is lost"
	}
	theirs := !noted(s.Active) && s.Labels[seed.LabelManagedBy] != seed.ManagedBy
	if why := in.doubtPair(s.Active); why != "" && !theirs {
		return why
	}
	return in.doubtPair(s.Pending)
}

func (in LeftInput) doubtPair(p seed.Pair) string {
	switch {
	case p.State() == decide.NoPair:
		return ""
	case p.SVM == "":
		return "its pair of user " + p.User + " was not written here"
	case !slices.Contains(in.SVM, p.SVM):
		return "its pair is of another SVM (" + p.SVM + ")"
	}
	return ""
}
