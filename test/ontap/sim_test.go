package ontap

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim"
)

// This is the one file that knows the simulator: it starts it, and hands the
// suite what any array would be known by.

// quick lets the simulator's jobs take long enough to be seen, and no longer. A
// record of a job is kept for a while only, so that its end is seen too.
func quick() sim.Times {
	times := sim.Times{
		JobQueued: 50 * time.Millisecond, Job: 150 * time.Millisecond, Initializing: 50 * time.Millisecond, Starting: 50 * time.Millisecond,
		NVMe: 100 * time.Millisecond, JobRecord: 10 * time.Second,
	}
	if testing.Short() {
		times.JobRecord = 4 * time.Second
	}
	return times
}

func start(t *testing.T, options sim.Options) *sim.Simulator {
	t.Helper()
	s, err := sim.New(options)
	if err != nil {
		t.Fatalf("start the simulator: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// targetOf is one cluster of a simulator, as the suite is to see it.
func targetOf(t *testing.T, s *sim.Simulator, cluster int) Target {
	t.Helper()
	c := s.Cluster(cluster)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(c.CA()) {
		t.Fatal("the simulator's CA is no certificate")
	}
	user, password := c.Credentials()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return Target{
		URL: c.URL(), User: user, Password: password, Writable: true,
		HTTPClient: &http.Client{Transport: transport}, DialSVM: s.DialContext, Subnet: "data",
	}
}

func TestSimulator(t *testing.T) {
	t.Parallel()
	s := start(t, sim.Options{Times: quick()})
	t.Run("suite", func(t *testing.T) { Conform(t, targetOf(t, s, 0)) })
	nothingLeft(t, s)
}

// nothingLeft proves that the suite has cleaned up.
func nothingLeft(t *testing.T, s *sim.Simulator) {
	t.Helper()
	for _, c := range s.Dump().Clusters {
		for _, svm := range c.SVMs {
			t.Errorf("left behind: SVM %s of %s", svm.Name, c.Name)
		}
	}
}

// TestReadingAlone runs what may be asked of an array that is in use.
func TestReadingAlone(t *testing.T) {
	t.Parallel()
	s := start(t, sim.Options{Times: quick()})
	target := targetOf(t, s, 0)
	first := newSuite(t, target)
	first.discover(t)
	first.makeStage(t)
	s.ForgetRequests()
	target.Writable = false
	Conform(t, target)
	for _, r := range s.Requests() {
		if !oneOf(r.Method, http.MethodGet, http.MethodHead, http.MethodOptions) {
			t.Errorf("a run that only reads sent %s %s", r.Method, r.Path)
		}
	}
	if n := len(s.Dump().Clusters[0].SVMs); n != 2 {
		t.Errorf("a run that only reads left %d SVMs of 2", n)
	}
}

// TestOtherArrays runs the suite where rules have another side.
func TestOtherArrays(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return
	}
	for reason, options := range map[string]sim.Options{
		"BGP sessions":     {PeerGroups: []sim.PeerGroup{{Name: "peers", Peer: "203.0.113.1"}}},
		"no NVMe licence":  {Unlicensed: []string{"nvme_of"}},
		"one node":         {Nodes: 1, Aggregates: 1},
		"another domain":   {BroadcastDomains: []string{"Default-1"}},
		"the oldest known": {Version: "9.12.1"},
		"the newest known": {Version: "9.17.1"},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			options.Times = quick()
			Conform(t, targetOf(t, start(t, options), 0))
		})
	}
}

func TestMetroCluster(t *testing.T) {
	t.Parallel()
	s := start(t, sim.Options{Times: quick(), Clusters: 2})
	target, partner := targetOf(t, s, 0), targetOf(t, s, 1)
	target.Partner = &partner
	Conform(t, target)
}

// otherwise turns what could not be confirmed the other way round: the suite
// must accept either.
func otherwise() sim.Doubts {
	return sim.Doubts{
		DuplicatesAs400: true, DuplicateSVMInJob: true, DuplicateAccountCode: 5636183, NoChallenge: true,
		FailuresKept: true, LockHidden: true, SVMAccountsOnCluster: true, TwinLockSeparate: true, PasswordStatus201: true,
		TwinSharesCertificate: true, CertificateNamesIP: true, RootVolumeBlocksDelete: true, LIFsBlockDelete: true, AccountsBlockDelete: true,
		RecoveryQueueBlocksDelete: true, VolumesRefusedAtOnce: true, DeleteRefusedCode: 13434881, LIFMustBeDown: true, PlusRefused: true,
		StrictNames: true, NVMeAfterRunning: true, NVMePatchable: true, NoVsadmin: true, JobsWithoutSVM: true, RootAggregatesListed: true,
		FilteredFieldsShown: true,
	}
}

func TestDoubtsOtherwise(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return
	}
	times := quick()
	times.Recovery = 2 * time.Second // the queue hinders a deletion here
	for clusters, unauthorized := range map[int]sim.UnauthorizedForm{1: sim.UnauthorizedEmpty, 2: sim.UnauthorizedHTML} {
		t.Run(fmt.Sprintf("%d clusters", clusters), func(t *testing.T) {
			t.Parallel()
			doubts := otherwise()
			doubts.Unauthorized = unauthorized
			s := start(t, sim.Options{Times: times, Doubts: doubts, Clusters: clusters})
			target := targetOf(t, s, 0)
			if clusters == 2 {
				partner := targetOf(t, s, 1)
				target.Partner = &partner
			}
			Conform(t, target)
		})
	}
}

// TestStateFileHoldsNoPassword makes accounts in a job, which keeps what it was
// asked for until its record goes.
func TestStateFileHoldsNoPassword(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	s := newSuite(t, targetOf(t, start(t, sim.Options{Times: quick(), StateFile: file}), 0))
	s.discover(t)
	s.makeStage(t)
	s.batch(t)
	state, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(state), s.main.name) {
		t.Error("the state file does not hold the SVM")
	}
	if ownPassword.Match(state) {
		t.Error("the state file holds a password in clear")
	}
}
