package lifecycle

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	someMoments = rapid.Custom(func(t *rapid.T) time.Time {
		return at("2026-01-01").Add(time.Duration(rapid.IntRange(0, 400*24*3600).Draw(t, "seconds")) * time.Second)
	})
	someNames = rapid.SampledFrom([]string{"", "a", "b", "a/", "a/b", "a/c", "control/etcd-cluster-created", "control/etcd-cluster-spec", ".gz"})
	someCount = rapid.Custom(func(t *rapid.T) Count {
		return Count{rapid.IntRange(0, 4).Draw(t, "n"), rapid.Bool().Draw(t, "known")}
	})
	someTags = rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), rapid.SampledFrom([]string{"1", "2"}), 0, 2)
)

func someObject(t *rapid.T) Object {
	o := Object{
		Key: someNames.Draw(t, "folder") + someNames.Draw(t, "name"), Size: rapid.Int64Range(0, 100).Draw(t, "size"),
		Modified: someMoments.Draw(t, "modified"), TagsKnown: rapid.Bool().Draw(t, "tags known"),
		Class: rapid.SampledFrom([]string{"", "STANDARD", "GLACIER"}).Draw(t, "class"),
		Newer: someCount.Draw(t, "newer"), Others: someCount.Draw(t, "others"),
		DeleteMarker: rapid.IntRange(0, 5).Draw(t, "marker") == 0, Noncurrent: rapid.Bool().Draw(t, "noncurrent"),
	}
	if rapid.Bool().Draw(t, "tagged") {
		o.Tags = someTags.Draw(t, "tags")
	}
	if o.Noncurrent && rapid.Bool().Draw(t, "since known") {
		o.Superseded = o.Modified.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "hours")) * time.Hour)
	}
	if rapid.IntRange(0, 4).Draw(t, "held") == 0 {
		o.Held = someMoments.Draw(t, "until")
	}
	return o
}

func someCondition(t *rapid.T) Condition {
	basis := Basis(rapid.IntRange(int(Modified), int(Custom)).Draw(t, "basis"))
	switch rapid.IntRange(0, 3).Draw(t, "condition") {
	case 0:
		return Condition{From: someMoments.Draw(t, "from")}
	case 1:
		return Condition{Basis: basis, Before: someMoments.Draw(t, "before")}
	case 2:
		return Condition{Newer: rapid.IntRange(1, 4).Draw(t, "newer")}
	}
	days := rapid.IntRange(0, 100).Draw(t, "days")
	return Condition{Basis: basis, Days: &days, Midnight: rapid.Bool().Draw(t, "midnight")}
}

func someFilter(t *rapid.T) Filter {
	var f Filter
	if rapid.Bool().Draw(t, "by prefix") {
		f.Prefixes = rapid.SliceOfN(someNames, 1, 2).Draw(t, "prefixes")
	}
	if rapid.IntRange(0, 3).Draw(t, "by tag") == 0 {
		f.Tags = someTags.Draw(t, "wanted")
	}
	if rapid.IntRange(0, 3).Draw(t, "by size") == 0 {
		over := rapid.Int64Range(0, 100).Draw(t, "over")
		f.Over = &over
	}
	if rapid.IntRange(0, 3).Draw(t, "by class") == 0 {
		f.Classes = []string{"STANDARD"}
	}
	return f
}

func someRule(t *rapid.T) Rule {
	r := Rule{
		ID: "r", Action: Delete, Scope: Scope(rapid.IntRange(int(Current), int(LoneMarkers)).Draw(t, "scope")), Filter: someFilter(t),
	}
	if rapid.IntRange(0, 4).Draw(t, "move") == 0 {
		r.Action, r.Class = Move, "GLACIER"
	}
	for range rapid.IntRange(0, 2).Draw(t, "conditions") {
		r.Due = append(r.Due, someCondition(t))
	}
	return r
}

func somePolicy(t *rapid.T) Policy {
	p := Policy{Versioning: Versioning(rapid.IntRange(0, 3).Draw(t, "versioning"))}
	for range rapid.IntRange(0, 4).Draw(t, "rules") {
		p.Rules = append(p.Rules, someRule(t))
	}
	if rapid.IntRange(0, 4).Draw(t, "unreadable") == 0 {
		p.Unreadable = append(p.Unreadable, Unreadable{Rule: "u", Filter: someFilter(t)})
	}
	if rapid.IntRange(0, 4).Draw(t, "retention") == 0 {
		p.Retention = time.Duration(rapid.IntRange(0, 100).Draw(t, "hours")) * time.Hour
	}
	return p
}

// notLater: a is not later than b, where no moment at all is the latest.
func notLater(a, b time.Time) bool { return b.IsZero() || !a.IsZero() && !a.After(b) }

// sooner fails unless a comes to its end no later than b.
func sooner(t *rapid.T, a, b Fate) {
	t.Helper()
	if b.Deletes && (!a.Deletes || a.When.After(b.When)) || !notLater(a.CertainBy, b.CertainBy) {
		t.Fatalf("lives longer:\n%+v\nbefore:\n%+v", a, b)
	}
	if b.Deletes && !b.Gone.IsZero() && !notLater(a.Gone, b.Gone) {
		t.Fatalf("something of it stays longer:\n%+v\nbefore:\n%+v", a, b)
	}
}

