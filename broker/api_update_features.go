package broker

import (
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// updateFeaturesAPI serves UpdateFeatures.
//
// The levels of the features are fixed: an update to the current level succeeds, any
// other is refused. One refusal refuses all updates of the request.
var updateFeaturesAPI = api{
	key: 57, min: 0, max: 2,
	handler: handle((*Broker).updateFeatures),
	schema:  wire.Schema{wire.Int32, wire.List(wire.String, wire.Int16, wire.Int8.Through(0), wire.Int8.Since(1)), wire.Int8.Since(1)},
}

func (b *Broker) updateFeatures(c *caller, req *kmsg.UpdateFeaturesRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.UpdateFeaturesResponse)
	if err := b.authorize(c, opAlter, resourceCluster, auth.ClusterName); err != nil {
		resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
		return resp
	}
	for _, u := range req.FeatureUpdates {
		err := checkFeature(u.Feature, u.MaxVersionLevel)
		sr := kmsg.NewUpdateFeaturesResponseResult()
		sr.Feature, sr.ErrorCode, sr.ErrorMessage = u.Feature, wire.Code(err), wire.Message(err)
		resp.Results = append(resp.Results, sr)
		if err != nil && resp.ErrorCode == 0 && req.Version >= 2 { // which has no results
			resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
		}
	}
	return resp
}

func checkFeature(name string, level int16) error {
	for _, f := range features {
		switch {
		case f.name != name:
		case level < 0 || level > f.level:
			return fmt.Errorf("%w: %s has levels up to %d", kerr.InvalidUpdateVersion, name, f.level)
		case level != f.level:
			return fmt.Errorf("%w: %s is at level %d and stays there", kerr.FeatureUpdateFailed, name, f.level)
		default:
			return nil
		}
	}
	return fmt.Errorf("%w: unknown feature %q", kerr.InvalidUpdateVersion, name)
}
