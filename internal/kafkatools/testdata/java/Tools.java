import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs the main programs of Kafka's scripts, one after the other in one process: each line of standard input is a class and its
 * arguments, separated by tabs. Of each it prints a line "exit CODE BYTES" and so many bytes, which are what it printed.
 */
public class Tools {
    /** The exit code of the program that runs. */
    static volatile CompletableFuture<Integer> code;

    /** Ends the program that runs: its thread does not go on. */
    static void end(int status, String message) {
        if (message != null) {
            System.err.println(message);
        }
        code.complete(status);
        while (true) {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                // it has ended
            }
        }
    }

    static void call(String[] words) {
        try {
            Class.forName(words[0]).getMethod("main", String[].class)
                .invoke(null, (Object) Arrays.copyOfRange(words, 1, words.length));
            code.complete(0);
        } catch (InvocationTargetException e) {
            e.getCause().printStackTrace();
            code.complete(1);
        } catch (ReflectiveOperationException e) {
            e.printStackTrace();
            code.complete(127);
        }
    }

    public static void main(String[] args) throws Exception {
        Exit.setExitProcedure(Tools::end);
        Exit.setHaltProcedure(Tools::end);
        PrintStream out = System.out;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t");
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream to = new PrintStream(printed, true, "UTF-8");
            System.setOut(to);
            System.setErr(to);
            code = new CompletableFuture<>();
            Thread program = new Thread(() -> call(words));
            program.setDaemon(true);
            program.start();
            int status = code.get();
            to.flush();
            byte[] text = printed.toByteArray();
            out.println("exit " + status + " " + text.length);
            out.write(text);
            out.flush();
        }
        Runtime.getRuntime().halt(0); // threads of programs that have ended wait
    }
}
