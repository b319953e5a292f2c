package spec

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seedproof/seedproof/internal/ontap"
)

// ArraysKind is the kind of the configuration of arrays.
const ArraysKind = "Arrays"

// Array is one storage cluster by its configuration. It holds no password: it
// names the file in which one lies.
type Array struct {
	Name string `json:"name"`
	// URL is that of the cluster management LIF, https://host[:port].
	URL  string `json:"url"`
	User string `json:"user"`
	// PasswordFile is read by nobody but its owner. One line feed at its end is
	// no part of the password.
	PasswordFile string `json:"passwordFile"`

	// The array is known by exactly one of the following three.
	CAFile       string   `json:"caFile,omitempty"`       // PEM bundle
	Fingerprints []string `json:"fingerprints,omitempty"` // SHA-256 of the certificate; one suffices
	Insecure     string   `json:"insecure,omitempty"`     // the word ontap.SkipWord
	// ServerName, with caFile, is the name in the certificate, where the URL has
	// another.
	ServerName string `json:"serverName,omitempty"`

	// ClusterUUID pins the cluster that must answer; left out, the one that
	// answers first is pinned in the seed.
	ClusterUUID string `json:"clusterUUID,omitempty"`
}

type arraysFile struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Arrays     []Array `json:"arrays"`
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

const (
	maxPassword = 4 << 10 // bytes of a file
	maxCA       = 1 << 20
)

// LoadArrays reads the configuration of arrays. Paths of files in it are taken
// from the directory in which it lies. Those files are read by Options.
func LoadArrays(path string) ([]Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read arrays: %w", err)
	}
	defer f.Close()
	all, err := ParseArrays(f)
	if err != nil {
		return nil, fmt.Errorf("read arrays from %s: %w", path, err)
	}
	for i := range all {
		all[i].PasswordFile = beside(path, all[i].PasswordFile)
		all[i].CAFile = beside(path, all[i].CAFile)
	}
	return all, nil
}

func beside(path, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(path), file)
}

// ParseArrays reads the configuration of arrays, strictly: one document, in
// which every array has a name, URL and cluster of its own. Every problem is
// named; then nothing is returned.
func ParseArrays(r io.Reader) ([]Array, error) {
	documents, err := readDocuments(r)
	if err != nil {
		return nil, err
	}
	if len(documents) > 1 {
		return nil, fmt.Errorf("%s: want one document alone", documents[1])
	}
	var file arraysFile
	found := header{kind: ArraysKind}.decode(documents[0].text, &file)
	if found.none() {
		checkArrays(found, file.Arrays)
	}
	if !found.none() {
		return nil, found.err()
	}
	return file.Arrays, nil
}

func checkArrays(found *problems, all []Array) {
	if len(all) == 0 {
		found.field("arrays", "missing; want at least one")
	}
	first := map[string]string{}
	claim := func(field, kind, value string) {
		if other, taken := first[kind+value]; taken && value != "" {
			found.field(field, "%s is the same; each array needs its own, since each is asked as a witness of its own", other)
			return
		}
		first[kind+value] = field
	}
	for i := range all {
		a, field := &all[i], fmt.Sprintf("arrays[%d]", i)
		a.ClusterUUID = strings.ToLower(a.ClusterUUID)
		a.check(found, field)
		claim(field+".name", "name ", a.Name)
		claim(field+".url", "url ", a.hostPort())
		claim(field+".clusterUUID", "cluster ", a.ClusterUUID)
	}
}

func (a Array) check(found *problems, field string) {
	if !arrayName.MatchString(a.Name) {
		found.value(field+".name", a.Name, arrayWords)
	}
	if a.hostPort() == "" {
		// It is not shown: a URL may hold a password.
		found.field(field+".url", "want https://HOST or https://HOST:PORT of the cluster management LIF, with no user, password or path")
	}
	if a.User == "" || strings.ContainsAny(a.User, ":\n") {
		found.value(field+".user", a.User, "want the name of an account of the array's administrator")
	}
	if a.PasswordFile == "" {
		found.field(field+".passwordFile", "missing; want the path of a file that holds the password, with mode 0600")
	}
	if a.ClusterUUID != "" && !uuidForm.MatchString(a.ClusterUUID) {
		found.value(field+".clusterUUID", a.ClusterUUID, "want a UUID, as `cluster identity show -fields uuid` shows it")
	}
	a.checkTrust(found, field)
}

