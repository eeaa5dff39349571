import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** The cases with kafka-clients. */
public class Client {
    static final Admin ADMIN = Admin.create(base());

    static Properties base(String... more) {
        Properties p = new Properties();
        p.put("bootstrap.servers", Cases.BROKERS);
        for (int i = 0; i < more.length; i += 2) {
            p.put(more[i], more[i + 1]);
        }
        return p;
    }

    static void create(Admin by, String topic, int partitions) throws Exception {
        by.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
    }

    static KafkaProducer<String, String> producer(String... more) {
        return new KafkaProducer<>(base(more), new StringSerializer(), new StringSerializer());
    }

    static void write(KafkaProducer<String, String> p, String topic, int partition, List<String> values) throws Exception {
        List<Future<?>> sent = new ArrayList<>();
        for (String v : values) {
            ProducerRecord<String, String> r = new ProducerRecord<>(topic, partition, "key", v);
            r.headers().add("h", new byte[] {1});
            sent.add(p.send(r));
        }
        p.flush();
        for (Future<?> f : sent) {
            f.get();
        }
    }

    static KafkaConsumer<String, String> consumer(String... more) {
        Properties p = base(more);
        p.putIfAbsent("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "false");
        return new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
    }

    static List<String> poll(KafkaConsumer<String, String> c) {
        List<String> out = new ArrayList<>();
        for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(100))) {
            out.add(r.value());
        }
        return out;
    }

    static List<String> take(KafkaConsumer<String, String> c, int n) {
        List<String> out = new ArrayList<>();
        while (out.size() < n) {
            out.addAll(poll(c));
        }
        return out;
    }

    static List<String> read(String topic, int n, String... more) {
        try (KafkaConsumer<String, String> c = consumer(more)) {
            c.assign(List.of(new TopicPartition(topic, 0)));
            return take(c, n);
        }
    }

    static void roundTrip(String... settings) throws Exception {
        String topic = Cases.name("java");
        create(ADMIN, topic, 2);
        try (KafkaProducer<String, String> p = producer(settings)) {
            write(p, topic, 0, Cases.values(50));
        }
        Cases.expect(read(topic, 50), Cases.values(50), "values");
    }

    static void group(String... settings) throws Exception {
        String topic = Cases.name("java");
        String[] conf = new String[settings.length + 2];
        System.arraycopy(settings, 0, conf, 2, settings.length);
        conf[0] = "group.id";
        conf[1] = Cases.name("group");
        create(ADMIN, topic, 4);
        try (KafkaProducer<String, String> p = producer(); KafkaConsumer<String, String> one = consumer(conf);
                KafkaConsumer<String, String> two = consumer(conf)) {
            for (int i = 0; i < 4; i++) {
                write(p, topic, i, Cases.values(10));
            }
            one.subscribe(List.of(topic));
            take(one, 40);
            one.commitSync();
            two.subscribe(List.of(topic));
            while (one.assignment().size() != 2 || two.assignment().size() != 2) {
                Cases.expect(poll(one), List.of(), "committed records that came again");
                Cases.expect(poll(two), List.of(), "committed records that came again");
            }
            one.close();
            while (two.assignment().size() < 4) {
                poll(two);
            }
            List<String> later = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                later.add("later " + i);
                write(p, topic, i, later.subList(i, i + 1));
            }
            List<String> got = take(two, 4);
            Collections.sort(got);
            Cases.expect(got, later, "after the commit");
            two.commitSync();
            Cases.expect(two.committed(two.assignment()).values().stream().map(OffsetAndMetadata::offset).toList(),
                List.of(11L, 11L, 11L, 11L), "committed");
        }
    }

    static void transactions() throws Exception {
        String source = Cases.name("java");
        String topic = Cases.name("java");
        create(ADMIN, source, 2);
        create(ADMIN, topic, 2);
        try (KafkaProducer<String, String> plain = producer();
                KafkaConsumer<String, String> c = consumer("group.id", Cases.name("group"));
                KafkaProducer<String, String> p = producer("transactional.id", Cases.name("txn"))) {
            write(plain, source, 0, Cases.values(5));
            c.subscribe(List.of(source));
            take(c, 5);
            p.initTransactions();
            p.beginTransaction();
            write(p, topic, 0, List.of("aborted"));
            p.abortTransaction();
            p.beginTransaction();
            write(p, topic, 0, List.of("committed"));
            TopicPartition first = new TopicPartition(source, 0);
            p.sendOffsetsToTransaction(Map.of(first, new OffsetAndMetadata(5)), c.groupMetadata());
            p.commitTransaction();
            Cases.expect(read(topic, 1, "isolation.level", "read_committed"), List.of("committed"), "committed");
            Cases.expect(read(topic, 2), List.of("aborted", "committed"), "all");
            Cases.expect(c.committed(Set.of(first)).get(first).offset(), 5L, "offset of the transaction");
        }
    }

    static void topics() throws Exception {
        String topic = Cases.name("java");
        create(ADMIN, topic, 2);
        ADMIN.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
        Cases.until(() -> ADMIN.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 3);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        AlterConfigOp op = new AlterConfigOp(new ConfigEntry("retention.ms", "7777777"), AlterConfigOp.OpType.SET);
        Map<ConfigResource, Collection<AlterConfigOp>> change = new HashMap<>();
        change.put(resource, List.of(op));
        ADMIN.incrementalAlterConfigs(change).all().get();
        Cases.until(() -> ADMIN.describeConfigs(List.of(resource)).all().get().get(resource).get("retention.ms").value().equals("7777777"));
        ADMIN.deleteTopics(List.of(topic)).all().get();
        Cases.until(() -> !ADMIN.listTopics().names().get().contains(topic));
    }

    static long offset(TopicPartition p, OffsetSpec spec) throws Exception {
        return ADMIN.listOffsets(Map.of(p, spec)).partitionResult(p).get().offset();
    }

    static void offsets() throws Exception {
        String topic = Cases.name("java");
        create(ADMIN, topic, 2);
        TopicPartition p = new TopicPartition(topic, 0);
        try (KafkaProducer<String, String> producer = producer()) {
            write(producer, topic, 0, Cases.values(7));
        }
        Cases.expect(List.of(offset(p, OffsetSpec.earliest()), offset(p, OffsetSpec.latest()), offset(p, OffsetSpec.forTimestamp(1))),
            List.of(0L, 7L, 0L), "offsets");
        ADMIN.deleteRecords(Map.of(p, RecordsToDelete.beforeOffset(3))).all().get();
        Cases.expect(offset(p, OffsetSpec.earliest()), 3L, "first offset");
    }

    static boolean listed(String id) throws Exception {
        return ADMIN.listGroups().all().get().stream().anyMatch(g -> g.groupId().equals(id));
    }

    static void groups() throws Exception {
        String topic = Cases.name("java");
        String id = Cases.name("group");
        create(ADMIN, topic, 2);
        TopicPartition p = new TopicPartition(topic, 0);
        ADMIN.alterConsumerGroupOffsets(id, Map.of(p, new OffsetAndMetadata(4))).all().get();
        Cases.expect(listed(id), true, "listed");
        Cases.expect(ADMIN.describeConsumerGroups(List.of(id)).all().get().get(id).groupState().toString(), "Empty", "state");
        Cases.expect(ADMIN.listConsumerGroupOffsets(id).partitionsToOffsetAndMetadata().get().get(p).offset(), 4L, "offset");
        ADMIN.deleteConsumerGroups(List.of(id)).all().get();
        Cases.expect(listed(id), false, "listed");
    }

    /** A share group, which begins at the end: what is written while it polls arrives. */
    static void shareGroup() throws Exception {
        String topic = Cases.name("java");
        create(ADMIN, topic, 1);
        try (KafkaProducer<String, String> p = producer();
                KafkaShareConsumer<String, String> c = new KafkaShareConsumer<>(
                    base("group.id", Cases.name("group")), new StringDeserializer(), new StringDeserializer())) {
            c.subscribe(List.of(topic));
            while (c.poll(Duration.ofMillis(100)).isEmpty()) {
                write(p, topic, 0, List.of("shared"));
            }
        }
    }

    static void sasl() throws Exception {
        Map<String, String> conf = new TreeMap<>();
        conf.put("bootstrap.servers", Cases.SECURE);
        conf.put("security.protocol", "SASL_SSL");
        conf.put("ssl.truststore.type", "PEM");
        conf.put("ssl.truststore.location", Cases.CA);
        conf.put("sasl.mechanism", "SCRAM-SHA-256");
        conf.put("sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"tester\" password=\"secret\";");
        String[] more = conf.entrySet().stream().flatMap(e -> List.of(e.getKey(), e.getValue()).stream()).toArray(String[]::new);
        String topic = Cases.name("java");
        try (Admin by = Admin.create(base(more)); KafkaProducer<String, String> p = producer(more)) {
            create(by, topic, 2);
            write(p, topic, 0, Cases.values(3));
        }
    }

    public static void main(String[] args) {
        System.out.println("version " + AppInfoParser.getVersion());
        Cases.run("produce", () -> roundTrip("enable.idempotence", "false", "acks", "all"));
        Cases.run("idempotent", () -> roundTrip("enable.idempotence", "true"));
        for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) {
            Cases.run(codec, () -> roundTrip("compression.type", codec));
        }
        Cases.run("group", () -> group("heartbeat.interval.ms", "300"));
        Cases.run("consumer-protocol", () -> group("group.protocol", "consumer"));
        Cases.run("share-group", Client::shareGroup);
        Cases.run("transactions", Client::transactions);
        Cases.run("topics", Client::topics);
        Cases.run("offsets", Client::offsets);
        Cases.run("groups", Client::groups);
        Cases.run("sasl", Client::sasl);
        System.exit(0); // without waiting for threads of clients that hang
    }
}
