package lifecycle

import (
	"strings"
	"testing"
	"time"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		t, err = time.Parse(time.DateOnly, text)
	}
	if err != nil {
		panic(err)
	}
	return t
}

// s3Rules are rules as S3 gives them; each text is the inside of one.
func s3Rules(rules ...string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	for _, r := range rules {
		b.WriteString("<Rule>" + r + "</Rule>")
	}
	return b.String() + "</LifecycleConfiguration>"
}

// on is a rule that is switched on.
func on(id, filter, actions string) string {
	return "<ID>" + id + "</ID><Status>Enabled</Status><Filter>" + filter + "</Filter>" + actions
}

const (
	days30  = "<Expiration><Days>30</Days></Expiration>"
	backups = "<Prefix>c.example/backups/</Prefix>"
	marker  = "c.example/backups/etcd/main/control/etcd-cluster-created"
)

func control() Object {
	return Object{Key: marker, Size: 35, Modified: at("2026-10-20 10:30:00")}
}

func with(o Object, change func(*Object)) Object {
	change(&o)
	return o
}

// say is a fate in one line.
func say(f Fate) string {
	parts := []string{map[[2]bool]string{
		{true, true}: "deletes", {true, false}: "may delete", {false, true}: "keeps", {false, false}: "unknown",
	}[[2]bool{f.Deletes, f.Certain}]}
	add := func(what string, t time.Time) {
		if !t.IsZero() {
			parts = append(parts, what+" "+strings.TrimSuffix(t.UTC().Format("2006-01-02 15:04:05"), " 00:00:00"))
		}
	}
	if f.Deletes {
		parts = append(parts, f.Rule)
		add("at", f.When)
		if !f.Certain {
			add("surely", f.CertainBy)
		}
	}
	if f.Hidden {
		parts = append(parts, "hidden")
		add("gone", f.Gone)
	}
	for _, m := range f.Moves {
		if !m.Certain {
			parts = append(parts, "maybe")
		}
		parts = append(parts, "to "+m.Class)
		if m.Offline {
			parts = append(parts, "offline")
		}
		add("at", m.When)
	}
	return strings.Join(parts, " ")
}

