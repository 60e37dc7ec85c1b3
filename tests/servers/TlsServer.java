import java.io.FileInputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.Security;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * A TLS server that does the handshake and closes.
 *
 * Arguments: port, PKCS #12 file, "stock" (the defaults of the JDK) or protocols separated by commas, with every suite
 * the JDK knows.
 */
public class TlsServer {
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        char[] password = "changeit".toCharArray();
        boolean legacy = !arguments[2].equals("stock");
        if (legacy) {
            Security.setProperty("jdk.tls.disabledAlgorithms", "");
            Security.setProperty("jdk.certpath.disabledAlgorithms", "");
            Security.setProperty("jdk.tls.legacyAlgorithms", "");
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(arguments[1])) {
            store.load(in, password);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, password);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(port, 256, InetAddress.getByName("127.0.0.1"));
        if (legacy) {
            listener.setEnabledProtocols(arguments[2].split(","));
            listener.setEnabledCipherSuites(listener.getSupportedCipherSuites());
        }
        while (true) {
            SSLSocket socket = (SSLSocket) listener.accept();
            Thread thread = new Thread(() -> {
                try (socket) {
                    socket.setSoTimeout(10000);
                    socket.startHandshake();
                } catch (java.io.IOException refused) {
                    // What a client is refused is the client's business.
                }
            });
            thread.setDaemon(true);
            thread.start();
        }
    }
}
