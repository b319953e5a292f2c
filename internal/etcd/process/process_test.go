package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seedproof/seedproof/internal/fault"
)

func TestStartServeStop(t *testing.T) {
	b := newBench(t)
	t.Setenv("ETCD_NAME", "from-the-environment") // would win over no flag, but warns and, for others, overrides
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	p := b.start(t)
	if !p.Noted || p.Note.Token != "birth-1" || p.Note.PID != p.PID {
		t.Errorf("the start was not noted: %+v", p.Note)
	}
	c := b.serving(t)
	b.put(t, c, 3)
	env, err := os.ReadFile(procPath(p.PID, "environ"))
	if err != nil || strings.Contains(string(env), "ETCD_") || strings.Contains(string(env), "secret") {
		t.Errorf("environment of etcd: %q, %v", env, err)
	}
	if sid, err := unix.Getsid(p.PID); err != nil || sid != p.PID {
		t.Errorf("session %d of process %d, %v", sid, p.PID, err)
	}
	s, err := c.Status(deadline(t), b.cfg.AdvertiseClientURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	if s.Revision != 4 || s.LeaderID != s.MemberID || s.Learner || s.RaftAppliedIndex == 0 || s.DBSize == 0 || len(s.Errors) != 0 {
		t.Errorf("status %+v", s)
	}
	if _, err := b.runner.Start(deadline(t), b.cfg); !errors.Is(err, ErrRunning) {
		t.Errorf("a second etcd: %v", err)
	}
	if err := p.Stop(deadline(t), limit); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.ExitStatus(), "terminated") {
		t.Errorf("ended as %q, want by SIGTERM", p.ExitStatus())
	}
	if _, finding, err := b.runner.Find(deadline(t), b.cfg.DataDir); finding != NotRunning {
		t.Errorf("after the stop: %v, %v", finding, err)
	}
}

