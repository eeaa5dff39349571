package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// DescribeClientQuotas (key 48), v0-1.
//
// There are no quotas by client, so none are described; AlterClientQuotas is
// not served. What bounds clients is in Config: connections and request sizes.

func (b *Broker) describeClientQuotas(c *caller, req *kmsg.DescribeClientQuotasRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
	resp.ErrorCode = code(b.authorize(c, opDescribeConfigs, resourceCluster, clusterName))
	resp.Entries = []kmsg.DescribeClientQuotasResponseEntry{}
	return resp
}