func TestS3(t *testing.T) {
	o := control()
	noncurrent := with(o, func(o *Object) {
		o.Noncurrent, o.Superseded, o.Newer = true, at("2026-11-01 08:00:00"), Exactly(0)
	})
	tests := []struct {
		reason     string
		rules      []string
		versioning Versioning
		object     Object
		want       string
	}{
		{"no rules", nil, VersioningOff, o, "keeps"},
		{"30 days, rounded up to the next midnight", []string{on("r", "", days30)}, VersioningOff, o, "deletes r at 2026-11-20"},
		{"a moment before midnight", []string{on("r", "", days30)}, VersioningOff,
			with(o, func(o *Object) { o.Modified = at("2026-10-20 23:59:59") }), "deletes r at 2026-11-20"},
		{"midnight itself needs no rounding", []string{on("r", "", days30)}, VersioningOff,
			with(o, func(o *Object) { o.Modified = at("2026-10-20") }), "deletes r at 2026-11-19"},
		{"midnight is that of UTC", []string{on("r", "", days30)}, VersioningOff,
			with(o, func(o *Object) {
				o.Modified = time.Date(2026, 10, 21, 1, 0, 0, 0, time.FixedZone("", 7200))
			}), "deletes r at 2026-11-20"},
		{"the prefix fits", []string{on("r", backups, days30)}, VersioningOff, o, "deletes r at 2026-11-20"},
		{"the prefix does not", []string{on("r", "<Prefix>d.example/</Prefix>", days30)}, VersioningOff, o, "keeps"},
		{"a prefix is not a folder", []string{on("r", "<Prefix>c.exa</Prefix>", days30)}, VersioningOff, o, "deletes r at 2026-11-20"},
		{"the old form of a prefix", []string{"<ID>r</ID><Prefix>c.example/</Prefix><Status>Enabled</Status>" + days30}, VersioningOff, o, "deletes r at 2026-11-20"},
		{"the old form, another prefix", []string{"<ID>r</ID><Prefix>x</Prefix><Status>Enabled</Status>" + days30}, VersioningOff, o, "keeps"},
		{"neither filter nor prefix is everything", []string{"<ID>r</ID><Status>Enabled</Status>" + days30}, VersioningOff, o, "deletes r at 2026-11-20"},
		{"a rule without a name", []string{"<Status>Enabled</Status>" + days30}, VersioningOff, o, "deletes #1 at 2026-11-20"},
		{"switched off", []string{"<ID>r</ID><Status>Disabled</Status>" + days30}, VersioningOff, o, "keeps"},
		{"tags that nobody read", []string{on("r", "<Tag><Key>a</Key><Value>b</Value></Tag>", days30)}, VersioningOff, o, "may delete r at 2026-11-20"},
		{"tags that fit", []string{on("r", "<Tag><Key>a</Key><Value>b</Value></Tag>", days30)}, VersioningOff,
			with(o, func(o *Object) { o.TagsKnown, o.Tags = true, map[string]string{"a": "b", "c": "d"} }), "deletes r at 2026-11-20"},
		{"no such tag", []string{on("r", "<Tag><Key>a</Key><Value>b</Value></Tag>", days30)}, VersioningOff,
			with(o, func(o *Object) { o.TagsKnown = true }), "keeps"},
		{"another value of the tag", []string{on("r", "<Tag><Key>a</Key><Value>b</Value></Tag>", days30)}, VersioningOff,
			with(o, func(o *Object) { o.TagsKnown, o.Tags = true, map[string]string{"a": "B"} }), "keeps"},
		{"larger than: exactly as large is not", []string{on("r", "<ObjectSizeGreaterThan>35</ObjectSizeGreaterThan>", days30)}, VersioningOff, o, "keeps"},
		{"larger than", []string{on("r", "<ObjectSizeGreaterThan>34</ObjectSizeGreaterThan>", days30)}, VersioningOff, o, "deletes r at 2026-11-20"},
		{"smaller than: exactly as large is not", []string{on("r", "<ObjectSizeLessThan>35</ObjectSizeLessThan>", days30)}, VersioningOff, o, "keeps"},
		{"all parts of an And fit", []string{on("r", "<And>"+backups+"<ObjectSizeLessThan>36</ObjectSizeLessThan></And>", days30)}, VersioningOff, o, "deletes r at 2026-11-20"},
		{"one part of an And does not, whatever the tags", []string{on("r", "<And><Prefix>x</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And>", days30)}, VersioningOff, o, "keeps"},
		{"a date", []string{on("r", "", "<Expiration><Date>2026-12-01T00:00:00.000Z</Date></Expiration>")}, VersioningOff, o, "deletes r at 2026-12-01"},
		{"a date that has passed reaches new objects at once", []string{on("r", "", "<Expiration><Date>2026-01-01T00:00:00Z</Date></Expiration>")}, VersioningOff, o, "deletes r at 2026-10-20 10:30:00"},
		{"two rules: the earlier one", []string{on("late", "", "<Expiration><Days>90</Days></Expiration>"), on("early", backups, days30)}, VersioningOff, o, "deletes early at 2026-11-20"},
		{"an earlier rule that only may", []string{on("sure", "", "<Expiration><Days>90</Days></Expiration>"), on("may", "<Tag><Key>a</Key><Value>b</Value></Tag>", days30)}, VersioningOff, o, "may delete may at 2026-11-20 surely 2027-01-19"},
		{"a later rule that only may changes nothing", []string{on("sure", "", days30), on("may", "<Tag><Key>a</Key><Value>b</Value></Tag>", "<Expiration><Days>90</Days></Expiration>")}, VersioningOff, o, "deletes sure at 2026-11-20"},
		{"versions are kept", []string{on("r", "", days30)}, VersioningEnabled, o, "deletes r at 2026-11-20 hidden"},
		{"versions are kept for a while", []string{on("r", "", days30+"<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>")}, VersioningEnabled, o, "deletes r at 2026-11-20 hidden gone 2026-11-27"},
		{"the newest versions are kept for ever", []string{on("r", "", days30+"<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays><NewerNoncurrentVersions>1</NewerNoncurrentVersions></NoncurrentVersionExpiration>")}, VersioningEnabled, o, "deletes r at 2026-11-20 hidden"},
		{"suspended versioning keeps nothing for sure", []string{on("r", "", days30)}, VersioningSuspended, o, "deletes r at 2026-11-20"},
		{"unknown versioning keeps nothing for sure", []string{on("r", "", days30)}, VersioningUnknown, o, "deletes r at 2026-11-20"},
		{"a rule for noncurrent ones leaves the current one", []string{on("r", "", "<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>")}, VersioningEnabled, o, "keeps"},
		{"a noncurrent one, counted from its successor", []string{on("r", "", "<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>")}, VersioningEnabled, noncurrent, "deletes r at 2026-11-09"},
		{"a rule for current ones leaves noncurrent ones", []string{on("r", "", days30)}, VersioningEnabled, noncurrent, "keeps"},
		{"two are kept, and it is the newest", []string{on("r", "", "<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>")}, VersioningEnabled, noncurrent, "keeps"},
		{"two are kept, and it is the third", []string{on("r", "", "<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>")}, VersioningEnabled,
			with(noncurrent, func(o *Object) { o.Newer = Exactly(2) }), "deletes r at 2026-11-09"},
		{"two are kept, and its place is not known", []string{on("r", "", "<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>")}, VersioningEnabled,
			with(noncurrent, func(o *Object) { o.Newer = Count{} }), "may delete r at 2026-11-09"},
		{"noncurrent since nobody knows when", []string{on("r", "", "<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>")}, VersioningEnabled,
			with(noncurrent, func(o *Object) { o.Superseded = time.Time{} }), "may delete r at 2026-10-28"},
		{"held until later", []string{on("r", "", "<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>")}, VersioningEnabled,
			with(noncurrent, func(o *Object) { o.Held = at("2027-01-01") }), "deletes r at 2027-01-01"},
		{"held, but a delete marker deletes nothing", []string{on("r", "", days30)}, VersioningEnabled,
			with(o, func(o *Object) { o.Held = at("2027-01-01") }), "deletes r at 2026-11-20 hidden"},
		{"a delete marker over versions", []string{on("r", "", days30+"<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>")}, VersioningEnabled,
			with(o, func(o *Object) { o.DeleteMarker, o.Others = true, Exactly(1) }), "keeps"},
		{"a delete marker over nothing", []string{on("r", "", "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>")}, VersioningEnabled,
			with(o, func(o *Object) { o.DeleteMarker, o.Others = true, Exactly(0) }), "deletes r at 2026-10-21"},
		{"a delete marker over nothing, by days", []string{on("r", "", days30)}, VersioningEnabled,
			with(o, func(o *Object) { o.DeleteMarker, o.Others = true, Exactly(0) }), "deletes r at 2026-11-20"},
		{"a delete marker over nobody knows what", []string{on("r", "", days30)}, VersioningEnabled,
			with(o, func(o *Object) { o.DeleteMarker = true }), "may delete r at 2026-11-20"},
		{"a rule for delete markers leaves objects", []string{on("r", "", "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>")}, VersioningEnabled, o, "keeps"},
		{"a rule for delete markers that is off", []string{on("r", "", "<Expiration><ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker></Expiration>")}, VersioningEnabled, o, "keeps"},
		{"a change of class is not a deletion", []string{on("r", "", "<Transition><Days>10</Days><StorageClass>STANDARD_IA</StorageClass></Transition>")}, VersioningOff, o, "keeps to STANDARD_IA at 2026-10-31"},
		{"a class that cannot be read from", []string{on("r", "", "<Transition><Days>40</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition><Transition><Days>10</Days><StorageClass>GLACIER</StorageClass></Transition>")}, VersioningOff, o, "keeps to GLACIER offline at 2026-10-31 to DEEP_ARCHIVE offline at 2026-11-30"},
		{"a change of class by tags that nobody read, after a rule that does not reach it",
			[]string{on("d", "<Prefix>x</Prefix>", days30), on("m", "<Tag><Key>a</Key><Value>b</Value></Tag>", "<Transition><Days>10</Days><StorageClass>GLACIER_IR</StorageClass></Transition>")},
			VersioningOff, o, "keeps maybe to GLACIER_IR at 2026-10-31"},
		{"delete markers and days in one", []string{on("r", "", "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker><Days>30</Days></Expiration>")}, VersioningOff, o, "deletes r at 2026-11-20"},
		{"unfinished uploads are no objects", []string{on("r", "", "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>")}, VersioningOff, o, "keeps"},

		{"an unknown action", []string{on("r", "", "<Evaporation><Days>1</Days></Evaporation>")}, VersioningOff, o, "unknown"},
		{"an unknown action on others", []string{on("r", "<Prefix>x</Prefix>", "<Evaporation><Days>1</Days></Evaporation>")}, VersioningOff, o, "keeps"},
		{"an unknown action beside a known one", []string{on("r", "", days30+"<DelMarkerExpiration><Days>1</Days></DelMarkerExpiration>")}, VersioningOff, o, "may delete r at 2026-11-20 surely 2026-11-20"},
		{"an unknown part of an action", []string{on("r", "", "<Expiration><Days>30</Days><ExpiredObjectAllVersions>true</ExpiredObjectAllVersions></Expiration>")}, VersioningOff, o, "unknown"},
		{"an unknown part of a filter", []string{on("r", "<Prefix>x</Prefix><Moon>full</Moon>", days30)}, VersioningOff, o, "unknown"},
		{"a filter of two parts without And", []string{on("r", "<Prefix>x</Prefix><ObjectSizeLessThan>1</ObjectSizeLessThan>", days30)}, VersioningOff, o, "unknown"},
		{"an unknown status", []string{"<ID>r</ID><Status>Sometimes</Status>" + days30}, VersioningOff, o, "unknown"},
		{"a rule without an action", []string{on("r", "", "")}, VersioningOff, o, "unknown"},
		{"an action without a time", []string{on("r", "", "<Expiration></Expiration>")}, VersioningOff, o, "unknown"},
		{"days that are no number", []string{on("r", "", "<Expiration><Days>soon</Days></Expiration>")}, VersioningOff, o, "unknown"},
		{"days below zero", []string{on("r", "", "<Expiration><Days>-1</Days></Expiration>")}, VersioningOff, o, "unknown"},
		{"a date that is none", []string{on("r", "", "<Expiration><Date>Monday</Date></Expiration>")}, VersioningOff, o, "unknown"},
		{"a sure rule is sure beside one that cannot be read", []string{on("r", "", days30), on("s", "", "<Evaporation/>")}, VersioningOff, o, "may delete r at 2026-11-20 surely 2026-11-20"},
	}
	for _, c := range tests {
		p, err := ParseS3([]byte(s3Rules(c.rules...)))
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		p.Versioning = c.versioning
		f := p.Fate(c.object)
		if got := say(f); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.reason, got, c.want)
		}
		if f.Why == "" {
			t.Errorf("%s: no reason is given", c.reason)
		}
	}
}

