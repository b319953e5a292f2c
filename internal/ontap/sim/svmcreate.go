package sim

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// maxSVMJobs is how many creates and deletes may be at work at once.
const maxSVMJobs = 5

// rootVolume is the size of the volume that comes with an SVM, in bytes.
const rootVolume = 1 << 30

var strictName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

func createSVM(c *call, b query.Body) (*done, *refusal) {
	v, no := c.newSVM(b)
	if no != nil {
		return nil, no
	}
	if c.site.unfinished() >= maxSVMJobs {
		return nil, refuse(13434894, "", "Maximum number of SVM create/delete jobs running, please try again later.")
	}
	if !c.sim.doubt().DuplicateSVMInJob {
		if no := c.nameTaken(v.Name, nil); no != nil {
			return nil, no
		}
	}
	j := c.startJob("create", "POST /api/svm/svms/"+v.UUID)
	j.New, j.SVMName, j.SVMUUID = v, v.Name, v.UUID
	if len(c.body) > 0 && b.Has("ip_interfaces") || b.Has("routes") {
		j.Raw = []string{string(c.body)}
	}
	it := c.svmItem(v)
	return &done{job: j, made: &it}, nil
}

// newSVM is the SVM that a body describes, as it will be born.
func (c *call) newSVM(b query.Body) (*svm, *refusal) {
	subtype := b.TextOr("subtype", c.defaultSubtype())
	if no := c.checkSubtype(subtype, b); no != nil {
		return nil, no
	}
	name := b.Text("name")
	if !b.Has("name") {
		return nil, required("name")
	}
	if no := c.checkSVMName(name, subtype); no != nil {
		return nil, no
	}
	space, no := c.spaceOf(b)
	if no != nil {
		return nil, no
	}
	v := &svm{
		object: c.sim.world.newObject(), Name: name, Comment: b.Text("comment"), Subtype: subtype, Space: space,
		Language: "c.utf_8", SnapshotPolicy: "default", MaxVolumes: "unlimited", StorageAlert: 90,
		AntiRansomware: "disabled", Allowed: map[string]bool{}, Services: map[string]*service{},
	}
	for _, p := range protocols {
		v.Allowed[p] = true
		if b.FlagOr(p+".enabled", false) {
			if no := c.licensed(p); no != nil {
				return nil, no
			}
			v.Services[p] = &service{object: c.sim.world.newObject(), Enabled: true}
		}
	}
	return v, c.setSVM(v, b)
}

func (c *call) defaultSubtype() string {
	if len(c.sim.world.Sites) == 2 {
		return "sync_source"
	}
	return "default"
}

func (c *call) checkSubtype(subtype string, b query.Body) *refusal {
	switch {
	case subtype == "sync_source" && len(c.sim.world.Sites) == 1:
		return refuse(2621634, "subtype", "An SVM of subtype sync_source can only be created in a MetroCluster configuration.")
	case subtype == "sync_destination":
		return refuse(2621657, "subtype", "An SVM of subtype sync_destination is created by the system only.")
	case subtype == "dp_destination" && !b.Only("name", "comment", "ipspace", "subtype"):
		return refuse(2621580, "", "Only name, comment and ipspace can be given for an SVM that is the destination of disaster recovery.")
	}
	return nil
}

func (c *call) checkSVMName(name, subtype string) *refusal {
	limit := 47
	if subtype == "sync_source" {
		limit = 41
	}
	switch {
	case name == "":
		return refuse(2621685, "name", "The SVM name cannot be empty.")
	case len(name) > limit:
		return refuse(13434911, "name", "SVM name is too long: at most %d characters.", limit)
	case name == "all", name[0] != '_' && !unicode.IsLetter(rune(name[0])), strings.ContainsAny(name, " /\t\n\"*|<>!{}"),
		c.sim.doubt().StrictNames && !strictName.MatchString(name):
		return refuse(2621471, "name", "Invalid SVM name %q: it must begin with a letter or an underscore.", name)
	}
	return nil
}

// nameTaken says whether an SVM, also one that is being made, an IPspace or the
// cluster has that name.
func (c *call) nameTaken(name string, but *svm) *refusal {
	for _, j := range c.site.Jobs {
		if j.Action == "create" && !j.Done && j.New.Name == name {
			return nameInUse(name)
		}
	}
	return c.nameHeld(name, but)
}

