// Package ontapgo lets a client that nobody here wrote talk to the simulator:
// the Go client that metal-stack generates from NetApp's specification. What
// the project's own client and its own conformance suite (test/ontap) could get
// wrong in the same way, this one does not.
//
// The generated client is made stricter than it comes: an answer with a field
// that the specification does not have, or a value outside its type, format or
// enumeration, is an error (see strictJSON). Each call of the conformance suite
// stands in a table (calls) with the client's method for it; a test holds the
// table to the source of the suite, to the paths of the simulator, and to what
// was really asked.
//
// The module stands alone, without a replacement: it requires none of the main
// module, whose dependencies are not those of the generated client, and runs the
// simulator as users do, as the program `seedproof ontap-sim` built from the
// same tree. The client's version has no record in the checksum database: its
// hashes in go.sum are trusted since the day they were written.
package ontapgo
