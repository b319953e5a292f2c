package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seedproof/seedproof/internal/atomicfile"
	"github.com/seedproof/seedproof/internal/ontap/sim"
	"github.com/seedproof/seedproof/internal/telemetry"
)

// ontapSimFlags are what `seedproof ontap-sim` was told.
type ontapSimFlags struct {
	listen         string
	clusters       int
	release        string
	stateFile      string
	adminSocket    string
	passwordFile   string
	caFile         string
	managementPort int
	unlicensed     []string
	peerGroups     []string
	verbose        bool
}

func newOntapSimCommand(g *global) *cobra.Command {
	var f ontapSimFlags
	cmd := &cobra.Command{
		Use:   "ontap-sim",
		Short: "Run a simulated ONTAP array, or two as a MetroCluster",
		Long: "Runs an array that lives in memory, or in a file, and speaks the part of the\n" +
			"ONTAP REST API that this program uses. It is for trying things out and for\n" +
			"tests; it stores no data. It ends on Ctrl-C.\n\n" +
			"The admin socket takes small JSON calls for what no array offers:\n" +
			"  curl --unix-socket S http://sim/dump\n" +
			"  curl --unix-socket S http://sim/switchover -d '{\"survivor\":2}'\n" +
			"  curl --unix-socket S http://sim/inject -d \\\n" +
			"    '{\"kind\":\"reset-after\",\"method\":\"POST\",\"path\":\"/api/svm/svms\",\"kth\":1}'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runOntapSim(cmd.Context(), g, f) },
	}
	s := cmd.Flags()
	s.SortFlags = false
	s.StringVar(&f.listen, "listen", "127.0.0.1:8443", "address of the cluster's interface; a second cluster has the next port")
	s.IntVar(&f.clusters, "clusters", 1, "1, or 2 joined as a MetroCluster")
	s.StringVar(&f.release, "release", "9.16.1", "release that the array says it runs, 9.12.1 to 9.17.1")
	s.StringVar(&f.stateFile, "state-file", "", "file that keeps the array from one run to the next")
	s.StringVar(&f.adminSocket, "admin-socket", "", "Unix socket for faults, switchovers and states")
	s.StringVar(&f.passwordFile, "password-file", "ontap-sim.password", "file with the administrator's password; made if it is missing")
	s.StringVar(&f.caFile, "ca-file", "", "file to write the clusters' certificates to, as PEM")
	s.IntVar(&f.managementPort, "management-port", 0, "port of management interfaces of SVMs in 127.0.0.0/8 (default any free one)")
	s.StringSliceVar(&f.unlicensed, "unlicensed", nil, "packages without a licence, such as nvme_of")
	s.StringSliceVar(&f.peerGroups, "peer-group", nil, "BGP peer groups in IPspace Default, whose sessions are up; with one, interfaces may be VIPs")
	s.BoolVar(&f.verbose, "verbose", false, "log every request")
	return cmd
}

func runOntapSim(ctx context.Context, g *global, f ontapSimFlags) error {
	listen, err := listenAddresses(f.listen, f.clusters)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	log, err := telemetry.NewLogger(g.stderr, "text", level)
	if err != nil {
		return err
	}
	password, err := passwordOf(f.passwordFile)
	if err != nil {
		return err
	}
	var peers []sim.PeerGroup
	for i, name := range f.peerGroups {
		peers = append(peers, sim.PeerGroup{Name: name, Peer: fmt.Sprintf("203.0.113.%d", i+1)}) // TEST-NET-3: nobody's router
	}
	s, err := sim.New(sim.Options{
		Clusters: f.clusters, Version: f.release, AdminPassword: password, Listen: listen, ManagementPort: f.managementPort,
		StateFile: f.stateFile, Unlicensed: f.unlicensed, PeerGroups: peers, Log: log,
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := describeSim(g.stdout, s, f); err != nil {
		return err
	}
	if f.adminSocket != "" {
		return s.ServeAdmin(ctx, f.adminSocket)
	}
	<-ctx.Done()
	return nil
}

// listenAddresses gives each cluster an address.
func listenAddresses(first string, clusters int) ([]string, error) {
	if clusters < 1 || clusters > 2 {
		return nil, usagef("--clusters %d; expected 1 or 2", clusters)
	}
	host, port, err := net.SplitHostPort(first)
	if err != nil {
		return nil, usagef("--listen %q: %w", first, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 65535 && clusters == 2 {
		return nil, usagef("--listen %q: not a port that fits", first)
	}
	all := []string{first}
	if clusters == 2 {
		if n > 0 {
			n++
		}
		all = append(all, net.JoinHostPort(host, strconv.FormatUint(n, 10)))
	}
	return all, nil
}

// maxPasswordFile bounds the password file, in bytes.
const maxPasswordFile = 1024

// passwordOf reads the administrator's password, or makes one and keeps it
// where its owner alone can read it.
func passwordOf(path string) (string, error) {
	data, err := atomicfile.Read(path, maxPasswordFile)
	if err == nil {
		password := strings.TrimSpace(string(data))
		if len(password) < 8 {
			return "", usagef("--password-file %s: the password is shorter than 8 characters", path)
		}
		return password, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the password file: %w", err)
	}
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	password := "s1" + base64.RawURLEncoding.EncodeToString(b[:])
	if err := atomicfile.Write(path, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the generated password: %w", err)
	}
	return password, nil
}

func describeSim(w io.Writer, s *sim.Simulator, f ontapSimFlags) error {
	var authorities []byte
	for i := range s.Clusters() {
		c := s.Cluster(i)
		authorities = append(authorities, c.CA()...)
		fmt.Fprintf(w, "%s  %s  ONTAP %s (simulated)\n  certificate sha256:%s\n", c.Name(), c.URL(), s.Version(), fingerprintOf(c.CA()))
	}
	user, _ := s.Cluster(0).Credentials()
	fmt.Fprintf(w, "User %s, password in %s\n", user, f.passwordFile)
	if f.adminSocket != "" {
		fmt.Fprintf(w, "Admin socket %s\n", f.adminSocket)
	}
	if f.caFile == "" {
		return nil
	}
	if err := atomicfile.Write(f.caFile, authorities, 0o644); err != nil {
		return fmt.Errorf("write the certificates: %w", err)
	}
	fmt.Fprintf(w, "Certificates in %s\n", f.caFile)
	return nil
}

// fingerprintOf is the SHA-256 of a PEM certificate, in hex.
func fingerprintOf(cert []byte) string {
	block, _ := pem.Decode(cert)
	if block == nil {
		return "none"
	}
	return fmt.Sprintf("%x", sha256.Sum256(block.Bytes))
}
