package statestore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seedproof/seedproof/internal/kops/decide"
	"github.com/seedproof/seedproof/internal/store"
)

// PlaceError says that there is no cluster to report on, and what to type. It
// never means that a cluster is new.
type PlaceError struct {
	Why  string
	Next string // the command to type
	// Unproven: the place could not be asked, so nothing is known of it.
	Unproven bool
	cause    error
}

func (e *PlaceError) Error() string { return e.Why }
func (e *PlaceError) Unwrap() error { return e.cause }

// maxOffered is how many names an error offers.
const maxOffered = 20

func quoteState(s store.Store) string { return decide.Quote(s.URL()) }

// nothing says why there is no cluster, and what was perhaps meant.
func (p *pass) nothing(ctx context.Context) error {
	url, again := p.store.URL(), "seedproof kops check --state "
	err := p.listed.err
	switch {
	case errors.Is(err, store.ErrNoPlace):
		return &PlaceError{cause: err, Why: "there is no such bucket or directory as " + url, Next: "echo $KOPS_STATE_STORE"}
	case err != nil:
		return &PlaceError{cause: err, Unproven: true, Why: fmt.Sprintf("the state store %s could not be listed: %s", url, tell(p.root.scheme, true, err)),
			Next: again + quoteState(p.store)}
	case p.Name != "":
		return p.noSuchCluster(ctx)
	case p.listed.keys == 0:
		return &PlaceError{Why: fmt.Sprintf("the state store %s is empty: it is another one than you mean, or everything in it was deleted", url), Next: "echo $KOPS_STATE_STORE"}
	case p.listed.topConfig:
		parent, name := p.root.join(".."), p.root.path[strings.LastIndexByte(p.root.path, '/')+1:]
		return &PlaceError{Why: fmt.Sprintf("%s is the folder of one cluster, not a state store", url), Next: again + decide.Quote(parent.url()) + " --name " + decide.Quote(name)}
	case p.listed.nestedConfig != "":
		return &PlaceError{Why: fmt.Sprintf("%s holds no cluster, but its folder %.100q does", url, p.listed.nestedConfig),
			Next: again + decide.Quote(p.root.join(p.listed.nestedConfig).url())}
	}
	return &PlaceError{Why: fmt.Sprintf("%s holds %d objects, and no kops cluster (NAME/config) among them: it is no state store, or another one than you mean", url, p.listed.keys),
		Next: "echo $KOPS_STATE_STORE"}
}

// noSuchCluster offers the names that there are.
func (p *pass) noSuchCluster(ctx context.Context) error {
	url := p.store.URL()
	e := &PlaceError{Next: "kops get clusters --state " + quoteState(p.store)}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	names, more, err := p.others(ctx, maxOffered)
	switch {
	case err != nil:
		e.Why = fmt.Sprintf("there is no cluster %s in %s, and what else is there could not be listed: %s", p.Name, url, tell(p.root.scheme, true, err))
	case len(names) == 0:
		e.Why = fmt.Sprintf("there is no cluster %s in %s, and no other either: it is another state store than you mean, or everything in it was deleted", p.Name, url)
	default:
		if more {
			names = append(names, "…")
		}
		e.Why = fmt.Sprintf("there is no cluster %s in %s: the name is mistyped, or it was deleted; there are %s", p.Name, url, strings.Join(names, ", "))
		if near := nearest(p.Name, names); near != "" {
			e.Next = "seedproof kops check --state " + quoteState(p.store) + " --name " + decide.Quote(near)
		}
	}
	return e
}

// others are the first names of clusters, at most so many, found by jumping
// from folder to folder: two requests each, however much lies in them.
func (p *pass) others(ctx context.Context, limit int) (names []string, more bool, err error) {
	after := ""
	for jumps := 0; jumps < 2*limit; jumps++ {
		next := ""
		for info, err := range p.store.List(ctx, "", after) {
			if err != nil {
				return names, true, err
			}
			next = info.Key
			break
		}
		if next == "" {
			return names, false, nil
		}
		name, _, below := strings.Cut(next, "/")
		after = next
		if !below {
			continue
		}
		after = name + "/\U0010FFFF" // behind all that lies in the folder
		if _, err := p.store.Stat(ctx, name+"/"+configFile); err == nil {
			names = append(names, name)
		}
		if len(names) >= limit {
			return names, true, nil
		}
	}
	return names, true, nil
}

// nearest is the name that is at most three letters away, or "".
func nearest(name string, names []string) string {
	best, found := 4, ""
	for _, n := range names {
		if d := distance(name, n); d < best {
			best, found = d, n
		}
	}
	return found
}

// distance is how many letters have to be changed, added or left out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
