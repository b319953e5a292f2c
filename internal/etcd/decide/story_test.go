package decide_test

import (
	"strings"
	"testing"

	"github.com/seedproof/seedproof/internal/etcd/decide"
	"github.com/seedproof/seedproof/internal/proof"
)

// The stories of the design and of the issue, told one by one.

func TestStories(t *testing.T) {
	at := func(n decide.Node, term, index uint64) decide.Node {
		n.Part.Position = decide.Position{Term: term, Index: index}
		return n
	}
	rolledBack := func(n decide.Node) decide.Node {
		n.Part.RolledBack = true
		return n
	}
	with := func(e decide.Evidence, traces ...decide.Trace) decide.Evidence {
		e.Traces = traces
		return e
	}
	forced := func(n decide.Node) decide.Node { // etcd --force-new-cluster on its data
		n.Part.Members = list(n.Name)
		return n
	}
	recalled := func(n decide.Node) decide.Node { // a learner, of whose list its agent knows an old one
		n.Part.Recalled, n.Part.Live = true, true
		return n
	}
	unread := func(n decide.Node) decide.Node {
		n.Part = decide.Part{Why: "permission denied"}
		return n
	}
	stock := proof.Identity{Lineage: "etcd:cdf818194e3a8c32"}
	tests := []struct {
		reason string
		e      decide.Evidence
		state  proof.State
		rule   int
		says   string
	}{
		{"at rest", evidence(recordOf(a1, "abc"), three(a1)...), proof.Intact, 1, ""},
		{"one node of three down", silenced(evidence(recordOf(a1, "abc"), three(a1)...), "c"), proof.Intact, 1, ""},
		{"two nodes of three down", silenced(evidence(recordOf(a1, "abc"), three(a1)...), "b", "c"), proof.Unproven, 4, ""},
		{"a linearizable read counts as a quorum of the list that it reports",
			evidence(recordOf(a1, "abc"), live(member("a", a1, "abc")), down("b"), down("c")), proof.Intact, 1, ""},
		{"the control store was emptied", with(evidence(emptiedRecord(), three(a1)...), traceOf("backup", a1, "abc")), proof.RecordLost, 2, ""},
		{"the record was deleted", with(evidence(noRecord(), three(a1)...), traceOf("backup", a1, "abc")), proof.RecordLost, 2, ""},
		{"control store and backups were emptied: the memories vouch",
			with(evidence(emptiedRecord(), three(a1)...), decide.Trace{Name: "backups", Finding: proof.Unusable}), proof.RecordLost, 2, "memory/a"},
		{"the control store is silent", evidence(silentRecord(), three(a1)...), proof.Unproven, 3, ""},
		{"control store emptied, and all data too", with(evidence(emptiedRecord(), empty("a"), empty("b"), empty("c"))), proof.DataLost, 5, ""},
		{"two agents killed while a third's etcd answers for all: the record is healed",
			evidence(noRecord(), live(member("a", a1, "abc")), down("b"), down("c")), proof.RecordLost, 2, ""},

		// --force-new-cluster
		{"a list leaves out members that answer linearizable reads",
			evidence(recordOf(a1, "abc"), live(forced(member("a", a1, ""))), live(member("b", a1, "abc")), live(member("c", a1, "abc"))),
			proof.Conflicting, 0, "leaves out b, which answers"},
		{"a list leaves out members whose data is not older and knows of no removal",
			evidence(recordOf(a1, "abc"), live(forced(member("a", a1, ""))), member("b", a1, "abc"), member("c", a1, "abc")),
			proof.Conflicting, 0, "leaves out b, whose data is not older"},
		{"the old disk of a member that was replaced lists nobody who came later: an old list is no contradiction",
			evidence(recordOf(a1, "abd"), live(member("a", a1, "abd")), live(member("b", a1, "abd")), live(member("d", a1, "abd")), at(member("c", a1, "abc"), 1, 5)),
			proof.Intact, 1, ""},
		{"a learner gives no list, and the one that its agent recalls is older than its data: no contradiction",
			evidence(recordOf(a1, "ab"), live(member("a", a1, "abC")), live(member("b", a1, "abC")), recalled(member("c", a1, "a"))), proof.Intact, 1, ""},
		{"nor is a quorum of that old list one of the cluster, however new the learner's data",
			evidence(noRecord(), at(member("a", a1, "abC"), 3, 90), empty("b"), recalled(member("c", a1, "a"))), proof.DataLost, 5, ""},
		{"as new as a list that was read, it gives way to that",
			evidence(noRecord(), member("a", a1, "abC"), member("b", a1, "abC"), recalled(member("c", a1, "xyz"))), proof.RecordLost, 2, ""},
		{"further than all lists that were read it might know of others",
			evidence(noRecord(), at(member("a", a1, "abC"), 3, 90), at(member("b", a1, "abC"), 3, 90), recalled(member("c", a1, "xyz"))), proof.DataLost, 5, ""},
		{"where no list was read, the recalled ones are all there is",
			evidence(recordOf(a1, "abc"), recalled(member("a", a1, "abc")), recalled(member("b", a1, "abc")), empty("c")), proof.Intact, 1, ""},
		{"it is never assumed of who is silent",
			evidence(recordOf(a1, "abc"), live(forced(member("a", a1, ""))), down("b"), down("c")), proof.Intact, 1, ""},
		{"a member whose data is older was removed later, which it cannot know",
			evidence(recordOf(a1, "ab"), member("a", a1, "ab"), member("b", a1, "ab"), at(member("c", a1, "abc"), 3, 50)), proof.Intact, 1, ""},
		{"a member whose own list lacks it knows of its removal",
			evidence(recordOf(a1, "ab"), member("a", a1, "ab"), member("b", a1, "ab"), member("c", a1, "ab")), proof.Intact, 1, ""},
		{"a member whose data notes its removal", func() decide.Evidence {
			c := member("c", a1, "abc")
			c.Part.Removed = []uint64{memberID("c")}
			return evidence(recordOf(a1, "ab"), member("a", a1, "ab"), member("b", a1, "ab"), c)
		}(), proof.Intact, 1, ""},
		{"another identity's list may leave out whom it likes",
			evidence(recordOf(a1, "ab"), member("a", a1, "ab"), member("b", a1, "ab"), member("c", b1, "c")), proof.Intact, 1, ""},
		{"a rolled-back member proves nothing about the list",
			evidence(recordOf(a1, "ab"), member("a", a1, "ab"), member("b", a1, "ab"), rolledBack(member("c", a1, "abc"))), proof.Intact, 1, ""},

		// shared paths
		{"the record is of a cluster none of whose members is ours", evidence(recordOf(b1, "xyz"), three(a1)...), proof.Conflicting, 0, "(x, y, z) is ours"},
		{"so it is while those members are expected and silent: what is whole shows who is ours",
			evidence(recordOf(b1, "xyz"), append(three(a1), down("x"), down("y"), down("z"))...), proof.Conflicting, 0, ""},
		{"nothing whole, and who the record names is silent: they may be ours",
			evidence(recordOf(a1, "a"), down("a"), empty("b"), empty("c")), proof.Unproven, 4, ""},
		{"a record of another lineage with the names of ours", evidence(recordOf(b1, "abc"), three(a1)...), proof.Conflicting, 1, "B generation 1"},
		{"its serial does not make it an old one of ours", func() decide.Evidence {
			e := evidence(recordOf(b1, "abc"), append(three(a1), empty("d"))...)
			e.Nodes[3].Memory = remembers(b1, "abc")
			e.Record.Serial = 1
			return e
		}(), proof.Conflicting, 1, ""},

		// old records put back
		{"a record of an earlier generation", evidence(recordOf(a1, "abc"), three(a2)...), proof.RecordLost, 2, "generation 1"},
		{"a record with a serial below what the memories know", func() decide.Evidence {
			e := evidence(recordOf(a1, "abc"), three(a1)...)
			e.Record.Serial = 4
			return e
		}(), proof.RecordLost, 2, "serial 4"},
		{"a record of a later generation than anything that is whole", evidence(recordOf(a2, "abc"), three(a1)...), proof.Conflicting, 1, ""},
		{"a record of another birth of the same generation", evidence(recordOf(a1Again, "abc"), three(a1)...), proof.Conflicting, 1, ""},

		// disks rolled back
		{"one disk of three was rolled back", evidence(recordOf(a1, "abc"), rolledBack(member("a", a1, "abc")), member("b", a1, "abc"), member("c", a1, "abc")),
			proof.Intact, 1, ""},
		{"all disks were rolled back, and their memories noticed",
			evidence(recordOf(a1, "abc"), rolledBack(member("a", a1, "abc")), rolledBack(member("b", a1, "abc")), rolledBack(member("c", a1, "abc"))),
			proof.DataLost, 5, ""},
		{"all disks were rolled back with their memories: a linearizable read lies below the record's note", func() decide.Evidence {
			e := evidence(recordOf(a1, "abc"), live(member("a", a1, "abc")), live(member("b", a1, "abc")), live(member("c", a1, "abc")))
			e.Record.Revision = 51
			return e
		}(), proof.DataLost, 5, ""},
		{"a read at the record's note is none", func() decide.Evidence {
			e := evidence(recordOf(a1, "abc"), live(member("a", a1, "abc")), live(member("b", a1, "abc")), live(member("c", a1, "abc")))
			e.Record.Revision = 50
			return e
		}(), proof.Intact, 1, ""},
		{"a directory below the record's note may be a member that lags", func() decide.Evidence {
			e := evidence(recordOf(a1, "abc"), three(a1)...)
			e.Record.Revision = 51
			return e
		}(), proof.Intact, 1, ""},

		// directories nobody vouches for
		{"a stock etcd's directory under our agents",
			evidence(noRecord(), decide.Node{Name: "a", Part: data("a", stock, "a"), Memory: decide.Memory{Finding: proof.Absent}}), proof.Conflicting, 2, "nobody vouches"},
		{"the same while the backups are silent",
			with(evidence(noRecord(), decide.Node{Name: "a", Part: data("a", stock, "a"), Memory: decide.Memory{Finding: proof.Absent}}), decide.Trace{Name: "backups"}),
			proof.Unproven, 2, "backups"},
		{"a directory of another cluster beside a memory of ours does not count",
			evidence(noRecord(), decide.Node{Name: "a", Part: data("a", b1, "a"), Memory: remembers(a1, "a")}), proof.Conflicting, 5, "two lineages"},
		{"a directory older than its node's memory does not count",
			evidence(recordOf(a1, "a"), decide.Node{Name: "a", Part: data("a", a1, "a"), Memory: remembers(a2, "a")}), proof.DataLost, 5, ""},

		// seeding needs everybody
		{"all empty", with(evidence(noRecord(), empty("a"), empty("b"), empty("c")), noBackups()), proof.NeverExisted, 5, ""},
		{"two answer, the third is silent", evidence(noRecord(), empty("a"), empty("b"), down("c")), proof.Unproven, 4, ""},
		{"the third answers with an old directory whose list is these three",
			evidence(noRecord(), empty("a"), empty("b"), decide.Node{Name: "c", Part: data("c", a1, "abc"), Memory: decide.Memory{Finding: proof.Absent}}), proof.DataLost, 5, ""},
		{"a directory that cannot be read is Unknown", evidence(noRecord(), empty("a"), empty("b"), unread(empty("c"))), proof.Unproven, 4, ""},
		{"a directory that is damaged is something", func() decide.Evidence {
			e := evidence(noRecord(), empty("a"), empty("b"), empty("c"))
			e.Nodes[2].Part.Finding = proof.Unusable
			return e
		}(), proof.DataLost, 5, ""},
		{"agents d, e and f are empty, and c of an older membership still has data",
			evidence(noRecord(), empty("d"), decide.Node{Name: "e", Part: decide.Part{Finding: proof.Absent}, Memory: remembers(a1, "abc")}, empty("f"), member("c", a1, "abc")),
			proof.DataLost, 5, ""},
		{"the same while c, whom a memory names, is silent",
			evidence(noRecord(), empty("d"), decide.Node{Name: "e", Part: decide.Part{Finding: proof.Absent}, Memory: remembers(a1, "abc")}, empty("f"), down("c")),
			proof.Unproven, 4, ""},
		{"a retired directory is a trace", func() decide.Evidence {
			e := evidence(noRecord(), empty("a"))
			e.Nodes[0].Trash = []decide.Trace{traceOf("trash/a/1", a1, "a")}
			return e
		}(), proof.DataLost, 5, ""},
		{"etcd-manager's marker is a trace without a name",
			with(evidence(noRecord(), empty("a")), decide.Trace{Name: "etcd-cluster-created", Finding: proof.Present}), proof.DataLost, 5, ""},
		{"backups of two clusters, and nothing else",
			with(evidence(noRecord(), empty("a")), traceOf("backup/1", a1, "a"), traceOf("backup/2", b1, "a")), proof.Conflicting, 5, ""},

		// what silent parts could make whole
		{"the record names what silent parts could make whole",
			evidence(recordOf(b1, "cde"), member("a", a1, "ab"), member("b", a1, "ab"), empty("c"), down("d"), down("e")), proof.Unproven, 1, "silent parts"},
		{"one silent part too few", evidence(recordOf(b1, "cde"), member("a", a1, "ab"), member("b", a1, "ab"), empty("c"), empty("d"), down("e")),
			proof.Conflicting, 1, ""},
		{"a silent part whose own memory speaks against it",
			evidence(recordOf(b1, "cde"), member("a", a1, "ab"), member("b", a1, "ab"), empty("c"), down("d"),
				decide.Node{Name: "e", Memory: remembers(a1, "ab")}), proof.Conflicting, 1, ""},
		{"the record's own earlier list had a quorum, and nobody is silent",
			evidence(recordOf(b1, "cd"), member("a", a1, "ab"), member("b", a1, "ab"), member("c", b1, "cdefg"), member("d", b1, "cdefg"), empty("e"), empty("f"), empty("g")),
			proof.Conflicting, 1, ""},
		{"the record names somebody without members: a silent part on no list could be all of it",
			evidence(recordOf(b1, ""), member("a", a1, "ab"), member("b", a1, "ab"), down("c")), proof.Unproven, 1, ""},
		{"a silent part that is expected in what is whole could not",
			evidence(recordOf(b1, ""), member("a", a1, "abc"), member("b", a1, "abc"), down("c")), proof.Conflicting, 1, ""},
		{"an old backup without a list, one member down: the record is healed",
			with(silenced(evidence(noRecord(), three(a2)...), "c"), traceOf("backup", a1, "")), proof.RecordLost, 2, ""},
		{"an old list of a cluster that grew, its first member down: the record is healed",
			with(silenced(evidence(noRecord(), three(a1)...), "c"), traceOf("backup", a1, "c")), proof.RecordLost, 2, ""},
		{"all members of an older list are silent: they may be somebody whom nobody has named",
			with(evidence(noRecord(), append(three(a1), down("d"), down("e"))...), traceOf("backup", a1, "de")), proof.Unproven, 2, ""},
		{"who answers for a quorum speaks for its list, although another's log is ahead",
			with(evidence(noRecord(), live(member("a", a1, "abcd")), at(member("c", a1, "ac"), 3, 200), down("b"), down("d")), traceOf("backup", a1, "bd")), proof.RecordLost, 2, ""},
		{"a memory that cannot be read may name a later generation: its part does not count",
			evidence(recordOf(a1, "a"), decide.Node{Name: "a", Part: data("a", a1, "a")}), proof.Unproven, 4, ""},

		{"a directory that was marked, and that no etcd has written into, is no data", func() decide.Evidence {
			e := evidence(recordOf(a1, "abc"), member("a", a1, "abc"), member("b", a1, "abc"), empty("c"))
			e.Nodes[1].Part = decide.Part{Finding: proof.Present, Identity: a1, ID: memberID("b"), Claim: "x"}
			return e
		}(), proof.DataLost, 5, ""},

		// the newest list
		{"a quorum is of the newest list: two of three are none of five",
			evidence(recordOf(a1, "abc"), at(member("a", a1, "abcde"), 3, 101), member("b", a1, "abc"), empty("c"), empty("d"), empty("e")), proof.DataLost, 5, ""},
		{"terms go before indexes",
			evidence(recordOf(a1, "abc"), at(member("a", a1, "abcde"), 4, 1), member("b", a1, "abc"), empty("c"), empty("d"), empty("e")), proof.DataLost, 5, ""},
		{"of two lists that are equally new, each needs its quorum, whoever is heard first",
			evidence(recordOf(a1, "abc"), member("b", a1, "abc"), member("a", a1, "abcde"), empty("c"), empty("d"), empty("e")), proof.DataLost, 5, ""},
		{"learners do not count for the quorum",
			evidence(recordOf(a1, "abc"), member("a", a1, "aBC"), empty("b"), empty("c")), proof.Intact, 1, ""},
		{"a learner's data is no voter's",
			evidence(recordOf(a1, "abc"), member("c", a1, "abC"), empty("a"), empty("b")), proof.DataLost, 5, ""},
		{"a name on the list under another member id is nobody", func() decide.Evidence {
			e := evidence(recordOf(a1, "abc"), member("a", a1, "abc"), member("b", a1, "abc"), empty("c"))
			e.Nodes[1].Part.ID, e.Nodes[1].Part.Position = 99, decide.Position{Term: 1}
			e.Nodes[0].Part.Removed = nil
			return e
		}(), proof.DataLost, 5, ""},
		{"a list without voters is never reached", evidence(recordOf(a1, "a"), member("a", a1, "")), proof.DataLost, 5, ""},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			v := expectVerdict(t, tt.e, tt.state, tt.rule, tt.says)
			if got := oracle(tt.e, false); got != (ruling{tt.state, tt.rule}) {
				t.Errorf("the oracle says %v", got)
			}
			if v.State != proof.NeverExisted && permits(v, proof.Create) {
				t.Error("it may be created")
			}
		})
	}
}

