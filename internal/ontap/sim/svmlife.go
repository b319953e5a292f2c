package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// stateOf is the state that an SVM shows.
func (s *Simulator) stateOf(v *svm, now time.Time) string {
	t := s.opts.Times
	switch {
	case v.Forced != "":
		return v.Forced
	case v.Stuck, v.Born.IsZero():
		return "initializing"
	case v.Deleting:
		return "deleting"
	case v.Pending != "":
		return v.Pending
	case now.Before(v.Born.Add(t.Initializing)):
		return "initializing"
	case now.Before(v.Born.Add(t.Initializing + t.Starting)):
		return "starting"
	case v.Stopped:
		return "stopped"
	}
	return "running"
}

// serves says whether a protocol is enabled on an SVM.
func (v *svm) serves(protocol string, now time.Time) bool {
	sv := v.Services[protocol]
	return sv != nil && sv.Enabled && !v.Born.IsZero() && !now.Before(sv.From)
}

// bear ends the job of a POST: the SVM is there, with its root volume and its
// locked administrator.
func (c *call) bear(j *job) *refusal {
	v := j.New
	if no := c.nameHeld(v.Name, v); no != nil {
		return no
	}
	root := c.rootAggregate(v)
	if root == nil {
		return refuse(13434909, "", "No aggregate could be found for the root volume.")
	}
	if c.sim.available(root) < rootVolume {
		return refuse(13434914, "", "No space for the root volume.")
	}
	keys, err := newKeyPair(v.Name)
	if err != nil {
		return refuse(13434889, "", "internal error: %s", err)
	}
	v.Keys, v.CertUUID = keys, newUUID()
	v.Born, v.Stuck = c.now, j.Stick
	c.startServices(v)
	c.site.SVMs = append(c.site.SVMs, v)
	c.site.Volumes = append(c.site.Volumes, &volume{
		object: c.sim.world.newObject(), Name: v.Name + "_root", SVM: v.UUID, State: "online", Type: "rw", Style: "flexvol",
		Aggregate: root.UUID, Size: rootVolume, Used: 1 << 20, Root: true, At: c.now,
	})
	if !c.sim.doubt().NoVsadmin {
		c.site.Accounts = append(c.site.Accounts, &account{
			object: c.sim.world.newObject(), Owner: v.UUID, Name: "vsadmin", Role: "vsadmin", Locked: true, HashName: "sha512",
			Applications: []application{
				{Name: "http", Methods: []string{"password"}, Second: "none"},
				{Name: "ontapi", Methods: []string{"password"}, Second: "none"},
				{Name: "ssh", Methods: []string{"password"}, Second: "none"},
			},
		})
	}
	if v.Subtype == "sync_source" {
		c.sim.changed(c.site, v, c.now)
	}
	return c.bearChildren(v, j)
}

// startServices fixes when the protocols asked for at the POST will be there.
func (c *call) startServices(v *svm) {
	t, d := c.sim.opts.Times, c.sim.doubt()
	for _, sv := range v.Services {
		switch {
		case d.NVMeFirst:
			sv.From = c.now
		case d.NVMeAfterRunning:
			sv.From = c.now.Add(t.Initializing + t.Starting + t.NVMe)
		default:
			sv.From = c.now.Add(t.NVMe)
		}
	}
}

// rootAggregate is the one where ONTAP puts the root volume: of those assigned,
// or of all that a living node of this site owns.
func (c *call) rootAggregate(v *svm) *aggregate {
	return find(c.site.Aggregates, func(a *aggregate) bool {
		return !a.Root && a.State == "online" && !c.sim.atDisaster(c.site) &&
			(len(v.Aggregates) == 0 || slices.Contains(v.Aggregates, a.UUID))
	})
}

// bearChildren makes the LIFs and routes of the same POST.
func (c *call) bearChildren(v *svm, j *job) *refusal {
	if len(j.Raw) == 0 {
		return nil
	}
	var in struct {
		LIFs   []map[string]any `json:"ip_interfaces"`
		Routes []map[string]any `json:"routes"`
	}
	if err := json.Unmarshal([]byte(j.Raw[0]), &in); err != nil {
		return refuse(262200, "", "Invalid JSON input.")
	}
	for _, l := range in.LIFs {
		if p, ok := l["service_policy"].(string); ok {
			l["service_policy"] = map[string]any{"name": p}
		}
		if no := c.makeChild("/network/ip/interfaces", v, l); no != nil {
			return no
		}
	}
	for _, r := range in.Routes {
		if no := c.makeChild("/network/ip/routes", v, r); no != nil {
			return no
		}
	}
	return nil
}

