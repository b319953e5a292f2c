package credential_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/credential"
	"github.com/seedproof/seedproof/internal/svm/decide"
	"github.com/seedproof/seedproof/internal/svm/seed"
)

// patience is how many looks a life may need. The clock jumps, so that it is no
// time.
const patience = 120

var errNoRest = errors.New("it does not come to rest")

// live looks and does one step at a time until there is nothing left to do, as
// a flow would. The clock jumps to where a step waits for it. Each error is
// given to heard.
func (l *life) live(ctx context.Context, i *instance, heard func(error)) (decide.CredentialStep, error) {
	var step decide.CredentialStep
	for range patience {
		secret, evidence := l.look(ctx, i)
		step = decide.NextCredential(evidence)
		switch {
		case l.bind(ctx, secret, step):
		case step.Done() && (step.Until.IsZero() || step.WaitFor == "" || !l.uses):
			return step, nil
		case step.Action == decide.CredentialsStop, step.Action == decide.CredentialsUnverified:
			return step, nil
		case step.Done() || step.Action == decide.CredentialsWait:
			l.waitUntil(step.Until)
		default:
			_, err := i.carrier.Do(ctx, l.job(i, secret), step)
			if err == nil {
				continue
			}
			if heard != nil {
				heard(err)
			}
			var reach *credential.ReachError
			if errors.As(err, &reach) {
				i.reach = reach.Reach
			}
			l.clock.Advance(time.Second) // its backoff
		}
		if ctx.Err() != nil {
			return step, ctx.Err()
		}
	}
	return step, fmt.Errorf("%w: %+v", errNoRest, step)
}

func (l *life) waitUntil(until time.Time) {
	if d := until.Sub(l.clock.Now()); d > 0 {
		l.clock.Advance(d)
		return
	}
	l.clock.Advance(time.Minute)
}

func (l *life) look(ctx context.Context, i *instance) (seed.Secret, decide.Credentials) {
	secret := i.secrets.Secret(ctx, l.ref)
	accounts, err := ontap.All(i.array.Accounts(ctx, l.uuid))
	return secret, credential.Evidence(credential.Input{
		At: l.clock.Now(), SVM: []string{l.uuid}, Owner: owner, Shoot: shoot, Secret: secret, Accounts: accounts, AccountsErr: err,
		Others: []string{neighbour}, OthersKnown: true, Reach: i.reach, Unwanted: l.rotate, Policy: l.policy,
	})
}

func (l *life) job(i *instance, secret seed.Secret) credential.Job {
	return credential.Job{Array: i.array, UUID: l.uuid, SVM: []string{l.uuid}, Mark: l.mark(), Shoot: shoot, Secret: secret, Management: l.address}
}

// bind is whoever uses the pair: it notes which one it is bound with. It reports
// whether it did.
func (l *life) bind(ctx context.Context, read seed.Secret, step decide.CredentialStep) bool {
	delivered := step.Done() || step.Action == decide.CredentialsUnverified
	if !l.uses || !delivered || read.InUseGeneration == read.Active.Generation {
		return false
	}
	secret := l.clean.secrets.Secret(ctx, l.ref)
	secret.InUseGeneration = secret.Active.Generation
	_, err := l.clean.secrets.WriteSecret(ctx, secret)
	return err == nil
}