func TestWaitsForAsManyAsTheSpecCounts(t *testing.T) {
	e := evidence(noRecord(), empty("a"), empty("b"))
	e.Want = 3
	v := expectVerdict(t, e, proof.Unproven, 4, "not everybody")
	last := v.Heard[len(v.Heard)-1]
	if len(v.Missing) != 1 || !strings.HasPrefix(last.Why, "waiting for 1 more: the spec counts 3 members") {
		t.Errorf("missing %v, because %q", v.Missing, last.Why)
	}
	e.Nodes = append(e.Nodes, empty("c"))
	expectVerdict(t, e, proof.NeverExisted, 5, "")

	grown := evidence(recordOf(a1, "abc"), three(a1)...)
	grown.Want = 5
	expectVerdict(t, grown, proof.Intact, 1, "")
}

func TestTheSilentAreNamed(t *testing.T) {
	v := judge(evidence(noRecord(), empty("a"), empty("b"), down("c")))
	if len(v.Missing) != 2 || v.Missing[0].Name != "member/c" || v.Missing[1].Name != "memory/c" {
		t.Errorf("missing %v", v.Missing)
	}
}

func TestAttestedLost(t *testing.T) {
	lost := func(finding proof.Finding, generation uint64, witnesses ...string) (words []proof.Attestation) {
		for _, w := range witnesses {
			words = append(words, proof.Attestation{Witness: w, Finding: finding, Generation: generation, By: "ada"})
		}
		return words
	}
	tests := []struct {
		reason string
		e      decide.Evidence
		words  []proof.Attestation
		state  proof.State
		void   int
	}{
		{"two are empty, the third is attested lost: still no seeding",
			evidence(noRecord(), empty("a"), empty("b"), down("c")), lost(proof.Unknown, 0, "member/c", "memory/c"), proof.Unproven, 0},
		{"two of three are attested lost: the data is lost, and that can be said now",
			evidence(recordOf(a1, "abc"), member("a", a1, "abc"), down("b"), down("c")),
			lost(proof.Unknown, 1, "member/b", "memory/b", "member/c", "memory/c"), proof.DataLost, 0},
		{"the disk alone does not speak for the memory",
			evidence(recordOf(a1, "abc"), member("a", a1, "abc"), down("b"), down("c")), lost(proof.Unknown, 1, "member/b", "member/c"), proof.Unproven, 0},
		{"a record that is silent, attested lost, is written again", evidence(silentRecord(), three(a1)...), lost(proof.Unknown, 1, "record"), proof.RecordLost, 0},
		{"silent backups, attested lost, where nobody vouches", func() decide.Evidence {
			e := evidence(noRecord(), decide.Node{Name: "a", Part: data("a", a1, "a"), Memory: decide.Memory{Finding: proof.Absent}})
			e.Traces = []decide.Trace{{Name: "backups"}}
			return e
		}(), lost(proof.Unknown, 1, "backups"), proof.Conflicting, 0},
		{"a retired directory that cannot be read, attested lost", func() decide.Evidence {
			e := evidence(recordOf(a1, "a"), empty("a"))
			e.Nodes[0].Trash = []decide.Trace{{Name: "trash/a/1"}}
			return e
		}(), lost(proof.Unknown, 1, "trash/a/1"), proof.DataLost, 0},
		{"a damaged record, attested lost, and nothing else: never proof that nothing was",
			evidence(emptiedRecord(), empty("a")), lost(proof.Unusable, 0, "record"), proof.Unproven, 0},
		{"the word is void once the member is back",
			evidence(recordOf(a1, "abc"), three(a1)...), lost(proof.Unknown, 1, "member/c"), proof.Intact, 1},
		{"the word was given for an earlier generation",
			evidence(recordOf(a2, "abc"), member("a", a2, "abc"), down("b"), down("c")), lost(proof.Unknown, 1, "member/b", "memory/b"), proof.Unproven, 2},
		{"an agent that was never there cannot be attested away", func() decide.Evidence {
			e := evidence(noRecord(), empty("a"), empty("b"))
			e.Want = 3
			return e
		}(), lost(proof.Unknown, 0, "member/(3 of 3)"), proof.Unproven, 0},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			tt.e.Attestations = tt.words
			v, void := decide.Judge(tt.e)
			if v.State != tt.state || len(void) != tt.void {
				t.Errorf("got %s (%s) and %d void words, expected %s and %d", v.State, v.Why, len(void), tt.state, tt.void)
			}
			if leant := len(tt.words) > tt.void && len(v.Missing) == 0; leant && !v.Attested() {
				t.Error("it does not say that it leans on a person's word")
			}
		})
	}
}

