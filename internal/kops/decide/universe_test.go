package decide

import (
	"time"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

// universe is every combination of some dimensions of evidence. Choice 0 of a
// dimension that is a finding is always the silent one.
type universe struct {
	name string
	dims []dimension
}

type dimension struct {
	name string
	// finding: choice 0 is silence.
	finding bool
	// sign: the last choice is a Present of something that only a cluster that
	// was applied leaves behind.
	sign    bool
	choices int
	set     func(e *Evidence, choice int)
}

var (
	at       = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	three    = managerfiles.Spec{MemberCount: 3, EtcdVersion: "3.6.12"}
	one      = managerfiles.Spec{MemberCount: 1, EtcdVersion: "3.5.31"}
	ancient  = managerfiles.Spec{MemberCount: 3, EtcdVersion: "3.4.13"}
	findings = []proof.Finding{proof.Unknown, proof.Absent, proof.Unusable, proof.Present}
	files    = []managerfiles.File{managerfiles.Unreadable, managerfiles.Missing, managerfiles.Unusable, managerfiles.Usable}
)

func blank() Evidence {
	return Evidence{
		Cluster: "prod.example.com", Etcd: "main", State: "s3://state", At: at,
		Base: "s3://state/prod.example.com/backups/etcd/main", Want: &three, Backups: BackupsRecent,
		Config: Seen{Finding: proof.Present},
	}
}

// healthy is a cluster of three members as an update and a manager leave it.
func healthy() Evidence {
	e := blank()
	e.Marker.File, e.Spec.File, e.SpecNow = managerfiles.Usable, managerfiles.Usable, three
	for _, name := range []string{"cluster-completed.spec", "kops-version.txt", "keysets", "igconfig/", "manifests/"} {
		e.Leavings = append(e.Leavings, Named{name, Seen{Finding: proof.Present}})
	}
	e.Traces = []Named{{"backups", Seen{Finding: proof.Present}}}
	return e
}

func configs() dimension {
	return dimension{"config", true, false, 4, func(e *Evidence, n int) { e.Config.Finding = findings[n] }}
}

func markers() dimension {
	return dimension{"marker", true, false, 4, func(e *Evidence, n int) { e.Marker.File = files[n] }}
}

// specs: from the fifth choice on it is a good spec that is not the one that is
// wanted; at the last one etcd is two minor versions older.
func specs(choices int) dimension {
	return dimension{"spec", true, false, choices, func(e *Evidence, n int) {
		e.Spec.File, e.SpecNow = files[min(n, 3)], []managerfiles.Spec{three, three, three, three, one, ancient}[n]
	}}
}

func leaving(name string) dimension {
	return dimension{name, true, true, 4, func(e *Evidence, n int) {
		e.Leavings = append(e.Leavings, Named{name, Seen{Finding: findings[n]}})
	}}
}

func trace(name string) dimension {
	return dimension{name, true, true, 4, func(e *Evidence, n int) {
		e.Traces = append(e.Traces, Named{name, Seen{Finding: findings[n]}})
	}}
}

// lives: silent, not asked, answering.
func lives() dimension {
	return dimension{"live", true, true, 3, func(e *Evidence, n int) {
		if n == 1 {
			return
		}
		e.Live = []Live{{Named: Named{"127.0.0.1:4001", Seen{Finding: findings[n/2*3]}}, Keys: 1000, Revision: 9000}}
	}}
}

func wants() dimension {
	return dimension{"want", true, false, 2, func(e *Evidence, n int) {
		if n == 0 {
			e.Want = nil
		}
	}}
}

func backupStates() dimension {
	return dimension{"backup state", true, false, 4, func(e *Evidence, n int) { e.Backups = BackupState(n) }}
}

func shared() dimension {
	return dimension{"shared", false, false, 2, func(e *Evidence, n int) {
		if n == 1 {
			e.SharedWith = []string{"events of prod.example.com"}
		}
	}}
}

func universes() []universe {
	return []universe{
		{"witnesses", []dimension{configs(), markers(), specs(5), leaving("cluster-completed.spec"), leaving("keysets"), trace("backups"), trace("commands"), lives(), wants()}},
		{"permissions", []dimension{configs(), markers(), specs(6), leaving("manifests/"), trace("backups"), lives(), wants(), backupStates(), shared()}},
		{"leavings", []dimension{markers(), specs(5), leaving("cluster-completed.spec"), leaving("kops-version.txt"), leaving("keysets"), leaving("igconfig/"), leaving("manifests/")}},
	}
}

func (u universe) size() int {
	n := 1
	for _, d := range u.dims {
		n *= d.choices
	}
	return n
}

func (u universe) at(n int) (Evidence, []int) {
	e, digits := blank(), make([]int, len(u.dims))
	for i, d := range u.dims {
		digits[i] = n % d.choices
		d.set(&e, digits[i])
		n /= d.choices
	}
	return e, digits
}

func (u universe) number(digits []int) int {
	n := 0
	for i := len(digits) - 1; i >= 0; i-- {
		n = n*u.dims[i].choices + digits[i]
	}
	return n
}
