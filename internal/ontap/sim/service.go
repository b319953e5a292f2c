package sim

import (
	"iter"
	"slices"
	"time"

	"github.com/seedproof/seedproof/internal/ontap/sim/query"
)

var serviceSchema = query.MustSchema(`
svm.uuid text key create
svm.name text key create
enabled bool std set
metric.status text exp
statistics.status text exp
`)

func serviceResources() []*resource {
	return []*resource{
		protocolResource("/protocols/nvme/services", "nvme"),
		protocolResource("/protocols/san/iscsi/services", "iscsi"),
		protocolResource("/protocols/nfs/services", "nfs"),
		certificateResource(),
	}
}

// protocolResource is the service of one protocol: an object of its own that is
// tied to the field <protocol>.enabled of its SVM.
func protocolResource(path, protocol string) *resource {
	return &resource{
		path: at(path), keys: []string{"svm.uuid"}, schema: serviceSchema,
		absent: map[string]int{"PATCH": 72089651, "DELETE": 72089651},
		list: func(c *call) iter.Seq[item] {
			return func(yield func(item) bool) {
				for _, v := range c.site.SVMs {
					if sv := v.Services[protocol]; sv != nil && !c.now.Before(sv.From) && !yield(serviceItem(v, sv)) {
						return
					}
				}
			}
		},
		create: func(c *call, b query.Body) (*done, *refusal) { return createService(c, b, protocol) },
		modify: func(c *call, it *item) (*done, *refusal) { return modifyService(c, it, protocol) },
		remove: func(c *call, it *item) (*done, *refusal) { return removeService(c, it, protocol) },
	}
}

func serviceItem(v *svm, sv *service) item {
	return item{seq: sv.Seq, key: itemKey(v.UUID), svm: v.UUID, object: v, record: func() query.Record {
		return record("svm.uuid", v.UUID, "svm.name", v.Name, "enabled", sv.Enabled)
	}}
}

func createService(c *call, b query.Body, protocol string) (*done, *refusal) {
	v, no := c.resolveSVM(b, "svm", 2621707, 2621462, 2621462)
	if no != nil {
		return nil, no
	}
	if no := c.mayServe(v, protocol); no != nil {
		return nil, no
	}
	if v.Services[protocol] != nil {
		return nil, refuse(72089650, "", "The %s service already exists for the SVM.", protocol)
	}
	sv := &service{object: c.sim.world.newObject(), Enabled: b.FlagOr("enabled", true), From: c.now}
	v.Services[protocol] = sv
	c.sim.changed(c.site, v, c.now)
	it := serviceItem(v, sv)
	return &done{made: &it}, nil
}

// mayServe says what stands against a service that starts.
func (c *call) mayServe(v *svm, protocol string) *refusal {
	if no := c.licensed(protocol); no != nil {
		return no
	}
	if no := c.changeable(v); no != nil {
		return no
	}
	switch {
	case c.sim.stateOf(v, c.now) != "running":
		return refuse(5374893, "", "The SVM is stopped. Start the SVM, and try again.")
	case !v.Allowed[protocol]:
		return refuse(2621507, "", "The %s protocol is not allowed on the SVM.", protocol)
	}
	return nil
}

func modifyService(c *call, it *item, protocol string) (*done, *refusal) {
	v, _ := it.object.(*svm)
	b, no := c.parse(c.body, false)
	switch {
	case no != nil:
		return nil, no
	case b.Empty():
		return nil, refuse(262190, "", "No values to change supplied.")
	}
	if b.FlagOr("enabled", false) {
		no = c.mayServe(v, protocol)
	} else {
		no = c.changeable(v)
	}
	if no != nil {
		return nil, no
	}
	v.Services[protocol].Enabled = b.FlagOr("enabled", v.Services[protocol].Enabled)
	c.sim.changed(c.site, v, c.now)
	return nil, nil
}

func removeService(c *call, it *item, protocol string) (*done, *refusal) {
	v, _ := it.object.(*svm)
	if no := c.changeable(v); no != nil {
		return nil, no
	}
	if v.Services[protocol].Enabled {
		return nil, refuse(72090028, "", "The %s service must be disabled before it is deleted.", protocol)
	}
	uses := func(l *lif) bool { return l.SVM == v.UUID && c.site.isNVMe(l) }
	if protocol == "nvme" && slices.ContainsFunc(c.site.LIFs, uses) {
		return nil, refuse(72089654, "", "The NVMe service cannot be deleted while the SVM has NVMe interfaces.")
	}
	delete(v.Services, protocol)
	c.sim.changed(c.site, v, c.now)
	return nil, nil
}

var certificateSchema = query.MustSchema(`
uuid text key
name text key
svm.uuid text std
svm.name text std
scope text std
type text std
common_name text std
serial_number text std
ca text std
expiry_time time std
hash_function text std
public_certificate text std
`)

func certificateResource() *resource {
	return listing("/security/certificates", certificateSchema, func(c *call) iter.Seq[item] {
		return func(yield func(item) bool) {
			if !yield(plain(object{Seq: 1, UUID: c.site.UUID}, func() query.Record { return certificateRecord(c.site.UUID, c.site.Name, c.site.Keys, nil) })) {
				return
			}
			for _, v := range c.site.SVMs {
				it := plain(object{Seq: v.Seq + 1, UUID: v.CertUUID}, func() query.Record { return certificateRecord(v.CertUUID, v.Name, v.Keys, v) })
				it.svm = v.UUID
				if !yield(it) {
					return
				}
			}
		}
	})
}

func certificateRecord(uuid, name string, keys keyPair, v *svm) query.Record {
	r := record("uuid", uuid, "name", name+"_cert", "scope", "cluster", "type", "server", "common_name", name, "ca", name,
		"hash_function", "sha256", "public_certificate", string(keys.Cert))
	if cert, err := keys.parsed(); err == nil {
		r["expiry_time"], r["serial_number"] = cert.NotAfter.UTC().Format(time.RFC3339), cert.SerialNumber.Text(16)
	}
	if v != nil {
		r["scope"] = "svm"
		query.Put(r, "svm", record("uuid", v.UUID, "name", v.Name))
	}
	return r
}

var webSchema = query.MustSchema(`
certificate.uuid text std modify
certificate.name text std
client_enabled bool std modify
ocsp_enabled bool std modify
svm.uuid text std
svm.name text std
`)

// webResource is the web service of an SVM, which names its certificate.
func webResource() *resource {
	return &resource{
		path: at("/svm/svms/{}/web"), schema: webSchema, since: query.Release("9.10.1"),
		list: func(c *call) iter.Seq[item] {
			return func(yield func(item) bool) {
				if v := c.site.svmByID(c.above[0]); v != nil {
					yield(item{seq: v.Seq, key: "", svm: v.UUID, object: v, record: func() query.Record {
						return record("certificate.uuid", v.CertUUID, "certificate.name", v.Name+"_cert",
							"client_enabled", false, "ocsp_enabled", false, "svm.uuid", v.UUID, "svm.name", v.Name)
					}})
				}
			}
		},
		lone: true,
		modify: func(c *call, it *item) (*done, *refusal) {
			v, _ := it.object.(*svm)
			b, no := c.parse(c.body, false)
			if no != nil {
				return nil, no
			}
			if uuid := b.TextOr("certificate.uuid", v.CertUUID); uuid != v.CertUUID {
				return nil, refuse(12451843, "certificate.uuid", "Certificate with UUID %q not found.", uuid)
			}
			return nil, c.changeable(v)
		},
	}
}
