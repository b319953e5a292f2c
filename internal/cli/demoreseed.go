package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seedproof/seedproof/internal/etcd/controller"
	"github.com/seedproof/seedproof/internal/etcd/managerfiles"
	"github.com/seedproof/seedproof/internal/etcd/pki"
	"github.com/seedproof/seedproof/internal/etcd/process"
	"github.com/seedproof/seedproof/internal/etcd/record"
	"github.com/seedproof/seedproof/internal/proof"
	"github.com/seedproof/seedproof/internal/store"
	"github.com/seedproof/seedproof/internal/store/open"
)

// reseedKeys is how many keys the story's cluster holds.
const reseedKeys = 200

// reseedStory tells kops issue 16416.
type reseedStory struct {
	w        io.Writer
	stage    *stage
	interval time.Duration

	backup, control store.Store
	etcd            *process.Client
	born            controller.Report
	deleted         time.Time
	spec            []byte // etcd-manager's spec file, as `kops update` would write it again
}

func (s *reseedStory) play(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	defer s.close()
	for _, scene := range []func(context.Context) error{s.healthy, s.rule, s.manager, s.seedproof, s.update, s.end} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *reseedStory) open(ctx context.Context) (err error) {
	r := s.stage.ready
	if s.backup, err = open.Open(ctx, r.BackupStore); err != nil {
		return err
	}
	if s.control, err = open.Open(ctx, r.ControlStore); err != nil {
		return err
	}
	conf, err := pki.ClientTLS(pki.Files{Cert: r.Cert, Key: r.Key, CA: r.CACert}, "")
	if err != nil {
		return err
	}
	s.etcd, err = process.NewClient(r.Endpoints, conf)
	return err
}

func (s *reseedStory) close() {
	for _, c := range []io.Closer{s.backup, s.control, s.etcd} {
		_ = c.Close()
	}
}

func (s *reseedStory) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.w, format+"\n", args...)
}

func (s *reseedStory) title(n int, text string) {
	s.say("\n%d. %s\n%s", n, text, strings.Repeat("-", len(text)+3))
}

func (s *reseedStory) healthy(ctx context.Context) error {
	s.say("The reseeded cluster (kops issue 16416), played on a cluster of its own.")
	s.say("etcd is the database in which a Kubernetes cluster keeps everything. If it is empty,\nthe cluster is gone.")
	s.title(1, "A healthy cluster")
	for i := range reseedKeys {
		key := fmt.Sprintf("/registry/pods/default/web-%03d", i)
		if _, err := s.etcd.Etcd().Put(ctx, key, "a pod"); err != nil {
			return fmt.Errorf("write key %s: %w", key, err)
		}
	}
	var err error
	s.born, err = s.stage.until(ctx, nil, func(r controller.Report) bool { return intact(r) && r.Backup.Newest != "" && s.mirrored(ctx) })
	if err != nil {
		return err
	}
	if s.spec, _, err = store.Read(ctx, s.backup, managerfiles.SpecKey, managerfiles.MaxFile); err != nil {
		return err
	}
	s.say("Three etcd members serve. %d keys were written; the newest backup is %s.", reseedKeys, s.born.Backup.Newest)
	s.say("Beside the backups lie the two small control files by which etcd-manager knows that\nthe cluster exists:")
	s.say("    %s   \"a cluster was made here\"\n    %s      \"it shall have 3 members\"", managerfiles.CreatedKey, managerfiles.SpecKey)
	s.say("Seedproof keeps a record of its own elsewhere: %s", record.RecordKey)
	return nil
}

func (s *reseedStory) mirrored(ctx context.Context) bool {
	_, err := s.backup.Stat(ctx, managerfiles.SpecKey)
	return err == nil
}

func (s *reseedStory) rule(ctx context.Context) error {
	s.title(2, "A lifecycle rule runs")
	s.say("Somebody added a rule to the bucket: delete what is old. It was meant for backups.\nTo make it worse than it was, here it reaches our own record too.")
	s.deleted = time.Now()
	for _, f := range []struct {
		in  store.Store
		key string
	}{{s.backup, managerfiles.CreatedKey}, {s.backup, managerfiles.SpecKey}, {s.control, record.RecordKey}} {
		info, err := f.in.Stat(ctx, f.key)
		if err != nil {
			return fmt.Errorf("find %s: %w", f.key, err)
		}
		if err := f.in.Delete(ctx, f.key, info.Version); err != nil {
			return fmt.Errorf("delete %s: %w", f.key, err)
		}
		s.say("    deleted  %s", f.key)
	}
	return nil
}

