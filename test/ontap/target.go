package ontap

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"testing"
)

// Target is the array that the suite is run against.
type Target struct {
	URL        string       // of the cluster, such as https://cluster.example
	User       string       // a cluster administrator
	Password   string       //
	HTTPClient *http.Client // trusts the cluster's certificate; speaks HTTP/1.1

	// DialSVM connects to an interface of an SVM; nil: an ordinary dialer.
	DialSVM func(ctx context.Context, network, addr string) (net.Conn, error)

	// Writable allows the suite to make things of its own.
	Writable bool

	// Addresses is a subnet for interfaces and gateways of the suite alone. Zero:
	// 192.0.2.0/24, which is reachable only where DialSVM sees to it.
	Addresses netip.Prefix

	// Subnet names a subnet of the IPspace Default from which the suite may take
	// an address for a while. Empty: interfaces from subnets are not made.
	Subnet string

	// Partner is the other cluster of a MetroCluster, which is only read, but for
	// changes to the twins of our own SVMs that must be refused. Nil: not looked at.
	Partner *Target
}

// Conform holds the target to the facts. Without Writable it only reads.
func Conform(t *testing.T, target Target) {
	s := newSuite(t, target)
	if !t.Run("discover", s.discover) {
		t.Fatal("the array could not be discovered; nothing else was tried")
	}
	if target.Writable {
		t.Cleanup(func() { s.sweep(t) })
		if !t.Run("2.3 SVMs for the suite", s.makeStage) {
			t.Fatal("no SVM could be made; nothing else was tried")
		}
	}
	s.reading(t)
	if target.Writable {
		s.writing(t)
	}
	s.summary(t)
}

func (s *suite) reading(t *testing.T) {
	t.Run("1 transport", s.transport)
	t.Run("1.1 fields", s.fields)
	t.Run("1.1 filters", s.filters)
	t.Run("1.1 order", s.order)
	t.Run("1.2 collections", s.collections)
	t.Run("1.2 paging", s.paging)
	t.Run("1.6 refused reads", s.refusedReads)
	t.Run("2.1 reading SVMs", s.readSVMs)
	t.Run("3 cluster", s.cluster)
	t.Run("4 MetroCluster", s.metrocluster)
	t.Run("5 lists of the network", s.networkLists)
	t.Run("5.1 aggregates", s.aggregates)
	t.Run("9 volumes", s.volumes)
	t.Run("11 limits of requests", s.load)
}

func (s *suite) writing(t *testing.T) {
	t.Run("1 scope by header", s.tunnel)
	t.Run("1.3 jobs", s.async)
	t.Run("1.4 job objects", s.jobObjects)
	t.Run("1.6 refused writes", s.refusedWrites)
	t.Run("2.2 defaults of an SVM", s.svmDefaults)
	t.Run("2.3 refused SVMs", s.refusedSVMs)
	t.Run("2.3 SVMs that are made", s.madeSVMs)
	t.Run("2.3 five jobs at once", s.fiveJobs)
	t.Run("2.4 changing an SVM", s.patchSVM)
	t.Run("4 twins", s.twins)
	t.Run("10 NVMe service", s.nvme)
	t.Run("5.2 interfaces", s.interfaces)
	t.Run("5.2 refused interfaces", s.refusedInterfaces)
	t.Run("5.2 changing interfaces", s.patchInterfaces)
	t.Run("5.3 routes", s.routes)
	t.Run("6.2 accounts", s.accounts)
	t.Run("6.2 refused accounts", s.refusedAccounts)
	t.Run("6.2 changing accounts", s.patchAccounts)
	t.Run("6.3 passwords", s.passwords)
	t.Run("6.4 refused passwords", s.refusedPasswords)
	t.Run("6.5 what an SVM user may do", s.svmUser)
	t.Run("6.4 lock after failures", s.lock)
	t.Run("8 certificates", s.certificates)
	t.Run("2.5 volumes before SVMs", s.volumesFirst)
	t.Run("2.5 deleting an SVM", s.deleteSVM)
	t.Run("1.4 end of a job", s.jobEnds)
}
