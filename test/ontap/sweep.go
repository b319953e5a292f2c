package ontap

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// sweep removes everything whose name bears the suite's prefix, which is of this
// run alone. It runs after a failure too, so it leans on nothing but the array.
func (s *suite) sweep(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	var left []string
	await(ctx, 20*time.Minute, func() bool {
		s.sweepCluster(ctx, t)
		left = nil
		for _, r := range s.found(ctx, t, "/svm/svms?name="+q("*"+s.prefix+"*")) {
			left = append(left, text(r, "name"))
			s.sweepSVM(ctx, t, text(r, "uuid"))
		}
		return len(left) == 0
	})
	if len(left) > 0 {
		t.Errorf("left behind, remove by hand: SVMs %v", left)
	}
}

// sweepCluster removes accounts of the cluster that are ours.
func (s *suite) sweepCluster(ctx context.Context, t *testing.T) {
	for _, r := range s.found(ctx, t, "/security/accounts?scope=cluster&name="+q(s.prefix+"*")+"&fields=owner.uuid") {
		s.discard(ctx, t, "/security/accounts/"+text(r, "owner.uuid")+"/"+text(r, "name"))
	}
}

// sweepSVM empties one SVM and deletes it.
func (s *suite) sweepSVM(ctx context.Context, t *testing.T, uuid string) {
	s.emptySVM(ctx, t, uuid)
	if !s.discard(ctx, t, "/svm/svms/"+uuid) {
		s.emptyMore(ctx, t, uuid)
	}
}

// emptyMore takes what usually goes with an SVM: accounts, and the root volume.
func (s *suite) emptyMore(ctx context.Context, t *testing.T, uuid string) {
	for _, r := range s.found(ctx, t, "/security/accounts?owner.uuid="+uuid+"&name="+q("!vsadmin")) {
		s.discard(ctx, t, accountPath(uuid, text(r, "name")))
	}
	for _, r := range s.found(ctx, t, "/storage/volumes?is_svm_root=true&svm.uuid="+uuid) {
		s.attempt(ctx, t, patch("/storage/volumes/"+text(r, "uuid"), object{"state": "offline"}))
		s.discard(ctx, t, "/storage/volumes/"+text(r, "uuid"))
	}
}

// empty removes volumes, services, interfaces and routes of an SVM of ours.
func (s *suite) empty(t *testing.T, uuid string) {
	t.Helper()
	s.emptySVM(t.Context(), t, uuid)
}

func (s *suite) emptySVM(ctx context.Context, t *testing.T, uuid string) {
	for _, r := range s.found(ctx, t, "/storage/volumes?is_svm_root=false&svm.uuid="+uuid) {
		s.attempt(ctx, t, patch("/storage/volumes/"+text(r, "uuid"), object{"state": "offline"}))
		s.discard(ctx, t, "/storage/volumes/"+text(r, "uuid"))
	}
	for _, r := range s.found(ctx, t, "/network/ip/interfaces?svm.uuid="+uuid) {
		s.attempt(ctx, t, patch("/network/ip/interfaces/"+text(r, "uuid"), object{"enabled": false}))
		s.discard(ctx, t, "/network/ip/interfaces/"+text(r, "uuid"))
	}
	for _, r := range s.found(ctx, t, "/network/ip/routes?svm.uuid="+uuid) {
		s.discard(ctx, t, "/network/ip/routes/"+text(r, "uuid"))
	}
	for range s.found(ctx, t, "/protocols/nvme/services?svm.uuid="+uuid) {
		s.attempt(ctx, t, patch("/protocols/nvme/services/"+uuid, object{"enabled": false}))
		s.discard(ctx, t, "/protocols/nvme/services/"+uuid)
	}
}

// found lists a collection; what cannot be listed is told and taken for empty,
// since the deletion of the SVM that follows says the last word.
func (s *suite) found(ctx context.Context, t *testing.T, path string) []any {
	a, err := s.try(ctx, get(path))
	if err != nil || !a.good() {
		t.Logf("clean up: GET %s: %v %s", path, err, s.showAnswer(a))
		return nil
	}
	return a.records()
}

// discard deletes, and says whether the thing is gone.
func (s *suite) discard(ctx context.Context, t *testing.T, path string) bool {
	o, err := s.trySettle(ctx, remove(path))
	if err != nil {
		t.Logf("clean up: DELETE %s: %s", path, s.mask(err.Error()))
		return false
	}
	if o.done || o.answer.status == http.StatusNotFound {
		return true
	}
	t.Logf("clean up: DELETE %s: %s", path, o.show(s))
	return false
}

func (s *suite) attempt(ctx context.Context, t *testing.T, r request) {
	if _, err := s.trySettle(ctx, r); err != nil {
		t.Logf("clean up: %s: %s", s.show(r), s.mask(err.Error()))
	}
}
