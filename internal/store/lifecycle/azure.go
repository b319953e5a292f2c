package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// azurePolicy is a management policy of a storage account, as its resource
// manager gives it.
type azurePolicy struct {
	Properties struct {
		Policy *struct {
			Rules []azureRule `json:"rules"`
		} `json:"policy"`
	} `json:"properties"`
}

type azureRule struct {
	Enabled    *bool  `json:"enabled"` // yes, if absent
	Name       string `json:"name"`
	Type       string `json:"type"`
	Definition struct {
		Filters json.RawMessage                       `json:"filters"`
		Actions map[string]map[string]json.RawMessage `json:"actions"`
	} `json:"definition"`
}

// ParseAzure reads a management policy, for one container. The policy is the
// account's, and nothing in it tells whether deleted blobs can be put back.
func ParseAzure(raw []byte, container string) (Policy, error) {
	if len(raw) > MaxSize {
		return Policy{}, fmt.Errorf("parse a management policy: %d bytes, more than %d", len(raw), MaxSize)
	}
	var a azurePolicy
	if err := json.Unmarshal(raw, &a); err != nil {
		return Policy{}, fmt.Errorf("parse a management policy: %w", err)
	}
	if a.Properties.Policy == nil {
		return Policy{}, errors.New("parse a management policy: it holds none")
	}
	var p Policy
	for n, r := range a.Properties.Policy.Rules {
		if r.Enabled != nil && !*r.Enabled {
			continue
		}
		if r.Name == "" {
			r.Name = "#" + strconv.Itoa(n+1)
		}
		r.add(&p, container)
	}
	return p, nil
}

func (a azureRule) add(p *Policy, container string) {
	unread := func(f Filter, format string, args ...any) {
		p.Unreadable = append(p.Unreadable, Unreadable{Rule: a.Name, Why: fmt.Sprintf(format, args...), Filter: f})
	}
	filter, blocks, err := azureFilter(a.Definition.Filters, container)
	if err != nil {
		unread(filter, "%v", err)
		return
	}
	if !blocks {
		return // append and page blobs only; what is stored here are block blobs
	}
	if a.Type != "Lifecycle" {
		unread(filter, "type %q", a.Type)
	}
	for _, on := range slices.Sorted(maps.Keys(a.Definition.Actions)) {
		scope := map[string]Scope{"baseBlob": Current, "version": Noncurrent}[on]
		if on == "snapshot" {
			continue // of a blob; nobody makes them here
		}
		if scope == 0 {
			unread(filter, "unknown subject %q", on)
			continue
		}
		for _, action := range given(a.Definition.Actions[on]) {
			r, known, err := azureAction(action, a.Definition.Actions[on][action])
			if err != nil {
				unread(filter, "%s: %v", action, err)
				continue
			}
			if known {
				r.ID, r.Filter, r.Scope = a.Name, filter, scope
				p.Rules = append(p.Rules, r)
			}
		}
	}
}

func azureFilter(raw json.RawMessage, container string) (f Filter, blocks bool, err error) {
	f.Base = container + "/"
	var parts map[string]json.RawMessage
	if len(raw) > 0 {
		err = json.Unmarshal(raw, &parts)
	}
	blocks = true
	for _, name := range given(parts) {
		var one error
		switch name {
		case "prefixMatch":
			one = json.Unmarshal(parts[name], &f.Prefixes)
		case "blobTypes":
			var types []string
			one = json.Unmarshal(parts[name], &types)
			blocks = slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, "blockBlob") })
		case "blobIndexMatch":
			one = f.azureTags(parts[name])
		default:
			one = errors.New("not known")
		}
		if one != nil {
			err = errors.Join(err, fmt.Errorf("filter %q: %w", name, one))
		}
	}
	return f, blocks, err
}

func (f *Filter) azureTags(raw json.RawMessage) error {
	var tags []struct{ Name, Op, Value string }
	if err := json.Unmarshal(raw, &tags); err != nil {
		return err
	}
	wanted := map[string]string{}
	for _, t := range tags {
		have, twice := wanted[t.Name]
		if t.Op != "==" || twice && have != t.Value {
			return fmt.Errorf("%q %q %q", t.Name, t.Op, t.Value)
		}
		wanted[t.Name] = t.Value
	}
	f.Tags = wanted
	return nil
}

// azureAction reads one action. known is false for those that do nothing.
func azureAction(name string, raw json.RawMessage) (r Rule, known bool, err error) {
	classes := map[string]string{"tierToCool": "Cool", "tierToCold": "Cold", "tierToArchive": "Archive", "tierToHot": "Hot"}
	switch {
	case name == "delete":
		r.Action = Delete
	case classes[name] != "":
		r.Action, r.Class, r.Offline = Move, classes[name], name == "tierToArchive"
	case name == "enableAutoTierToHotFromCool":
		return r, false, nil
	default:
		return r, false, errors.New("unknown action")
	}
	var conditions map[string]json.RawMessage
	if err := json.Unmarshal(raw, &conditions); err != nil {
		return r, false, err
	}
	for _, when := range given(conditions) {
		if err := r.azureWhen(when, conditions[when]); err != nil {
			return r, false, err
		}
	}
	if len(r.Due) == 0 {
		return r, false, errors.New("it names no time")
	}
	return r, true, nil
}

func (r *Rule) azureWhen(when string, raw json.RawMessage) error {
	basis := map[string]Basis{
		"daysAfterModificationGreaterThan":   Modified,
		"daysAfterCreationGreaterThan":       Created,
		"daysAfterLastAccessTimeGreaterThan": Accessed,
		"daysAfterLastTierChangeGreaterThan": Accessed,
	}[when]
	if basis == 0 {
		return fmt.Errorf("unknown condition %q", when)
	}
	// Azure writes whole days as 30 or 30.0.
	var days float64
	if err := json.Unmarshal(raw, &days); err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	if days < 0 || days != days {
		return fmt.Errorf("%s: %v", when, days)
	}
	whole := int(min(days, maxDays))
	r.Due = append(r.Due, Condition{Basis: basis, Days: &whole})
	return nil
}

// given are the names of what is not null, in order.
func given(fields map[string]json.RawMessage) []string {
	maps.DeleteFunc(fields, func(_ string, raw json.RawMessage) bool { return string(raw) == "null" })
	return slices.Sorted(maps.Keys(fields))
}
