// Package decide answers the one question of the kops gate: was this cluster
// ever applied, and what would the next `kops update cluster --yes` do to its
// etcd? It holds every decision of the gate that can lose data (Decide), and
// the words in which a person is told (Sentence, Threats, Advice).
//
// It is pure: plain values in, plain values out, no clock, no network, no
// disk. It must never read a missing value as an answer: the zero value of
// every finding is Unknown, and nobody's silence ever makes a decision safer.
package decide