func nameInUse(name string) *refusal {
	return refuse(13434908, "name", "SVM name %q is already in use by an SVM, an IPspace or the cluster.", name)
}

// nameHeld is the same for the moment of a birth: of several that are being
// made with one name the first wins.
func (c *call) nameHeld(name string, but *svm) *refusal {
	taken := name == c.site.Name
	for _, v := range c.site.SVMs {
		taken = taken || v.Name == name && v != but
	}
	for _, sp := range c.site.Spaces {
		taken = taken || sp.Name == name
	}
	if p := c.sim.partner(c.site); p != nil { // an SVM of its own there would be in the twin's way
		other := p.svmByName(twinName(name))
		taken = taken || other != nil && other.Subtype != "sync_destination"
	}
	if taken {
		return nameInUse(name)
	}
	return nil
}

func (c *call) spaceOf(b query.Body) (string, *refusal) {
	name, uuid := b.Text("ipspace.name"), b.Text("ipspace.uuid")
	if name == "" && uuid == "" {
		return "Default", nil
	}
	sp := find(c.site.Spaces, func(sp *ipspace) bool {
		return (name == "" || sp.Name == name) && (uuid == "" || sp.UUID == uuid)
	})
	switch {
	case sp != nil:
		return sp.Name, nil
	case name != "" && uuid != "":
		return "", refuse(13434888, "ipspace", "The ipspace.uuid and ipspace.name do not belong together.")
	}
	return "", refuse(13434912, "ipspace", "The IPspace does not exist.")
}

// setSVM applies the fields that POST and PATCH share.
func (c *call) setSVM(v *svm, b query.Body) *refusal {
	v.Comment = b.TextOr("comment", v.Comment)
	if lang := b.TextOr("language", v.Language); !strings.Contains(strings.ToLower(lang), "utf") {
		return refuse(13434885, "language", "The language must be a UTF-8 one.")
	}
	v.Language = strings.ToLower(b.TextOr("language", v.Language))
	v.SnapshotPolicy = b.TextOr("snapshot_policy.name", v.SnapshotPolicy)
	if v.SnapshotPolicy != "default" && v.SnapshotPolicy != "none" && v.SnapshotPolicy != "default-1weekly" {
		return refuse(13434886, "snapshot_policy", "The snapshot policy %q does not exist.", v.SnapshotPolicy)
	}
	v.MaxVolumes = b.TextOr("max_volumes", v.MaxVolumes)
	v.StorageLimit = b.NumberOr("storage.limit", v.StorageLimit)
	v.StorageAlert = b.NumberOr("storage.limit_threshold_alert", v.StorageAlert)
	v.AntiRansomware = b.TextOr("anti_ransomware_default_volume_state", v.AntiRansomware)
	v.Logical[0] = b.FlagOr("is_space_reporting_logical", v.Logical[0])
	v.Logical[1] = b.FlagOr("is_space_enforcement_logical", v.Logical[1])
	for _, p := range protocols {
		v.Allowed[p] = b.FlagOr(p+".allowed", v.Allowed[p])
	}
	if uuid := b.Text("certificate.uuid"); uuid != "" && uuid != v.CertUUID {
		return refuse(12451843, "certificate.uuid", "Certificate with UUID %q not found.", uuid)
	}
	return c.setAggregates(v, b)
}

func (c *call) setAggregates(v *svm, b query.Body) *refusal {
	given, ok := b.List("aggregates")
	if !ok {
		return nil
	}
	var uuids []string
	for _, g := range given {
		a := find(c.site.Aggregates, func(a *aggregate) bool {
			return !a.Root && (g.Text("uuid") == "" || a.UUID == g.Text("uuid")) && (g.Text("name") == "" || a.Name == g.Text("name"))
		})
		if a == nil || g.Empty() {
			return refuse(13434909, "aggregates", "The aggregate %q was not found.", g.Text("name")+g.Text("uuid"))
		}
		uuids = append(uuids, a.UUID)
	}
	v.Aggregates = uuids
	return nil
}
