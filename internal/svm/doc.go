// Package svm is the flow of a storage virtual machine (SVM): it asks every
// witness, has package decide say what that proves and what comes next, and
// carries out just that, one step at a time, looking again after each.
//
// What can be lost between two steps is written down before the first: the
// claim before an SVM is asked for, the record before an interface is, the
// pending pair before a password is set. The flow must never decide by itself,
// never send again what it cannot see undone, and never make, change or delete
// anything on a collection of facts: that was looked at a moment before. A login
// check is all that is done from one.
package svm
