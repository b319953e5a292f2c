package ontap

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
)

// Modes of a MetroCluster that callers tell apart.
const (
	ModeNormal        = "normal"
	ModeNotConfigured = "not_configured"
	ModeNotReachable  = "not_reachable"
	ModeSwitchover    = "switchover"
)

// Site is one side of a MetroCluster, as the array that was asked sees it.
type Site struct {
	Cluster            Ref    `json:"cluster"`
	ConfigurationState string `json:"configuration_state"`
	Mode               string `json:"mode"`
	// PartnerReachable is told of the local side only; nil: not told.
	PartnerReachable *bool `json:"partner_cluster_reachable"`
}

// MetroCluster is the state of the pair of clusters.
type MetroCluster struct {
	ConfigurationType string `json:"configuration_type"`
	Local             Site   `json:"local"`
	Remote            Site   `json:"remote"`
}

// MetroCluster asks how the array stands to its partner, if it has one.
func (c *Client) MetroCluster(ctx context.Context) (MetroCluster, error) {
	r := get("read metrocluster", KindMetroCluster, at("cluster/metrocluster"), "configuration_type", "local", "remote")
	return one(ctx, c, r, func(m MetroCluster) error {
		if m.Local.Mode == "" && m.Local.ConfigurationState == "" {
			return errors.New("a MetroCluster state without a mode")
		}
		return nil
	})
}

// SVMPair is the mapping between the two SVMs of a pair, from the side of the
// array that was asked.
type SVMPair struct {
	Cluster            Ref    `json:"cluster"`
	SVM                Ref    `json:"svm"`
	Partner            Ref    `json:"partner_svm"`         // empty while there is none yet
	ConfigurationState string `json:"configuration_state"` // "healthy", or why not
	FailedReason       Reason `json:"failed_reason"`
}

// SVMPairs lists the pairs of a MetroCluster.
func (c *Client) SVMPairs(ctx context.Context) iter.Seq2[SVMPair, error] {
	r := get("list metrocluster SVMs", KindMetroCluster, at("cluster/metrocluster/svms"),
		"cluster", "svm", "partner_svm", "configuration_state", "failed_reason")
	return list(ctx, c, r, func(p SVMPair) error {
		if !isUUID(p.SVM.UUID) || p.Partner.UUID != "" && !isUUID(p.Partner.UUID) {
			return errors.New("a pair without UUIDs")
		}
		return nil
	})
}

// Reason is a text that some releases give as an object.
type Reason string

// UnmarshalJSON takes a string, or the message of an object. Whatever else it
// is does not spoil the record that it stands in.
func (r *Reason) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*r = Reason(tidy(s))
		return nil
	}
	var o struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(b, &o)
	*r = Reason(tidy(o.Message))
	return nil
}
