package look

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// identity is an SVM of a listing, and what it is to a MetroCluster.
type identity struct {
	SVM
	role decide.Role
	sync bool   // of a MetroCluster, by its subtype
	twin string // UUID of its other half
}

// reading is what one array answered, as a whole.
type reading struct {
	name      string
	answered  bool
	why       string // what could not be read
	cluster   ontap.Cluster
	mode      decide.Mode
	jobs      []ontap.Job
	jobsKnown bool
	svms      []identity
	index     *index // nil: all is walked
}

// read asks an array for everything that concerns the identity of its SVMs,
// with further parts of each where the release knows them.
func read(ctx context.Context, a Array, parts ...ontap.SVMPart) reading {
	if a.Client == nil {
		return reading{name: a.Name, why: "it cannot be asked: it has no client"}
	}
	r := reading{name: a.Name}
	if err := r.fill(ctx, a.Client, parts); err != nil {
		return reading{name: a.Name, why: err.Error()}
	}
	r.answered = true
	return r
}

// fill reads in an order that matters: jobs before SVMs.
func (r *reading) fill(ctx context.Context, c *ontap.Client, parts []ontap.SVMPart) (err error) {
	if r.cluster, err = c.Cluster(ctx); err != nil {
		return err
	}
	if r.jobs, err = ontap.All(c.UnfinishedJobs(ctx)); err != nil {
		r.note(err)
	}
	r.jobsKnown = err == nil
	if r.svms, err = listSVMs(ctx, c, parts); err != nil {
		return err
	}
	r.mode, err = readMode(ctx, c)
	if err != nil {
		r.note(err)
	}
	synced := r.synced()
	if synced && r.mode == decide.NoMetroCluster {
		r.mode = decide.ModeUnknown
		r.note(errors.New("it says that it is in no MetroCluster, and shows an SVM of one"))
	}
	if !synced && r.mode != decide.Normal && r.mode != decide.NotNormal {
		return nil // nothing here can have another half
	}
	pairs, err := ontap.All(c.SVMPairs(ctx))
	if err != nil {
		return err
	}
	r.join(pairs)
	return nil
}

func (r *reading) note(err error) {
	r.why = strings.TrimPrefix(r.why+"; "+err.Error(), "; ")
}

func (r *reading) synced() bool {
	for _, v := range r.svms {
		if v.sync {
			return true
		}
	}
	return false
}

// join tells each SVM its other half. Two answers about one SVM are none.
func (r *reading) join(pairs []ontap.SVMPair) {
	twins := map[string]string{}
	add := func(of, twin string) {
		if of == "" || twin == "" {
			return
		}
		if known, told := twins[of]; told && known != twin {
			twin = ""
		}
		twins[of] = twin
	}
	for _, p := range pairs {
		add(p.SVM.UUID, p.Partner.UUID)
		add(p.Partner.UUID, p.SVM.UUID)
	}
	for i := range r.svms {
		r.svms[i].twin = twins[r.svms[i].UUID]
	}
}

// listSVMs reads all SVMs, or none. A release that does not know some parts is
// asked again without them.
func listSVMs(ctx context.Context, c *ontap.Client, parts []ontap.SVMPart) ([]identity, error) {
	var all []identity
	for s, err := range c.SVMs(ctx, ontap.SVMQuery{Parts: parts}) {
		if ontap.IsUnknownField(err) && len(parts) > 0 {
			return listSVMs(ctx, c, parts[:len(parts)-1])
		}
		if err != nil {
			return nil, err
		}
		sync := s.Subtype == ontap.SubtypeSyncSource || s.Subtype == ontap.SubtypeSyncDestination
		all = append(all, identity{SVM: svmOf(s, parts), role: decide.ParseRole(s.Subtype), sync: sync})
	}
	return all, nil
}

// readMode asks how the MetroCluster stands. An error leaves it unknown, unless
// it is the array's own word that it has nothing of the kind.
func readMode(ctx context.Context, c *ontap.Client) (decide.Mode, error) {
	m, err := c.MetroCluster(ctx)
	switch {
	case err == nil:
		return modeOf(m), nil
	case hasNoMetroCluster(err):
		return decide.NoMetroCluster, nil
	}
	return decide.ModeUnknown, fmt.Errorf("whether it is switched over is not known: %w", err)
}

// hasNoMetroCluster: "operation not supported" (code 3), or "entry does not
// exist" (code 4 with 404) about the single object that every array in a
// MetroCluster has (facts 1.6, 4).
func hasNoMetroCluster(err error) bool {
	var e *ontap.Error
	missing := ontap.HasCode(err, ontap.CodeNotFound) && errors.As(err, &e) && e.Status == http.StatusNotFound
	return missing || ontap.HasCode(err, codeNotSupported)
}

const (
	codeNotSupported = "3"
	configured       = "configured"
	configuredNot    = "not_configured"
	typeInvalid      = "invalid" // the type where there is no MetroCluster
)

// modeOf reads the words of facts 4. Both sides must say that all is normal;
// what one of them does not tell is not taken for normal.
func modeOf(m ontap.MetroCluster) decide.Mode {
	local, remote := m.Local, m.Remote
	isNot := local.Mode == ontap.ModeNotConfigured || local.ConfigurationState == configuredNot
	mayNot := oneOf(local.Mode, "", ontap.ModeNotConfigured) && oneOf(local.ConfigurationState, "", configuredNot) &&
		oneOf(remote.Mode, "", ontap.ModeNotConfigured) && oneOf(remote.ConfigurationState, "", configuredNot)
	switch {
	case isNot && mayNot:
		return decide.NoMetroCluster
	case !oneOf(local.Mode, "", ontap.ModeNormal), !oneOf(local.ConfigurationState, "", configured),
		!oneOf(remote.Mode, "", ontap.ModeNormal), !oneOf(remote.ConfigurationState, "", configured),
		local.PartnerReachable != nil && !*local.PartnerReachable, m.ConfigurationType == typeInvalid:
		return decide.NotNormal
	case local.Mode == "", remote.Mode == "" && local.PartnerReachable == nil:
		return decide.ModeUnknown
	}
	return decide.Normal
}

func oneOf(word string, of ...string) bool {
	for _, o := range of {
		if word == o {
			return true
		}
	}
	return false
}
