package sim

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// job is a change that takes time. Its effect comes all at once, at its end.
type job struct {
	object
	Site              int
	Action            string // create, modify, delete: of SVMs; records; switchover, switchback
	Description, Node string
	SVMName, SVMUUID  string
	Start, Runs, Ends time.Time
	Done              bool
	Code              int
	Message           string
	Paused, Lost      bool

	Fail        int // a fault: it ends with this code, and
	FailMessage string
	NoEffect    bool // nothing comes of it
	Stick       bool // a new SVM stays in initializing

	New         *svm     // create: what it will be
	Raw         []string // bodies, of SVMs
	bodies      []string // records: may hold passwords, so a restart forgets them
	Path        []string // records
	Made        []string // records: keys of what was made
	User, Owner string   // who asked
}

var jobSchema = query.MustSchema(`
uuid text key
description text std
state text std
message text std
code int std
error.code text std
error.message text std
start_time time std
end_time time std
node.name text std
svm.name text std since=9.8.1
svm.uuid text std since=9.8.1
`)

func jobResources() []*resource {
	return []*resource{{
		path: at("/cluster/jobs"), keys: []string{"uuid"}, schema: jobSchema, extra: []string{"action"},
		list: func(c *call) iter.Seq[item] {
			return items(c.site.Jobs, func(j *job) item {
				return item{seq: j.Seq, key: itemKey(j.UUID), svm: j.SVMUUID, hidden: j.Lost, object: j, record: func() query.Record { return c.jobRecord(j) }}
			})
		},
		modify: controlJob,
	}}
}

func (j *job) state(now time.Time) string {
	switch {
	case j.Done && j.Code != 0:
		return "failure"
	case j.Done:
		return "success"
	case j.Paused:
		return "paused"
	case now.Before(j.Runs):
		return "queued"
	}
	return "running"
}

