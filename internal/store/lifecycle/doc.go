// Package lifecycle says which objects of a bucket its lifecycle rules will
// delete, when, and by which rule. The rules of S3, Google Cloud Storage and
// Azure are read into one form (ParseS3, ParseGCS, ParseAzure), and Policy.Fate
// judges one object by them. Inspector is what a driver can tell of a bucket;
// s3inspect holds the one for S3.
//
// Times are the earliest that a rule allows. Providers delete later than that,
// by hours or days; a time in the past means: any moment.
//
// It must never take a rule that it does not understand, or rules that could
// not be read, for no rule; never call certain what hangs on something unknown
// (a tag, a count of versions); never name a later time than the provider's
// own; and it never changes a bucket.
package lifecycle
