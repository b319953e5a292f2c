package credential

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

func (r *run) checkLogin(ctx context.Context, step decide.CredentialStep) error {
	return r.try(ctx, active, step)
}

func (r *run) provePending(ctx context.Context, step decide.CredentialStep) error {
	return r.try(ctx, pending, step)
}

// try is one login, which is counted before it is tried. Everything that can be
// asked without spending a try is asked before.
func (r *run) try(ctx context.Context, of slot, step decide.CredentialStep) error {
	user := step.User
	if p := *of(&r.now); p.State() != decide.Complete || p.User != user {
		return &ChangedError{"the pair of " + user}
	}
	if r.now.Damaged { // the counts are lost: they are written anew, and nothing is tried
		return r.write(ctx, func(*seed.Secret) {})
	}
	check, err := r.door(ctx)
	if err != nil {
		return err
	}
	marked, err := r.count(ctx, of, user)
	if err != nil {
		return err
	}
	pair := *of(&r.now)
	check.User, check.Password = pair.User, pair.Password
	began := r.Clock.Now()
	result, err := r.logIn(ctx, check)
	if r.Tried != nil {
		r.Tried(Tried{SVM: r.Name, Finding: result.Finding, Took: r.Clock.Now().Sub(began)})
	}
	switch result.Finding {
	case ontap.LoginAccepted, ontap.LoginNarrow:
		return r.settle(ctx, of, r.accepted(result, marked, step.Generation))
	case ontap.LoginRejected, ontap.LoginElsewhere:
		said := &LoginError{User: user, Address: check.Address, Finding: result.Finding, Err: err}
		return failure(said, r.settle(ctx, of, r.refused))
	}
	if err == nil {
		err = errors.New("the finding of a login is not known")
	}
	return err
}

// count counts a try. An active pair that nobody has numbered is numbered with
// it. It gives the generation in the mark of the active pair's account, zero for
// a pending pair.
func (r *run) count(ctx context.Context, of slot, user string) (marked uint64, err error) {
	isActive := of(&r.now) == &r.now.Active
	if isActive {
		if marked, err = r.markedGeneration(ctx); err != nil {
			return 0, err
		}
	}
	return marked, r.write(ctx, func(s *seed.Secret) {
		if isActive && r.unnumbered() {
			r.adopt(s, marked)
		}
		ration := s.Rations[user]
		ration.Tries++
		ration.LastTry = r.Clock.Now()
		r.ration(s, user, ration)
	})
}

// allSpent is more tries than any policy allows: the next comes a lock time
// later.
const allSpent = 1000

// spendAll counts every account's tries as spent just now. Where the counts were
// lost, somebody may have tried a moment ago.
func (r *run) spendAll(s *seed.Secret) {
	users := Users(r.Shoot)
	for _, user := range append(users[:], s.Active.User, s.Pending.User) {
		if user != "" {
			r.ration(s, user, decide.Ration{Tries: allSpent, LastTry: r.Clock.Now()})
		}
	}
}

// accepted notes a login that succeeded. One that is narrow counts: user and
// password are good, and the role forbids to look (facts 7); that it is this SVM
// is known by the address and the certificate. A pair that opens the SVM is that
// of the account's mark, whatever number it had: the mark is raised before a
// password is set, which may never have happened. Anew is the number that it
// gets where the other account was used since: then nobody has said yet that
// this one is in use, and the grace time of the other begins.
func (r *run) accepted(result ontap.LoginResult, marked, anew uint64) func(*seed.Secret, *seed.Pair) {
	uuid := result.SVM.UUID
	if uuid == "" {
		uuid = r.UUID
	}
	return func(s *seed.Secret, p *seed.Pair) {
		now := r.Clock.Now()
		p.Login.VerifiedAt, p.Set = now, decide.Confirmed
		p.Login.FirstRefused, p.Login.LastRefused = time.Time{}, time.Time{}
		if p.SVM == "" {
			p.SVM = uuid
		}
		if anew > p.Generation {
			p.Generation, s.ActivatedAt = anew, now
		}
		if marked > p.Generation {
			if s.InUseGeneration == p.Generation {
				s.InUseGeneration = marked
			}
			p.Generation = marked
		}
		ration := s.Rations[p.User]
		ration.Tries = 0
		r.ration(s, p.User, ration)
	}
}

