package sim

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

// refusal is an answer that says no, as an array words it.
type refusal struct {
	status  int // 0: as the table has it
	code    int
	target  string
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s (code %d)", r.message, r.code) }

func refuse(code int, target, format string, args ...any) *refusal {
	return &refusal{code: code, target: target, message: fmt.Sprintf(format, args...)}
}

func fromQuery(e *query.Error) *refusal {
	if e == nil {
		return nil
	}
	return &refusal{code: e.Code, target: e.Target, message: e.Message}
}

// statuses are the HTTP statuses that the facts give for codes; all others are
// 400.
var statuses = map[int]int{
	1:       http.StatusConflict,
	3:       http.StatusMethodNotAllowed,
	4:       http.StatusNotFound,
	6:       http.StatusForbidden,
	7:       http.StatusTooManyRequests,
	8:       http.StatusConflict,
	65541:   http.StatusInternalServerError,
	65552:   http.StatusInternalServerError,
	65562:   http.StatusInternalServerError,
	262145:  http.StatusInternalServerError,
	262160:  http.StatusTooManyRequests,
	262210:  http.StatusInternalServerError,
	393271:  http.StatusInternalServerError,
	1245212: http.StatusInternalServerError,
	2621576: http.StatusConflict,
	6691623: http.StatusUnauthorized,
}

// duplicates are the codes whose status is a doubt.
var duplicates = map[int]bool{1: true, 13434908: true, 1966140: true, 1376963: true, 1966345: true, 72089650: true}

func (d Doubts) status(r *refusal) int {
	if r.status != 0 {
		return r.status
	}
	if duplicates[r.code] {
		if d.DuplicatesAs400 {
			return http.StatusBadRequest
		}
		return http.StatusConflict
	}
	if s := statuses[r.code]; s != 0 {
		return s
	}
	return http.StatusBadRequest
}

// errorBody is the shape of every refusal: the code is a text.
func errorBody(code int, target, message string) query.Record {
	e := query.Record{"code": strconv.Itoa(code), "message": message}
	if target != "" {
		e["target"] = target
	}
	return query.Record{"error": e}
}

// The refusals that many routes share.

func noEntry() *refusal {
	return refuse(4, "", "entry doesn't exist")
}

func forbidden() *refusal {
	return refuse(6, "", "not authorized for that command")
}

func required(field string) *refusal {
	return refuse(262212, field, "Field %q is required", field)
}
