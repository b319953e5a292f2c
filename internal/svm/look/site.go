package look

import (
	"context"
	"slices"

	"github.com/seedproof/seedproof/internal/ontap"
	"github.com/seedproof/seedproof/internal/svm/decide"
)

// siteParts are asked of an SVM, the ones that older releases lack last.
var siteParts = []ontap.SVMPart{ontap.SVMMaxVolumes, ontap.SVMSpace}

// Site reads what stands on one SVM: each part by itself, so that one that
// cannot be read leaves the others. Where the SVM itself cannot be read nothing
// else is asked for.
func Site(ctx context.Context, a Array, svmUUID string, protocols []ontap.Protocol) Facts {
	f := Facts{Array: a.Name, UUID: svmUUID, Services: map[ontap.Protocol]Part[Service]{}}
	if f.SVM, f.SVMErr = readSVM(ctx, a.Client, svmUUID, siteParts); f.SVMErr != nil {
		return f
	}
	f.Interfaces = part(listInterfaces(ctx, a.Client, svmUUID))
	f.Routes = part(listRoutes(ctx, a.Client, svmUUID))
	f.Accounts = part(ontap.All(a.Client.Accounts(ctx, svmUUID)))
	for _, p := range protocols {
		f.Services[p] = part(readService(ctx, a.Client, p, svmUUID))
	}
	if f.lacksService() {
		f.Licences = part(listLicences(ctx, a.Client))
	}
	return f
}

// readSVM asks a release that does not know some parts again without them.
func readSVM(ctx context.Context, c *ontap.Client, uuid string, parts []ontap.SVMPart) (SVM, error) {
	s, err := c.SVM(ctx, uuid, parts...)
	switch {
	case ontap.IsUnknownField(err) && len(parts) > 0:
		return readSVM(ctx, c, uuid, parts[:len(parts)-1])
	case err != nil:
		return SVM{}, err
	}
	return svmOf(s, parts), nil
}

func svmOf(s ontap.SVM, parts []ontap.SVMPart) SVM {
	v := SVM{UUID: s.UUID, Name: s.Name, Comment: s.Comment, State: decide.ParseState(string(s.State))}
	if slices.Contains(parts, ontap.SVMMaxVolumes) {
		v.MaxVolumes = s.MaxVolumes
	}
	if slices.Contains(parts, ontap.SVMSpace) {
		v.StorageLimit = s.Storage.Limit
	}
	return v
}

// readService: there is none where the array says so of this very service.
func readService(ctx context.Context, c *ontap.Client, p ontap.Protocol, svmUUID string) (Service, error) {
	s, err := c.Service(ctx, p, svmUUID)
	switch {
	case ontap.IsAbsent(err, ontap.KindService):
		return Service{}, nil
	case err != nil:
		return Service{}, err
	}
	return serviceOf(s), nil
}

func serviceOf(s ontap.Service) Service { return Service{There: true, Enabled: answer(s.Enabled)} }

func answer(told *bool) decide.Answer {
	switch {
	case told == nil:
		return decide.NotKnown
	case *told:
		return decide.Yes
	}
	return decide.No
}

func (f Facts) lacksService() bool {
	for _, p := range f.Services {
		if s, err := p.Get(); err == nil && !s.There {
			return true
		}
	}
	return false
}

func listInterfaces(ctx context.Context, c *ontap.Client, svmUUID string) ([]Interface, error) {
	var all []Interface
	for i, err := range c.Interfaces(ctx, ontap.InterfaceQuery{SVMUUID: svmUUID}) {
		if err != nil {
			return nil, err
		}
		all = append(all, interfaceOf(i))
	}
	return all, nil
}

func interfaceOf(i ontap.Interface) Interface {
	lif := Interface{
		UUID: i.UUID, Name: i.Name, Address: i.IP.Address.Unmap(), Netmask: int(i.IP.Netmask), Policy: i.ServicePolicy.Name, VIP: i.VIP,
		Up: upOf(i), Login: decide.No,
	}
	switch {
	case slices.Contains(i.Services, ontap.ServiceManagementHTTPS):
		lif.Login = decide.Yes
	case len(i.Services) == 0:
		lif.Login = decide.NotKnown
	}
	return lif
}

func upOf(i ontap.Interface) decide.Answer {
	switch {
	case i.Enabled != nil && !*i.Enabled, i.State == "down":
		return decide.No
	case i.IsUp():
		return decide.Yes
	}
	return decide.NotKnown
}

func listRoutes(ctx context.Context, c *ontap.Client, svmUUID string) ([]Route, error) {
	var all []Route
	for r, err := range c.Routes(ctx, svmUUID) {
		if err != nil {
			return nil, err
		}
		all = append(all, routeOf(r))
	}
	return all, nil
}

func routeOf(r ontap.Route) Route {
	return Route{UUID: r.UUID, Destination: r.Prefix().Masked(), Gateway: r.Gateway.Unmap(), Metric: r.Metric}
}

// unlicensed is how a package stands that may not be used. As a rule such
// packages are not listed at all (facts 3).
const unlicensed = "unlicensed"

func listLicences(ctx context.Context, c *ontap.Client) ([]string, error) {
	var all []string
	for l, err := range c.Licences(ctx) {
		switch {
		case err != nil:
			return nil, err
		case l.State != unlicensed:
			all = append(all, l.Name)
		}
	}
	return all, nil
}
