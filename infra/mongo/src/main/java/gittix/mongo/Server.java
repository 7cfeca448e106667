package gittix.mongo;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.h2.mvstore.MVStore;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;

/**
 * {@code Server PORT FILE}: answers MongoDB's wire protocol and keeps the data in FILE.
 *
 * <p>Listens on 127.0.0.1, or on the address in the property {@code gittix.host}: it knows no passwords.
 *
 * <p>Written data reach the file within {@link #FLUSH_MILLIS}; a SIGTERM writes the rest before the process ends.
 */
public final class Server {

    /** What a kill -9 can lose. A commit a write would be far too slow. */
    private static final int FLUSH_MILLIS = Integer.getInteger("gittix.flush", 50);

    private Server() {
    }

    /** PyMongo asks for wire version 9 (4.4); the library's own constants end at 8. */
    private enum Version implements MongoVersion {
        MONGO_4_4;

        @Override
        public List<Integer> getVersionArray() {
            return List.of(4, 4, 0);
        }

        @Override
        public int getWireVersion() {
            return 9;
        }
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 2) {
            System.err.println("usage: Server PORT FILE");
            System.exit(2);
        }
        int port = Integer.parseInt(args[0]);
        Path file = Path.of(args[1]).toAbsolutePath();
        Files.createDirectories(file.getParent());

        MVStore store = new MVStore.Builder()
            .fileName(file.toString())
            .cacheSize(64)
            .autoCommitBufferSize(16 * 1024)
            .autoCompactFillRate(40)
            .backgroundExceptionHandler((thread, error) -> fail(error))
            .open();
        store.setAutoCommitDelay(FLUSH_MILLIS);

        Backend backend = new Backend(store);
        backend.version(Version.MONGO_4_4);
        MongoServer server = new MongoServer(backend);
        server.bind(new InetSocketAddress(System.getProperty("gittix.host", "127.0.0.1"), port), 1, 2);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow, "shutdown"));
    }

    /** A store that can't write must not go on answering: the supervisor starts a new process. */
    private static void fail(Throwable error) {
        error.printStackTrace();
        Runtime.getRuntime().halt(1);
    }
}
