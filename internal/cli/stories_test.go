package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
)

// The stories that the tests of the commands tell. Each is evidence; verdict
// and advice are made of it by the real judges.

var (
	storyTime = time.Date(2026, 3, 14, 3, 7, 12, 0, time.UTC)

	ours   = proof.Identity{Lineage: "6f1d2c3a-5b0e-4f43-9d57-0f5c3c1f8a11", Generation: 1, Birth: "b7a40d3e8c5f11d2a9e60cc1b2f3a4d5"}
	theirs = proof.Identity{Lineage: "c04e9b77-21d8-4a6f-8c35-9be01a2d4f60", Generation: 2, Birth: "0f93c1d2e4b5a6978877665544332211"}
	stock  = proof.Identity{Lineage: "etcd:cdf818194e3a8c32"}
)

type story struct {
	name   string
	reason string
	e      decide.Evidence
	leads  bool
}

func names(letters string) (l decide.List) {
	for _, r := range letters {
		name := string(r)
		l = append(l, decide.MemberRef{ID: uint64(r-'a') + 0x1a2b, Name: name, PeerURL: "https://" + name + ":2380"})
	}
	return l
}

// serving is a member whose etcd answers.
func serving(name string, id proof.Identity, members string) decide.Node {
	n := stopped(name, id, members)
	n.Part.Live, n.Part.Linearizable, n.Part.Revision, n.Part.Why = true, true, 4711, "it answers"
	return n
}

func stopped(name string, id proof.Identity, members string) decide.Node {
	return decide.Node{Name: name,
		Part: decide.Part{Finding: proof.Present, Identity: id, Why: "a stopped directory, whole", HasData: true, ID: names(name)[0].ID,
			Members: names(members), Position: decide.Position{Term: 3, Index: 5000}},
		Memory: decide.Memory{Finding: proof.Present, Identity: id, Why: "it knows of " + id.String(), ID: "m-" + name, Members: names(members), Serial: 12}}
}

func silentNode(name string) decide.Node {
	why := "its agent does not answer: connection refused"
	return decide.Node{Name: name, Part: decide.Part{Why: why}, Memory: decide.Memory{Why: why}}
}

func emptyNode(name string) decide.Node {
	return decide.Node{Name: name, Part: decide.Part{Finding: proof.Absent, Why: "the data volume is empty"},
		Memory: decide.Memory{Finding: proof.Absent, Why: "it knows of no cluster", ID: "m-" + name}}
}

func recordNaming(id proof.Identity, members string) decide.Record {
	return decide.Record{Finding: proof.Present, Identity: id, Cluster: "main", Serial: 12, Members: names(members), Revision: 4000,
		Why: "serial 12, written 2026-03-14T02:58:00Z"}
}

func backupsOf(id proof.Identity) decide.Trace {
	return decide.Trace{Name: "backups", Finding: proof.Present, Identity: id, Why: "the newest is 2026-03-14T03:00:00Z-000001"}
}

func noMarker() decide.Trace {
	return decide.Trace{Name: "created-marker", Finding: proof.Absent, Why: "asked in the right place, and none there"}
}

func noBackups() decide.Trace {
	return decide.Trace{Name: "backups", Finding: proof.Absent, Why: "asked in the right place, and none there"}
}

func threeServing() []decide.Node {
	return []decide.Node{serving("a", ours, "abc"), serving("b", ours, "abc"), serving("c", ours, "abc")}
}

func evidenceOf(r decide.Record, traces []decide.Trace, nodes ...decide.Node) decide.Evidence {
	return decide.Evidence{Cluster: "main", At: storyTime, Record: r, Claim: decide.ClaimView{Finding: proof.Absent}, Nodes: nodes, Traces: traces, Want: 3}
}

func noteClaim(n decide.Node, attempt string) decide.Node {
	n.Memory.Claim = attempt
	return n
}

