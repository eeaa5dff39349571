package broker

import (
	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeClusterAPI serves DescribeCluster.
var describeClusterAPI = api{
	key: 60, min: 0, max: 2,
	handler: handle((*Broker).describeCluster),
	schema:  wire.Schema{wire.Int8, wire.Int8.Since(1), wire.Int8.Since(2)},
}

func (b *Broker) describeCluster(c *caller, req *kmsg.DescribeClusterRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeClusterResponse)
	resp.EndpointType = req.EndpointType
	if req.EndpointType != 1 { // 2: controllers; there are none apart
		resp.ErrorCode = kerr.UnsupportedEndpointType.Code
		return resp
	}
	resp.ClusterID, resp.ControllerID = b.clusterID, b.cfg.NodeID
	resp.ClusterAuthorizedOperations = b.operations(c, req.IncludeClusterAuthorizedOperations, resourceCluster, auth.ClusterName)
	sb := kmsg.NewDescribeClusterResponseBroker()
	sb.NodeID, sb.Host, sb.Port = b.cfg.NodeID, b.host, b.port
	resp.Brokers = append(resp.Brokers, sb)
	return resp
}