// startByAgent starts the etcd from an agent of its own, which it kills -9.
func (b *bench) startByAgent(t *testing.T) (pid int) {
	t.Helper()
	config, err := json.Marshal(b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	agent := exec.Command(os.Args[0], starterCommand, b.runner.StateDir, string(config))
	agent.Stderr = os.Stderr
	out, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err = strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	_ = agent.Process.Kill()
	_ = agent.Wait() // returns only when nobody has the pipe any more
	return pid
}

func TestEtcdOutlivesItsAgentAndIsAdopted(t *testing.T) {
	b := newBench(t)
	b.cfg.LogLevel = "debug"
	pid := b.startByAgent(t)
	c := b.serving(t)
	p, finding, err := b.runner.Find(deadline(t), b.cfg.DataDir)
	if finding != Running || err != nil {
		t.Fatal(finding, err)
	}
	if p.PID != pid || !p.Adopted || !p.Noted || p.Note.Token != "birth-1" {
		t.Errorf("adopted %+v, want process %d, noted", p, pid)
	}
	flood(t, b, c)
	select {
	case <-p.Exited():
		t.Fatal("etcd died of its log")
	default:
	}
	if err := p.Stop(deadline(t), limit); err != nil {
		t.Fatal(err)
	}
	awaitExit(t, p)
}

// flood makes etcd write megabytes of log while its parent is dead.
func flood(t *testing.T, b *bench, c *Client) {
	t.Helper()
	key := strings.Repeat("k", 16<<10)
	size := int64(0)
	await(t, "three megabytes of log", func() error {
		for range 50 {
			if _, err := c.Etcd().Get(deadline(t), key); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(b.cfg.LogFile)
		if err != nil {
			return err
		}
		if size = info.Size(); size < 3<<20 {
			return errors.New("not yet: " + strconv.FormatInt(size, 10))
		}
		return nil
	})
}

func TestFindByOtherMeansThanTheNote(t *testing.T) {
	b := newBench(t)
	pid := b.startByAgent(t)
	b.serving(t)
	note, err := ReadNote(b.runner.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	recycled := note
	recycled.StartTicks++
	rebooted := note
	rebooted.BootID = "another"
	elsewhere := note
	elsewhere.PID = os.Getppid()
	cases := map[string]func(){
		"note lost":          func() { _ = os.Remove(filepath.Join(b.runner.StateDir, noteFile)) },
		"note damaged":       func() { _ = os.WriteFile(filepath.Join(b.runner.StateDir, noteFile), []byte("{"), 0o600) },
		"note of older id":   func() { _ = recycled.write(b.runner.StateDir) },
		"note of older boot": func() { _ = rebooted.write(b.runner.StateDir) },
		"note of another":    func() { _ = elsewhere.write(b.runner.StateDir) },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			spoil()
			p, finding, err := b.runner.Find(deadline(t), b.cfg.DataDir)
			if finding != Running || err != nil {
				t.Fatal(finding, err)
			}
			if p.PID != pid || p.Noted {
				t.Errorf("found process %d, noted %v; want %d, not noted", p.PID, p.Noted, pid)
			}
			p.Release()
			awaitExit(t, p)
		})
	}
	t.Run("whole state directory lost", func(t *testing.T) {
		other := &Runner{StateDir: filepath.Join(t.TempDir(), "new")}
		p, finding, err := other.Find(deadline(t), b.cfg.DataDir)
		if finding != Running || p.PID != pid {
			t.Fatal(finding, err)
		}
		p.Release()
	})
}

func TestRecycledProcessIsNotTaken(t *testing.T) {
	b := newBench(t)
	stranger := exec.Command("sleep", "1000")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
	id, err := identify(stranger.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	note := Note{PID: id.pid, StartTicks: id.ticks, BootID: id.boot, DataDir: b.cfg.DataDir}
	if err := note.write(b.runner.StateDir); err != nil {
		t.Fatal(err)
	}
	if _, finding, err := b.runner.Find(deadline(t), b.cfg.DataDir); finding != NotRunning {
		t.Errorf("%v, %v: a stranger was taken for our etcd", finding, err)
	}
}

func TestUnseenHoldersForbidAStart(t *testing.T) {
	cases := map[string]struct {
		reason string
		hold   func(t *testing.T, b *bench)
	}{
		"start lock": {"a child between fork and exec shows nothing else", func(t *testing.T, b *bench) {
			f, err := takeStartLock(b.runner.StateDir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
		}},
		"database": {"an etcd in another container shows nothing else", func(t *testing.T, b *bench) {
			mkdir(t, filepath.Dir(dbPath(b.cfg.DataDir)))
			f, err := os.Create(dbPath(b.cfg.DataDir))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
				t.Fatal(err)
			}
		}},
		"WAL": {"during a defrag the database is unlocked for a moment", func(t *testing.T, b *bench) {
			mkdir(t, walPath(b.cfg.DataDir))
			f, err := os.Create(filepath.Join(walPath(b.cfg.DataDir), "0000000000000000-0000000000000000.wal"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.hold(t, b)
			p, finding, err := b.runner.Find(deadline(t), b.cfg.DataDir)
			if finding != Unknown || p != nil || !errors.Is(err, ErrNotSeen) {
				t.Errorf("%s: %v, %v", c.reason, finding, err)
			}
			if _, err := b.runner.Start(deadline(t), b.cfg); !errors.Is(err, ErrNotSeen) {
				t.Errorf("%s: start: %v", c.reason, err)
			}
		})
	}
}

func TestUnreadableDirectoryIsUnknown(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(b.cfg.DataDir, "member")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(file) })
	if _, finding, err := b.runner.Find(deadline(t), b.cfg.DataDir); finding != Unknown || err == nil {
		t.Errorf("%v, %v: ENOTDIR was taken for an absence", finding, err)
	}
}

func TestDeafEtcdBeforeItsDatabase(t *testing.T) {
	b := newBench(t)
	b.cfg.BinDir = t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(b.cfg.BinDir, "etcd")); err != nil {
		t.Fatal(err)
	}
	started := b.start(t)
	p, finding, err := b.runner.Find(deadline(t), b.cfg.DataDir)
	if finding != Running || p.PID != started.PID {
		t.Fatalf("%v, %v: a starting etcd was missed", finding, err)
	}
	await(t, "it to ignore SIGTERM", func() error { return ignoresTerm(p.PID) })
	if err := p.Stop(deadline(t), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	awaitExit(t, started)
	if !strings.Contains(started.ExitStatus(), "killed") {
		t.Errorf("ended as %q, want by SIGKILL", started.ExitStatus())
	}
}

func ignoresTerm(pid int) error {
	status, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		text, ok := strings.CutPrefix(line, "SigIgn:")
		if !ok {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
		if err == nil && mask&(1<<(unix.SIGTERM-1)) == 0 {
			err = errors.New("not yet")
		}
		return err
	}
	return errors.New("no SigIgn line")
}

func TestStopGivesUpAtTheDeadline(t *testing.T) {
	b := newBench(t)
	p := b.start(t)
	b.serving(t)
	if err := p.Signal(deadline(t), unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx, limit); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a stop that proved nothing returned %v", err)
	}
}

func TestMissingDataDirectoryIsNotMade(t *testing.T) {
	b := newBench(t)
	if err := os.Remove(b.cfg.DataDir); err != nil {
		t.Fatal(err)
	}
	if _, err := b.runner.Start(deadline(t), b.cfg); err == nil || !isMissing(err) {
		t.Errorf("started where a volume may be missing: %v", err)
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	b := newBench(t)
	u, _ := url.Parse(b.cfg.ListenClientURLs[0])
	l, err := net.Listen("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p := b.start(t)
	awaitExit(t, p)
	words, err := LastWords(b.cfg.LogFile)
	if err != nil || !strings.Contains(words, "address already in use") {
		t.Errorf("last words %q, %v", words, err)
	}
}

func TestFaultsAtStart(t *testing.T) {
	cases := map[fault.Mode]Finding{
		fault.Refused: NotRunning, fault.FailedBefore: NotRunning, fault.LostReply: Running,
		fault.CrashedBefore: NotRunning, fault.CrashedAfter: Running,
	}
	for mode, want := range cases {
		t.Run(mode.String(), func(t *testing.T) {
			b := newBench(t)
			in := fault.NewInjector(1, mode)
			crashing := &Runner{StateDir: b.runner.StateDir, Faults: in}
			ended := make(chan error, 1)
			go func() {
				_, err := crashing.Start(deadline(t), b.cfg)
				ended <- err
			}()
			select {
			case err := <-ended:
				if !errors.Is(err, fault.ErrInjected) {
					t.Fatal(err)
				}
			case <-in.Dead():
			}
			if in.Struck() == nil || in.Struck().Op != "start" {
				t.Fatalf("struck %v", in.Struck())
			}
			findAfterCrash(t, b, want)
		})
	}
}

// findAfterCrash looks as the next instance would, and ends what it finds.
func findAfterCrash(t *testing.T, b *bench, want Finding) {
	t.Helper()
	var p *Process
	await(t, "a finding", func() error {
		found, finding, err := b.runner.Find(deadline(t), b.cfg.DataDir)
		if finding == Unknown {
			return err
		}
		if finding != want {
			t.Fatalf("found %v, want %v", finding, want)
		}
		p = found
		return nil
	})
	if p == nil {
		return
	}
	b.serving(t)
	if err := p.Stop(deadline(t), limit); err != nil {
		t.Error(err)
	}
}

func TestFaultAtAdoption(t *testing.T) {
	b := newBench(t)
	p := b.start(t)
	b.serving(t)
	in := fault.NewInjector(1, fault.LostReply)
	_, finding, err := (&Runner{StateDir: b.runner.StateDir, Faults: in}).Find(deadline(t), b.cfg.DataDir)
	if finding != Unknown || !errors.Is(err, fault.ErrInjected) || in.Struck().Op != "adopt" {
		t.Errorf("%v, %v", finding, err)
	}
	if err := p.Stop(deadline(t), limit); err != nil {
		t.Error(err)
	}
}
