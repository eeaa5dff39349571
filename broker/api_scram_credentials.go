package broker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeUserSCRAMCredentials (key 50), v0, and AlterUserSCRAMCredentials
// (key 51), v0 (KIP-554).

func mechanismName(m int8) (string, error) {
	switch m {
	case 1:
		return scramSHA256, nil
	case 2:
		return scramSHA512, nil
	}
	return "", kerr.UnsupportedSaslMechanism
}

func (b *Broker) describeSCRAM(c *caller, req *kmsg.DescribeUserSCRAMCredentialsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeUserSCRAMCredentialsResponse)
	if err := b.authorize(c, opDescribe, resourceCluster, clusterName); err != nil {
		resp.ErrorCode, resp.ErrorMessage = code(err), message(err)
		return resp
	}
	byUser := map[string][]kmsg.DescribeUserSCRAMCredentialsResponseResultCredentialInfo{}
	for key, value := range b.store.Bucket(bucketSCRAM) {
		var row scramRow
		mechanism, user, _ := strings.Cut(key, "/")
		if json.Unmarshal(value, &row) != nil {
			continue
		}
		info := kmsg.NewDescribeUserSCRAMCredentialsResponseResultCredentialInfo()
		info.Mechanism, info.Iterations = 1, int32(row.Iterations)
		if mechanism == scramSHA512 {
			info.Mechanism = 2
		}
		byUser[user] = append(byUser[user], info)
	}
	users := make([]string, 0, len(byUser))
	for _, u := range req.Users {
		users = append(users, u.Name)
	}
	if len(req.Users) == 0 {
		for user := range byUser {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	for _, user := range users {
		sr := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
		sr.User, sr.CredentialInfos = user, byUser[user]
		if len(sr.CredentialInfos) == 0 {
			sr.ErrorCode, sr.ErrorMessage = kerr.ResourceNotFound.Code, message(kerr.ResourceNotFound)
		}
		slices.SortFunc(sr.CredentialInfos, func(a, b kmsg.DescribeUserSCRAMCredentialsResponseResultCredentialInfo) int {
			return int(a.Mechanism) - int(b.Mechanism)
		})
		resp.Results = append(resp.Results, sr)
	}
	return resp
}

func (b *Broker) alterSCRAM(c *caller, req *kmsg.AlterUserSCRAMCredentialsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterUserSCRAMCredentialsResponse)
	denied := b.authorize(c, opAlter, resourceCluster, clusterName)
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
	var commit storage.Commit
	for _, d := range req.Deletions {
		name, err := mechanismName(d.Mechanism)
		if err == nil && denied == nil {
			if _, ok := b.store.Get(bucketSCRAM, name+"/"+d.Name); !ok {
				err = kerr.ResourceNotFound
			} else {
				commit.Delete(bucketSCRAM, name+"/"+d.Name)
			}
		}
		note(d.Name, cmp.Or(denied, err))
	}
	for _, u := range req.Upsertions {
		name, err := mechanismName(u.Mechanism)
		switch {
		case err != nil:
		case u.Name == "" || len(u.Salt) == 0 || len(u.SaltedPassword) == 0:
			err = kerr.UnacceptableCredential
		case u.Iterations < minIterations || u.Iterations > maxIterations:
			err = fmt.Errorf("%w: %d iterations, want %d to %d", kerr.UnacceptableCredential, u.Iterations, minIterations, maxIterations)
		case denied == nil:
			commit.Put(bucketSCRAM, name+"/"+u.Name, encode(newSCRAMRow(name, u.Salt, u.SaltedPassword, int(u.Iterations))))
		}
		note(u.Name, cmp.Or(denied, err))
	}
	if !commit.Empty() {
		if err := b.store.Do(&commit); err != nil {
			for _, user := range order {
				failed[user] = err
			}
		}
	}
	for _, user := range order {
		sr := kmsg.NewAlterUserSCRAMCredentialsResponseResult()
		sr.User, sr.ErrorCode, sr.ErrorMessage = user, code(failed[user]), message(failed[user])
		resp.Results = append(resp.Results, sr)
	}
	return resp
}
