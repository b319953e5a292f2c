// Package credential carries out what package decide says of the password of
// one shoot: it reads what is known into decide.Credentials (Evidence), and does
// exactly one step of decide.NextCredential (Carrier.Do).
//
// A new password is first written beside the one that others read, then set on
// the account, then proved by a login, and only then moved to where others read
// it. What could be lost between two calls is written down before the first:
//
//   - Before a password is sent, Set=Sent is noted. The note is a conditional
//     write, so that it also proves that the Secret is still the one that was
//     read. An outcome that is lost leaves Sent, and a login tells.
//   - Before that, the generation in the account's mark is raised. The mark is a
//     fence: whoever holds an older pending pair finds a later generation and
//     gives its pair up, also where we end between the mark and the password.
//     The other way round a working password would stand for a moment behind the
//     mark of the one before it, and an older pair could be set over it. Between
//     the mark and Set=Sent nothing is lost: the pair still counts as not sent.
//   - Before a login is tried, the try is counted.
//   - Before an old account is deleted, the Secret is written: the deletion is
//     never done on a Secret that has changed since.
//
// It must never decide, never touch an account that does not bear this shoot's
// mark (save to mark one that is free), and never let a password into an error,
// a log or an annotation.
package credential
