package broker

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ApiVersions (key 18), v0-4.
//
// Advertised is just what is served. An unknown version is answered in v0 with
// UNSUPPORTED_VERSION and the range of this key (KIP-511). Two features are
// finalized: transaction.version 2, so that clients use KIP-890's transactions,
// and group.version 1 for KIP-848's groups where those keys are served.

const apiVersionsKey = 18

func (b *Broker) apiVersions(_ *caller, req *kmsg.ApiVersionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
	for _, key := range slices.Sorted(maps.Keys(b.apis)) {
		resp.ApiKeys = append(resp.ApiKeys, b.apiRange(key))
	}
	b.feature(resp, "transaction.version", 2)
	if _, ok := b.apis[68]; ok {
		b.feature(resp, "group.version", 1)
	}
	resp.FinalizedFeaturesEpoch = 1
	return resp
}

func (b *Broker) apiRange(key int16) kmsg.ApiVersionsResponseApiKey {
	k := kmsg.NewApiVersionsResponseApiKey()
	k.ApiKey, k.MinVersion, k.MaxVersion = key, b.apis[key].min, b.apis[key].max
	return k
}

func (b *Broker) feature(resp *kmsg.ApiVersionsResponse, name string, level int16) {
	s := kmsg.NewApiVersionsResponseSupportedFeature()
	s.Name, s.MaxVersion = name, level
	resp.SupportedFeatures = append(resp.SupportedFeatures, s)
	f := kmsg.NewApiVersionsResponseFinalizedFeature()
	f.Name, f.MinVersionLevel, f.MaxVersionLevel = name, level, level
	resp.FinalizedFeatures = append(resp.FinalizedFeatures, f)
}

func (b *Broker) unsupportedApiVersions() kmsg.Response {
	resp := kmsg.NewPtrApiVersionsResponse()
	resp.ErrorCode = kerr.UnsupportedVersion.Code
	resp.ApiKeys = append(resp.ApiKeys, b.apiRange(apiVersionsKey))
	return resp
}
