package kops_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seedproof/seedproof/internal/kops"
	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/kops/kopstest"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/lifecycle"
	"github.com/seedproof/seedproof/internal/store/mem"
)

// ruled is a bucket with settings.
type ruled struct {
	said     lifecycle.Inspection
	tags     map[string]string
	versions []lifecycle.Version
	err      error
	asked    atomic.Int32
}

func (r *ruled) Inspect(context.Context) lifecycle.Inspection { r.asked.Add(1); return r.said }
func (r *ruled) Key(key string) string                        { return "fleet/" + key }

func (r *ruled) Tags(context.Context, string) (map[string]string, error) { return r.tags, r.err }

func (r *ruled) Versions(_ context.Context, prefix string) iter.Seq2[lifecycle.Version, error] {
	return func(yield func(lifecycle.Version, error) bool) {
		if r.err != nil {
			yield(lifecycle.Version{}, r.err)
			return
		}
		for _, v := range r.versions {
			if strings.HasPrefix(v.Key, "fleet/"+prefix) && !yield(v, nil) {
				return
			}
		}
	}
}

func days(n int) *int { return &n }

func expire(id, prefix string, n int, tags map[string]string) lifecycle.Rule {
	return lifecycle.Rule{ID: id, Action: lifecycle.Delete, Scope: lifecycle.Current,
		Filter: lifecycle.Filter{Prefixes: []string{prefix}, Tags: tags},
		Due:    []lifecycle.Condition{{Basis: lifecycle.Modified, Days: days(n)}}}
}

func policyOf(rules ...lifecycle.Rule) lifecycle.Answer[lifecycle.Policy] {
	return lifecycle.Answer[lifecycle.Policy]{State: lifecycle.Present, Value: lifecycle.Policy{Rules: rules}}
}

var (
	allIsWell = lifecycle.Inspection{
		Lifecycle:    lifecycle.Answer[lifecycle.Policy]{State: lifecycle.Absent},
		Versioning:   lifecycle.Answer[lifecycle.Versioning]{State: lifecycle.Present, Value: lifecycle.VersioningEnabled},
		ObjectLock:   lifecycle.Answer[lifecycle.Lock]{State: lifecycle.Absent},
		PublicPolicy: lifecycle.Answer[bool]{State: lifecycle.Absent},
	}
	errRefused = errors.New("refused")
)

// bucketCase is a bucket's settings, and what is to be said of them.
type bucketCase struct {
	reason string
	bucket *ruled
	kinds  string
	says   string
}

func bucketCases() []bucketCase {
	with := func(change func(*lifecycle.Inspection)) lifecycle.Inspection {
		said := allIsWell
		change(&said)
		return said
	}
	const controlKeys = "fleet/" + control
	return []bucketCase{
		{"all is well", &ruled{said: allIsWell}, "[]", ""},
		{"a rule for everything", &ruled{said: with(func(i *lifecycle.Inspection) { i.Lifecycle = policyOf(expire("tidy", "", 12, nil)) })},
			"[lifecycle-deletes-control-file lifecycle-deletes-control-file lifecycle-deletes-backup lifecycle-deletes-backup]", "in 12 days (2026-11-13)"},
		{"a rule for another path", &ruled{said: with(func(i *lifecycle.Inspection) { i.Lifecycle = policyOf(expire("tidy", "logs/", 12, nil)) })}, "[]", ""},
		{"overdue", &ruled{said: with(func(i *lifecycle.Inspection) { i.Lifecycle = policyOf(expire("tidy", controlKeys, 0, nil)) })},
			"[lifecycle-deletes-control-file lifecycle-deletes-control-file]", "at any moment"},
		{"by a tag that they bear", &ruled{tags: map[string]string{"old": "yes"}, said: with(func(i *lifecycle.Inspection) {
			i.Lifecycle = policyOf(expire("tidy", controlKeys, 12, map[string]string{"old": "yes"}))
		})}, "[lifecycle-deletes-control-file lifecycle-deletes-control-file]", "DELETES A CONTROL FILE"},
		{"by a tag that they do not bear", &ruled{said: with(func(i *lifecycle.Inspection) {
			i.Lifecycle = policyOf(expire("tidy", controlKeys, 12, map[string]string{"old": "yes"}))
		})}, "[]", ""},
		{"by a tag that it takes a permission to read", &ruled{err: &lifecycle.Denied{Permission: "s3:GetObjectTagging", Err: errRefused}, said: with(func(i *lifecycle.Inspection) {
			i.Lifecycle = policyOf(expire("tidy", controlKeys, 12, map[string]string{"old": "yes"}))
		})}, "[lifecycle-deletes-control-file lifecycle-deletes-control-file]", "(needs s3:GetObjectTagging)"},
		{"a block that it takes a permission to see", &ruled{said: with(func(i *lifecycle.Inspection) {
			i.PublicBlock = lifecycle.Answer[lifecycle.PublicBlock]{Permission: "s3:GetBucketPublicAccessBlock", Err: errRefused}
		})}, "[bucket-settings-not-read]", "(needs s3:GetBucketPublicAccessBlock)"},
		{"by a tag that may not be read", &ruled{err: errRefused, said: with(func(i *lifecycle.Inspection) {
			i.Lifecycle = policyOf(expire("tidy", controlKeys, 12, map[string]string{"old": "yes"}))
		})}, "[lifecycle-deletes-control-file lifecycle-deletes-control-file]", "MAY DELETE A CONTROL FILE"},
		{"archived", &ruled{said: with(func(i *lifecycle.Inspection) {
			r := expire("cold", controlKeys, 30, nil)
			r.Action, r.Class, r.Offline = lifecycle.Move, "GLACIER", true
			i.Lifecycle = policyOf(r)
		})}, "[lifecycle-archives lifecycle-archives]", "to GLACIER in 30 days"},
		{"rules that may not be read", &ruled{said: with(func(i *lifecycle.Inspection) {
			i.Lifecycle = lifecycle.Answer[lifecycle.Policy]{Permission: "s3:GetLifecycleConfiguration", Err: errRefused}
		})}, "[bucket-settings-not-read]", "lifecycle rules (needs s3:GetLifecycleConfiguration)"},
		{"a rule that was not understood", &ruled{said: with(func(i *lifecycle.Inspection) {
			i.Lifecycle = lifecycle.Answer[lifecycle.Policy]{State: lifecycle.Present, Value: lifecycle.Policy{Unreadable: []lifecycle.Unreadable{{Rule: "odd", Why: "a filter of tomorrow"}}}}
		})}, "[bucket-settings-not-read]", `rule "odd" (a filter of tomorrow)`},
		{"versioning is off", &ruled{said: with(func(i *lifecycle.Inspection) { i.Versioning.Value = lifecycle.VersioningOff })}, "[no-versioning]", "gone for good"},
		{"locked", &ruled{said: with(func(i *lifecycle.Inspection) { i.ObjectLock.State = lifecycle.Present })}, "[object-lock]", "cannot delete old backups"},
		{"public", &ruled{said: with(func(i *lifecycle.Inspection) {
			i.PublicPolicy = lifecycle.Answer[bool]{State: lifecycle.Present, Value: true}
		})}, "[public-access]", "OPEN TO THE WORLD"},
	}
}

