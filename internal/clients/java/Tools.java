import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.common.utils.Exit;

/**
 * Kafka's command-line tools, by their main functions in one virtual machine. A case is a tool, or
 * a use of it, with what must be on its standard output.
 */
public class Tools {
    /** What ends a tool instead of this program. Some tools catch it, and end again as failed. */
    static final class Exited extends RuntimeException {}

    static final PrintStream OUT = System.out;
    static final String TOPIC = Cases.name("tools");
    static final String GROUP = Cases.name("group");

    static int status; // what the tool ended with first; -1: not yet
    static final List<Runnable> HOOKS = new ArrayList<>(); // for when the tool ends

    static void exit(int with, String message) {
        status = status < 0 ? with : status;
        throw new Exited();
    }

    /** Runs a tool and returns its output; a tool that ends with another status than 0 fails. */
    static String tool(String main, String input, String... args) throws Exception {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        InputStream in = System.in;
        PrintStream err = System.err;
        status = -1;
        try {
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            System.setOut(new PrintStream(said, true));
            System.setErr(System.out);
            Class.forName(main).getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (java.lang.reflect.InvocationTargetException e) {
            if (!(e.getCause() instanceof Exited)) {
                throw e;
            }
        } finally {
            HOOKS.forEach(Runnable::run);
            HOOKS.clear();
            System.setIn(in);
            System.setOut(OUT);
            System.setErr(err);
        }
        if (status > 0) {
            throw new AssertionError("exit status " + status + ": " + said);
        }
        return said.toString();
    }

    /** A tool with the brokers' address in front of its arguments. */
    static String ask(String main, String... args) throws Exception {
        String[] all = new String[args.length + 2];
        all[0] = "--bootstrap-server";
        all[1] = Cases.BROKERS;
        System.arraycopy(args, 0, all, 2, args.length);
        return tool(main, "", all);
    }

    static void says(String output, String... wanted) {
        for (String w : wanted) {
            if (!output.contains(w)) {
                throw new AssertionError("\"" + w + "\" is not in: " + output);
            }
        }
    }


    static String file(String text) throws Exception {
        Path p = Files.createTempFile("tools", ".json");
        p.toFile().deleteOnExit();
        Files.writeString(p, text);
        return p.toString();
    }

    static final String T = "org.apache.kafka.tools.";
    static final String TOPICS = T + "TopicCommand";
    static final String CONFIGS = "kafka.admin.ConfigCommand";
    static final String GROUPS = T + "consumer.group.ConsumerGroupCommand";
    static final String REASSIGN = T + "reassign.ReassignPartitionsCommand";

    static void topics() throws Exception {
        ask(TOPICS, "--create", "--topic", TOPIC, "--partitions", "2");
        ask(TOPICS, "--alter", "--topic", TOPIC, "--partitions", "3");
        Cases.until(() -> ask(TOPICS, "--describe", "--topic", TOPIC).contains("PartitionCount: 3"));
    }

    static void console() throws Exception {
        tool(T + "ConsoleProducer", "one\ntwo\nthree\n", "--bootstrap-server", Cases.BROKERS, "--topic", TOPIC);
        says(ask(T + "consumer.ConsoleConsumer", "--topic", TOPIC, "--from-beginning", "--max-messages", "3", "--group", GROUP),
            "one", "two", "three");
    }

    static void performance() throws Exception {
        says(tool(T + "ProducerPerformance", "", "--topic", TOPIC, "--num-records", "100", "--record-size", "100", "--throughput", "-1",
            "--producer-props", "bootstrap.servers=" + Cases.BROKERS), "100 records sent");
    }

    static void offsets() throws Exception {
        says(ask(T + "GetOffsetShell", "--topic", TOPIC), TOPIC + ":0:", TOPIC + ":2:");
    }

    static void deleteRecords() throws Exception {
        String what = file("{\"version\":1,\"partitions\":[{\"topic\":\"" + TOPIC + "\",\"partition\":0,\"offset\":0}]}");
        says(ask(T + "DeleteRecordsCommand", "--offset-json-file", what), "low_watermark: 0");
    }

    static void groups() throws Exception {
        says(ask(GROUPS, "--list"), GROUP);
        says(ask(GROUPS, "--describe", "--group", GROUP), TOPIC);
        says(ask(GROUPS, "--describe", "--state", "--group", GROUP), "Empty");
        ask(GROUPS, "--reset-offsets", "--to-earliest", "--topic", TOPIC, "--group", GROUP, "--execute");
        ask(GROUPS, "--delete", "--group", GROUP);
        Cases.expect(ask(GROUPS, "--list").contains(GROUP), false, "listed");
    }

    static void topicConfigs() throws Exception {
        ask(CONFIGS, "--alter", "--entity-type", "topics", "--entity-name", TOPIC, "--add-config", "retention.ms=7777777");
        Cases.until(() -> ask(CONFIGS, "--describe", "--entity-type", "topics", "--entity-name", TOPIC).contains("retention.ms=7777777"));
    }

    static void brokerConfigs() throws Exception {
        ask(CONFIGS, "--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "log.retention.ms=86400000");
        Cases.until(() -> ask(CONFIGS, "--describe", "--entity-type", "brokers", "--entity-default").contains("log.retention.ms=86400000"));
        ask(CONFIGS, "--alter", "--entity-type", "brokers", "--entity-default", "--delete-config", "log.retention.ms");
    }

    static void scramUsers() throws Exception {
        ask(CONFIGS, "--alter", "--entity-type", "users", "--entity-name", "ann", "--add-config", "SCRAM-SHA-256=[iterations=4096,password=p]");
        Cases.until(() -> ask(CONFIGS, "--describe", "--entity-type", "users", "--entity-name", "ann").contains("SCRAM-SHA-256"));
    }

    static void quotas(String type, String key) throws Exception {
        String[] of = {"--entity-type", type, "--entity-name", "tool"};
        ask(CONFIGS, "--alter", of[0], of[1], of[2], of[3], "--add-config", key + "=1048576");
        Cases.until(() -> ask(CONFIGS, "--describe", of[0], of[1], of[2], of[3]).contains(key + "=1048576"));
        ask(CONFIGS, "--alter", "--entity-type", type, "--entity-default", "--add-config", "request_percentage=200");
        Cases.until(() -> ask(CONFIGS, "--describe", "--entity-type", type).contains("request_percentage=200"));
        ask(CONFIGS, "--alter", of[0], of[1], of[2], of[3], "--delete-config", key);
        ask(CONFIGS, "--alter", "--entity-type", type, "--entity-default", "--delete-config", "request_percentage");
    }

    static void groupConfigs() throws Exception {
        String[] of = {"--entity-type", "groups", "--entity-name", "tool"};
        ask(CONFIGS, "--alter", of[0], of[1], of[2], of[3], "--add-config", "consumer.session.timeout.ms=50000");
        Cases.until(() -> ask(CONFIGS, "--describe", of[0], of[1], of[2], of[3]).contains("consumer.session.timeout.ms=50000"));
        ask(CONFIGS, "--alter", of[0], of[1], of[2], of[3], "--delete-config", "consumer.session.timeout.ms");
    }

    static void loggers() throws Exception {
        String id = nodeID();
        ask(CONFIGS, "--alter", "--entity-type", "broker-loggers", "--entity-name", id, "--add-config", "root=WARN");
        says(ask(CONFIGS, "--describe", "--entity-type", "broker-loggers", "--entity-name", id), "root=WARN");
        ask(CONFIGS, "--alter", "--entity-type", "broker-loggers", "--entity-name", id, "--add-config", "root=INFO");
    }

    static String nodeID() throws Exception {
        return ask(T + "BrokerApiVersionsCommand").replaceAll("(?s).*id: (\\d+) rack.*", "$1");
    }

    static void reassign() throws Exception {
        String id = nodeID();
        String plan = file("{\"version\":1,\"partitions\":[{\"topic\":\"" + TOPIC + "\",\"partition\":0,\"replicas\":[" + id + "]}]}");
        ask(REASSIGN, "--execute", "--reassignment-json-file", plan);
        says(ask(REASSIGN, "--verify", "--reassignment-json-file", plan), "is completed");
    }

    static void delegationTokens() throws Exception {
        String conf = file("security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + Cases.CA
            + "\nsasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required"
            + " username=\"tester\" password=\"secret\";\n");
        tool(T + "DelegationTokenCommand", "", "--bootstrap-server", Cases.SECURE, "--command-config", conf, "--describe");
    }

    static void leaders() throws Exception {
        says(ask(T + "LeaderElectionCommand", "--election-type", "preferred", "--topic", TOPIC, "--partition", "0"), TOPIC);
    }

    public static void main(String[] args) {
        Exit.setExitProcedure(Tools::exit);
        Exit.setHaltProcedure(Tools::exit);
        Exit.setShutdownHookAdder((name, hook) -> HOOKS.add(hook));
        System.out.println("version " + AppInfoParser.getVersion());
        Cases.run("kafka-topics", Tools::topics);
        Cases.run("kafka-console-producer, -consumer", Tools::console);
        Cases.run("kafka-producer-perf-test", Tools::performance);
        Cases.run("kafka-get-offsets", Tools::offsets);
        Cases.run("kafka-delete-records", Tools::deleteRecords);
        Cases.run("kafka-consumer-groups", Tools::groups);
        Cases.run("kafka-groups", () -> ask(T + "GroupsCommand", "--list"));
        Cases.run("kafka-configs: topics", Tools::topicConfigs);
        Cases.run("kafka-configs: brokers", Tools::brokerConfigs);
        Cases.run("kafka-configs: SCRAM of users", Tools::scramUsers);
        Cases.run("kafka-configs: quotas of clients", () -> quotas("clients", "producer_byte_rate"));
        Cases.run("kafka-configs: quotas of users", () -> quotas("users", "consumer_byte_rate"));
        Cases.run("kafka-configs: groups", Tools::groupConfigs);
        Cases.run("kafka-configs: loggers", Tools::loggers);
        Cases.run("kafka-reassign-partitions", Tools::reassign);
        Cases.run("kafka-leader-election", Tools::leaders);
        Cases.run("kafka-transactions", () -> ask(T + "TransactionsCommand", "list"));
        Cases.run("kafka-log-dirs", () -> says(ask(T + "LogDirsCommand", "--describe", "--topic-list", TOPIC), TOPIC));
        Cases.run("kafka-metadata-quorum", () -> says(ask(T + "MetadataQuorumCommand", "describe", "--status"), "LeaderId"));
        Cases.run("kafka-features", () -> ask(T + "FeatureCommand", "describe"));
        Cases.run("kafka-broker-api-versions", () -> says(ask(T + "BrokerApiVersionsCommand"), "Produce(0)"));
        Cases.run("kafka-delegation-tokens", Tools::delegationTokens);
        Cases.run("kafka-share-groups --list", () -> ask(T + "consumer.group.ShareGroupCommand", "--list"));
        Cases.run("kafka-client-metrics", () -> ask(T + "ClientMetricsCommand", "--list"));
        Cases.run("kafka-cluster", () -> says(tool(T + "ClusterTool", "", "cluster-id", "--bootstrap-server", Cases.BROKERS), "Cluster ID"));
        System.exit(0);
    }
}
