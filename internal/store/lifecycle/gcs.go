package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gcsBucket is what is read of Google's bucket resource.
type gcsBucket struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Lifecycle struct {
		Rule []gcsRule `json:"rule"`
	} `json:"lifecycle"`
	Versioning struct {
		Enabled bool `json:"enabled"`
	} `json:"versioning"`
	RetentionPolicy *struct {
		RetentionPeriod json.RawMessage `json:"retentionPeriod"`
		IsLocked        bool            `json:"isLocked"`
	} `json:"retentionPolicy"`
	SoftDeletePolicy *struct {
		RetentionDurationSeconds json.RawMessage `json:"retentionDurationSeconds"`
	} `json:"softDeletePolicy"`
	IAMConfiguration struct {
		PublicAccessPrevention string `json:"publicAccessPrevention"`
	} `json:"iamConfiguration"`
}

type gcsRule struct {
	Action struct {
		Type         string `json:"type"`
		StorageClass string `json:"storageClass"`
	} `json:"action"`
	Condition map[string]json.RawMessage `json:"condition"`
}

// ParseGCS reads the whole JSON bucket resource of Google Cloud Storage. A part
// of it (a field mask) would make rules look absent, so the resource must name
// itself.
func ParseGCS(raw []byte) (Inspection, error) {
	if len(raw) > MaxSize {
		return Inspection{}, fmt.Errorf("parse a bucket: %d bytes, more than %d", len(raw), MaxSize)
	}
	var b gcsBucket
	if err := json.Unmarshal(raw, &b); err != nil {
		return Inspection{}, fmt.Errorf("parse a bucket: %w", err)
	}
	if b.Kind != "storage#bucket" || b.Name == "" {
		return Inspection{}, errors.New("parse a bucket: it is not a bucket resource of Google")
	}
	p := gcsPolicy(b.Lifecycle.Rule)
	i := Inspection{
		Versioning:   Answer[Versioning]{State: Present, Value: VersioningOff},
		ObjectLock:   Answer[Lock]{State: Absent},
		PublicBlock:  Answer[PublicBlock]{State: Absent},
		PublicPolicy: Answer[bool]{Err: errors.New("a bucket resource does not tell"), Permission: "storage.buckets.getIamPolicy"},
	}
	if b.Versioning.Enabled {
		i.Versioning.Value = VersioningEnabled
	}
	if b.IAMConfiguration.PublicAccessPrevention == "enforced" {
		i.PublicBlock = Answer[PublicBlock]{State: Present, Value: PublicBlock{true, true, true, true}}
	}
	if err := gcsHolds(&b, &p, &i); err != nil {
		return Inspection{}, fmt.Errorf("parse a bucket: %w", err)
	}
	p.Versioning = i.Versioning.Value
	i.Lifecycle = Answer[Policy]{State: Present, Value: p}
	if len(p.Rules)+len(p.Unreadable) == 0 {
		i.Lifecycle.State = Absent
	}
	return i, nil
}

// gcsHolds reads what keeps objects from being deleted for good.
func gcsHolds(b *gcsBucket, p *Policy, i *Inspection) error {
	if r := b.RetentionPolicy; r != nil {
		period, err := seconds(r.RetentionPeriod)
		if err != nil {
			return fmt.Errorf("retention period: %w", err)
		}
		p.Retention = period
		lock := Lock{Mode: "GOVERNANCE", For: period}
		if r.IsLocked {
			lock.Mode = "COMPLIANCE"
		}
		i.ObjectLock = Answer[Lock]{State: Present, Value: lock}
	}
	if s := b.SoftDeletePolicy; s != nil {
		period, err := seconds(s.RetentionDurationSeconds)
		if err != nil {
			return fmt.Errorf("soft delete: %w", err)
		}
		p.SoftDelete = period
	}
	return nil
}

// seconds is an int64 as Google writes it: in JSON a string. No value is 0.
func seconds(raw json.RawMessage) (time.Duration, error) {
	n, err := integer(raw)
	if err != nil || len(raw) == 0 {
		return 0, err
	}
	return min(time.Duration(min(n, maxDays*86400))*time.Second, maxDays*24*time.Hour), nil
}

// integer is a number, or a number in a string.
func integer(raw json.RawMessage) (int64, error) {
	if len(raw) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%.40q is not a number from 0 on", raw)
	}
	return n, nil
}

func gcsPolicy(rules []gcsRule) Policy {
	var p Policy
	for n, g := range rules {
		id := "#" + strconv.Itoa(n+1)
		r, err := gcsParse(g)
		r.ID = id
		switch {
		case err != nil:
			p.Unreadable = append(p.Unreadable, Unreadable{Rule: id, Why: err.Error(), Filter: r.Filter})
		case r.Action != 0:
			p.Rules = append(p.Rules, r)
		}
	}
	return p
}

// gcsParse reads one rule. On an error its filter is what was understood of it.
func gcsParse(g gcsRule) (Rule, error) {
	r := Rule{Scope: AllVersions}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(g.Condition)) {
		if err := gcsCondition(&r, name, g.Condition[name]); err != nil {
			errs = append(errs, err)
		}
	}
	switch g.Action.Type {
	case "Delete":
		r.Action = Delete
	case "SetStorageClass":
		r.Action, r.Class = Move, g.Action.StorageClass
	case "AbortIncompleteMultipartUpload":
		return r, nil
	default:
		errs = append(errs, fmt.Errorf("unknown action %q", g.Action.Type))
	}
	if len(g.Condition) == 0 {
		errs = append(errs, errors.New("it names no condition"))
	}
	return r, errors.Join(errs...)
}

// gcsCondition adds one condition of a rule; all of them must hold.
func gcsCondition(r *Rule, name string, raw json.RawMessage) (err error) {
	switch name {
	case "matchesPrefix":
		err = json.Unmarshal(raw, &r.Filter.Prefixes)
	case "matchesSuffix":
		err = json.Unmarshal(raw, &r.Filter.Suffixes)
	case "matchesStorageClass":
		err = json.Unmarshal(raw, &r.Filter.Classes)
	case "isLive":
		var live bool
		err = json.Unmarshal(raw, &live)
		r.Scope = Noncurrent
		if live {
			r.Scope = Current
		}
	case "numNewerVersions":
		var n int64
		if n, err = integer(raw); n > 0 {
			r.Due = append(r.Due, Condition{Newer: int(min(n, maxDays))})
		}
	case "age":
		err = r.days(raw, Modified)
	case "daysSinceNoncurrentTime":
		err = r.days(raw, Superseded)
	case "daysSinceCustomTime":
		err = r.days(raw, Custom)
	case "createdBefore":
		err = r.before(raw, Modified)
	case "noncurrentTimeBefore":
		err = r.before(raw, Superseded)
	case "customTimeBefore":
		err = r.before(raw, Custom)
	default:
		return fmt.Errorf("unknown condition %q", name)
	}
	if err != nil {
		return fmt.Errorf("condition %s: %w", name, err)
	}
	return nil
}

func (r *Rule) days(raw json.RawMessage, basis Basis) error {
	n, err := integer(raw)
	days := int(min(n, maxDays))
	r.Due = append(r.Due, Condition{Basis: basis, Days: &days})
	return err
}

func (r *Rule) before(raw json.RawMessage, basis Basis) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	date, err := parseDate(text)
	r.Due = append(r.Due, Condition{Basis: basis, Before: date})
	return err
}
