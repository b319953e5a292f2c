package lifecycle

import (
	"fmt"
	"strings"
	"testing"
)

func gcs(rules ...string) string {
	return gcsWith("", rules...)
}

func gcsWith(more string, rules ...string) string {
	return fmt.Sprintf(`{"kind":"storage#bucket","name":"b",%s"lifecycle":{"rule":[%s]}}`, more, strings.Join(rules, ","))
}

func gcsRuleText(action, condition string) string {
	return fmt.Sprintf(`{"action":{"type":%q},"condition":{%s}}`, action, condition)
}

const versioned = `"versioning":{"enabled":true},`

func TestGCS(t *testing.T) {
	o := control()
	noncurrent := with(o, func(o *Object) {
		o.Noncurrent, o.Superseded, o.Newer = true, at("2026-11-01 08:00:00"), Exactly(1)
	})
	for _, c := range []struct {
		reason string
		bucket string
		object Object
		want   string
	}{
		{"no rules", gcs(), o, "keeps"},
		{"30 days, to the second", gcs(gcsRuleText("Delete", `"age":30`)), o, "deletes #1 at 2026-11-19 10:30:00"},
		{"at once", gcs(gcsRuleText("Delete", `"age":0`)), o, "deletes #1 at 2026-10-20 10:30:00"},
		{"the prefix does not fit", gcs(gcsRuleText("Delete", `"age":30,"matchesPrefix":["x","y"]`)), o, "keeps"},
		{"one of the prefixes fits", gcs(gcsRuleText("Delete", `"age":30,"matchesPrefix":["x","c.example/"]`)), o, "deletes #1 at 2026-11-19 10:30:00"},
		{"the suffix does not fit", gcs(gcsRuleText("Delete", `"age":30,"matchesSuffix":[".gz"]`)), o, "keeps"},
		{"the suffix fits", gcs(gcsRuleText("Delete", `"age":30,"matchesSuffix":["created"]`)), o, "deletes #1 at 2026-11-19 10:30:00"},
		{"all conditions must hold: the later one counts", gcs(gcsRuleText("Delete", `"age":30,"createdBefore":"2026-10-21"`)), o, "deletes #1 at 2026-11-19 10:30:00"},
		{"created on the day before which", gcs(gcsRuleText("Delete", `"createdBefore":"2026-10-20"`)), o, "keeps"},
		{"created before", gcs(gcsRuleText("Delete", `"createdBefore":"2026-10-21"`)), o, "deletes #1 at 2026-10-20 10:30:00"},
		{"two rules: the earlier one", gcs(gcsRuleText("Delete", `"age":90`), gcsRuleText("Delete", `"age":30`)), o, "deletes #2 at 2026-11-19 10:30:00"},
		{"live ones only", gcs(gcsRuleText("Delete", `"age":30,"isLive":true`)), noncurrent, "keeps"},
		{"noncurrent ones only", gcs(gcsRuleText("Delete", `"age":30,"isLive":false`)), o, "keeps"},
		{"noncurrent ones", gcs(gcsRuleText("Delete", `"age":30,"isLive":false`)), noncurrent, "deletes #1 at 2026-11-19 10:30:00"},
		{"neither named: both", gcs(gcsRuleText("Delete", `"age":30`)), noncurrent, "deletes #1 at 2026-11-19 10:30:00"},
		{"since it is noncurrent", gcs(gcsRuleText("Delete", `"daysSinceNoncurrentTime":7`)), noncurrent, "deletes #1 at 2026-11-08 08:00:00"},
		{"since it is noncurrent, which it is not", gcs(gcsRuleText("Delete", `"daysSinceNoncurrentTime":7`)), o, "keeps"},
		{"noncurrent before a day", gcs(gcsRuleText("Delete", `"noncurrentTimeBefore":"2026-11-02"`)), noncurrent, "deletes #1 at 2026-11-01 08:00:00"},
		{"not noncurrent before that day", gcs(gcsRuleText("Delete", `"noncurrentTimeBefore":"2026-11-01"`)), noncurrent, "keeps"},
		{"newer versions enough", gcs(gcsRuleText("Delete", `"numNewerVersions":1`)), noncurrent, "deletes #1 at 2026-11-01 08:00:00"},
		{"newer versions not enough", gcs(gcsRuleText("Delete", `"numNewerVersions":2`)), noncurrent, "keeps"},
		{"newer versions of a live one", gcs(gcsRuleText("Delete", `"numNewerVersions":1`)), o, "keeps"},
		{"numbers as strings", gcs(gcsRuleText("Delete", `"age":"30"`)), o, "deletes #1 at 2026-11-19 10:30:00"},
		{"a custom time that nobody knows", gcs(gcsRuleText("Delete", `"daysSinceCustomTime":30`)), o, "may delete #1 at 2026-10-20 10:30:00"},
		{"a class that nobody knows", gcs(gcsRuleText("Delete", `"age":30,"matchesStorageClass":["STANDARD"]`)), o, "may delete #1 at 2026-11-19 10:30:00"},
		{"another class", gcs(gcsRuleText("Delete", `"age":30,"matchesStorageClass":["STANDARD"]`)), with(o, func(o *Object) { o.Class = "ARCHIVE" }), "keeps"},
		{"the class fits", gcs(gcsRuleText("Delete", `"age":30,"matchesStorageClass":["STANDARD","NEARLINE"]`)), with(o, func(o *Object) { o.Class = "NEARLINE" }), "deletes #1 at 2026-11-19 10:30:00"},
		{"a change of class", gcs(`{"action":{"type":"SetStorageClass","storageClass":"ARCHIVE"},"condition":{"age":5}}`), o, "keeps to ARCHIVE at 2026-10-25 10:30:00"},
		{"unfinished uploads are no objects", gcs(gcsRuleText("AbortIncompleteMultipartUpload", `"age":5`)), o, "keeps"},
		{"versions are kept, and reached by the same rule", gcsWith(versioned, gcsRuleText("Delete", `"age":30`)), o, "deletes #1 at 2026-11-19 10:30:00 hidden gone 2026-11-19 10:30:00"},
		{"versions are kept", gcsWith(versioned, gcsRuleText("Delete", `"age":30,"isLive":true`)), o, "deletes #1 at 2026-11-19 10:30:00 hidden"},
		{"versions are kept for a while", gcsWith(versioned, gcsRuleText("Delete", `"age":30,"isLive":true`), gcsRuleText("Delete", `"daysSinceNoncurrentTime":7`)), o, "deletes #1 at 2026-11-19 10:30:00 hidden gone 2026-11-26 10:30:00"},
		{"a retention policy comes first", gcsWith(`"retentionPolicy":{"retentionPeriod":"8640000"},`, gcsRuleText("Delete", `"age":30`)), o, "deletes #1 at 2027-01-28 10:30:00"},
		{"an unknown action", gcs(gcsRuleText("Burn", `"age":30`)), o, "unknown"},
		{"an unknown condition", gcs(gcsRuleText("Delete", `"age":30,"moon":"full"`)), o, "unknown"},
		{"an unknown condition on others", gcs(gcsRuleText("Delete", `"matchesPrefix":["x"],"moon":"full"`)), o, "keeps"},
		{"a condition of another kind", gcs(gcsRuleText("Delete", `"age":"soon"`)), o, "unknown"},
		{"a negative age", gcs(gcsRuleText("Delete", `"age":-1`)), o, "unknown"},
		{"no condition at all", gcs(`{"action":{"type":"Delete"}}`), o, "unknown"},
	} {
		i, err := ParseGCS([]byte(c.bucket))
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		if got := say(i.Fate(c.object)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.reason, got, c.want)
		}
	}
}

