import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * Reads the topic "sightings", exactly once: how many people each camera has seen in each second of the
 * events' own time goes to the topic "people", each sum as it is reached; each sighting joined with the table of
 * cameras, a compacted topic, to the topic "placed". Arguments: bootstrap server, state directory.
 */
public class People {
    static final ObjectMapper JSON = new ObjectMapper();

    static JsonNode parse(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static long capturedAt(JsonNode sighting) {
        return OffsetDateTime.parse(sighting.get("captured_at").asText()).toInstant().toEpochMilli();
    }

    static long people(JsonNode sighting) {
        long n = 0;
        for (JsonNode object : sighting.get("objects")) {
            if (object.get("label").asText().equals("person")) {
                n++;
            }
        }
        return n;
    }

    public static void main(String[] args) {
        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, "people");
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        p.put(StreamsConfig.STATE_DIR_CONFIG, args[1]);
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0); // every sum goes out
        p.put("session.timeout.ms", 6000);
        p.put("heartbeat.interval.ms", 500);
        p.put("auto.offset.reset", "earliest");
        p.put("transaction.timeout.ms", 10000);
        Serde<String> text = Serdes.String();
        StreamsBuilder b = new StreamsBuilder();
        KStream<String, String> sightings = b.stream("sightings",
            Consumed.with(text, text).withTimestampExtractor((record, before) -> capturedAt(parse((String) record.value()))));
        sightings.groupByKey()
            .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofSeconds(1)))
            .aggregate(() -> 0L, (camera, s, sum) -> sum + people(parse(s)), Materialized.with(text, Serdes.Long()))
            .toStream()
            .map((window, sum) -> KeyValue.pair(window.key() + "@" + window.window().start(), Long.toString(sum)))
            .to("people", Produced.with(text, text));
        sightings.join(b.table("cameras", Consumed.with(text, text).withTimestampExtractor((record, before) -> 0)),
                (s, camera) -> parse(camera).get("place").asText() + " " + parse(s).get("event_id").asText())
            .to("placed", Produced.with(text, text));
        KafkaStreams streams = new KafkaStreams(b.build(), p);
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }
}
