// Package ontap holds an array, or the simulator of one, to what is known of
// the ONTAP REST API. It speaks plain HTTP and JSON and shares no code with the
// client or the simulator, so that neither can teach it its own mistakes.
//
// The number before each case is the section of the project's collection of
// facts that it comes from, such as 2.3 for the creation of an SVM. A case that
// fails says section, request, expected and got; passwords are masked. Where
// the facts are in doubt every outcome they list is accepted, and what the array
// does is logged as "NOTE: doubt N", N being the number in doubts.
//
// Each file of cases bears the number of its section; what they stand on is in
// target.go (the order), wire.go (HTTP), expect.go (the forms of a failure) and
// sweep.go (cleaning up).
//
// # On a real array
//
//	ONTAP_URL=https://cluster.example ONTAP_USER=admin ONTAP_PASSWORD_FILE=password \
//	ONTAP_FINGERPRINT=9f:86:... make test-ontap-conformance
//
// ONTAP_CA_FILE instead of ONTAP_FINGERPRINT trusts a bundle; one of the two is
// needed. This much only reads. ONTAP_WRITABLE=yes also makes things, and needs
// ONTAP_ADDRESSES, such as 10.1.2.0/27: a whole subnet that nobody else uses, of
// at least 32 addresses, of which the first is taken for a gateway and the tenth
// and following for interfaces; they must be reachable from here. ONTAP_SUBNET
// may name a subnet of the IPspace Default from which one address is borrowed for
// a moment. The user must be a cluster administrator.
//
// What is made, all of it with names that begin with "cf" and eight random
// digits: up to ten SVMs at a time (six of them at once, to see the limit), each
// with its root volume, and in them interfaces, routes, accounts and NVMe services;
// at most one small volume. It is removed at the end, also after a failure. Nothing
// else is changed: no case touches what the suite did not make, and none tries a
// wrong password on an account that is not its own. An account of the suite is
// locked on purpose. A run takes up to an hour.
package ontap