func TestAGoogleBucket(t *testing.T) {
	i, err := ParseGCS([]byte(gcsWith(versioned+`"retentionPolicy":{"retentionPeriod":"86400","isLocked":true},
		"softDeletePolicy":{"retentionDurationSeconds":"604800"},"iamConfiguration":{"publicAccessPrevention":"enforced"},`,
		gcsRuleText("Delete", `"age":30,"isLive":false`))))
	if err != nil {
		t.Fatal(err)
	}
	if i.Versioning.Value != VersioningEnabled || i.ObjectLock.Value.Mode != "COMPLIANCE" || !i.PublicBlock.Value.Restrict ||
		i.Lifecycle.State != Present || i.PublicPolicy.State != Unknown || i.PublicPolicy.Permission == "" {
		t.Errorf("%+v", i)
	}
	f := i.Fate(with(control(), func(o *Object) { o.Noncurrent, o.Superseded = true, at("2026-11-01") }))
	if want := at("2026-11-26 10:30:00"); !f.Gone.Equal(want) || !strings.Contains(f.Why, "can be put back until 2026-11-26") {
		t.Errorf("with a soft delete of 7 days: %+v", f)
	}
	for _, text := range []string{
		"", "null", "{}", "[]", `{"lifecycle":{"rule":[]}}`, `{"kind":"storage#object","name":"x"}`, `{"kind":"storage#bucket"}`,
		`{"kind":"storage#bucket","name":"b","lifecycle":{"rule":5}}`,
		`{"kind":"storage#bucket","name":"b","retentionPolicy":{"retentionPeriod":"long"}}`,
	} {
		if i, err := ParseGCS([]byte(text)); err == nil {
			t.Errorf("%s was read as %+v", text, i)
		}
	}
}

