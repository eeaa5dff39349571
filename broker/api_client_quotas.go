package broker

import (
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeClientQuotas and AlterClientQuotas.
//
// There are no quotas by client: none are described, setting one is refused, and
// removing one succeeds. The limits of clients are in Config: connections and request
// sizes.

var describeClientQuotasAPI = api{
	key: 48, min: 0, max: 1,
	handler: handle((*Broker).describeClientQuotas),
	schema:  wire.Schema{wire.List(wire.String, wire.Int8, wire.String), wire.Int8},
}

func (b *Broker) describeClientQuotas(c *caller, req *kmsg.DescribeClientQuotasRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
	resp.ErrorCode = wire.Code(b.authorize(c, opDescribeConfigs, resourceCluster, auth.ClusterName))
	resp.Entries = []kmsg.DescribeClientQuotasResponseEntry{}
	return resp
}

var alterClientQuotasAPI = api{
	key: 49, min: 0, max: 1,
	handler: handle((*Broker).alterClientQuotas),
	schema:  wire.Schema{wire.List(wire.List(wire.String, wire.String), wire.List(wire.String, wire.Int64, wire.Int8)), wire.Int8},
}

func (b *Broker) alterClientQuotas(c *caller, req *kmsg.AlterClientQuotasRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterClientQuotasResponse)
	denied := b.authorize(c, opAlterConfigs, resourceCluster, auth.ClusterName)
	for i := range req.Entries {
		err := denied
		if err == nil {
			err = refuseQuotas(req.Entries[i].Ops)
		}
		se := kmsg.NewAlterClientQuotasResponseEntry()
		se.ErrorCode, se.ErrorMessage = wire.Code(err), wire.Message(err)
		for _, e := range req.Entries[i].Entity {
			entity := kmsg.NewAlterClientQuotasResponseEntryEntity()
			entity.Type, entity.Name = e.Type, e.Name
			se.Entity = append(se.Entity, entity)
		}
		resp.Entries = append(resp.Entries, se)
	}
	return resp
}

func refuseQuotas(ops []kmsg.AlterClientQuotasRequestEntryOp) error {
	for _, op := range ops {
		if !op.Remove {
			return fmt.Errorf("%w: %s: this broker has no quotas by client, only limits of connections and request sizes",
				kerr.InvalidRequest, op.Key)
		}
	}
	return nil
}
