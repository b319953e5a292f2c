package sim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// lifConn is a connection with the interface that it came in by: that of a
// cluster, or one of an SVM's addresses.
type lifConn struct {
	net.Conn
	site    int    // where address is ""
	address string // of an SVM's LIF

	gate  bool // the address comes first on the wire, see DialContext
	once  sync.Once
	onErr error
}

// Read reads, after the line that says where the connection leads.
func (c *lifConn) Read(p []byte) (int, error) {
	if c.gate {
		c.once.Do(c.preamble)
	}
	if c.onErr != nil {
		return 0, c.onErr
	}
	return c.Conn.Read(p)
}

func (c *lifConn) preamble() {
	var line []byte
	b := make([]byte, 1)
	for len(line) < 64 {
		if _, err := c.Conn.Read(b); err != nil {
			c.onErr = err
			return
		}
		if b[0] == '\n' {
			c.address = string(line)
			return
		}
		line = append(line, b[0])
	}
	c.onErr = errors.New("no address at the start of the connection")
}

// reset ends a connection as a crash would: the peer sees it broken.
func (c *lifConn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it is closed in any case
	}
	_ = c.Conn.Close()
}

// lifListener marks what it accepts.
type lifListener struct {
	net.Listener
	mark func(net.Conn) *lifConn
}

func (l lifListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.mark(c), nil
}

type connKey struct{}

func (s *Simulator) listenCluster(i int) error {
	ln, err := net.Listen("tcp", s.opts.Listen[i])
	if err != nil {
		return fmt.Errorf("listen for cluster %d: %w", i, err)
	}
	s.clusters[i].address = ln.Addr().String()
	s.serve(ln, func(c net.Conn) *lifConn { return &lifConn{Conn: c, site: i} })
	return nil
}

// listenGate opens the one listener behind all LIFs that have no address on
// this machine. Whoever comes by DialContext says first which one is meant.
func (s *Simulator) listenGate() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the interfaces of SVMs: %w", err)
	}
	s.gate = ln.Addr().String()
	s.serve(ln, func(c net.Conn) *lifConn { return &lifConn{Conn: c, gate: true} })
	return nil
}

func (s *Simulator) serve(ln net.Listener, mark func(net.Conn) *lifConn) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate, NextProtos: []string{"http/1.1"}}
	s.serving.Go(func() {
		err := s.server.Serve(tls.NewListener(lifListener{ln, mark}, tlsConfig))
		if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.opts.Log.Error("serving", "address", ln.Addr().String(), "error", err)
		}
	})
}

// bindLIFs listens on the management addresses in 127.0.0.0/8, and ends those
// listeners whose LIF has gone. The lock is held.
func (s *Simulator) bindLIFs() {
	if s.isClosed() {
		return
	}
	want := map[string]bool{}
	for _, st := range s.world.Sites {
		for _, l := range st.LIFs {
			if isLoopback(l.Address) && l.SVM != "" && st.managed(l) {
				want[l.Address] = true
			}
		}
	}
	for address, ln := range s.bound {
		if !want[address] {
			_ = ln.Close() // nothing is left to lose
			delete(s.bound, address)
		}
	}
	for address := range want {
		if s.bound[address] != nil {
			continue
		}
		ln, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(s.opts.ManagementPort)))
		if err != nil {
			s.opts.Log.Warn("an interface has no listener of its own", "address", address, "error", err)
			continue
		}
		s.bound[address] = ln
		s.serve(ln, func(c net.Conn) *lifConn { return &lifConn{Conn: c, address: address} })
	}
}

func isLoopback(address string) bool {
	return strings.HasPrefix(address, "127.") // LIFs hold canonical addresses
}

// reached gives the site, and for an SVM's LIF the SVM, that a connection leads
// to now; false where nothing answers at that address. The lock is held.
func (s *Simulator) reached(c *lifConn) (*site, *svm, bool) {
	if c.address == "" {
		st := s.world.Sites[c.site]
		return st, nil, !st.Unreachable
	}
	return s.listening(c.address)
}

// listening finds the management LIF that is up and has that address.
func (s *Simulator) listening(address string) (*site, *svm, bool) {
	now := s.opts.Clock.Now()
	for _, st := range s.world.Sites {
		if st.Unreachable {
			continue
		}
		for _, l := range st.LIFs {
			if l.Address == address && l.SVM != "" && st.managed(l) && s.isUp(st, l, now) {
				return st, st.svmByID(l.SVM), true
			}
		}
	}
	return nil, nil, false
}

// DialContext connects to a cluster's LIF, or to the management LIF of an SVM
// that has the IP of addr, on any port. Nothing else in the world is reached.
func (s *Simulator) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	cluster, known := s.clusterAt(addr)
	s.mu.Lock()
	s.settle()
	if known {
		known = !s.world.Sites[cluster].Unreachable
	}
	_, _, isLIF := s.listening(host)
	s.mu.Unlock()
	var d net.Dialer
	switch {
	case known:
		return d.DialContext(ctx, network, addr)
	case isLIF:
		return s.dialGate(ctx, host)
	case s.doubt().DeadAddressTimesOut:
		<-ctx.Done()
		return nil, dialError(ctx.Err())
	}
	return nil, dialError(os.NewSyscallError("connect", syscall.ECONNREFUSED))
}

func dialError(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

func (s *Simulator) dialGate(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.gate)
	if err != nil {
		return nil, fmt.Errorf("dial the interface %s: %w", address, err)
	}
	if _, err := c.Write([]byte(address + "\n")); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("dial the interface %s: %w", address, err)
	}
	return c, nil
}

func (s *Simulator) clusterAt(addr string) (int, bool) {
	for i, c := range s.clusters {
		if strings.EqualFold(c.address, addr) {
			return i, true
		}
	}
	return 0, false
}
