package agent

import (
	agentv1 "github.com/seedproof/seedproof/api/agent/v1"
	"github.com/seedproof/seedproof/internal/etcd/decide"
)

func testimonyToProto(t Testimony) *agentv1.Testimony {
	p := &agentv1.Testimony{
		Name: t.Node.Name, Cluster: t.Cluster, Part: partTo(t.Node.Part), Memory: memoryTo(t.Node.Memory), Trash: tracesTo(t.Node.Trash),
		PeerUrl: t.PeerURL, ClientUrl: t.ClientURL, Epoch: t.Epoch, Tenure: t.Tenure,
		ControlStore: placeTo(t.ControlStore), BackupStore: placeTo(t.BackupStore), Claim: claimTo(t.Claim), Spec: t.Spec,
		Troubles: t.Troubles, EtcdPid: int64(t.EtcdPID), RaftLeader: t.RaftLeader, DbSizeBytes: t.DBSize, DbInUseBytes: t.DBInUse,
		EtcdVersion: t.EtcdVersion, Peers: peersTo(t.Peers), EmptyVolume: t.EmptyVolume, Learner: t.Learner, EtcdClusterId: t.EtcdClusterID, Alarms: t.Alarms,
	}
	for _, w := range t.Attestations {
		p.Attestations = append(p.Attestations, attestationTo(w))
	}
	for _, w := range t.Approvals {
		p.Approvals = append(p.Approvals, approvalTo(w))
	}
	return p
}

func testimonyFromProto(p *agentv1.Testimony) Testimony {
	t := Testimony{
		Cluster: p.GetCluster(),
		Node:    decide.Node{Name: p.GetName(), Part: partFrom(p.GetPart()), Memory: memoryFrom(p.GetMemory()), Trash: tracesFrom(p.GetTrash())},
		PeerURL: p.GetPeerUrl(), ClientURL: p.GetClientUrl(), Epoch: p.GetEpoch(), Tenure: p.GetTenure(),
		ControlStore: placeFrom(p.GetControlStore()), BackupStore: placeFrom(p.GetBackupStore()), Spec: p.GetSpec(),
		Troubles: p.GetTroubles(), EtcdPID: int(p.GetEtcdPid()), RaftLeader: p.GetRaftLeader(), DBSize: p.GetDbSizeBytes(), DBInUse: p.GetDbInUseBytes(),
		EtcdVersion: p.GetEtcdVersion(), Peers: peersFrom(p.GetPeers()), EmptyVolume: p.GetEmptyVolume(), Learner: p.GetLearner(), EtcdClusterID: p.GetEtcdClusterId(), Alarms: p.GetAlarms(),
	}
	if p.GetClaim() != nil {
		claim := claimFrom(p.GetClaim())
		t.Claim = &claim
	}
	for _, w := range p.GetAttestations() {
		t.Attestations = append(t.Attestations, *attestationFrom(w))
	}
	for _, w := range p.GetApprovals() {
		t.Approvals = append(t.Approvals, *approvalFrom(w))
	}
	return t
}

func partTo(p decide.Part) *agentv1.Part {
	return &agentv1.Part{Finding: findingTo(p.Finding), Identity: identityTo(p.Identity), Why: p.Why, Claim: p.Claim, HasData: p.HasData,
		Id: p.ID, Members: listTo(p.Members), Removed: p.Removed, Position: positionTo(p.Position), Revision: p.Revision,
		Live: p.Live, Linearizable: p.Linearizable, RolledBack: p.RolledBack, Recalled: p.Recalled}
}

func partFrom(p *agentv1.Part) decide.Part {
	return decide.Part{Finding: findingFrom(p.GetFinding()), Identity: identityFrom(p.GetIdentity()), Why: p.GetWhy(), Claim: p.GetClaim(),
		HasData: p.GetHasData(), ID: p.GetId(), Members: listFrom(p.GetMembers()), Removed: p.GetRemoved(), Position: positionFrom(p.GetPosition()),
		Revision: p.GetRevision(), Live: p.GetLive(), Linearizable: p.GetLinearizable(), RolledBack: p.GetRolledBack(), Recalled: p.GetRecalled()}
}

func memoryTo(m decide.Memory) *agentv1.Memory {
	return &agentv1.Memory{Finding: findingTo(m.Finding), Identity: identityTo(m.Identity), Why: m.Why, Id: m.ID, Members: listTo(m.Members),
		Serial: m.Serial, Noted: positionTo(m.Noted), Revision: m.Revision, Claim: m.Claim, Started: m.Started}
}

func memoryFrom(m *agentv1.Memory) decide.Memory {
	return decide.Memory{Finding: findingFrom(m.GetFinding()), Identity: identityFrom(m.GetIdentity()), Why: m.GetWhy(), ID: m.GetId(),
		Members: listFrom(m.GetMembers()), Serial: m.GetSerial(), Noted: positionFrom(m.GetNoted()), Revision: m.GetRevision(),
		Claim: m.GetClaim(), Started: m.GetStarted()}
}

func tracesTo(traces []decide.Trace) []*agentv1.Trace {
	var all []*agentv1.Trace
	for _, t := range traces {
		all = append(all, &agentv1.Trace{Name: t.Name, Finding: findingTo(t.Finding), Identity: identityTo(t.Identity), Members: listTo(t.Members), Why: t.Why})
	}
	return all
}

func tracesFrom(traces []*agentv1.Trace) []decide.Trace {
	var all []decide.Trace
	for _, t := range traces {
		all = append(all, decide.Trace{Name: t.GetName(), Finding: findingFrom(t.GetFinding()), Identity: identityFrom(t.GetIdentity()),
			Members: listFrom(t.GetMembers()), Why: t.GetWhy()})
	}
	return all
}