func stories() []story {
	gone := decide.Record{Finding: proof.Absent, Why: "asked in the right place, and none there"}
	emptied := decide.Record{Finding: proof.Unusable, Why: "the control store was emptied: its remembered mark is gone, and nothing else is there"}
	denied := decide.Record{Why: "the record could not be asked: access denied by the store (403)"}
	backed := []decide.Trace{backupsOf(ours), noMarker()}
	fresh := []decide.Trace{noBackups(), noMarker()}
	forced := serving("a", ours, "a")
	stockDir := stopped("a", stock, "a")
	stockDir.Part.Why, stockDir.Memory = "a stopped directory that bears no mark of ours", emptyNode("a").Memory
	old := stopped("c", ours, "abc")
	old.Memory = emptyNode("c").Memory
	attested := evidenceOf(gone, fresh, emptyNode("a"), emptyNode("b"), silentNode("c"))
	for _, w := range []string{"member/c", "memory/c"} {
		attested.Attestations = append(attested.Attestations, proof.Attestation{Witness: w, By: "ada", At: storyTime})
	}
	one := evidenceOf(gone, fresh, stockDir)
	one.Want = 1
	return []story{
		{"intact", "at rest", evidenceOf(recordNaming(ours, "abc"), backed, threeServing()...), true},
		{"one-node-down", "a node of three is down: the cluster goes on", evidenceOf(recordNaming(ours, "abc"), backed, append(threeServing()[:2], silentNode("c"))...), true},
		{"record-lost", "somebody deleted the record", evidenceOf(gone, backed, threeServing()...), true},
		{"control-store-emptied", "a lifecycle rule emptied the control store", evidenceOf(emptied, backed, threeServing()...), true},
		{"control-store-silent", "the control store answers 403", evidenceOf(denied, backed, threeServing()...), false},
		{"third-silent-before-birth", "two answer, the third is silent: no cluster is made", evidenceOf(gone, fresh, emptyNode("a"), emptyNode("b"), silentNode("c")), true},
		{"third-attested-lost", "a person's word does not let a cluster be made either", attested, true},
		{"third-never-met", "fewer agents than the spec counts", evidenceOf(gone, fresh, emptyNode("a"), emptyNode("b")), true},
		{"old-directory", "the third answers with an old directory of these three", evidenceOf(gone, fresh, emptyNode("a"), emptyNode("b"), old), true},
		{"foreign-record", "the record was replaced by another cluster's", evidenceOf(recordNaming(theirs, "xyz"), backed, threeServing()...), true},
		{"stock-etcd", "the data directory of an etcd that nobody vouches for", one, true},
		{"two-claims", "two control stores: the agents noted different claims", evidenceOf(gone, fresh,
			noteClaim(emptyNode("a"), "11aa22bb33cc"), noteClaim(emptyNode("b"), "99ff88ee77dd"), emptyNode("c")), true},
		{"forced-new-cluster", "somebody ran etcd --force-new-cluster on a", evidenceOf(recordNaming(ours, "abc"), backed,
			forced, serving("b", ours, "abc"), serving("c", ours, "abc")), true},
		{"never-existed", "everybody is empty", evidenceOf(gone, fresh, emptyNode("a"), emptyNode("b"), emptyNode("c")), true},
		{"all-lost", "all disks are gone, the backups are there", evidenceOf(recordNaming(ours, "abc"), backed, emptyNode("a"), emptyNode("b"), emptyNode("c")), true},
	}
}

func storyNamed(name string) story {
	all := stories()
	return all[slices.IndexFunc(all, func(s story) bool { return s.name == name })]
}

// report is what the agents would give.
func (s story) report() controller.Report {
	v, _ := decide.Judge(s.e)
	r := controller.Report{Cluster: "main", Agent: "a", At: storyTime, Verdict: v, Advice: decide.Advice(v), Generation: decide.Generation(s.e), Leads: s.leads, Spec: record.DefaultSpec(s.e.Want),
		Record: controller.RecordReport{Finding: s.e.Record.Finding, Why: s.e.Record.Why, Serial: s.e.Record.Serial},
		Stores: []controller.StoreReport{
			{Kind: "control-store", URL: "s3://bucket/control/etcd/main", State: "ours", Mark: "aa"},
			{Kind: "backup-store", URL: "s3://bucket/backups/etcd/main", State: "ours", Mark: "bb"},
		}}
	if s.leads {
		r.Leader = controller.LeaderReport{Holder: "a", Epoch: 7}
	} else {
		r.Leader.Why = "the control store does not answer"
	}
	if s.e.Record.Finding == proof.Present {
		r.Record.WrittenAt = storyTime.Add(-9 * time.Minute)
	}
	for _, n := range s.e.Nodes {
		m := controller.MemberReport{Name: n.Name, Finding: n.Part.Finding, Live: n.Part.Live, Serves: n.Part.Linearizable, Revision: n.Part.Revision, Why: n.Part.Why}
		if n.Part.ID != 0 {
			m.ID = fmt.Sprintf("%x", n.Part.ID)
		}
		if n.Part.Live {
			m.DBSize, m.Version, m.Leader = 20<<20, "3.6.16", n.Name == "b"
		}
		r.Members = append(r.Members, m)
	}
	r.Backup = controller.BackupReport{Interval: r.Spec.BackupInterval}
	if s.e.Traces[0].Finding == proof.Present {
		r.Backup.Newest, r.Backup.Stored, r.Backup.Size, r.Backup.Revision = "2026-03-14T03:00:00Z-000001", storyTime.Add(-7*time.Minute), 3<<20, 4600
	}
	return r
}
