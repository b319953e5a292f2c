package seed

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

func recordWithNotes(notes ...ShootNote) Record {
	r := Record{Name: "p1", Shoots: []string{"a", "b"}, ShootNotes: notes}
	r.Record = decide.Record{Lineage: "g/p", Generation: 1, Serial: 1, UUIDs: []string{"u"}}
	return r
}

func TestShootNotesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var notes []ShootNote
		for range rapid.IntRange(0, 3).Draw(t, "shoots") {
			n := ShootNote{Shoot: text(t, "shoot"), Generation: rapid.Uint64().Draw(t, "generation"), LeavingSince: someTime.Draw(t, "leaving")}
			for range rapid.IntRange(0, 2).Draw(t, "things") {
				n.Secrets = append(n.Secrets, SecretRef{text(t, "namespace"), text(t, "name")})
				n.Accounts = append(n.Accounts, text(t, "account"))
			}
			notes = append(notes, n)
		}
		d := roundTrip(t, KindRecord, "p1", bodyOfRecord(recordWithNotes(notes...)))
		if got := recordOf("p1", d, object{finding: proof.Present}).ShootNotes; !reflect.DeepEqual(got, notes) {
			t.Fatalf("got  %+v\nwant %+v", got, notes)
		}
	})
}

// A record of before notes were kept is read, and says nothing of its shoots; one
// of which a note is damaged says nothing at all.
func TestOlderAndDamagedShootNotes(t *testing.T) {
	older := `{"version":1,"kind":"record","name":"p1","write":"w","writtenAt":"2026-03-01T12:00:00Z","body":{"lineage":"g/p","generation":1,"uuids":["u"],"serial":4,"shoots":["a"]NOTES}}`
	for _, c := range []struct {
		reason, notes string
		want          proof.Finding
		noted         bool
	}{
		{"of before notes were kept", ``, proof.Present, false},
		{"of another shoot", `,"shootNotes":[{"shoot":"b"}]`, proof.Present, false},
		{"of a shoot that got nothing yet", `,"shootNotes":[{"shoot":"a","secrets":[{"namespace":"n","name":"s"}]}]`, proof.Present, true},
		{"of nobody", `,"shootNotes":[{"generation":1}]`, proof.Unusable, false},
		{"half a Secret", `,"shootNotes":[{"shoot":"a","secrets":[{"name":"s"}]}]`, proof.Unusable, false},
		{"an account without a name", `,"shootNotes":[{"shoot":"a","accounts":[""]}]`, proof.Unusable, false},
		{"what a later program notes", `,"shootNotes":[{"shoot":"a","colour":"red"}]`, proof.Unknown, false},
	} {
		d, finding, why := parseDocument[recordBody](KindRecord, "p1", map[string]string{dataKey: strings.Replace(older, "NOTES", c.notes, 1)})
		if finding != c.want {
			t.Errorf("%s: %s (%s), want %s", c.reason, finding, why, c.want)
		}
		if _, noted := recordOf("p1", d, object{finding: finding}).NoteOf("a"); noted != c.noted {
			t.Errorf("%s: noted is %v", c.reason, noted)
		}
	}
}

func TestShootNotesGrowAndGo(t *testing.T) {
	ref := SecretRef{"n", "s"}
	left := ShootNote{Shoot: "b", Secrets: []SecretRef{ref}, LeavingSince: time.Unix(1, 0)}
	r := recordWithNotes(left)
	note, _ := r.NoteOf("b")
	back := note.Plus(ref, 3, "b", "b_2").Plus(SecretRef{"n", "moved"}, 2, "b")
	if want := (ShootNote{Shoot: "b", Secrets: []SecretRef{ref, {"n", "moved"}}, Accounts: []string{"b", "b_2"}, Generation: 3}); !reflect.DeepEqual(back, want) || back.Says(note) || !back.Says(want) {
		t.Errorf("got %+v", back)
	}
	if note, _ := r.NoteOf("b"); !reflect.DeepEqual(note, left) {
		t.Errorf("the note that was read has changed: %+v", note)
	}
	if again := back.Plus(ref, 1, "b"); !again.Says(back) {
		t.Errorf("what is noted is noted again: %+v", again)
	}
	two := r.WithNote(ShootNote{Shoot: "a"}).WithNote(back)
	if len(two.ShootNotes) != 2 || two.ShootNotes[0].Shoot != "a" || len(r.ShootNotes) != 1 {
		t.Errorf("notes %+v of %+v", two.ShootNotes, r.ShootNotes)
	}
	one := two.WithoutShoot("b")
	if _, noted := one.NoteOf("b"); noted || len(one.ShootNotes) != 1 || !reflect.DeepEqual(one.Shoots, []string{"a"}) || len(two.Shoots) != 2 {
		t.Errorf("left: %+v", one)
	}
}
