package broker

import (
	"maps"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeUserSCRAMCredentials and AlterUserSCRAMCredentials (KIP-554).

var describeSCRAMAPI = api{
	key: 50, min: 0, max: 0,
	handler: handle((*Broker).describeSCRAM),
	schema:  wire.Schema{wire.List(wire.String)},
}

func (b *Broker) describeSCRAM(c *caller, req *kmsg.DescribeUserSCRAMCredentialsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeUserSCRAMCredentialsResponse)
	if err := b.authorize(c, opDescribe, resourceCluster, auth.ClusterName); err != nil {
		resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
		return resp
	}
	stored := b.credentials.Stored()
	users := make([]string, 0, len(stored))
	for _, u := range req.Users {
		users = append(users, u.Name)
	}
	if len(req.Users) == 0 {
		users = slices.AppendSeq(users, maps.Keys(stored))
	}
	slices.Sort(users)
	for _, user := range users {
		sr := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
		sr.User = user
		for _, credential := range stored[user] {
			info := kmsg.NewDescribeUserSCRAMCredentialsResponseResultCredentialInfo()
			info.Mechanism, info.Iterations = credential.Mechanism, credential.Iterations
			sr.CredentialInfos = append(sr.CredentialInfos, info)
		}
		if len(sr.CredentialInfos) == 0 {
			sr.ErrorCode, sr.ErrorMessage = kerr.ResourceNotFound.Code, wire.Message(kerr.ResourceNotFound)
		}
		resp.Results = append(resp.Results, sr)
	}
	return resp
}

var alterSCRAMAPI = api{
	key: 51, min: 0, max: 0,
	handler: handle((*Broker).alterSCRAM),
	schema:  wire.Schema{wire.List(wire.String, wire.Int8), wire.List(wire.String, wire.Int8, wire.Int32, wire.Bytes, wire.Bytes)},
}

func (b *Broker) alterSCRAM(c *caller, req *kmsg.AlterUserSCRAMCredentialsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterUserSCRAMCredentialsResponse)
	denied := b.authorize(c, opAlter, resourceCluster, auth.ClusterName)
	failed := map[string]error{} // by user; nil for success
	order := []string{}
	note := func(user string, err error) {
		if _, seen := failed[user]; !seen {
			order = append(order, user)
			failed[user] = nil
		}
		if err != nil {
			failed[user] = err
		}
	}
	change := b.credentials.Change()
	for _, d := range req.Deletions {
		err := denied
		if err == nil {
			err = change.Delete(d.Mechanism, d.Name)
		}
		note(d.Name, err)
	}
	for _, u := range req.Upsertions {
		err := denied
		if err == nil {
			err = change.Put(u.Mechanism, u.Name, u.Salt, u.SaltedPassword, u.Iterations)
		}
		note(u.Name, err)
	}
	if err := change.Commit(); err != nil {
		for _, user := range order {
			failed[user] = err
		}
	}
	for _, user := range order {
		sr := kmsg.NewAlterUserSCRAMCredentialsResponseResult()
		sr.User, sr.ErrorCode, sr.ErrorMessage = user, wire.Code(failed[user]), wire.Message(failed[user])
		resp.Results = append(resp.Results, sr)
	}
	return resp
}
