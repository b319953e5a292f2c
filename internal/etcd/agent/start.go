package agent

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/seedproof/seedproof/internal/etcd/decide"
)

// start starts the etcd of a whole directory, as at boot.
func (a *Agent) start(ctx context.Context) error {
	if err := a.settle(ctx); err != nil {
		return err
	}
	boot, running := a.mayBoot(a.look(ctx))
	switch {
	case running:
		return nil
	case !boot.Start:
		return refuse("%s", boot.Why)
	}
	return a.startEtcd(ctx)
}

// mayBoot is decide's word, for directories that bear our mark and are not on
// their way into the trash.
func (a *Agent) mayBoot(s sight) (boot decide.Boot, running bool) {
	if s.running {
		return decide.Boot{Why: "it runs"}, true
	}
	boot = decide.AtBoot(s.node)
	switch {
	case !boot.Start:
	case s.mark == nil:
		boot = decide.Boot{Why: "the data directory is of " + s.node.Part.Identity.String() + " and bears no mark of ours: it is to be adopted first"}
	case s.retiring:
		boot = decide.Boot{Why: "the data directory is on its way into the trash"}
	}
	return boot, false
}

// nothingInTheWay: on a volume that only a person calls ours there must be
// nothing where etcd's directory is to be.
func (a *Agent) nothingInTheWay() error {
	_, err := os.Lstat(a.dir.etcd())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return refuse("%s cannot be read: %s", a.dir.etcd(), err)
	}
	return refuse("%s is there, on a volume that is not the remembered one", a.dir.etcd())
}
