package story

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seedproof/seedproof/internal/store/lifecycle"
)

// The rule of the story, as its owner put it into the bucket. It was meant for
// backups, and reaches all that lies under them.
const (
	RuleID   = "expire-old-backups"
	RuleDays = 90
)

// Rule is the rule in S3's own words.
var Rule = fmt.Sprintf(`<LifecycleConfiguration><Rule><ID>%s</ID><Status>Enabled</Status><Filter><Prefix>%s/backups/</Prefix></Filter><Expiration><Days>%d</Days></Expiration></Rule></LifecycleConfiguration>`,
	RuleID, Cluster, RuleDays)

// Bucket is the bucket that the directory stands for: it has the rule, and no
// versioning.
type Bucket struct{ rules lifecycle.Policy }

var _ lifecycle.Inspector = (*Bucket)(nil)

// NewBucket reads the rule as a real bucket's is read.
func NewBucket() (*Bucket, error) {
	rules, err := lifecycle.ParseS3([]byte(Rule))
	if err != nil {
		return nil, fmt.Errorf("read the story's own rule: %w", err)
	}
	return &Bucket{rules: rules}, nil
}

// Inspect implements lifecycle.Inspector.
func (b *Bucket) Inspect(context.Context) lifecycle.Inspection {
	return lifecycle.Inspection{
		Lifecycle:    lifecycle.Answer[lifecycle.Policy]{State: lifecycle.Present, Value: b.rules},
		Versioning:   lifecycle.Answer[lifecycle.Versioning]{State: lifecycle.Present, Value: lifecycle.VersioningOff},
		ObjectLock:   lifecycle.Answer[lifecycle.Lock]{State: lifecycle.Absent},
		PublicBlock:  lifecycle.Answer[lifecycle.PublicBlock]{State: lifecycle.Absent},
		PublicPolicy: lifecycle.Answer[bool]{State: lifecycle.Absent},
	}
}

// Key implements lifecycle.Inspector.
func (b *Bucket) Key(key string) string { return key }

// Versions implements lifecycle.Inspector: the bucket keeps none.
func (b *Bucket) Versions(context.Context, string) iter.Seq2[lifecycle.Version, error] {
	return func(func(lifecycle.Version, error) bool) {}
}

// Tags implements lifecycle.Inspector: there are none.
func (b *Bucket) Tags(context.Context, string) (map[string]string, error) {
	return map[string]string{}, nil
}

// Expire plays what the provider does with the rule: every object below its
// prefix that is old enough is deleted. It goes by age and prefix alone, not by
// package lifecycle, whose forecast is to be shown against it. It gives the
// keys.
func (s *State) Expire(ctx context.Context, now time.Time) ([]string, error) {
	var gone []string
	for info, err := range s.List(ctx, Cluster+"/backups/", "") {
		if err != nil {
			return nil, fmt.Errorf("list the backups: %w", err)
		}
		if now.Sub(info.Modified) >= (RuleDays+1)*24*time.Hour {
			gone = append(gone, info.Key)
		}
	}
	for _, key := range gone {
		if err := os.Remove(filepath.Join(s.Dir, filepath.FromSlash(key))); err != nil {
			return nil, fmt.Errorf("delete %s: %w", key, err)
		}
	}
	slices.SortFunc(gone, strings.Compare)
	return gone, nil
}