func TestAddingARuleNeverLengthensALife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := somePolicy(t), someObject(t)
		more := p
		more.Rules = append([]Rule{someRule(t)}, p.Rules...)
		sooner(t, more.Fate(o), p.Fate(o))
	})
}

// TestAnUnreadableRuleNeverMakesSure: it takes nothing away from what the
// others do, and no "never" is left.
func TestAnUnreadableRuleNeverMakesSure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := somePolicy(t), someObject(t)
		blind := p
		blind.Unreadable = append([]Unreadable{{Rule: "x"}}, p.Unreadable...)
		before, after := p.Fate(o), blind.Fate(o)
		sooner(t, after, before)
		if after.Certain {
			t.Fatalf("certain beside a rule that nobody can read: %+v", after)
		}
	})
}

// TestLessKnownIsNeverSurer: forgetting something about the object never turns
// a deletion into none, delays it, or makes sure what was not.
func TestLessKnownIsNeverSurer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := somePolicy(t), someObject(t)
		less := o
		switch rapid.IntRange(0, 4).Draw(t, "forgotten") {
		case 0:
			less.Tags, less.TagsKnown = nil, false
		case 1:
			less.Newer = Count{}
		case 2:
			less.Others = Count{}
		case 3:
			less.Class = ""
		case 4:
			less.Superseded = time.Time{}
		}
		before, after := p.Fate(o), p.Fate(less)
		if before.Deletes && (!after.Deletes || after.When.After(before.When)) {
			t.Fatalf("forgetting saved it:\n%+v\nbefore:\n%+v", after, before)
		}
		if after.Certain && !after.Deletes && before.Deletes {
			t.Fatalf("forgetting made sure of its life:\n%+v\nbefore:\n%+v", after, before)
		}
	})
}

func TestAFateHangsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := somePolicy(t), someObject(t)
		f := p.Fate(o)
		switch {
		case f.Why == "":
			t.Fatalf("no reason: %+v", f)
		case !f.Deletes && (!f.When.IsZero() || f.Rule != "" || !f.Gone.IsZero() || f.Hidden):
			t.Fatalf("something of a deletion that there is not: %+v", f)
		case f.Deletes && (f.When.Before(o.Modified) || f.When.Before(o.Held) && !f.Hidden):
			t.Fatalf("deleted before it could be: %+v", f)
		case f.Certain && f.Deletes && !f.CertainBy.Equal(f.When):
			t.Fatalf("certain, and by another time: %+v", f)
		case !f.Gone.IsZero() && f.Gone.Before(f.When):
			t.Fatalf("gone before it is deleted: %+v", f)
		case f.Hidden && p.Versioning != VersioningEnabled:
			t.Fatalf("hidden where nothing is kept: %+v", f)
		}
	})
}

func FuzzParseS3(f *testing.F) {
	f.Add([]byte(s3Rules(on("r", "<And>"+backups+"<Tag><Key>a</Key><Value>b</Value></Tag></And>", days30))))
	f.Add([]byte(s3Rules(on("r", "", "<Expiration><Date>2026-12-01T00:00:00Z</Date></Expiration>"), on("s", "", "<Evaporation/>"))))
	f.Add([]byte(s3Rules(on("r", "", "<NoncurrentVersionExpiration><NoncurrentDays>99999999999</NoncurrentDays></NoncurrentVersionExpiration>"))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := ParseS3(raw); err == nil {
			judgeAll(t, p)
		}
	})
}

func FuzzParseGCS(f *testing.F) {
	f.Add([]byte(gcs(gcsRuleText("Delete", `"age":30,"matchesPrefix":["a"]`))))
	f.Add([]byte(gcsWith(versioned, gcsRuleText("Delete", `"createdBefore":"2026-10-20","numNewerVersions":2`))))
	f.Add([]byte(gcsWith(`"retentionPolicy":{"retentionPeriod":"9223372036854775807"},`, gcsRuleText("Burn", `"age":-1`))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if i, err := ParseGCS(raw); err == nil {
			judgeAll(t, i.Lifecycle.Value)
		}
	})
}

func FuzzParseAzure(f *testing.F) {
	f.Add([]byte(azure(azureRuleText(`{"prefixMatch":["state/a"]}`, `{"baseBlob":{"delete":{"daysAfterModificationGreaterThan":1e300}}}`))))
	f.Add([]byte(azure(azureRuleText(`null`, `{"version":{"tierToArchive":{"daysAfterCreationGreaterThan":3}},"moon":{}}`))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := ParseAzure(raw, "state"); err == nil {
			judgeAll(t, p)
		}
	})
}

// judgeAll judges some objects by whatever was parsed: what is switched on and
// was not understood never leaves a "never" behind.
func judgeAll(t *testing.T, p Policy) {
	t.Helper()
	for _, o := range []Object{control(), {Key: "a/b"}, {Key: "a", Noncurrent: true}, {Key: "x", DeleteMarker: true}} {
		f := p.Fate(o)
		if f.Why == "" || f.Deletes && f.When.Before(o.Modified) {
			t.Fatalf("%+v", f)
		}
		for _, u := range p.Unreadable {
			if answer, _ := u.Filter.reaches(o); answer == yes && f.Certain {
				t.Fatalf("certain beside rule %s, which nobody can read: %+v", u.Rule, f)
			}
		}
	}
}
