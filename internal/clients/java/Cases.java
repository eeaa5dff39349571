import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * What the programs of this directory share: the cases one after the other, each with a line on
 * standard output (internal/clients/doc.go has its form), and values to write.
 */
final class Cases {
    static final String BROKERS = System.getenv("BROKERS");
    static final String SECURE = System.getenv().getOrDefault("SECURE_BROKERS", "");
    static final String CA = System.getenv().getOrDefault("CA_FILE", "");
    static final int SECONDS = 60; // for which a case may take

    private static final ExecutorService THREADS = Executors.newCachedThreadPool(r -> {
        Thread t = new Thread(r);
        t.setDaemon(true);
        return t;
    });

    interface Case {
        void run() throws Exception;
    }

    /** Runs a case and says how it ended. */
    static void run(String name, Case c) {
        if (name.equals("sasl") && SECURE.isEmpty()) {
            return;
        }
        Future<?> f = THREADS.submit((Callable<Void>) () -> {
            c.run();
            return null;
        });
        try {
            f.get(SECONDS, TimeUnit.SECONDS);
            System.out.println("ok " + name);
        } catch (Exception e) {
            e.printStackTrace();
            Throwable cause = e.getCause() != null ? e.getCause() : e;
            System.out.println("failed " + name + ": " + String.valueOf(cause.getMessage()).replaceAll("\\s+", " "));
            f.cancel(true);
        }
    }

    static List<String> values(int n) {
        List<String> out = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            out.add(String.format("value %03d of a batch that can be compressed", i));
        }
        return out;
    }

    static String name(String kind) {
        return kind + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    static void expect(Object got, Object want, String what) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError(what + ": " + got + ", not " + want);
        }
    }

    /** Asks until the answer is true; the limit of the case ends it. */
    static void until(Callable<Boolean> holds) throws Exception {
        while (!holds.call()) {
            Thread.sleep(50);
        }
    }

    private Cases() {}
}
