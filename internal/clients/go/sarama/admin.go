package main

import (
	"context"
	"errors"

	"github.com/IBM/sarama"
	"github.com/sightlog/sightlog/internal/clients/go/cases"
)

func topics(ctx context.Context) error {
	topic := cases.Name("sarama")
	if err := create(topic, 2); err != nil {
		return err
	}
	return withAdmin(func(a sarama.ClusterAdmin) error {
		if err := a.CreatePartitions(topic, 3, nil, false); err != nil {
			return err
		}
		err := cases.Until(ctx, "three partitions", func() (bool, error) {
			d, err := a.DescribeTopics([]string{topic})
			return err == nil && len(d[0].Partitions) == 3, err
		})
		if err != nil {
			return err
		}
		value := "7777777"
		change := map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}
		if err := a.IncrementalAlterConfig(sarama.TopicResource, topic, change, false); err != nil {
			return err
		}
		err = cases.Until(ctx, "the setting", func() (bool, error) {
			entries, err := a.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}})
			return err == nil && entries[0].Value == value, err
		})
		if err != nil {
			return err
		}
		if err := a.DeleteTopic(topic); err != nil {
			return err
		}
		return cases.Until(ctx, "the topic to go", func() (bool, error) {
			all, err := a.ListTopics()
			_, there := all[topic]
			return !there, err
		})
	})
}

func offsets(context.Context) error {
	topic := cases.Name("sarama")
	if err := errors.Join(create(topic, 2), write(topic, 0, cases.Values(7))); err != nil {
		return err
	}
	c, err := sarama.NewClient(cases.Brokers(), config())
	if err != nil {
		return err
	}
	defer c.Close()
	at := func(time, want int64) error {
		got, err := c.GetOffset(topic, 0, time)
		return errors.Join(err, cases.Expect(got, want, "offset"))
	}
	if err := errors.Join(at(sarama.OffsetOldest, 0), at(sarama.OffsetNewest, 7), at(1, 0)); err != nil {
		return err
	}
	return withAdmin(func(a sarama.ClusterAdmin) error {
		return errors.Join(a.DeleteRecords(topic, map[int32]int64{0: 3}), at(sarama.OffsetOldest, 3))
	})
}

func groups(context.Context) error {
	topic, id := cases.Name("sarama"), cases.Name("group")
	if err := create(topic, 2); err != nil {
		return err
	}
	c, err := sarama.NewClient(cases.Brokers(), config())
	if err != nil {
		return err
	}
	defer c.Close()
	m, err := sarama.NewOffsetManagerFromClient(id, c)
	if err != nil {
		return err
	}
	p, err := m.ManagePartition(topic, 0)
	if err != nil {
		return err
	}
	p.MarkOffset(4, "")
	m.Commit()
	p.AsyncClose()
	if err := errors.Join(m.Close(), committed(id, topic, 4)); err != nil {
		return err
	}
	return withAdmin(func(a sarama.ClusterAdmin) error {
		listed := func(want bool) error {
			all, err := a.ListConsumerGroups()
			_, there := all[id]
			return errors.Join(err, cases.Expect(there, want, "listed"))
		}
		if err := listed(true); err != nil {
			return err
		}
		d, err := a.DescribeConsumerGroups([]string{id})
		if err != nil {
			return err
		}
		return errors.Join(cases.Expect(d[0].State, "Empty", "state"), a.DeleteConsumerGroup(id), listed(false))
	})
}

func sasl(context.Context) error {
	tls, err := cases.TLS()
	if err != nil {
		return err
	}
	cfg := config(func(c *sarama.Config) {
		c.Net.TLS.Enable, c.Net.TLS.Config = true, tls
		c.Net.SASL.Enable, c.Net.SASL.Mechanism = true, sarama.SASLTypeSCRAMSHA256
		c.Net.SASL.User, c.Net.SASL.Password = cases.User, cases.Password
		c.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{} }
	})
	topic := cases.Name("sarama")
	a, err := sarama.NewClusterAdmin(cases.Secure(), cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	p, err := sarama.NewSyncProducer(cases.Secure(), cfg)
	if err != nil {
		return err
	}
	return errors.Join(send(p, topic, 0, cases.Values(3)...), p.Close())
}