// refused notes a refusal. A pair that opens something else (LoginElsewhere) is
// noted alike: it is not the pair for this SVM, and is repaired like one that is
// refused, when it happened twice.
func (r *run) refused(_ *seed.Secret, p *seed.Pair) {
	now := r.Clock.Now()
	if p.Login.FirstRefused.IsZero() || p.Login.Proven() {
		p.Login.FirstRefused = now
	}
	p.Login.LastRefused = now
}

// markedGeneration is the generation in the mark of the active pair's account.
func (r *run) markedGeneration(ctx context.Context) (uint64, error) {
	if r.Listed != nil {
		return r.Listed.Marked, nil
	}
	a, finding, err := r.account(ctx, r.now.Active.User)
	if err != nil || finding != proof.Present {
		return 0, err
	}
	_, mark := r.Mark.Owner.Read(a.Comment)
	return mark.Credentials, nil
}

// door is where a login may be tried, as the array itself says over a verified
// connection: an address that it lists for the SVM, and the SVM's certificates.
func (r *run) door(ctx context.Context) (ontap.LoginCheck, error) {
	address, err := r.address(ctx)
	if err != nil {
		return ontap.LoginCheck{}, fmt.Errorf("find the management interface: %w", err)
	}
	door := ontap.LoginCheck{Address: address, Port: r.Port, SVMUUIDs: r.SVM}
	if !door.Address.IsValid() {
		return ontap.LoginCheck{}, &ReachError{Reach: decide.NoAddress}
	}
	certificates, err := ontap.All(r.Array.Certificates(ctx, r.UUID))
	if err != nil {
		return ontap.LoginCheck{}, fmt.Errorf("read the SVM's certificates: %w", err)
	}
	door.Trust.Pins = slices.Clone(r.Pins)
	for _, c := range certificates {
		door.Trust.Pins = append(door.Trust.Pins, c.Pin)
	}
	if len(door.Trust.Pins) == 0 {
		return ontap.LoginCheck{}, errors.New("log in: the array shows no certificate of the SVM, and nothing is sent to whom nobody can verify")
	}
	if len(door.SVMUUIDs) == 0 {
		door.SVMUUIDs = []string{r.UUID}
	}
	return door, nil
}

// address is that of a management interface of the SVM that is up, not valid
// where the array lists none.
func (r *run) address(ctx context.Context) (netip.Addr, error) {
	if r.Listed != nil {
		return r.Listed.Address, nil
	}
	lifs, err := ontap.All(r.Array.Interfaces(ctx, ontap.InterfaceQuery{SVMUUID: r.UUID, Service: ontap.ServiceManagementHTTPS}))
	if err != nil {
		return netip.Addr{}, err
	}
	var found netip.Addr
	for _, lif := range lifs {
		address := lif.IP.Address
		if !lif.IsUp() || !address.IsValid() || len(lif.Services) > 0 && !slices.Contains(lif.Services, ontap.ServiceManagementHTTPS) {
			continue
		}
		if !found.IsValid() || address == r.Management {
			found = address
		}
	}
	return found, nil
}

// logIn tries the login. Where no connection came about although one was looked
// for, the interface cannot be reached from here.
func (r *run) logIn(ctx context.Context, check ontap.LoginCheck) (ontap.LoginResult, error) {
	var sought, met atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:           func(string) { sought.Store(true) },
		TLSHandshakeStart: func() { met.Store(true) },
	})
	result, err := r.Array.Login(traced, check)
	if result.Finding != ontap.LoginUnknown || err == nil || ctx.Err() != nil {
		return result, err
	}
	var dial *net.OpError
	refused := errors.As(err, &dial) && dial.Op == "dial"
	silent := sought.Load() && !met.Load() && errors.Is(err, context.DeadlineExceeded)
	if refused || silent {
		return result, &ReachError{Reach: decide.Unreachable, Address: check.Address, Err: err}
	}
	return result, err
}
