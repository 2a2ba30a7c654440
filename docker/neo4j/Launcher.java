// Starts Neo4j Community through its public embedding API: its own server launcher is in none of the published jars.
package gantry;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.neo4j.cli.ExecutionContext;
import org.neo4j.commandline.admin.security.SetInitialPasswordCommand;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import picocli.CommandLine;

public final class Launcher {
    private static final Path HOME = Path.of("/tmp/neo4j");
    private static final Path CONF = HOME.resolve("conf");
    /** Written by the entrypoint where the password is not the one that the data knows. */
    private static final Path NEW_MARK = HOME.resolve("password.mark");

    private static final CompletableFuture<DatabaseManagementService> started = new CompletableFuture<>();
    private static volatile boolean failed;

    public static void main(String[] args) {
        try {
            run(Path.of(args[0]), Path.of(args[1]), args.length > 2);
        } catch (Throwable error) {
            // Threads of the half that started would keep the process alive, and deaf.
            error.printStackTrace();
            failed = true;
            started.completeExceptionally(error);
            System.exit(1);
        }
    }

    private static void run(Path data, Path passwordFile, boolean rehearsal) throws Exception {
        boolean changed = Files.exists(NEW_MARK);
        String password = changed ? Files.readString(passwordFile).replaceFirst("\\r?\\n$", "") : null;
        boolean first = changed && !Files.exists(data.resolve("databases/system"));
        // Before anything listens: the built-in password never opens a connection.
        if (first) {
            setInitialPassword(data, password);
        }
        // Bolt answers before the start is over, so a stop may come before it too: it then waits for the rest.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> end(rehearsal), "shutdown"));
        DatabaseManagementService service =
                new DatabaseManagementServiceBuilder(HOME).loadPropertiesFromFile(CONF.resolve("neo4j.conf")).build();
        started.complete(service);
        if (changed) {
            if (!first) {
                // Neo4j refuses to set the password that it has already, which an interrupted start may have set.
                setPassword(service, UUID.randomUUID().toString());
                setPassword(service, password);
            }
            keepMark(data);
        }
        System.err.println("launcher: Neo4j is up");
        if (rehearsal) {
            // What the probe does, so that the archive holds the classes for it. The exit ends threads that still run,
            // and is when the archive is written.
            service.database("neo4j").executeTransactionally("RETURN 1");
            System.exit(0);
        }
        Thread.currentThread().join();
    }

    private static void end(boolean rehearsal) {
        started.thenAccept(DatabaseManagementService::shutdown).exceptionally(error -> null).join();
        // A stop that was asked for is no failure, which is what the virtual machine would call it.
        if (!rehearsal && !failed) {
            Runtime.getRuntime().halt(0);
        }
    }

    private static void setPassword(DatabaseManagementService service, String password) {
        service.database("system")
                .executeTransactionally(
                        "ALTER USER neo4j SET PASSWORD $password CHANGE NOT REQUIRED", Map.of("password", password));
    }

    private static void setInitialPassword(Path data, String password) throws Exception {
        try (var files = new org.neo4j.io.fs.DefaultFileSystemAbstraction()) {
            var context = new ExecutionContext(HOME, CONF, System.err, System.err, files);
            // What an interrupted first start left behind is overwritten by deleting it first.
            Files.deleteIfExists(data.resolve("dbms/auth.ini"));
            int exit = new CommandLine(new SetInitialPasswordCommand(context)).execute("--", password);
            if (exit != 0) {
                throw new IllegalStateException("the first password could not be set");
            }
        }
    }

    private static void keepMark(Path data) throws Exception {
        Path half = data.resolve("gantry.password.new");
        Files.copy(NEW_MARK, half, StandardCopyOption.REPLACE_EXISTING);
        try (FileChannel channel = FileChannel.open(half, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(half, data.resolve("gantry.password"), StandardCopyOption.ATOMIC_MOVE);
    }
}
