package snapshot

import (
	"cmp"
	"crypto/sha1" // etcd makes its cluster ids with it
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

const (
	// maxValue and maxMembers bound what is taken over of a database whose
	// content somebody made up. A member list of etcd has some ten entries of a
	// few hundred bytes.
	maxValue   = 64 << 10
	maxMembers = 1000
)

// fields are those of the meta bucket.
type fields struct {
	index, term         uint64
	scheduled, finished int64
	storageVersion      string
	confState           confState
}

// confState is raft's list of members as etcd writes it, JSON of
// raftpb.ConfState.
type confState struct {
	Voters   []uint64 `json:"voters"`
	Learners []uint64 `json:"learners"`
}

func (f *fields) meta(k, v []byte) (err error) {
	switch string(k) {
	case "consistent_index":
		f.index, err = parseNumber(k, v)
	case "term":
		f.term, err = parseNumber(k, v)
	case "scheduledCompactRev":
		f.scheduled, err = parseRevision(v)
	case "finishedCompactRev":
		f.finished, err = parseRevision(v)
	case "storageVersion":
		f.storageVersion, err = parseText(k, v)
	case "confState":
		err = parseJSON(k, v, &f.confState)
	}
	return err
}

// conclude says what etcd makes of the fields when it starts (3.6,
// server/storage/mvcc/kvstore.go, restore).
func (f *fields) conclude(s *Summary, newest int64) {
	s.Revision = max(newest, f.scheduled, f.finished, 1)
	s.CompactRevision = max(f.scheduled, f.finished)
	s.CompactionPending = f.scheduled > f.finished
	s.ConsistentIndex, s.Term = f.index, f.term
	s.StorageVersion = f.storageVersion
	s.Voters, s.Learners = ids(f.confState.Voters), ids(f.confState.Learners)
	slices.SortFunc(s.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	s.FoundersID = foundersID(s.Members)
}

// foundersID is etcd's rule: the sha1 of the sorted member ids (3.6,
// server/etcdserver/api/membership/cluster.go, genID).
func foundersID(members []Member) ID {
	if len(members) == 0 {
		return 0
	}
	var all []byte
	for _, m := range members {
		all = binary.BigEndian.AppendUint64(all, uint64(m.ID))
	}
	sum := sha1.Sum(all)
	return ID(binary.BigEndian.Uint64(sum[:]))
}

func ids(numbers []uint64) (list []ID) {
	for _, n := range numbers {
		list = append(list, ID(n))
	}
	return list
}

func memberEntry(s *Summary, k, v []byte) error {
	if len(k) > 16 {
		return corrupt("the members bucket holds a key of %d bytes", len(k))
	}
	id, err := strconv.ParseUint(string(k), 16, 64)
	if err != nil {
		return corrupt("the members bucket holds the key %.40q", k)
	}
	if len(s.Members) == maxMembers {
		return corrupt("the members bucket holds more than %d members", maxMembers)
	}
	var m struct {
		Name       string   `json:"name"`
		PeerURLs   []string `json:"peerURLs"`
		ClientURLs []string `json:"clientURLs"`
		IsLearner  bool     `json:"isLearner"`
	}
	if err := parseJSON(k, v, &m); err != nil {
		return err
	}
	s.Members = append(s.Members, Member{
		ID: ID(id), Name: m.Name, PeerURLs: m.PeerURLs, ClientURLs: m.ClientURLs, Learner: m.IsLearner,
	})
	return nil
}

func clusterEntry(s *Summary, k, v []byte) (err error) {
	if string(k) == "clusterVersion" {
		s.ClusterVersion, err = parseText(k, v)
	}
	return err
}

func alarmEntry(s *Summary, k []byte) error {
	var alarm etcdserverpb.AlarmMember
	if len(k) > maxValue || alarm.Unmarshal(k) != nil {
		return corrupt("the alarm bucket holds the key %.40q", k)
	}
	if len(s.Alarms) == maxMembers {
		return corrupt("the alarm bucket holds more than %d alarms", maxMembers)
	}
	s.Alarms = append(s.Alarms, Alarm{MemberID: ID(alarm.MemberID), Type: alarm.Alarm.String()})
	return nil
}

func authEntry(s *Summary, k, v []byte) error {
	if string(k) == "authEnabled" {
		s.AuthEnabled = len(v) == 1 && v[0] == 1
	}
	return nil
}

func parseNumber(k, v []byte) (uint64, error) {
	if len(v) != 8 {
		return 0, corrupt("%s has %d bytes", k, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

func parseText(k, v []byte) (string, error) {
	if len(v) > 100 {
		return "", corrupt("%s has %d bytes", k, len(v))
	}
	return string(v), nil
}

func parseJSON(k, v []byte, into any) error {
	if len(v) > maxValue {
		return corrupt("%s has %d bytes", k, len(v))
	}
	if err := json.Unmarshal(v, into); err != nil {
		return corrupt("%s cannot be decoded: %v", k, err)
	}
	return nil
}