func TestNotLifecycleRules(t *testing.T) {
	for _, text := range []string{
		"", "   ", "not found", "<html></html>", "<LifecycleConfiguration>", `{"rules":[]}`, "<Error><Code>AccessDenied</Code></Error>",
		s3Rules() + s3Rules(), strings.Repeat("<a>", 100000), "<LifecycleConfiguration>&evil;</LifecycleConfiguration>",
		`<!DOCTYPE x [<!ENTITY a "b">]><LifecycleConfiguration>&a;</LifecycleConfiguration>`,
		strings.Repeat(" ", MaxSize) + s3Rules(),
	} {
		if p, err := ParseS3([]byte(text)); err == nil {
			t.Errorf("%.60q was read as %+v", text, p)
		}
	}
	if p, err := ParseS3([]byte(s3Rules())); err != nil || len(p.Rules)+len(p.Unreadable) != 0 {
		t.Errorf("no rules: %+v, %v", p, err)
	}
	if p, err := ParseS3([]byte("<LifecycleConfiguration><Else/></LifecycleConfiguration>")); err != nil || p.Fate(control()).Certain {
		t.Errorf("something else than a rule: %+v, %v", p, err)
	}
}

func TestWhyInWords(t *testing.T) {
	rules := s3Rules(on("old backups", "<And>"+backups+"<Tag><Key>a</Key><Value>b</Value></Tag></And>", days30+"<NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>"))
	p, err := ParseS3([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	p.Versioning = VersioningEnabled
	noncurrent := with(control(), func(o *Object) { o.Noncurrent, o.Superseded = true, at("2026-11-01") })
	for _, c := range []struct {
		versioning Versioning
		object     Object
		soft       time.Duration
		has, lacks string
	}{
		{VersioningUnknown, control(), 0, "whether a version of it stays is not known", "put back"},
		{VersioningOff, control(), 0, "its tags are not known", "; "},
		{VersioningUnknown, noncurrent, 0, "its tags are not known", "; "},
		{VersioningOff, control(), time.Hour, "it can be put back until 2026-11-20T01:00:00Z", "version"},
		{VersioningEnabled, with(control(), func(o *Object) { o.DeleteMarker, o.Others = true, Exactly(0) }), 0, "it is a delete marker and holds nothing", "put back"},
	} {
		q := p
		q.Versioning, q.SoftDelete = c.versioning, c.soft
		if why := q.Fate(c.object).Why; !strings.Contains(why, c.has) || strings.Contains(why, c.lacks) {
			t.Errorf("versioning %s: %s", c.versioning, why)
		}
	}
	want := `rule old backups (prefix "c.example/backups/", tag "a" = "b") may delete it: its tags are not known; a version of it can be put back until 2026-11-27T00:00:00Z`
	if got := p.Fate(control()).Why; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestInspectionFate: rules that could not be read are not "no rules".
func TestInspectionFate(t *testing.T) {
	p, err := ParseS3([]byte(s3Rules(on("r", "", days30))))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason string
		i      Inspection
		want   string
	}{
		{"nothing was asked", Inspection{}, "unknown"},
		{"the rules were denied", Inspection{Lifecycle: Answer[Policy]{Permission: "s3:GetLifecycleConfiguration"}}, "unknown"},
		{"there are none", Inspection{Lifecycle: Answer[Policy]{State: Absent}}, "keeps"},
		{"there are some, versioning was denied", Inspection{Lifecycle: Answer[Policy]{State: Present, Value: p}}, "deletes r at 2026-11-20"},
		{"there are some, versions are kept", Inspection{
			Lifecycle:  Answer[Policy]{State: Present, Value: p},
			Versioning: Answer[Versioning]{State: Present, Value: VersioningEnabled},
		}, "deletes r at 2026-11-20 hidden"},
	} {
		f := c.i.Fate(control())
		if got := say(f); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
		if name := c.i.Lifecycle.Permission; !strings.Contains(f.Why, name) {
			t.Errorf("%s: %q does not name %s", c.reason, f.Why, name)
		}
	}
}