func azure(rules ...string) string {
	return `{"id":"x","properties":{"policy":{"rules":[` + strings.Join(rules, ",") + `]}}}`
}

func azureRuleText(filters, actions string) string {
	return fmt.Sprintf(`{"enabled":true,"name":"r","type":"Lifecycle","definition":{"filters":%s,"actions":%s}}`, filters, actions)
}

func TestAzure(t *testing.T) {
	const (
		blocks = `{"blobTypes":["blockBlob"]}`
		days30 = `{"baseBlob":{"delete":{"daysAfterModificationGreaterThan":30}}}`
	)
	o := control()
	noncurrent := with(o, func(o *Object) { o.Noncurrent, o.Superseded = true, at("2026-11-01 08:00:00") })
	for _, c := range []struct {
		reason string
		policy string
		object Object
		want   string
	}{
		{"no rules", azure(), o, "keeps"},
		{"30 days", azure(azureRuleText(blocks, days30)), o, "deletes r at 2026-11-19 10:30:00"},
		{"days with a point", azure(azureRuleText(blocks, strings.ReplaceAll(days30, "30", "30.0"))), o, "deletes r at 2026-11-19 10:30:00"},
		{"switched off", azure(strings.ReplaceAll(azureRuleText(blocks, days30), "true", "false")), o, "keeps"},
		{"switched on by saying nothing", azure(strings.ReplaceAll(azureRuleText(blocks, days30), `"enabled":true,`, "")), o, "deletes r at 2026-11-19 10:30:00"},
		{"a prefix begins with the container", azure(azureRuleText(`{"blobTypes":["blockBlob"],"prefixMatch":["state/c.example"]}`, days30)), o, "deletes r at 2026-11-19 10:30:00"},
		{"a prefix that is the container's beginning", azure(azureRuleText(`{"prefixMatch":["sta"]}`, days30)), o, "deletes r at 2026-11-19 10:30:00"},
		{"a prefix without the container", azure(azureRuleText(`{"prefixMatch":["c.example"]}`, days30)), o, "keeps"},
		{"other kinds of blobs", azure(azureRuleText(`{"blobTypes":["appendBlob"]}`, days30)), o, "keeps"},
		{"tags that nobody read", azure(azureRuleText(`{"blobIndexMatch":[{"name":"a","op":"==","value":"b"}]}`, days30)), o, "may delete r at 2026-11-19 10:30:00"},
		{"another comparison", azure(azureRuleText(`{"blobIndexMatch":[{"name":"a","op":"<","value":"b"}]}`, days30)), o, "unknown"},
		{"by creation, which is not known", azure(azureRuleText(blocks, `{"baseBlob":{"delete":{"daysAfterCreationGreaterThan":30}}}`)), o, "may delete r at 2026-10-20 10:30:00"},
		{"by creation", azure(azureRuleText(blocks, `{"baseBlob":{"delete":{"daysAfterCreationGreaterThan":30}}}`)),
			with(o, func(o *Object) { o.Created = at("2026-10-01") }), "deletes r at 2026-10-31"},
		{"by the last access", azure(azureRuleText(blocks, `{"baseBlob":{"delete":{"daysAfterLastAccessTimeGreaterThan":30}}}`)), o, "may delete r at 2026-11-19 10:30:00"},
		{"tiers", azure(azureRuleText(blocks, `{"baseBlob":{"tierToCool":{"daysAfterModificationGreaterThan":1},"tierToArchive":{"daysAfterModificationGreaterThan":2},"delete":null}}`)), o, "keeps to Cool at 2026-10-21 10:30:00 to Archive offline at 2026-10-22 10:30:00"},
		{"snapshots are not made here", azure(azureRuleText(blocks, `{"snapshot":{"delete":{"daysAfterCreationGreaterThan":1}}}`)), o, "keeps"},
		{"versions", azure(azureRuleText(blocks, `{"version":{"delete":{"daysAfterModificationGreaterThan":30}}}`)), noncurrent, "deletes r at 2026-11-19 10:30:00"},
		{"versions leave the blob", azure(azureRuleText(blocks, `{"version":{"delete":{"daysAfterModificationGreaterThan":30}}}`)), o, "keeps"},
		{"no filters", azure(azureRuleText(`null`, days30)), o, "deletes r at 2026-11-19 10:30:00"},
		{"an unknown filter", azure(azureRuleText(`{"moon":"full"}`, days30)), o, "unknown"},
		{"an unknown filter on others", azure(azureRuleText(`{"moon":"full","prefixMatch":["x"]}`, days30)), o, "keeps"},
		{"an unknown action", azure(azureRuleText(blocks, `{"baseBlob":{"burn":{"daysAfterModificationGreaterThan":30}}}`)), o, "unknown"},
		{"an unknown subject", azure(azureRuleText(blocks, `{"everything":{"delete":{"daysAfterModificationGreaterThan":30}}}`)), o, "unknown"},
		{"an unknown condition", azure(azureRuleText(blocks, `{"baseBlob":{"delete":{"daysAfterFullMoon":30}}}`)), o, "unknown"},
		{"no condition", azure(azureRuleText(blocks, `{"baseBlob":{"delete":{}}}`)), o, "unknown"},
		{"an unknown type", azure(strings.ReplaceAll(azureRuleText(blocks, days30), `"Lifecycle"`, `"Other"`)), o, "may delete r at 2026-11-19 10:30:00 surely 2026-11-19 10:30:00"},
	} {
		p, err := ParseAzure([]byte(c.policy), "state")
		if err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		if got := say(p.Fate(c.object)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.reason, got, c.want)
		}
	}
	for _, text := range []string{"", "null", "{}", "[]", `{"properties":{}}`, `{"properties":{"policy":{"rules":5}}}`, `{"error":{"code":"AuthorizationFailed"}}`} {
		if p, err := ParseAzure([]byte(text), "state"); err == nil {
			t.Errorf("%s was read as %+v", text, p)
		}
	}
}
