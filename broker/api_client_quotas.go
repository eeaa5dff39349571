package broker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/quota"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeClientQuotas and AlterClientQuotas.
//
// Users and client ids have quotas of the bytes that they produce and consume and of the time
// that their requests take; see package quota. Others are refused.

var describeClientQuotasAPI = api{
	key: 48, min: 0, max: 1,
	handler: handle((*Broker).describeClientQuotas),
	schema:  wire.Schema{wire.List(wire.String, wire.Int8, wire.String), wire.Int8},
}

func (b *Broker) describeClientQuotas(c *caller, req *kmsg.DescribeClientQuotasRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
	err := b.authorize(c, opDescribeConfigs, resourceCluster, auth.ClusterName)
	if err == nil {
		err = checkComponents(req.Components)
	}
	if resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err); err != nil {
		return resp
	}
	resp.Entries = []kmsg.DescribeClientQuotasResponseEntry{}
	b.quotas.Each(func(e quota.Entity, limits quota.Limits) {
		if !matches(e, req) {
			return
		}
		se := kmsg.NewDescribeClientQuotasResponseEntry()
		for _, kind := range slices.Sorted(maps.Keys(e)) {
			part := kmsg.NewDescribeClientQuotasResponseEntryEntity()
			part.Type, part.Name = kind, e[kind]
			se.Entity = append(se.Entity, part)
		}
		for _, name := range slices.Sorted(maps.Keys(limits)) {
			v := kmsg.NewDescribeClientQuotasResponseEntryValue()
			v.Key, v.Value = name, limits[name]
			se.Values = append(se.Values, v)
		}
		resp.Entries = append(resp.Entries, se)
	})
	return resp
}

func checkComponents(components []kmsg.DescribeClientQuotasRequestComponent) error {
	seen := map[string]bool{}
	for i := range components {
		c := &components[i]
		switch {
		case c.EntityType == "":
			return fmt.Errorf("%w: a filter without an entity type", kerr.InvalidRequest)
		case seen[c.EntityType]:
			return fmt.Errorf("%w: two filters of %s", kerr.InvalidRequest, c.EntityType)
		case c.MatchType == kmsg.QuotasMatchTypeExact && c.Match == nil:
			return fmt.Errorf("%w: an exact filter of %s without a name", kerr.InvalidRequest, c.EntityType)
		case c.MatchType < kmsg.QuotasMatchTypeExact || c.MatchType > kmsg.QuotasMatchTypeAny:
			return fmt.Errorf("%w: unknown kind %d of a filter", kerr.InvalidRequest, c.MatchType)
		}
		seen[c.EntityType] = true
	}
	return nil
}

// matches reports whether the request asks for the entity: it has every part that a filter
// names and, if the request is strict, no other.
func matches(e quota.Entity, req *kmsg.DescribeClientQuotasRequest) bool {
	for i := range req.Components {
		c := &req.Components[i]
		name, has := e[c.EntityType]
		switch {
		case !has:
			return false
		case c.MatchType == kmsg.QuotasMatchTypeExact && (name == nil || *name != *c.Match):
			return false
		case c.MatchType == kmsg.QuotasMatchTypeDefault && name != nil:
			return false
		}
	}
	return !req.Strict || len(e) == len(req.Components)
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
			err = b.alterQuotas(&req.Entries[i], req.ValidateOnly)
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

func (b *Broker) alterQuotas(re *kmsg.AlterClientQuotasRequestEntry, validateOnly bool) error {
	entity := quota.Entity{}
	for _, part := range re.Entity {
		if _, twice := entity[part.Type]; twice {
			return fmt.Errorf("%w: %s is named twice", kerr.InvalidRequest, part.Type)
		}
		entity[part.Type] = part.Name
	}
	seen := map[string]bool{}
	var changes []quota.Change
	for _, op := range re.Ops {
		if seen[op.Key] {
			return fmt.Errorf("%w: %s is altered twice", kerr.InvalidRequest, op.Key)
		}
		seen[op.Key] = true
		changes = append(changes, quota.Change{Limit: op.Key, Value: op.Value, Remove: op.Remove})
	}
	return b.quotas.Alter(entity, changes, validateOnly)
}
