package decide

import (
	"encoding/json"
	"fmt"

	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/proof"
)

// Step is one thing that a person could do. Steps are in the order in which
// they are safe: nobody should take one before the one above it has worked.
type Step struct {
	Do      string `json:"do"`
	Command string `json:"command,omitempty"` // to type, where there is one
	// Instead does the same by putting back what was deleted, where the bucket
	// still has it.
	Instead string `json:"instead,omitempty"`
}

// advice is what to do about the files. The marker always comes before the
// spec, with a look and a wait in between: a spec without a marker is what
// wipes a cluster.
func advice(e Evidence, d Decision) []Step {
	if len(e.SharedWith) > 0 {
		return []Step{
			{Do: "Do not update either cluster. Give one of them a backupStore of its own (kops edit cluster), with copies of the control files that are its own in control/ there."},
			checkAgain(e),
		}
	}
	switch {
	case d.Action == SeedImminent:
		return seedImminentAdvice(e)
	case d.Action == SeedOverExisting:
		return append(seedOverAdvice(e), afterDeletion(e, d.Verdict)...)
	case e.Marker.File == managerfiles.Unusable:
		return append(markerBack(e, "Put a marker with content in the place of the empty one. It does not matter when it says the cluster was made."), checkAgain(e))
	case d.Action == Unproven:
		return unprovenAdvice(e)
	case d.Action == ChangeSpec && e.Spec.File != managerfiles.Usable:
		return append(specBack(e), restart(), checkAgain(e))
	case d.Action == ChangeSpec && e.recreates():
		return []Step{{Do: "Go to that version over each minor version between, with one update for each. There is no way back to an older minor version in place."}, saveSnapshot(e), checkAgain(e)}
	case d.Action == ChangeSpec && e.Backups != BackupsRecent:
		return []Step{saveSnapshot(e), checkAgain(e)}
	case d.Action == None && e.Backups != BackupsRecent && e.Backups != BackupsUnknown:
		return []Step{saveSnapshot(e), restart(), checkAgain(e)}
	}
	return nil
}

func seedImminentAdvice(e Evidence) []Step {
	var steps []Step
	if e.mayBeFirstBoot() {
		steps = append(steps, Step{Do: "If you have just created this cluster, and only then: wait until its control plane is up, and check again."})
	}
	steps = append(steps, markerBack(e, "Put the marker back at once. It does not matter when it says the cluster was made.")...)
	return append(steps,
		Step{Do: "Look at the running etcd, on a control-plane node: does it still hold the keys and the revision that it should? If it is empty, its data lies in data-trashcan/ on each member's volume; change nothing there.",
			Command: etcdctl(e, "endpoint status --cluster -w table")},
		checkAgain(e))
}

func seedOverAdvice(e Evidence) []Step {
	if e.MovedFrom != "" && e.Marker.File == managerfiles.Missing && e.Spec.File == managerfiles.Missing {
		return []Step{
			{Do: "Run no `kops update cluster --yes`, no `kops reconcile cluster` and no `terraform apply`: the config names another config base than the one that this cluster was made with. Nothing that is running is lost yet."},
			{Do: "Put the config base back: spec.configBase is " + e.MovedFrom + ". kops does not move what lies there, and etcd-manager's control files and backups belong to the cluster.",
				Command: fmt.Sprintf("kops edit cluster --state %s --name %s", Quote(e.State), Quote(e.Cluster))},
			checkAgain(e),
		}
	}
	steps := []Step{
		{Do: "Run no `kops update cluster --yes`, no `kops reconcile cluster` and no `terraform apply` until this is mended. Nothing that is running is lost yet."},
		saveSnapshot(e),
	}
	if e.Spec.File == managerfiles.Unusable {
		steps = append(steps, Step{Do: "Leave the unusable spec as it is until the marker is back: it is what keeps etcd-manager from seeding now."})
	}
	steps = append(steps, markerBack(e, "Put the marker back, before anything else is written. It does not matter when it says the cluster was made.")...)
	steps = append(steps, Step{Do: "Wait until every etcd-manager has seen the marker in a whole cycle.", Command: "sleep 30"})
	steps = append(steps, specBack(e)...)
	return append(steps, restart(), checkAgain(e))
}