func (c *call) jobRecord(j *job) query.Record {
	r := record(
		"uuid", j.UUID, "description", j.Description, "state", j.state(c.now), "message", j.Message,
		"code", int64(j.Code), "start_time", stamp(j.Start), "node.name", j.Node,
	)
	if j.Done {
		query.Put(r, "end_time", stamp(j.Ends))
	}
	if j.Done && j.Code != 0 {
		query.Put(r, "error", record("code", strconv.Itoa(j.Code), "message", j.Message))
	}
	hidden := c.sim.doubt().JobsWithoutSVM && j.Action == "create" && (!j.Done || j.Code != 0)
	if j.SVMUUID != "" && !hidden {
		query.Put(r, "svm", record("name", j.SVMName, "uuid", j.SVMUUID))
	}
	return r
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// controlJob is PATCH ?action=: what can be done to a job from outside.
func controlJob(c *call, it *item) (*done, *refusal) {
	j, _ := it.object.(*job)
	action := c.params.Extra["action"]
	switch {
	case action == "":
		return nil, refuse(262190, "", "No values to change supplied.")
	case j.Done:
		return nil, refuse(458762, "uuid", "The job is in a terminal state and cannot be changed.")
	case action == "resume" && !j.Paused:
		return nil, refuse(458771, "uuid", "The job is running.")
	case action == "pause":
		return nil, refuse(458783, "uuid", "The job cannot be paused.")
	case action == "cancel":
		return nil, refuse(458784, "uuid", "The job cannot be cancelled.")
	}
	return nil, refuse(262185, "action", "The value %q is invalid for field \"action\"", action)
}

// startJob queues a job; the faults of the request that started it go with it.
func (c *call) startJob(action, description string) *job {
	t := c.sim.opts.Times
	j := &job{
		object: c.sim.world.newObject(), Site: c.site.Index, Action: action, Description: description,
		Start: c.now, Runs: c.now.Add(t.JobQueued), Ends: c.now.Add(t.JobQueued + t.Job),
	}
	if n := find(c.site.Nodes, (*node).up); n != nil {
		j.Node = n.Name
	}
	c.fault.mark(j)
	c.site.Jobs = append(c.site.Jobs, j)
	c.sim.dirty = true
	return j
}

func (st *site) job(uuid string) *job {
	return find(st.Jobs, func(j *job) bool { return j.UUID == uuid && !j.Lost })
}

// settle brings the array to the present: what has come to its end since the
// last call takes effect, in the order in which it ended. The lock is held.
func (s *Simulator) settle() time.Time {
	now := s.opts.Clock.Now()
	for {
		j := s.nextEnd(now)
		if j == nil {
			break
		}
		s.finish(j)
		s.dirty = true
	}
	for _, st := range s.world.Sites {
		st.forget(now, s.opts.Times)
	}
	s.replicateDue(now)
	return now
}

func (s *Simulator) nextEnd(now time.Time) *job {
	var first *job
	for _, st := range s.world.Sites {
		for _, j := range st.Jobs {
			if j.Done || j.Paused || now.Before(j.Ends) {
				continue
			}
			if first == nil || j.Ends.Before(first.Ends) || j.Ends.Equal(first.Ends) && j.Seq < first.Seq {
				first = j
			}
		}
	}
	return first
}

// forget drops finished jobs and volumes whose time is over.
func (st *site) forget(now time.Time, t Times) {
	st.Jobs = slices.DeleteFunc(st.Jobs, func(j *job) bool {
		return j.Done && (j.Lost || !now.Before(j.Ends.Add(t.JobRecord)))
	})
	for _, v := range st.SVMs {
		v.Recovery = slices.DeleteFunc(v.Recovery, func(d deleted) bool { return !now.Before(d.At.Add(t.Recovery)) })
	}
}

// finish lets a job take effect.
func (s *Simulator) finish(j *job) {
	st := s.world.Sites[j.Site]
	var no *refusal
	if !j.NoEffect {
		no = s.effect(st, j)
	}
	j.Done = true
	if v := st.svmByID(j.SVMUUID); v != nil {
		v.Pending, v.Deleting = "", false
	}
	switch {
	case j.Fail != 0:
		j.Code, j.Message = j.Fail, j.FailMessage
	case no != nil:
		j.Code, j.Message = no.code, no.message
	case j.Action == "create":
		j.Message = "SVM creation completed successfully."
	default:
		j.Message = "success"
	}
	s.opts.Log.Info("job ended", "job", j.UUID, "description", j.Description, "code", j.Code)
}

func (s *Simulator) effect(st *site, j *job) *refusal {
	c := s.inside(st, j.Ends)
	switch j.Action {
	case "create":
		return c.bear(j)
	case "modify":
		return c.modifyNow(j)
	case "delete":
		return c.deleteNow(j)
	case "records":
		return c.makeRecords(j)
	case "switchover", "switchback":
		return s.runSwitch(st, j.Action)
	}
	return refuse(262145, "", "a job of unknown action %q", j.Action)
}

// inside is a call that the array makes on its own behalf.
func (s *Simulator) inside(st *site, now time.Time) *call {
	return &call{
		sim: s, site: st, now: now, method: "POST", params: &query.Params{},
		who: principal{account: &account{Name: s.opts.AdminUser, Role: "admin"}},
	}
}

// makeRecords is the job of a POST of several objects. It stops at the first
// that is refused; what was made before stays.
func (c *call) makeRecords(j *job) *refusal {
	c.res, c.above, _ = c.sim.match(j.Path)
	if j.bodies == nil {
		return refuse(65562, "", "The node that ran the job was restarted.")
	}
	for i, raw := range j.bodies {
		b, no := c.parse(json.RawMessage(raw), true)
		var d *done
		if no == nil {
			d, no = c.res.create(c, b)
		}
		if no == nil && d.made != nil {
			j.Made = append(j.Made, d.made.key)
		}
		if no != nil {
			return refuse(no.code, no.target, "record %d: %s", i+1, no.message)
		}
	}
	return nil
}

// unfinished are the SVM jobs of create and delete that are still at work.
func (st *site) unfinished() (n int) {
	for _, j := range st.Jobs {
		if !j.Done && (j.Action == "create" || j.Action == "delete") {
			n++
		}
	}
	return n
}

func (j *job) String() string { return fmt.Sprintf("%s (%s)", j.Description, j.UUID) }
