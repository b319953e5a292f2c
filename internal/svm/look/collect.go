package look

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// Collection is a whole array at one time, for the steady state of all its
// SVMs: a handful of listings instead of calls for each SVM. Its parts were read
// one after the other while the array went on. It must never be the basis of a
// creation or a deletion: those look for themselves, by Look and Site.
type Collection struct {
	reading    reading
	interfaces Part[map[string][]Interface] // by the SVM's UUID
	routes     Part[map[string][]Route]
	accounts   Part[map[string][]ontap.Account]
	services   map[ontap.Protocol]Part[map[string]Service]
	licences   Part[[]string]
	records    int
}

// errNotListed is no proof of an absence: the SVM may be younger than the
// listing.
var errNotListed = errors.New("the SVM was not listed when the array was collected")

// Protocols are those whose services a Collection has.
var Protocols = []ontap.Protocol{ontap.ProtocolNVMe, ontap.ProtocolISCSI, ontap.ProtocolNFS}

// Collect reads a whole array in pages of the client's size. It makes at most
// 14 calls, and one more for each further page. Where the identity of the SVMs
// cannot be read nothing else is asked for.
func Collect(ctx context.Context, a Array) Collection {
	c := Collection{reading: read(ctx, a, siteParts...)}
	if !c.reading.answered {
		return c
	}
	c.reading.makeIndex()
	c.records = len(c.reading.svms) + len(c.reading.jobs)
	c.interfaces = group(&c, a.Client.Interfaces(ctx, ontap.InterfaceQuery{}), ofInterface, interfaceOf)
	c.routes = group(&c, a.Client.Routes(ctx, ""), ofRoute, routeOf)
	c.accounts = group(&c, a.Client.Accounts(ctx, ""), ofAccount, func(a ontap.Account) ontap.Account { return a })
	c.services = map[ontap.Protocol]Part[map[string]Service]{}
	for _, p := range Protocols {
		c.services[p] = lastOf(group(&c, a.Client.Services(ctx, p), ofService, serviceOf))
	}
	licences, err := listLicences(ctx, a.Client)
	c.licences = part(licences, err)
	c.records += len(licences)
	return c
}

func ofInterface(i ontap.Interface) string { return i.SVM.UUID }
func ofRoute(r ontap.Route) string         { return r.SVM.UUID }
func ofAccount(a ontap.Account) string     { return a.Owner.UUID }
func ofService(s ontap.Service) string     { return s.SVM.UUID }

// group reads a listing and sorts it by SVM, keeping what is used.
func group[R, T any](c *Collection, listing iter.Seq2[R, error], svm func(R) string, keep func(R) T) Part[map[string][]T] {
	all := map[string][]T{}
	for record, err := range listing {
		if err != nil {
			return Unknown[map[string][]T](err)
		}
		c.records++
		all[svm(record)] = append(all[svm(record)], keep(record))
	}
	return Known(all)
}

// lastOf is for things of which an SVM has one.
func lastOf[T any](p Part[map[string][]T]) Part[map[string]T] {
	all, err := p.Get()
	if err != nil {
		return Unknown[map[string]T](err)
	}
	one := make(map[string]T, len(all))
	for svm, things := range all {
		one[svm] = things[len(things)-1]
	}
	return Known(one)
}

// Records is how many were read, of all kinds.
func (c Collection) Records() int { return c.records }

// Array is what Look would have given for one SVM of this moment, save what is
// asked about one that is stuck, which stays unknown.
func (c Collection) Array(s Subject) decide.Array { return c.reading.array(s) }

// Facts are what Site would have given, for all Protocols.
func (c Collection) Facts(svmUUID string) Facts {
	f := Facts{Array: c.reading.name, UUID: svmUUID, Services: map[ontap.Protocol]Part[Service]{}}
	if !c.reading.answered {
		f.SVMErr = fmt.Errorf("collecting array %s: %s", c.reading.name, c.reading.why)
		return f
	}
	i, listed := c.reading.index.svm[svmUUID]
	if !listed {
		f.SVMErr = errNotListed
		return f
	}
	f.SVM = c.reading.svms[i].SVM
	f.Interfaces = pick(c.interfaces, svmUUID)
	f.Routes = pick(c.routes, svmUUID)
	f.Accounts = pick(c.accounts, svmUUID)
	for p, services := range c.services {
		s, err := services.Get()
		f.Services[p] = part(s[svmUUID], err)
	}
	if f.lacksService() {
		f.Licences = c.licences
	}
	return f
}

func pick[T any](p Part[map[string][]T], svmUUID string) Part[[]T] {
	all, err := p.Get()
	return part(all[svmUUID], err)
}
