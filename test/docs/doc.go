// Package docs holds the documents to what they say: every command in them is
// typed, as it stands there, into a world made for it, and ends as the document
// says (docs/kops.md, docs/incidents/kops-16416.md).
//
// In front of every fenced block stands a comment that says what it is:
//
//	<!-- run in=WORLD exit=3 says="a text" -->  it is run; exit is 0 if not given
//	<!-- prints -->                             what the block before it prints, in part
//	<!-- shown: why it cannot be run here -->   it is not run
//
// Blocks of one document with the same "in" that has a name behind a #, such as
// gone#mend, are run in one world, one after the other. More words of run:
// store=s3 puts the state store on a real S3 server, types="x" types that on a
// terminal, until="x" ends the command once it has printed that.
//
// A block must never go unmarked: a command that nobody runs is wrong one day.
package docs