func (a Array) checkTrust(found *problems, field string) {
	ways := 0
	for _, given := range []bool{a.CAFile != "", len(a.Fingerprints) > 0, a.Insecure != ""} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		found.field(field, "want exactly one of caFile, fingerprints and insecure, by which the array is known; it has %d", ways)
	}
	for i, text := range a.Fingerprints {
		if _, err := ontap.ParseFingerprint(text); err != nil {
			found.value(fmt.Sprintf("%s.fingerprints[%d]", field, i), text, "want the 64 hex digits of a SHA-256, as `openssl x509 -noout -fingerprint -sha256` prints them")
		}
	}
	if a.Insecure != "" && a.Insecure != ontap.SkipWord {
		found.value(field+".insecure", a.Insecure, "whoever answers is then given the password; if that is meant, the word is %q", ontap.SkipWord)
	}
	if a.ServerName != "" && a.CAFile == "" {
		found.value(field+".serverName", a.ServerName, "it is of use with caFile only")
	}
}

// hostPort is the array's address with its port; "" where the URL is none that
// is allowed.
func (a Array) hostPort() string {
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" {
		port = "443"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return ""
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String() // one form of each address
	}
	return net.JoinHostPort(host, port)
}

// Options reads the files that the array's configuration names, and gives what
// a client of the array needs. The caller adds the clock, observer and log.
func (a Array) Options() (ontap.Options, error) {
	password, err := readPassword(a.PasswordFile)
	if err != nil {
		return ontap.Options{}, fmt.Errorf("array %s: %w", a.Name, err)
	}
	trust := ontap.Trust{ServerName: a.ServerName, Skip: a.Insecure}
	if a.CAFile != "" {
		if trust.CA, err = readBounded(a.CAFile, maxCA, 0); err != nil {
			return ontap.Options{}, fmt.Errorf("array %s: read the CA bundle: %w", a.Name, err)
		}
	}
	for _, text := range a.Fingerprints {
		pin, err := ontap.ParseFingerprint(text)
		if err != nil {
			return ontap.Options{}, fmt.Errorf("array %s: %w", a.Name, err)
		}
		trust.Pins = append(trust.Pins, pin)
	}
	return ontap.Options{Name: a.Name, URL: a.URL, User: a.User, Password: password, Trust: trust}, nil
}

// readPassword reads a password that nobody else can have read.
func readPassword(path string) (ontap.Secret, error) {
	text, err := readBounded(path, maxPassword, 0o077)
	if err != nil {
		return ontap.Secret{}, fmt.Errorf("read the password file: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	switch {
	case password == "":
		return ontap.Secret{}, fmt.Errorf("read the password file: %s has an empty line", path)
	case strings.ContainsAny(password, "\r\n"):
		return ontap.Secret{}, fmt.Errorf("read the password file: %s has more than one line", path)
	}
	return ontap.NewSecret(password), nil
}

// readBounded reads a whole regular file of at most limit bytes that has none of
// the forbidden bits in its mode.
func readBounded(path string, limit int64, forbidden fs.FileMode) ([]byte, error) {
	// Before it is opened, too: to open a pipe would wait for its writer.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&forbidden != 0 {
		return nil, fmt.Errorf("others may use %s (mode %04o); type: chmod 600 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	case len(text) == 0:
		return nil, fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// Among are the arrays that may have the SVM: those that it names, else all. A
// name that is not configured is an error, since an array that is not asked
// would be taken for one that has nothing.
func (s StorageVM) Among(all []Array) ([]Array, error) {
	found := &problems{}
	configured := names(all)
	missing := func(field, name string) {
		if name != "" && !slices.Contains(configured, name) {
			found.value(field, name, "no such array is configured; there are %s", strings.Join(configured, ", "))
		}
	}
	missing("spec.array", s.Spec.Array)
	for i, name := range s.Spec.Arrays {
		missing(fmt.Sprintf("spec.arrays[%d]", i), name)
	}
	if !found.none() {
		return nil, found.err()
	}
	if len(s.Spec.Arrays) == 0 {
		return slices.Clone(all), nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(a Array) bool { return !slices.Contains(s.Spec.Arrays, a.Name) }), nil
}

func names(all []Array) []string {
	var list []string
	for _, a := range all {
		list = append(list, a.Name)
	}
	return list
}
