package broker

import (
	"slices"
	"strconv"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// listConfigResourcesAPI serves ListConfigResources (KIP-1142), which is
// ListClientMetricsResources (KIP-1000) in v0.
//
// Topics, the one broker and its loggers have settings, and groups for which some were altered.
// Client metrics have none: they are listed as none.
var listConfigResourcesAPI = api{
	key: 74, min: 0, max: 1,
	handler: handle((*Broker).listConfigResources),
	schema:  wire.Schema{wire.Int8s.Since(1)},
}

func (b *Broker) listConfigResources(c *caller, req *kmsg.ListConfigResourcesRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListConfigResourcesResponse)
	resp.ConfigResources = []kmsg.ListConfigResourcesResponseConfigResource{}
	if err := b.authorize(c, opDescribeConfigs, resourceCluster, auth.ClusterName); err != nil {
		resp.ErrorCode = wire.Code(err)
		return resp
	}
	if req.Version == 0 {
		return resp
	}
	all := []kmsg.ConfigResourceType{
		kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger,
		kmsg.ConfigResourceTypeClientMetrics, kmsg.ConfigResourceTypeGroupConfig,
	}
	wanted := map[kmsg.ConfigResourceType]bool{}
	for _, kind := range req.ResourceTypes {
		if !slices.Contains(all, kmsg.ConfigResourceType(kind)) {
			resp.ErrorCode = kerr.UnsupportedVersion.Code
			return resp
		}
		wanted[kmsg.ConfigResourceType(kind)] = true
	}
	add := func(kind kmsg.ConfigResourceType, name string) {
		if len(wanted) > 0 && !wanted[kind] {
			return
		}
		r := kmsg.NewListConfigResourcesResponseConfigResource()
		r.Type, r.Name = int8(kind), name
		resp.ConfigResources = append(resp.ConfigResources, r)
	}
	for _, t := range b.topics.all() {
		add(kmsg.ConfigResourceTypeTopic, t.name)
	}
	add(kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(b.cfg.NodeID)))
	add(kmsg.ConfigResourceTypeBrokerLogger, strconv.Itoa(int(b.cfg.NodeID)))
	for _, name := range b.groupConfs.names() {
		add(kmsg.ConfigResourceTypeGroupConfig, name)
	}
	return resp
}
