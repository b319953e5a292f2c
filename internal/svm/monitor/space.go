package monitor

import (
	"context"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm"
	"github.com/seedproof/seedproof/internal/svm/look"
	"github.com/seedproof/seedproof/internal/svm/trouble"
)

// space asks one array how full it is: three listings, however many SVMs it has.
func space(ctx context.Context, a look.Array, wishes []svm.Wish, t trouble.Thresholds) []trouble.Reading {
	wanted := map[string]bool{}
	for _, w := range wishes {
		wanted[w.Spec.SVMName] = true
	}
	readings := aggregates(ctx, a)
	svms, err := ontap.All(a.Client.SVMs(ctx, ontap.SVMQuery{Parts: []ontap.SVMPart{ontap.SVMSpace}}))
	if err != nil {
		// Which of them are on this array is not known, so that each is silent by
		// its own staleness.
		return readings
	}
	full, fullErr := fullest(ctx, a, t)
	for _, s := range svms {
		if !wanted[s.Name] {
			continue
		}
		subject := trouble.Subject{SVM: s.Name}
		readings = append(readings, limit(subject, s))
		switch used, listed := full[s.UUID]; {
		case fullErr != nil:
			readings = append(readings, trouble.Failed(trouble.VolumesNearlyFull, subject, fullErr.Error()))
		case listed:
			readings = append(readings, trouble.Measure(trouble.VolumesNearlyFull, subject, used))
		default: // none is as full as was asked for
			readings = append(readings, trouble.Nothing(trouble.VolumesNearlyFull, subject))
		}
	}
	return readings
}

func aggregates(ctx context.Context, a look.Array) []trouble.Reading {
	all, err := ontap.All(a.Client.Aggregates(ctx))
	if err != nil {
		return []trouble.Reading{trouble.Failed(trouble.AggregateSpaceLow, trouble.Subject{Array: a.Name}, err.Error())}
	}
	var readings []trouble.Reading
	for _, g := range all {
		subject := trouble.Subject{Array: a.Name, Aggregate: g.Name}
		block := g.Space.BlockStorage
		readings = append(readings, trouble.MeasureShare(trouble.AggregateSpaceLow, subject, block.Used, block.Size))
	}
	return readings
}

// limit is how much of its own limit an SVM has used.
func limit(subject trouble.Subject, s ontap.SVM) trouble.Reading {
	used, whole := s.Storage.Allocated, s.Storage.Limit
	if used == nil || whole == nil {
		return trouble.Failed(trouble.SVMSpaceLow, subject, "the array did not tell")
	}
	return trouble.MeasureShare(trouble.SVMSpaceLow, subject, *used, *whole)
}

// fullest gives, by SVM, how full its fullest volume is, of those that are worth
// a look: the array selects them.
func fullest(ctx context.Context, a look.Array, t trouble.Thresholds) (map[string]float64, error) {
	volumes, err := ontap.All(a.Client.FullVolumes(ctx, int(t.Volumes.Clear*100)))
	if err != nil {
		return nil, err
	}
	full := map[string]float64{}
	for _, v := range volumes {
		full[v.SVM.UUID] = max(full[v.SVM.UUID], float64(*v.Space.PercentUsed)/100)
	}
	return full, nil
}
