package seed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seedproof/seedproof/internal/proof"
)

const (
	pageSize = 500
	maxPages = 1000
)

// Listing is all records, claims and words of a namespace, by the label of their
// kind. What is missing in it is not absent: somebody may have taken the label
// away. Whoever wants to know asks for the one.
type Listing struct {
	Records []Record
	Claims  []Claim
	Words   []Words // those that can be read
}

// List reads all records, claims and words, in pages. Each record and claim has
// its finding; the name of one that cannot be read is taken from its object's
// name, and is "" where that does not tell.
func (s *Store) List(ctx context.Context) (Listing, error) {
	var all Listing
	k := key{configMaps, s.o.Namespace, ""}
	err := s.pages(ctx, k, LabelKind+" in ("+KindRecord+","+KindClaim+","+KindWords+")", func(raw []byte, fresh bool) (string, error) {
		if fresh {
			all = Listing{}
		}
		var page corev1.ConfigMapList
		if err := decodeList(raw, "ConfigMapList", &page); err != nil {
			return "", err
		}
		for i := range page.Items {
			page.Items[i].ManagedFields = nil // as large as the rest, and an update without them leaves them
			all.add(&page.Items[i])
		}
		return page.Continue, nil
	})
	if err != nil {
		return Listing{}, fmt.Errorf("list the records, claims and words of %s: %w", s.o.Namespace, err)
	}
	return all, nil
}

func (l *Listing) add(c *corev1.ConfigMap) {
	o := seen(key{configMaps, c.Namespace, c.Name}, c)
	switch c.Labels[LabelKind] {
	case KindRecord:
		d, o := listed[recordBody](KindRecord, c, o)
		l.Records = append(l.Records, recordOf(d.Name, d, o))
	case KindClaim:
		d, o := listed[claimBody](KindClaim, c, o)
		l.Claims = append(l.Claims, claimOf(d.Name, d, o))
	case KindWords:
		if d, o := listed[wordsBody](KindWords, c, o); o.finding == proof.Present {
			l.Words = append(l.Words, wordsOf(d.Name, d.Body, o))
		}
	}
}

// listed reads a document whose name is not known beforehand. It must lie where
// the one of that name would be looked for.
func listed[B body](kind string, c *corev1.ConfigMap, o object) (document[B], object) {
	d, o := openDocument[B](kind, "", c, o)
	switch guess := strings.TrimPrefix(c.Name, "svm-"+kind+"-"); {
	case o.finding == proof.Present && ObjectName(kind, d.Name) != c.Name:
		o.finding, o.why = proof.Unknown, fmt.Sprintf("it is the %s of %q, under another's name", kind, tidy(d.Name))
	case o.finding == proof.Present:
		return d, o
	case ObjectName(kind, guess) == c.Name:
		return document[B]{Name: guess}, o
	}
	return document[B]{}, o
}

// Secrets reads all Secrets of credentials of a namespace that we have written,
// as List does.
func (s *Store) Secrets(ctx context.Context, namespace string) ([]Secret, error) {
	if !isLabel(namespace) {
		return nil, fmt.Errorf("list Secrets: %q is not the name of a namespace", tidy(namespace))
	}
	var all []Secret
	err := s.pages(ctx, key{secrets, namespace, ""}, LabelKind+"="+KindCredentials, func(raw []byte, fresh bool) (string, error) {
		if fresh {
			all = nil
		}
		var page corev1.SecretList
		if err := decodeList(raw, "SecretList", &page); err != nil {
			return "", err
		}
		for i := range page.Items {
			it := &page.Items[i]
			it.ManagedFields = nil
			all = append(all, secretOf(it, seen(key{secrets, it.Namespace, it.Name}, it)))
		}
		return page.Continue, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the Secrets of %s: %w", namespace, err)
	}
	return all, nil
}

// pages reads a list in pages. One whose continuation has expired is begun anew
// once, and take is told so. Half a list is an error.
func (s *Store) pages(ctx context.Context, k key, selector string, take func(raw []byte, fresh bool) (string, error)) error {
	next, restarted := "", false
	for range maxPages {
		query := url.Values{"labelSelector": {selector}, "limit": {strconv.Itoa(pageSize)}}
		if next != "" {
			query.Set("continue", next)
		}
		raw, e := s.read(ctx, request{verb: "list", key: k, query: query})
		if e != nil && e.Reason == string(metav1.StatusReasonExpired) && next != "" && !restarted {
			next, restarted = "", true
			continue
		}
		if e != nil {
			return e
		}
		var err error
		if next, err = take(raw, next == ""); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		if next == "" {
			return nil
		}
	}
	return fmt.Errorf("%s: more than %d pages", k, maxPages)
}

func decodeList(raw []byte, kind string, into any) error {
	var head metav1.TypeMeta
	if json.Unmarshal(raw, &head) != nil || head.Kind != kind || head.APIVersion != "v1" {
		return fmt.Errorf("the answer is no %s of v1", kind)
	}
	if json.Unmarshal(raw, into) != nil {
		return fmt.Errorf("the answer cannot be read as a %s", kind)
	}
	return nil
}
