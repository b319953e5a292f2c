package lifecycle

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ParseS3 reads the answer to GetBucketLifecycleConfiguration, as XML: the SDKs
// drop what they do not know, and here that must not be.
func ParseS3(raw []byte) (Policy, error) {
	root, err := parseXML(raw)
	if err != nil {
		return Policy{}, fmt.Errorf("parse lifecycle rules: %w", err)
	}
	if root.name != "LifecycleConfiguration" {
		return Policy{}, fmt.Errorf("parse lifecycle rules: %q is not a LifecycleConfiguration", root.name)
	}
	var p Policy
	for _, n := range root.children {
		switch n.name {
		case "Rule":
			s3Rule(&p, n, len(p.Rules)+len(p.Unreadable)+1)
		case "ExpiryUpdatedAt": // MinIO's own note
		default:
			p.Unreadable = append(p.Unreadable, Unreadable{Rule: "of the bucket", Why: fmt.Sprintf("unknown element %q", n.name)})
		}
	}
	return p, nil
}

// s3Rule adds one rule of S3: what is understood as rules, and beside it what
// is not.
func s3Rule(p *Policy, n node, number int) {
	id := "#" + strconv.Itoa(number)
	if given, ok := n.child("ID"); ok && given.value() != "" {
		id = given.value()
	}
	unread := func(f Filter, why string) {
		p.Unreadable = append(p.Unreadable, Unreadable{Rule: id, Why: why, Filter: f})
	}
	switch status, _ := n.child("Status"); status.value() {
	case "Enabled":
	case "Disabled":
		return
	default:
		unread(Filter{}, fmt.Sprintf("status %q", status.value()))
		return
	}
	filter, err := s3RuleFilter(n)
	if err != nil {
		unread(Filter{}, err.Error())
		return
	}
	acts := false
	for _, c := range n.children {
		rules, known, err := s3Action(c)
		switch {
		case err != nil:
			unread(filter, err.Error())
		case !known:
			continue
		}
		acts = true
		for _, r := range rules {
			r.ID, r.Filter = id, filter
			p.Rules = append(p.Rules, r)
		}
	}
	if !acts {
		unread(filter, "it names no action")
	}
}

// s3Action reads one element of a rule. known is false for those that are no
// action.
func s3Action(n node) (rules []Rule, known bool, err error) {
	switch n.name {
	case "ID", "Status", "Prefix", "Filter":
		return nil, false, nil
	case "AbortIncompleteMultipartUpload": // does nothing to objects
		return nil, true, nil
	case "Expiration":
		rules, err = s3Expiration(n)
		return rules, true, err
	case "Transition":
		rules, err = s3Timed(n, Rule{Action: Move, Scope: Current}, Modified)
		return rules, true, err
	case "NoncurrentVersionExpiration":
		rules, err = s3Timed(n, Rule{Action: Delete, Scope: Noncurrent}, Superseded)
		return rules, true, err
	case "NoncurrentVersionTransition":
		rules, err = s3Timed(n, Rule{Action: Move, Scope: Noncurrent}, Superseded)
		return rules, true, err
	}
	return nil, true, fmt.Errorf("unknown element %q", n.name)
}

// s3Expiration: Days or Date for current versions, or lone delete markers.
func s3Expiration(n node) ([]Rule, error) {
	markers, ok := n.child("ExpiredObjectDeleteMarker")
	if !ok {
		return s3Timed(n, Rule{Action: Delete, Scope: Current}, Modified)
	}
	on, err := strconv.ParseBool(markers.value())
	if err != nil {
		return nil, fmt.Errorf("ExpiredObjectDeleteMarker %q", markers.value())
	}
	var rules []Rule
	if on {
		at := 0
		rules = append(rules, Rule{Action: Delete, Scope: LoneMarkers, Due: []Condition{{Basis: Modified, Days: &at, Midnight: true}}})
	}
	if len(n.children) == 1 {
		return rules, nil
	}
	rest := node{name: n.name}
	for _, c := range n.children {
		if c.name != markers.name {
			rest.children = append(rest.children, c)
		}
	}
	more, err := s3Timed(rest, Rule{Action: Delete, Scope: Current}, Modified)
	return append(rules, more...), err
}

