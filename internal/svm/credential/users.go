package credential

import "github.com/seedproof/seedproof/internal/svm/spec"

// Users are the names of the two accounts that a shoot's passwords take turns
// in.
func Users(shoot string) [2]string { return spec.Users(shoot) }
