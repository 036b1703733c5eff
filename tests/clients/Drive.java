/** SEQUENCE THREADS NUMBERS: print THREADS x NUMBERS numbers, by the snippet of docs/CLIENTS.md beside this file. */
public class Drive {
    public static void main(String[] arguments) throws Exception {
        Numbers numbers = new Numbers("http://127.0.0.1:8080", arguments[0], 100);
        Thread[] threads = new Thread[Integer.parseInt(arguments[1])];
        int wanted = Integer.parseInt(arguments[2]);
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> take(numbers, wanted));
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        // The client of java.net.http has threads of its own.
        System.exit(0);
    }

    private static void take(Numbers numbers, int wanted) {
        try {
            for (int i = 0; i < wanted; i++) {
                System.out.println(numbers.take());
            }
        } catch (Exception error) {
            System.err.println(error);
            System.exit(1);
        }
    }
}
