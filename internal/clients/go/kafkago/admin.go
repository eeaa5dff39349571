package main

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"
	"github.com/sightlog/sightlog/internal/clients/go/cases"
)

func topics(ctx context.Context) error {
	topic := cases.Name("kafka-go")
	if err := create(ctx, client, topic, 2); err != nil {
		return err
	}
	added, err := client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: 3}}})
	if err != nil {
		return err
	}
	if err := added.Errors[topic]; err != nil {
		return err
	}
	err = cases.Until(ctx, "three partitions", func() (bool, error) {
		m, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
		return err == nil && len(m.Topics[0].Partitions) == 3, err
	})
	if err != nil {
		return err
	}
	_, err = client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
		Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: "retention.ms", Value: "7777777", ConfigOperation: kafka.ConfigOperationSet}},
	}}})
	if err != nil {
		return err
	}
	err = cases.Until(ctx, "the setting", func() (bool, error) {
		d, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{"retention.ms"},
		}}})
		return err == nil && d.Resources[0].ConfigEntries[0].ConfigValue == "7777777", err
	})
	if err != nil {
		return err
	}
	gone, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err != nil {
		return err
	}
	return gone.Errors[topic]
}

func groups(ctx context.Context) error {
	topic, id := cases.Name("kafka-go"), cases.Name("group")
	if err := create(ctx, client, topic, 2); err != nil {
		return err
	}
	_, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: id, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: 0, Offset: 4}}},
	})
	if err != nil {
		return err
	}
	if err := committed(ctx, id, topic, 4); err != nil {
		return err
	}
	listed := func(want bool) error {
		all, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
		if err != nil {
			return err
		}
		there := false
		for _, g := range all.Groups {
			there = there || g.GroupID == id
		}
		return cases.Expect(there, want, "listed")
	}
	if err := listed(true); err != nil {
		return err
	}
	d, err := client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{id}})
	if err != nil {
		return err
	}
	if err := cases.Expect(d.Groups[0].GroupState, "Empty", "state"); err != nil {
		return err
	}
	gone, err := client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{id}})
	if err != nil {
		return err
	}
	return errors.Join(gone.Errors[id], listed(false))
}
