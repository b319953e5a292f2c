package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// The admin socket is for what no array offers: faults, switchovers, states. It
// speaks HTTP and JSON over a Unix socket that its owner alone may open:
//
//	curl --unix-socket S http://sim/dump
//	curl --unix-socket S http://sim/inject -d '{"kind":"reset-after","method":"POST","path":"/api/svm/svms","kth":1}'

// order is the body of every call of the admin socket; each uses some fields.
type order struct {
	Fault
	Delay    string `json:"delay,omitempty"` // "1.5s", instead of Fault's
	Name     string `json:"name,omitempty"`  // of an SVM, node, port, licence
	Node     string `json:"node,omitempty"`
	State    string `json:"state,omitempty"`
	On       bool   `json:"on,omitempty"`
	Survivor int    `json:"survivor,omitempty"` // 1 or 2
	Volume   string `json:"volume,omitempty"`
	Used     int64  `json:"used,omitempty"`
	Target   string `json:"target,omitempty"`
}

// maxOrder bounds a call of the admin socket, in bytes.
const maxOrder = 64 << 10

// ServeAdmin serves the admin socket at a path until ctx ends.
func (s *Simulator) ServeAdmin(ctx context.Context, path string) error {
	ln, err := listenPrivately(path)
	if err != nil {
		return fmt.Errorf("serve the admin socket %s: %w", path, err)
	}
	defer func() { _ = os.Remove(path) }() // whoever comes next makes it anew
	srv := &http.Server{Handler: s.adminHandler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet(s.opts.Log)}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the admin socket %s: %w", path, err)
	}
	return nil
}

// listenPrivately makes the socket in a directory that nobody else can enter,
// and moves it to its place when its mode is right.
func listenPrivately(path string) (net.Listener, error) {
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return nil, errors.New("another simulator answers there")
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".admin-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is empty by then, or nothing was made
	tmp := filepath.Join(dir, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	if err := os.Chmod(tmp, 0o600); err != nil {
		_ = ln.Close()
		return nil, err
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = ln.Close()
		return nil, err
	}
	return ln, nil
}

func (s *Simulator) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dump", func(w http.ResponseWriter, _ *http.Request) { sayJSON(w, s.Dump()) })
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) { sayJSON(w, s.Requests()) })
	mux.HandleFunc("GET /doubts", func(w http.ResponseWriter, _ *http.Request) { sayJSON(w, s.doubt()) })
	mux.HandleFunc("POST /doubts", s.setDoubts)
	for name, do := range s.orders() {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			var o order
			if err := readOrder(w, r, &o); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			if err := do(o); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			sayJSON(w, struct{}{})
		})
	}
	return mux
}

// orders are the calls of the admin socket by their names.
func (s *Simulator) orders() map[string]func(order) error {
	cluster := func(o order) int { return max(o.Cluster, 1) - 1 }
	return map[string]func(order) error{
		"inject":                  s.injectOrder,
		"clear-faults":            func(order) error { s.ClearFaults(); return nil },
		"forget-requests":         func(order) error { s.ForgetRequests(); return nil },
		"switchover":              func(o order) error { return s.Switchover(o.Survivor - 1) },
		"switchback":              func(order) error { return s.Switchback() },
		"unreachable":             func(o order) error { return s.SetUnreachable(cluster(o), o.On) },
		"stop-without-switchover": func(o order) error { return s.StopWithoutSwitchover(cluster(o)) },
		"takeover":                func(o order) error { return s.Takeover(cluster(o), o.Node) },
		"giveback":                func(o order) error { return s.Giveback(cluster(o), o.Node) },
		"node-state":              func(o order) error { return s.SetNodeState(cluster(o), o.Node, o.State) },
		"svm-state":               func(o order) error { return s.SetSVMState(o.Name, o.State) },
		"lock-svm":                func(o order) error { return s.LockSVM(o.Name, o.On) },
		"replace-certificate":     func(o order) error { return s.ReplaceCertificate(o.Name) },
		"license":                 func(o order) error { return s.SetLicensed(cluster(o), o.Name, o.On) },
		"peers":                   func(o order) error { return s.SetPeersUp(cluster(o), o.On) },
		"port":                    func(o order) error { return s.SetPort(cluster(o), o.Node, o.Name, o.On) },
		"fill":                    func(o order) error { return s.FillVolume(o.Name, o.Volume, o.Used) },
		"relate":                  func(o order) error { return s.Relate(o.Name, o.Target) },
		"unrelate":                func(o order) error { return s.Unrelate(o.Name) },
	}
}

func (s *Simulator) injectOrder(o order) error {
	f := o.Fault
	if o.Delay != "" {
		d, err := time.ParseDuration(o.Delay)
		if err != nil {
			return fmt.Errorf("read the delay: %w", err)
		}
		f.Delay = d
	}
	_, err := s.Inject(f)
	return err
}

// setDoubts changes the doubts that the body names, and no others.
func (s *Simulator) setDoubts(w http.ResponseWriter, r *http.Request) {
	d := s.doubt()
	if err := readOrder(w, r, &d); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.SetDoubts(d)
	sayJSON(w, d)
}

func readOrder(w http.ResponseWriter, r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the order: %w", err)
	}
	return nil
}

func sayJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // a client that has gone needs no answer
}