func (c *call) makeChild(path string, v *svm, fields map[string]any) *refusal {
	fields["svm"] = map[string]any{"uuid": v.UUID}
	raw, err := json.Marshal(fields)
	if err != nil {
		return refuse(262200, "", "Invalid JSON input.")
	}
	c.res, c.above, _ = c.sim.match(at(path))
	b, no := c.parse(raw, true)
	if no == nil {
		_, no = c.res.create(c, b)
	}
	return no
}

// modifySVM is PATCH: what can be refused at once is, the rest is a job.
func modifySVM(c *call, it *item) (*done, *refusal) {
	v, _ := it.object.(*svm)
	b, no := c.parse(c.body, false)
	if no != nil {
		return nil, no
	}
	if no := c.mayModify(v, b); no != nil {
		return nil, no
	}
	trial := *v // what the job will do must be possible now
	trial.Allowed = map[string]bool{}
	if no := c.setSVM(&trial, b); no != nil {
		return nil, no
	}
	j := c.startJob("modify", "PATCH /api/svm/svms/"+v.UUID)
	j.SVMName, j.SVMUUID, j.Raw = v.Name, v.UUID, []string{string(c.body)}
	switch b.Text("state") {
	case "running":
		v.Pending = "starting"
	case "stopped":
		v.Pending = "stopping"
	}
	return &done{job: j}, nil
}

func (c *call) mayModify(v *svm, b query.Body) *refusal {
	state := c.sim.stateOf(v, c.now)
	switch {
	case b.Empty():
		return refuse(262190, "", "No values to change supplied.")
	case b.Has("name") && !b.Only("name"):
		return refuse(13434884, "name", "A rename cannot be combined with other changes.")
	case c.isDestination(v):
		return refuse(13434906, "", "The operation is not supported on an SVM of subtype sync_destination.")
	case v.Locked:
		return refuse(2621576, "", "Configuration of a locked SVM cannot be changed.")
	case v.Born.IsZero() || state == "initializing" && !v.Stuck:
		return refuse(13434916, "", "SVM %q is still being created.", v.Name)
	case v.Deleting:
		return refuse(13434915, "", "A create or delete job of SVM %q is in progress.", v.Name)
	case b.Has("nvme.enabled") && !c.sim.doubt().NVMePatchable:
		return refuse(262203, "nvme.enabled", "Field \"nvme.enabled\" cannot be set in a PATCH operation")
	}
	if b.Has("name") {
		if no := c.checkSVMName(b.Text("name"), v.Subtype); no != nil {
			return no
		}
		return c.nameTaken(b.Text("name"), v)
	}
	return nil
}

// modifyNow ends the job of a PATCH.
func (c *call) modifyNow(j *job) *refusal {
	v := c.site.svmByID(j.SVMUUID)
	if v == nil {
		return refuse(2621462, "", "SVM %q does not exist.", j.SVMName)
	}
	b, bad := query.ParseBody([]byte(j.Raw[0]), svmSchema, c.sim.release, false)
	if bad != nil {
		return fromQuery(bad)
	}
	if b.Has("name") {
		if no := c.nameTaken(b.Text("name"), v); no != nil {
			return no
		}
		v.Name = b.Text("name")
	}
	if b.Has("state") {
		v.Stopped, v.Forced = b.Text("state") == "stopped", ""
	}
	if sv := v.Services["nvme"]; b.Has("nvme.enabled") && (sv != nil || b.FlagOr("nvme.enabled", false)) {
		if sv == nil {
			sv = &service{object: c.sim.world.newObject()}
			v.Services["nvme"] = sv
		}
		sv.Enabled = b.FlagOr("nvme.enabled", false)
	}
	no := c.setSVM(v, b)
	c.sim.changed(c.site, v, c.now)
	return no
}