func TestBucketSettings(t *testing.T) {
	for _, c := range bucketCases() {
		s := mem.New("state")
		s.SetClock(func() time.Time { return now })
		healthy(3).Write(t, s)
		report, err := kops.Check(t.Context(), kops.Options{
			State: "mem://state", Open: in(s), Now: func() time.Time { return now },
			Inspect: func(context.Context, store.Store) (lifecycle.Inspector, error) { return c.bucket, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		r := report.Clusters[0]
		if got := kinds(r); got != c.kinds {
			t.Errorf("%s: %s, want %s", c.reason, got, c.kinds)
		}
		var text strings.Builder
		tell(&text, story{}, r)
		if !strings.Contains(text.String(), c.says) {
			t.Errorf("%s: it does not say %q:\n%s", c.reason, c.says, text.String())
		}
		if r.Action != decide.None || r.ExitCode != decide.Safe {
			t.Errorf("%s: the settings changed what an update does: %s, %d", c.reason, r.Action, r.ExitCode)
		}
		if strings.Contains(c.kinds, "deletes") && !strings.Contains(text.String(), "backupRetentionDays") {
			t.Errorf("%s: the native setting is not named", c.reason)
		}
		if n := c.bucket.asked.Load(); n != 1 {
			t.Errorf("%s: the bucket was asked %d times for two etcd clusters", c.reason, n)
		}
	}
}

// TestDeletedVersions: what was deleted is offered to be put back, by the
// newest version that holds something.
func TestDeletedVersions(t *testing.T) {
	version := func(key, id string, size int64, marker bool) lifecycle.Version {
		return lifecycle.Version{ID: id, Object: lifecycle.Object{Key: "fleet/" + key, Size: size, DeleteMarker: marker}}
	}
	for _, c := range []struct {
		reason string
		bucket *ruled
		want   string
	}{
		{"deleted", &ruled{versions: []lifecycle.Version{version(marker, "m3", 0, true), version(marker, "m2", 0, false), version(marker, "m1", 33, false), version(spec, "s1", 60, false)}}, "m1 s1"},
		{"a longer key is another object", &ruled{versions: []lifecycle.Version{version(marker+"-old", "m1", 33, false)}}, " "},
		{"gone for good", &ruled{}, " "},
		{"may not be asked", &ruled{err: errRefused}, " "},
	} {
		inMemory := mem.New("state")
		s := renamed{inMemory, "s3://state"}
		healthy(3).Write(t, s)
		kopstest.Delete(t, s, marker)
		kopstest.Delete(t, s, spec)
		report, err := kops.Check(t.Context(), kops.Options{
			State: "s3://state", Open: in(s), Now: func() time.Time { return now },
			Inspect: func(context.Context, store.Store) (lifecycle.Inspector, error) { return c.bucket, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, step := range report.Clusters[0].Advice {
			if strings.HasPrefix(step.Command, "printf") {
				_, id, _ := strings.Cut(step.Instead, "?versionId=")
				ids = append(ids, strings.TrimSuffix(id, "'"))
			}
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: versions %q, want %q: %+v", c.reason, got, c.want, report.Clusters[0].Advice)
		}
		var text strings.Builder
		tell(&text, story{}, report.Clusters[0])
		if said := strings.Contains(text.String(), "can be put back is not known"); said != (c.bucket.err != nil) {
			t.Errorf("%s: that it could not be asked is said: %t", c.reason, said)
		}
	}
}
