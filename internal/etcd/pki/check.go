package pki

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/atomicfile"
)

// Report says whether a certificate can be used now.
type Report struct {
	NotAfter time.Time
	DaysLeft int    // whole days, rounded down; negative after the end
	Problem  string // a sentence that names the certificate; empty when all is well
}

// Check judges a certificate against its authority at the moment now. name is
// what the problem is said of, as a rule the file's name.
func Check(name string, certPEM, caPEM []byte, now time.Time) Report {
	cert, err := ParseCertificate(certPEM)
	if err != nil {
		return Report{Problem: fmt.Sprintf("the certificate %s cannot be read: %v", name, err)}
	}
	report := Report{NotAfter: cert.NotAfter, DaysLeft: daysBetween(now, cert.NotAfter)}
	ca, err := ParseCertificate(caPEM)
	switch {
	case err != nil:
		report.Problem = fmt.Sprintf("the authority of the certificate %s cannot be read: %v", name, err)
	case cert.CheckSignatureFrom(ca) != nil:
		report.Problem = fmt.Sprintf("the certificate %s was issued by another authority (%s, expected %s)",
			name, cert.Issuer, ca.Subject)
	case now.After(cert.NotAfter):
		report.Problem = fmt.Sprintf("the certificate %s expired on %s (%s ago)", name, day(cert.NotAfter), days(now.Sub(cert.NotAfter)))
	case now.Before(cert.NotBefore):
		report.Problem = fmt.Sprintf("the certificate %s is not valid before %s (in %s): is the clock right?",
			name, day(cert.NotBefore), days(cert.NotBefore.Sub(now)))
	case now.After(ca.NotAfter):
		report.Problem = fmt.Sprintf("the authority of the certificate %s expired on %s (%s ago)", name, day(ca.NotAfter), days(now.Sub(ca.NotAfter)))
	}
	return report
}

// CheckFiles is Check on two files; what cannot be read is a problem too.
func CheckFiles(certFile, caFile string, now time.Time) Report {
	name := filepath.Base(certFile)
	certPEM, err := atomicfile.Read(certFile, maxPEM)
	if err != nil {
		return Report{Problem: fmt.Sprintf("the certificate %s cannot be read: %v", name, err)}
	}
	caPEM, err := atomicfile.Read(caFile, maxPEM)
	if err != nil {
		return Report{Problem: fmt.Sprintf("the authority of the certificate %s cannot be read: %v", name, err)}
	}
	return Check(name, certPEM, caPEM, now)
}

// Expiry is the end of one certificate.
type Expiry struct {
	Name     string // the file's name without .crt
	NotAfter time.Time
}

// Expiries lists the ends of all certificates of dir, by name. What could not
// be read is told in the error beside those that could.
func Expiries(dir string) ([]Expiry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list certificates: %w", err)
	}
	var (
		ends []Expiry
		bad  []error
	)
	for _, entry := range entries {
		name, isCert := strings.CutSuffix(entry.Name(), ".crt")
		if !isCert {
			continue
		}
		text, err := atomicfile.Read(filepath.Join(dir, entry.Name()), maxPEM)
		if err != nil {
			bad = append(bad, fmt.Errorf("read certificate %s: %w", entry.Name(), err))
			continue
		}
		cert, err := ParseCertificate(text)
		if err != nil {
			bad = append(bad, fmt.Errorf("certificate %s: %w", entry.Name(), err))
			continue
		}
		ends = append(ends, Expiry{Name: name, NotAfter: cert.NotAfter})
	}
	slices.SortFunc(ends, func(a, b Expiry) int { return strings.Compare(a.Name, b.Name) })
	return ends, errors.Join(bad...)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func days(d time.Duration) string {
	switch n := int(d.Hours() / 24); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

func daysBetween(from, to time.Time) int {
	return int(math.Floor(to.Sub(from).Hours() / 24))
}