// s3Timed reads the conditions of an action into r.
func s3Timed(n node, r Rule, basis Basis) ([]Rule, error) {
	for _, c := range n.children {
		condition, err := s3Condition(c, basis)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
		if c.name == "StorageClass" && r.Action == Move {
			r.Class = c.value()
			continue
		}
		if condition == nil {
			return nil, fmt.Errorf("%s: unknown element %q", n.name, c.name)
		}
		r.Due = append(r.Due, *condition)
	}
	if len(r.Due) == 0 {
		return nil, fmt.Errorf("%s: it names no time", n.name)
	}
	if r.Action == Move && r.Class == "" {
		return nil, fmt.Errorf("%s: it names no storage class", n.name)
	}
	r.Offline = r.Class == "GLACIER" || r.Class == "DEEP_ARCHIVE"
	return []Rule{r}, nil
}

// s3Condition reads one; nil is not one.
func s3Condition(n node, basis Basis) (*Condition, error) {
	switch n.name {
	case "Days", "NoncurrentDays":
		days, err := number(n)
		return &Condition{Basis: basis, Days: &days, Midnight: true}, err
	case "NewerNoncurrentVersions":
		newer, err := number(n)
		if newer == 0 && err == nil { // keeps none: no condition, and always true
			return &Condition{Basis: Modified, Days: &newer}, nil
		}
		return &Condition{Newer: newer}, err
	case "Date":
		date, err := parseDate(n.value())
		return &Condition{From: date}, err
	}
	return nil, nil
}

func s3RuleFilter(n node) (Filter, error) {
	prefix, _ := n.child("Prefix")
	inner, ok := n.child("Filter")
	if !ok {
		return withPrefix(prefix.text), nil
	}
	if prefix.text != "" {
		return Filter{}, errors.New("a prefix beside a filter")
	}
	f, parts, err := s3Filter(inner, true)
	if err == nil && parts > 1 {
		return Filter{}, errors.New("a filter of several parts without And")
	}
	return f, err
}

func withPrefix(prefix string) Filter {
	if prefix == "" {
		return Filter{}
	}
	return Filter{Prefixes: []string{prefix}}
}

// s3Filter reads a Filter, or the And in one. parts is how many things it asks
// for.
func s3Filter(n node, outer bool) (f Filter, parts int, err error) {
	for _, c := range n.children {
		if c.name == "Prefix" && c.text == "" {
			continue
		}
		parts++
		switch {
		case c.name == "Prefix" && f.Prefixes == nil:
			f.Prefixes = []string{c.text}
		case c.name == "Tag":
			err = s3Tag(&f, c)
		case c.name == "ObjectSizeGreaterThan" && f.Over == nil:
			f.Over, err = size(c)
		case c.name == "ObjectSizeLessThan" && f.Under == nil:
			f.Under, err = size(c)
		case c.name == "And" && outer && parts == 1:
			f, _, err = s3Filter(c, false)
		default:
			err = fmt.Errorf("element %q in a filter", c.name)
		}
		if err != nil {
			return Filter{}, 0, err
		}
	}
	return f, parts, nil
}

func s3Tag(f *Filter, n node) error {
	key, hasKey := n.child("Key")
	value, hasValue := n.child("Value")
	if !hasKey || !hasValue || len(n.children) != 2 || key.text == "" {
		return errors.New("a tag without key and value")
	}
	if f.Tags == nil {
		f.Tags = map[string]string{}
	}
	if have, twice := f.Tags[key.text]; twice && have != value.text {
		return fmt.Errorf("tag %q twice", key.text)
	}
	f.Tags[key.text] = value.text
	return nil
}

// maxDays keeps times within what can be calculated: ten thousand years would
// not be.
const maxDays = 100 * 365

func number(n node) (int, error) {
	v, err := strconv.Atoi(n.value())
	if err != nil || v < 0 {
		return 0, fmt.Errorf("%s %q", n.name, n.value())
	}
	return min(v, maxDays), nil
}

func size(n node) (*int64, error) {
	v, err := strconv.ParseInt(n.value(), 10, 64)
	if err != nil || v < 0 {
		return nil, fmt.Errorf("%s %q", n.name, n.value())
	}
	return &v, nil
}

// parseDate reads a moment, or a day, which begins at midnight UTC.
func parseDate(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("date %q", text)
}
