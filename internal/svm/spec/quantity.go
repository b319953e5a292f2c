package spec

import (
	"math/big"
	"regexp"
)

// quantityForm is a Kubernetes quantity of bytes without its exponents and
// small units. The length bounds the arithmetic.
var quantityForm = regexp.MustCompile(`^([0-9]{1,19}(?:\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$`)

var unitBytes = map[string]int64{
	"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50,
}

const quantityWords = `want bytes as 2Ti, 500G or 1099511627776`

// parseQuantity reads a number of bytes above 0. One that is no whole number of
// bytes, or that 63 bits do not hold, is not read.
func parseQuantity(text string) (int64, bool) {
	parts := quantityForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	number, ok := new(big.Rat).SetString(parts[1])
	if !ok {
		return 0, false
	}
	number.Mul(number, new(big.Rat).SetInt64(unitBytes[parts[2]]))
	if !number.IsInt() || !number.Num().IsInt64() || number.Sign() <= 0 {
		return 0, false
	}
	return number.Num().Int64(), true
}

// StorageLimitBytes is the wanted limit of the SVM's storage in bytes; false
// where none is wanted, or where it is no quantity (which Validate refuses).
func (s StorageVM) StorageLimitBytes() (int64, bool) { return parseQuantity(s.Spec.StorageLimit) }
