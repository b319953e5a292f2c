// Package ontap is a small typed client of the ONTAP REST API: just the calls
// that Seedproof makes. A Client speaks to one array (one cluster) as its
// administrator; Login asks one storage VM as one of its own users.
//
// What it owns: the transport with its bounds, who is on the other end (TLS),
// the outcome of every call, jobs, whole listings, and passwords that cannot
// be printed. The source of what is said here about ONTAP is the vendor's
// OpenAPI document and manuals; where they leave a question open either answer
// is taken.
//
// What it must never do: take an error, a status alone or a cut listing for an
// absence; repeat a call that may have taken effect; send a password to an end
// that was not verified (save by the explicit word of Trust.Skip); print a
// password; decide what is to be done.
package ontap