// afterDeletion is for a cluster of which only traces are left: it may have
// been deleted on purpose.
func afterDeletion(e Evidence, v proof.Verdict) []Step {
	if len(v.Whole) > 0 || len(v.Missing) > 0 {
		return nil
	}
	return []Step{{Do: "Only if the old cluster was deleted on purpose and a new, empty one is what you want: leave the steps above, and move what is left of the old one away first, out of " + e.Base + ". Then check again."}}
}

func unprovenAdvice(e Evidence) []Step {
	do := "Do not update. Make sure that what is named above can be read, and check again."
	if e.Config.Finding == proof.Absent {
		do = "If the cluster was deleted, remove what is left of it. If not, put its config back from a copy (kops get cluster -o yaml was kept, or an older version of the object), and check again before any update."
	}
	return []Step{{Do: do, Command: checkAgain(e).Command}}
}

// markerBack writes the marker and reads it back.
func markerBack(e Evidence, do string) []Step {
	content, _ := json.Marshal(map[string]int64{"timestamp": e.At.UnixNano()})
	return []Step{
		{Do: do, Command: Write(e.Base, managerfiles.CreatedKey, string(content)), Instead: e.PutBack[managerfiles.CreatedKey]},
		{Do: "Read it back. Go on only if it is there.", Command: Read(e.Base, managerfiles.CreatedKey)},
	}
}

// specBack writes the spec that the running cluster has, and reads it back.
func specBack(e Evidence) []Step {
	spec := e.LastSpec
	if spec == nil {
		spec = e.Want
	}
	do := "Put the spec back, as the newest backup says that it was."
	switch {
	case spec == nil:
		return []Step{{Do: "Put the spec back: memberCount and etcdVersion as the running cluster has them, in " + managerfiles.SpecKey + "."}}
	case e.LastSpec == nil:
		do = "Put the spec back. Make sure first that it is what the running cluster has."
	}
	content, _ := json.Marshal(spec)
	return []Step{
		{Do: do, Command: Write(e.Base, managerfiles.SpecKey, string(content)), Instead: e.PutBack[managerfiles.SpecKey]},
		{Do: "Read it back.", Command: Read(e.Base, managerfiles.SpecKey)},
	}
}

func saveSnapshot(e Evidence) Step {
	return Step{Do: "Take a backup by hand first, on a control-plane node, and keep it elsewhere. (An etcdctl is in the etcd-manager container, below /opt. Older kops keeps the certificates in /etc/kubernetes/pki/kube-apiserver.)",
		Command: etcdctl(e, "snapshot save seedproof-"+e.Etcd+"-$(hostname)-$(date +%s).db")}
}

// clientPorts are where etcd-manager's etcds listen (facts: kops 3.4). The
// certificates of the kube-apiserver are good for all but cilium's, which has a
// CA of its own.
var clientPorts = map[string]int{"main": 4001, "events": 4002, "cilium": 4003, "leases": 4004}

// etcdctl is a command line for this very etcd, to type on a control-plane node.
func etcdctl(e Evidence, command string) string {
	pki, endpoint := "/srv/kubernetes/kube-apiserver/", "https://127.0.0.1:PORT"
	if port := clientPorts[e.Etcd]; port != 0 {
		endpoint = fmt.Sprintf("https://127.0.0.1:%d", port)
	}
	if e.Etcd == "cilium" || clientPorts[e.Etcd] == 0 {
		pki = "DIRECTORY-OF-ITS-CERTIFICATES/"
	}
	return fmt.Sprintf("etcdctl --endpoints %s --cacert %setcd-ca.crt --cert %setcd-client.crt --key %setcd-client.key %s", endpoint, pki, pki, pki, command)
}

func restart() Step {
	return Step{Do: "Restart etcd-manager on one control-plane node after the other, waiting until all members are healthy: its leader reads the spec only when it starts. (Deleting the pod does not restart it.)",
		Command: "sudo crictl stop $(sudo crictl ps --quiet --name etcd-manager)"}
}

func checkAgain(e Evidence) Step {
	return Step{Do: "Check again.", Command: fmt.Sprintf("seedproof kops check --state %s --name %s", Quote(e.State), Quote(e.Cluster))}
}