// What the verdicts on some stories allow, and what they do not.
func TestWhatStoriesPermit(t *testing.T) {
	stock := proof.Identity{Lineage: "etcd:cdf818194e3a8c32"}
	tests := []struct {
		reason string
		e      decide.Evidence
		may    allowed
	}{
		{"all empty: it may be created", evidence(noRecord(), empty("a")), bitsOf(proof.Create)},
		{"intact", evidence(recordOf(a1, "abc"), three(a1)...), bitsOf(proof.Reconcile, proof.Restore, proof.Destroy)},
		{"intact, one node down", silenced(evidence(recordOf(a1, "abc"), three(a1)...), "c"), bitsOf(proof.Reconcile)},
		{"record lost", evidence(noRecord(), three(a1)...), bitsOf(proof.WriteRecord)},
		{"record lost, one node down", silenced(evidence(noRecord(), three(a1)...), "c"), bitsOf(proof.WriteRecord)},
		{"a stock etcd that nobody vouches for may be adopted, and never re-created over",
			evidence(noRecord(), decide.Node{Name: "a", Part: data("a", stock, "a"), Memory: decide.Memory{Finding: proof.Absent}}),
			bitsOf(proof.Adopt, proof.Restore, proof.Destroy)},
		{"data lost", evidence(recordOf(a1, "a"), empty("a")), bitsOf(proof.Restore, proof.Recreate, proof.Destroy)},
		{"two lineages, nothing whole", evidence(recordOf(b1, "ab"), empty("a"), member("b", a1, "ab")),
			bitsOf(proof.Adopt, proof.Restore, proof.Recreate, proof.Destroy)},
		{"unproven", evidence(silentRecord(), three(a1)...), 0},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			if got := allowedBy(judge(tt.e)); got != tt.may {
				t.Errorf("permitted are %07b of %v, expected %07b", got, proof.Operations, tt.may)
			}
		})
	}
}