// deleteSVM is DELETE: a job, whose refusal shows in the job.
func deleteSVM(c *call, it *item) (*done, *refusal) {
	v, _ := it.object.(*svm)
	switch {
	case c.fault != nil && c.fault.Kind == NeedsApproval:
		return &done{status: http.StatusAccepted, body: approval()}, nil
	case c.isDestination(v):
		return nil, refuse(13434906, "", "The operation is not supported on an SVM of subtype sync_destination.")
	case v.Born.IsZero() || c.sim.stateOf(v, c.now) == "initializing" && !v.Stuck && v.Forced == "":
		return nil, refuse(13434916, "", "SVM %q is still being created.", v.Name)
	case v.Deleting:
		return nil, refuse(13434915, "", "A create or delete job of SVM %q is in progress.", v.Name)
	case c.site.unfinished() >= maxSVMJobs:
		return nil, refuse(13434894, "", "Maximum number of SVM create/delete jobs running, please try again later.")
	}
	if no := c.mayDelete(v); no != nil && c.sim.doubt().VolumesRefusedAtOnce {
		return nil, no
	}
	j := c.startJob("delete", "DELETE /api/svm/svms/"+v.UUID)
	j.SVMName, j.SVMUUID = v.Name, v.UUID
	v.Deleting = true
	return &done{job: j}, nil
}

// approval is the answer of a cluster where several administrators must agree.
func approval() query.Record {
	r := errorBody(262309, "", "The security multi-admin-verify request (index 1) is auto-generated and requires approval.")
	r["approval_request"] = record("index", int64(1), "state", "pending", "operation", "vserver delete")
	return r
}

// mayDelete says what must go before an SVM can.
func (c *call) mayDelete(v *svm) *refusal {
	d := c.sim.doubt()
	code := d.DeleteRefusedCode
	if code == 0 {
		code = 8
	}
	for _, vol := range c.site.Volumes {
		if vol.SVM == v.UUID && (!vol.Root || d.RootVolumeBlocksDelete) {
			return refuse(code, "", "Cannot delete SVM %q: volume %q must be deleted first.", v.Name, vol.Name)
		}
	}
	owns := func(uuid string) bool { return uuid == v.UUID }
	switch {
	case c.site.protected(v):
		return refuse(code, "", "Cannot delete SVM %q: it has SnapMirror relationships.", v.Name)
	case d.RecoveryQueueBlocksDelete && len(v.Recovery) > 0:
		return refuse(code, "", "Cannot delete SVM %q: volumes are in its recovery queue.", v.Name)
	case d.LIFsBlockDelete && slices.ContainsFunc(c.site.LIFs, func(l *lif) bool { return owns(l.SVM) }):
		return refuse(code, "", "Cannot delete SVM %q: it has network interfaces.", v.Name)
	case d.AccountsBlockDelete && slices.ContainsFunc(c.site.Accounts, func(a *account) bool { return owns(a.Owner) && a.Name != "vsadmin" }):
		return refuse(code, "", "Cannot delete SVM %q: it has accounts.", v.Name)
	}
	return nil
}

// deleteNow ends the job of a DELETE.
func (c *call) deleteNow(j *job) *refusal {
	v := c.site.svmByID(j.SVMUUID)
	if v == nil {
		return nil
	}
	if no := c.mayDelete(v); no != nil {
		return no
	}
	c.sim.dropTwin(c.site, v)
	c.site.drop(v)
	return nil
}

// drop takes an SVM away, with all that is its own.
func (st *site) drop(v *svm) {
	st.SVMs = remove(st.SVMs, v)
	st.LIFs = slices.DeleteFunc(st.LIFs, func(l *lif) bool { return l.SVM == v.UUID })
	st.Routes = slices.DeleteFunc(st.Routes, func(r *route) bool { return r.SVM == v.UUID })
	st.Accounts = slices.DeleteFunc(st.Accounts, func(a *account) bool { return a.Owner == v.UUID })
	gone := map[string]bool{}
	st.Volumes = slices.DeleteFunc(st.Volumes, func(vol *volume) bool {
		gone[vol.UUID] = vol.SVM == v.UUID
		return vol.SVM == v.UUID
	})
	st.Snapshots = slices.DeleteFunc(st.Snapshots, func(sn *snapshot) bool { return gone[sn.Volume] })
}
