package broker

import (
	"maps"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// apiVersionsAPI serves ApiVersions.
//
// Only the APIs that are served are advertised. An unknown version is answered in v0 with
// UNSUPPORTED_VERSION and the range of this key (KIP-511).
var apiVersionsAPI = api{
	key: apiVersionsKey, min: 0, max: 4,
	handler: handle((*Broker).apiVersions),
	schema:  wire.Schema{wire.String.Since(3), wire.String.Since(3)},
}

const apiVersionsKey = 18

// features are finalized at their levels: clients then use the transactions of
// KIP-890 and the groups of KIP-848.
var features = []struct {
	name  string
	level int16
}{
	{"transaction.version", 2},
	{"group.version", 1},
}

func (b *Broker) apiVersions(_ *caller, req *kmsg.ApiVersionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
	for _, key := range slices.Sorted(maps.Keys(b.apis)) {
		resp.ApiKeys = append(resp.ApiKeys, b.apiRange(key))
	}
	for _, f := range features {
		addFeature(resp, f.name, f.level)
	}
	resp.FinalizedFeaturesEpoch = 1
	return resp
}

func (b *Broker) apiRange(key int16) kmsg.ApiVersionsResponseApiKey {
	k := kmsg.NewApiVersionsResponseApiKey()
	k.ApiKey, k.MinVersion, k.MaxVersion = key, b.apis[key].min, b.apis[key].max
	return k
}

func addFeature(resp *kmsg.ApiVersionsResponse, name string, level int16) {
	s := kmsg.NewApiVersionsResponseSupportedFeature()
	s.Name, s.MaxVersion = name, level
	resp.SupportedFeatures = append(resp.SupportedFeatures, s)
	f := kmsg.NewApiVersionsResponseFinalizedFeature()
	f.Name, f.MinVersionLevel, f.MaxVersionLevel = name, level, level
	resp.FinalizedFeatures = append(resp.FinalizedFeatures, f)
}

func (b *Broker) unsupportedAPIVersions() kmsg.Response {
	resp := kmsg.NewPtrApiVersionsResponse()
	resp.ErrorCode = kerr.UnsupportedVersion.Code
	resp.ApiKeys = append(resp.ApiKeys, b.apiRange(apiVersionsKey))
	return resp
}