func (s *reseedStory) manager(context.Context) error {
	s.title(3, "What etcd-manager concludes")
	s.say("(From its source and from measurements; it does not run here.)")
	gone := managerfiles.Conclude(managerfiles.Missing, managerfiles.Missing, true)
	s.say("    marker missing, spec missing: it %s.", gone.Sentence)
	back := managerfiles.Conclude(managerfiles.Missing, managerfiles.Usable, true)
	s.say("    and once `kops update cluster --yes` writes the spec again: it %s.", back.Sentence)
	s.say("It took \"I could not find it\" for \"it never existed\". It asked nobody else.")
	return nil
}

func (s *reseedStory) seedproof(ctx context.Context) error {
	s.title(4, "What Seedproof concludes, and does")
	began := time.Now()
	healed, err := s.stage.until(ctx, nil, func(r controller.Report) bool {
		return intact(r) && r.Record.Serial > s.born.Record.Serial && s.mirrored(ctx)
	})
	if err != nil {
		return err
	}
	s.say("It asked everybody who can know of the cluster:")
	s.testimonies(healed)
	s.say("What it concluded and did, from its own log:")
	for _, e := range healed.History {
		if e.At.After(s.deleted) {
			s.say("    %s  %s", e.At.Local().Format("15:04:05"), strings.TrimSuffix(e.What+", "+e.Why, ", "))
		}
	}
	s.say("All of it %s after the rule ran. The marker came back before the spec: a spec without\na marker is what wipes. No etcd was stopped or restarted.", time.Since(began).Round(100*time.Millisecond))
	return nil
}

// testimonies shows who says what, once the record is back.
func (s *reseedStory) testimonies(r controller.Report) {
	for _, t := range r.Verdict.Heard {
		if t.Witness.Kind == proof.Record || t.Witness.Name == "created-marker" {
			s.say("    %-16s Absent    until it was put back", t.Witness.Name)
			continue
		}
		who := ""
		if t.Identity.Named() {
			who = "names " + t.Identity.Lineage[:8] + " generation " + fmt.Sprint(t.Identity.Generation)
		}
		s.say("    %-16s %-9s %s", t.Witness.Name, t.Finding, who)
	}
}

func (s *reseedStory) update(ctx context.Context) error {
	s.title(5, "The update that wiped the cluster, again")
	s.say("The marker is deleted once more, and the spec written as `kops update cluster --yes` does.")
	info, err := s.backup.Stat(ctx, managerfiles.CreatedKey)
	if err != nil {
		return err
	}
	if err := s.backup.Delete(ctx, managerfiles.CreatedKey, info.Version); err != nil {
		return err
	}
	if _, err := s.backup.Put(ctx, managerfiles.SpecKey, strings.NewReader(string(s.spec)), store.Condition{}); err != nil {
		return err
	}
	s.say("    etcd-manager %s.", managerfiles.Conclude(managerfiles.Missing, managerfiles.Usable, true).Sentence)
	_, err = s.stage.until(ctx, nil, func(r controller.Report) bool {
		_, missing := s.backup.Stat(ctx, managerfiles.CreatedKey)
		return intact(r) && missing == nil
	})
	if err != nil {
		return err
	}
	s.say("    Seedproof: the verdict stays Intact; the marker is back.")
	return nil
}

// end counts the keys: the only thing that matters.
func (s *reseedStory) end(ctx context.Context) error {
	s.title(6, "The keys, counted")
	answer, err := s.etcd.Etcd().Get(ctx, "/registry/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return fmt.Errorf("count the keys: %w", err)
	}
	now, err := s.stage.report(ctx)
	if err != nil {
		return err
	}
	s.say("    %d of %d keys are there. Lineage %s, as at the beginning: %t.", answer.Count, reseedKeys,
		now.Verdict.Identity.Lineage[:8], now.Verdict.Identity == s.born.Verdict.Identity)
	if answer.Count != reseedKeys || now.Verdict.Identity != s.born.Verdict.Identity {
		return errors.New("the story did not end as it should")
	}
	s.say("\nNo proof, no seed. The whole story: docs/incidents/kops-16416.md")
	return nil
}
