package seed

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	eventSpan   = time.Hour // in which the same event is counted up
	eventsKept  = 512
	eventReason = 128 // characters, by the API
)

// Ref is the object of a record, of which an event is told. It need not be
// there.
type Ref struct {
	Object string // name of the ConfigMap
	UID    string // "" if it is not there
}

// Ref is what events about this SVM are told of.
func (r Record) Ref() Ref { return Ref{Object: ObjectName(KindRecord, r.Name), UID: r.object.uid} }

type sentEvent struct {
	name  string
	count int32
	first time.Time
}

// Event tells people of something, with the type Normal or Warning: the same
// reason and message is counted up for an hour. It is best effort: an error is
// for the log alone. It must be given no password.
func (s *Store) Event(ctx context.Context, ref Ref, eventType, reason, message string) error {
	if eventType != corev1.EventTypeNormal && eventType != corev1.EventTypeWarning {
		return fmt.Errorf("tell an event of %s: type %q: want Normal or Warning", ref.Object, tidy(eventType))
	}
	reason, message = cut(tidy(reason), eventReason), cut(tidy(message), 1000)
	now := s.o.Clock.Now()
	same := strings.Join([]string{ref.Object, ref.UID, eventType, reason, message}, "\x00")
	sent, again := s.countUp(same, now)
	if again {
		e := s.countEvent(ctx, sent, now)
		if e == nil {
			return nil
		}
		if e.absent != isAbsent {
			return fmt.Errorf("tell an event of %s: %w", ref.Object, e)
		}
		sent = s.forget(same, now)
	}
	if e := s.createEvent(ctx, ref, sent, eventType, reason, message); e != nil {
		s.forget(same, time.Time{})
		return fmt.Errorf("tell an event of %s: %w", ref.Object, e)
	}
	return nil
}

// countUp notes that an event is told, and whether it was within the span.
func (s *Store) countUp(same string, now time.Time) (sentEvent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent, known := s.events[same]
	again := known && now.Sub(sent.first) < eventSpan
	if !again {
		s.makeRoom(now)
		sent = sentEvent{first: now, name: newNonce()[:16]}
	}
	sent.count++
	s.events[same] = sent
	return sent, again
}

// forget begins anew with an event, or drops it where no time is given.
func (s *Store) forget(same string, now time.Time) sentEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.events, same)
	if now.IsZero() {
		return sentEvent{}
	}
	s.events[same] = sentEvent{first: now, name: newNonce()[:16], count: 1}
	return s.events[same]
}

func (s *Store) makeRoom(now time.Time) {
	if len(s.events) < eventsKept {
		return
	}
	for k, e := range s.events {
		if now.Sub(e.first) >= eventSpan {
			delete(s.events, k)
		}
	}
	if len(s.events) >= eventsKept {
		clear(s.events)
	}
}

func (s *Store) createEvent(ctx context.Context, ref Ref, sent sentEvent, eventType, reason, message string) *Error {
	k := key{events, s.o.Namespace, "seedproof." + sent.name}
	at := metav1.NewTime(sent.first)
	_, e := s.sendOnce(ctx, request{verb: "create", key: k, body: corev1.Event{
		TypeMeta:   metav1.TypeMeta{Kind: "Event", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Name: k.name, Namespace: k.namespace, Labels: map[string]string{LabelManagedBy: ManagedBy}},
		InvolvedObject: corev1.ObjectReference{
			Kind: "ConfigMap", APIVersion: "v1", Namespace: k.namespace, Name: ref.Object, UID: types.UID(ref.UID),
		},
		Type: eventType, Reason: reason, Message: message, Count: sent.count, FirstTimestamp: at, LastTimestamp: at,
		Source: corev1.EventSource{Component: ManagedBy}, ReportingController: ManagedBy,
	}})
	return e
}

func (s *Store) countEvent(ctx context.Context, sent sentEvent, now time.Time) *Error {
	k := key{events, s.o.Namespace, "seedproof." + sent.name}
	patch := map[string]any{"count": sent.count, "lastTimestamp": metav1.NewTime(now)}
	_, e := s.sendOnce(ctx, request{verb: "patch", key: k, body: patch})
	return e
}

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
