package seed

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

var someTime = rapid.Custom(func(t *rapid.T) time.Time {
	if rapid.Bool().Draw(t, "none") {
		return time.Time{}
	}
	at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
	return at.In(time.FixedZone("elsewhere", 3600)).UTC()
})

// someRecord draws every field, the times among them as they are written.
var someRecord = rapid.MakeCustom[decide.Record](rapid.MakeConfig{
	Types: map[reflect.Type]*rapid.Generator[any]{reflect.TypeFor[time.Time](): someTime.AsAny()},
})

func text(t *rapid.T, name string) string { return rapid.StringN(1, 20, -1).Draw(t, name) }

// Every field of decide.Record is drawn: one that is new there and not written
// down here fails.
func TestRecordsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Record{Record: someRecord.Draw(t, "record"), Name: text(t, "name"), Note: rapid.String().Draw(t, "note")}
		want.Lineage, want.Generation = text(t, "lineage"), want.Generation|1
		if len(want.Cleared) == 0 {
			want.Cleared = nil
		}
		want.Serial = rapid.Uint64Range(1, maxSerial).Draw(t, "serial")
		want.UUIDs = rapid.SliceOfN(rapid.StringN(1, 20, -1), 1, 3).Draw(t, "uuids")
		for range rapid.IntRange(0, 3).Draw(t, "made") {
			want.Made = append(want.Made, Made{text(t, "kind"), text(t, "name"), text(t, "uuid"), text(t, "address"), someTime.Draw(t, "asked")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "more") {
			want.Shoots = append(want.Shoots, text(t, "shoot"))
			want.UsedApprovals = append(want.UsedApprovals, text(t, "approval"))
		}
		d := roundTrip(t, KindRecord, want.Name, bodyOfRecord(want))
		got := recordOf(want.Name, d, object{finding: proof.Present})
		want.Finding, want.Why, want.object = proof.Present, got.Why, got.object
		if !reflect.DeepEqual(got, want) { //nolint:govet // the error in object is nil, or the very same
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestClaimsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Claim{Claim: rapid.Make[decide.Claim]().Draw(t, "claim"), Name: text(t, "name"), AskedAt: someTime.Draw(t, "asked"), Note: rapid.String().Draw(t, "note")}
		want.Attempt, want.Nonce, want.Array = want.Attempt|1, text(t, "nonce"), text(t, "array")
		want.State = rapid.SampledFrom([]decide.ClaimState{decide.ClaimOpen, decide.ClaimBorn, decide.ClaimFailed}).Draw(t, "state")
		if len(want.Covers) == 0 {
			want.Covers = nil
		}
		d := roundTrip(t, KindClaim, want.Name, bodyOfClaim(want))
		got := claimOf(want.Name, d, object{finding: proof.Present})
		want.Finding, want.Why, want.object = proof.Present, got.Why, got.object
		if !reflect.DeepEqual(got, want) { //nolint:govet // the error in object is nil, or the very same
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func roundTrip[B body](t *rapid.T, kind, name string, b B) document[B] {
	text, err := encodeDocument(document[B]{Version: format, Kind: kind, Name: name, Write: newNonce(), WrittenAt: time.Unix(1, 0).UTC(), Body: b})
	if err != nil {
		t.Fatal(err)
	}
	d, finding, why := parseDocument[B](kind, name, map[string]string{dataKey: text})
	if finding != proof.Present {
		t.Fatalf("%s: %s", finding, why)
	}
	return d
}

var somePair = rapid.Custom(func(t *rapid.T) Pair {
	if rapid.Bool().Draw(t, "none") {
		return Pair{}
	}
	return Pair{
		User: text(t, "user"), Password: ontap.NewSecret("pass-" + text(t, "password")), SVM: rapid.String().Draw(t, "svm"),
		Generation: rapid.Uint64().Draw(t, "generation"), Set: decide.SetState(rapid.IntRange(0, int(decide.RefusedByPolicy)).Draw(t, "set")),
		Login: decide.Login{VerifiedAt: someTime.Draw(t, "verified"), FirstRefused: someTime.Draw(t, "first"), LastRefused: someTime.Draw(t, "last"), Unlocked: someTime.Draw(t, "unlocked")},
	}
})

func TestSecretsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Secret{
			Ref: SecretRef{"garden", "p1"}, Active: somePair.Draw(t, "active"), Pending: somePair.Draw(t, "pending"),
			Previous: rapid.String().Draw(t, "previous"), ActivatedAt: someTime.Draw(t, "activated"), InUseGeneration: rapid.Uint64().Draw(t, "in use"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "accounts") {
			if want.Rations == nil {
				want.Rations = map[string]decide.Ration{}
			}
			want.Rations[text(t, "account")] = decide.Ration{Tries: rapid.IntRange(0, 99).Draw(t, "tries"), LastTry: someTime.Draw(t, "last try")}
		}
		stored, err := want.render(newNonce())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []Pair{want.Active, want.Pending} {
			if !p.Password.IsEmpty() && strings.Contains(stored.Annotations[AnnotationCredentials], p.Password.Reveal()) {
				t.Fatal("the annotation holds a password")
			}
		}
		got := secretOf(stored, object{})
		if got.Damaged || got.Finding != proof.Present || !sameNoted(got.Active, want.Active) || !sameNoted(got.Pending, want.Pending) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		if got.Previous != want.Previous || !got.ActivatedAt.Equal(want.ActivatedAt) || got.InUseGeneration != want.InUseGeneration || !reflect.DeepEqual(got.Rations, want.Rations) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func sameNoted(a, b Pair) bool {
	return a.same(b) && a.SVM == b.SVM && a.Generation == b.Generation && a.Set == b.Set && a.Login == b.Login
}

// A new field of Login must be written down too.
func TestAllOfALoginIsNoted(t *testing.T) {
	if n, noted := reflect.TypeFor[decide.Login]().NumField(), 4; n != noted {
		t.Errorf("decide.Login has %d fields, and %d are noted", n, noted)
	}
	if n, noted := reflect.TypeFor[decide.Ration]().NumField(), 2; n != noted {
		t.Errorf("decide.Ration has %d fields, and %d are noted", n, noted)
	}
	for s := decide.SetUnknown; s <= decide.RefusedByPolicy+1; s++ {
		if word, known := setWords[s]; known != (s <= decide.RefusedByPolicy) {
			t.Errorf("%s is written as %q", s, word)
		}
	}
}

const good = `{"version":1,"kind":"record","name":"p1","write":"n","writtenAt":"2026-01-02T03:04:05Z",
 "body":{"lineage":"g/p","generation":1,"uuids":["u"],"serial":3}}`

func TestWhatADocumentSays(t *testing.T) {
	swap := func(old, with string) string { return strings.Replace(good, old, with, 1) }
	tests := []struct {
		reason, text string
		want         proof.Finding
	}{
		{"a whole record", good, proof.Present},
		{"no document in it: something was there", "", proof.Unusable},
		{"white space alone", " \n", proof.Unusable},
		{"cut off", good[:len(good)/2], proof.Unusable},
		{"something behind it", good + "}", proof.Unusable},
		{"not an object", `"record"`, proof.Unusable},
		{"null", `null`, proof.Unusable},
		{"no version", swap(`"version":1`, `"version":0`), proof.Unusable},
		{"a later version is not ours to judge", swap(`"version":1`, `"version":2`), proof.Unknown},
		{"a later version, in another form", `{"version":2,"kind":{}}`, proof.Unknown},
		{"a claim is no record", swap(`"record"`, `"claim"`), proof.Unknown},
		{"another SVM's is never written over", swap(`"p1"`, `"p2"`), proof.Unknown},
		{"a field that we do not know would be lost", swap(`"serial":3`, `"serial":3,"more":1`), proof.Unknown},
		{"no nonce", swap(`"write":"n"`, `"write":""`), proof.Unusable},
		{"no time", swap(`"2026-01-02T03:04:05Z"`, `"0001-01-01T00:00:00Z"`), proof.Unusable},
		{"no owner", swap(`"g/p"`, `""`), proof.Unusable},
		{"no generation", swap(`"generation":1`, `"generation":0`), proof.Unusable},
		{"no SVM", swap(`["u"]`, `[]`), proof.Unusable},
		{"an SVM without a UUID", swap(`["u"]`, `["u",""]`), proof.Unusable},
		{"no serial", swap(`"serial":3`, `"serial":0`), proof.Unusable},
		{"a serial out of range", swap(`"serial":3`, `"serial":18446744073709551615`), proof.Unusable},
		{"a number that is text", swap(`"serial":3`, `"serial":"3"`), proof.Unusable},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			d, finding, why := parseDocument[recordBody](KindRecord, "p1", map[string]string{dataKey: tt.text})
			if finding != tt.want {
				t.Errorf("%s (%s), expected %s", finding, why, tt.want)
			}
			if finding != proof.Present && (d.Body.Lineage != "" || why == "") {
				t.Errorf("it names %q, and says %q", d.Body.Lineage, why)
			}
		})
	}
	if _, finding, _ := parseDocument[recordBody](KindRecord, "p1", nil); finding != proof.Unusable {
		t.Errorf("an object without data is %s", finding)
	}
}

func TestAClaimOfAStateWeDoNotKnow(t *testing.T) {
	text := `{"version":1,"kind":"claim","name":"p1","write":"n","writtenAt":"2026-01-02T03:04:05Z","body":{"attempt":1,"nonce":"n","array":"a","state":"paused"}}`
	if _, finding, why := parseDocument[claimBody](KindClaim, "p1", map[string]string{dataKey: text}); finding != proof.Unknown {
		t.Errorf("%s (%s)", finding, why)
	}
}

func TestObjectNames(t *testing.T) {
	tests := []struct{ reason, kind, name, want string }{
		{"as it is", KindRecord, "p1", "svm-record-p1"},
		{"dashes inside", KindClaim, "p-1", "svm-claim-p-1"},
		{"capitals", KindRecord, "P1", "svm-record-p1.ee4b0a2d"},
		{"a dot", KindRecord, "p1.x", "svm-record-p1-x."},
		{"only what cannot stand", KindPin, "__", "svm-pin-x."},
		{"a dash at the end", KindPin, "p1-", "svm-pin-p1."},
		{"nothing", KindPin, "", "svm-pin-x."},
	}
	for _, tt := range tests {
		got := ObjectName(tt.kind, tt.name)
		if tt.reason == "capitals" {
			tt.want = tt.want[:len("svm-record-p1.")]
		}
		if !strings.HasPrefix(got, tt.want) || strings.HasSuffix(tt.want, ".") && len(got) != len(tt.want)+8 {
			t.Errorf("%s: %q became %q, expected %q", tt.reason, tt.name, got, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		one, other := rapid.String().Draw(t, "one"), rapid.String().Draw(t, "other")
		if n := ObjectName(KindRecord, one); !isSubdomain(n) {
			t.Fatalf("%q became %q, which Kubernetes does not take", one, n)
		}
		if one != other && isLabel(one) && ObjectName(KindRecord, one) == ObjectName(KindRecord, other) {
			t.Fatalf("%q and %q fall together", one, other)
		}
	})
}

func TestWhatANoteSays(t *testing.T) {
	const whole = `{"version":1,"write":"n","active":{"set":"confirmed"},"rations":{"u":{"tries":1}}}`
	tests := []struct {
		reason, text string
		want         proof.Finding
	}{
		{"whole", whole, proof.Present},
		{"empty", "", proof.Unusable},
		{"cut off", whole[:20], proof.Unusable},
		{"no version", `{}`, proof.Unusable},
		{"a later version", `{"version":2,"what":"ever"}`, proof.Unknown},
		{"a field that we do not know", strings.Replace(whole, `"write"`, `"more":1,"write"`, 1), proof.Unknown},
		{"a state that we do not know", strings.Replace(whole, `confirmed`, `hoped`, 1), proof.Unknown},
		{"no nonce", strings.Replace(whole, `"n"`, `""`, 1), proof.Unusable},
		{"fewer than no logins", strings.Replace(whole, `"tries":1`, `"tries":-1`, 1), proof.Unusable},
		{"an account without a name", strings.Replace(whole, `"u"`, `""`, 1), proof.Unusable},
		{"too long", strings.Replace(whole, `"n"`, `"`+strings.Repeat("n", notesLimit)+`"`, 1), proof.Unusable},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			if _, finding, why := parseNotes(tt.text); finding != tt.want {
				t.Errorf("%s (%s), expected %s", finding, why, tt.want)
			}
		})
	}
}

func TestPairStates(t *testing.T) {
	p := ontap.NewSecret("p")
	tests := []struct {
		reason string
		data   map[string][]byte
		want   decide.PairState
	}{
		{"no keys", nil, decide.NoPair},
		{"both", map[string][]byte{KeyUsername: []byte("u"), KeyPassword: []byte("p")}, decide.Complete},
		{"no password", map[string][]byte{KeyUsername: []byte("u")}, decide.Incomplete},
		{"no user", map[string][]byte{KeyPassword: []byte("p")}, decide.Incomplete},
		{"an empty password", map[string][]byte{KeyUsername: []byte("u"), KeyPassword: {}}, decide.Incomplete},
		{"both empty: keys that were emptied are not missing", map[string][]byte{KeyUsername: {}, KeyPassword: {}}, decide.Incomplete},
	}
	for _, tt := range tests {
		if got := pairOf(tt.data, KeyUsername, KeyPassword).State(); got != tt.want {
			t.Errorf("%s: %s, expected %s", tt.reason, got, tt.want)
		}
	}
	if got := (Pair{User: "u", Password: p}).State(); got != decide.Complete {
		t.Errorf("a new pair is %s", got)
	}
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{good, "", "null", "{}", good[:40], strings.Replace(good, `"version":1`, `"version":9`, 1), `{"version":1,"kind":"record","name":"p1"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, finding, why := parseDocument[recordBody](KindRecord, "p1", map[string]string{dataKey: text})
		switch finding {
		case proof.Absent:
			t.Fatal("what was read is absent")
		case proof.Present:
			if d.Name != "p1" || d.Body.validate() != nil {
				t.Fatalf("taken for a record: %q", text)
			}
			if _, err := encodeDocument(d); err != nil && !strings.Contains(err.Error(), "too many") {
				t.Fatalf("what was read cannot be written: %v", err)
			}
		default:
			if why == "" {
				t.Fatal("it does not say why")
			}
		}
	})
}

func FuzzNotes(f *testing.F) {
	for _, s := range []string{"", "{}", `{"version":1,"write":"n"}`, `{"version":1,"write":"n","active":{"set":"sent","verifiedAt":"2026-01-02T03:04:05.6Z"},"rations":{"u":{"tries":4}}}`, `{"version":7}`} {
		f.Add(s, "seal.seal")
	}
	f.Fuzz(func(t *testing.T, text, seal string) {
		n, finding, why := parseNotes(text)
		if finding == proof.Absent || finding != proof.Present && why == "" {
			t.Fatalf("%s, %q", finding, why)
		}
		s := Secret{Active: Pair{User: "u", Password: ontap.NewSecret("p")}}
		n.fill(&s, seal)
		if s.Active.Generation != 0 || s.Active.Login != (decide.Login{}) {
			t.Fatal("something was noted of a pair that nobody sealed")
		}
	})
}
