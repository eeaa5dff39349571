import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Copies topic "from" to topic "to", exactly once, as one of a group: what it
 * reads, writes and commits is one transaction. Every third is aborted, at
 * random, and done again. Arguments: bootstrap server, transactional id.
 */
public class Copier {
    public static void main(String[] args) throws Exception {
        while (true) {
            try {
                copy(args[0], args[1]);
            } catch (KafkaException e) { // fenced, or the broker was away for long: begin anew
                System.err.println(args[1] + ": " + e);
            }
        }
    }

    static void copy(String bootstrap, String id) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("reconnect.backoff.max.ms", 200);
        Properties in = (Properties) p.clone();
        in.put("group.id", "copiers");
        in.put("isolation.level", "read_committed");
        in.put("enable.auto.commit", "false");
        in.put("auto.offset.reset", "earliest");
        in.put("session.timeout.ms", 1500);
        in.put("heartbeat.interval.ms", 400);
        in.put("max.poll.records", 50);
        in.put("fetch.max.wait.ms", 50); // a fetch under way holds up what follows an abort
        Properties out = (Properties) p.clone();
        out.put("transactional.id", id);
        out.put("transaction.timeout.ms", 5000);
        Random random = new Random();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(in, new StringDeserializer(), new StringDeserializer());
                KafkaProducer<String, String> producer = new KafkaProducer<>(out, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            consumer.subscribe(List.of("from"));
            while (true) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
                if (records.isEmpty()) {
                    continue;
                }
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                producer.beginTransaction();
                for (ConsumerRecord<String, String> r : records) {
                    producer.send(new ProducerRecord<>("to", r.key(), r.value()));
                    offsets.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
                }
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                if (random.nextInt(3) == 0) {
                    producer.abortTransaction();
                    rewind(consumer);
                } else {
                    producer.commitTransaction();
                }
            }
        }
    }

    /** Goes back to what is committed. */
    static void rewind(KafkaConsumer<String, String> consumer) {
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
        for (TopicPartition tp : consumer.assignment()) {
            OffsetAndMetadata at = committed.get(tp);
            if (at == null) {
                consumer.seekToBeginning(List.of(tp));
            } else {
                consumer.seek(tp, at.offset());
            }
        }
    }
}
