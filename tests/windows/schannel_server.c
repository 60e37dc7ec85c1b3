/* Copyright: (c) 2026, the encryption.in_transit authors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 *
 * The smallest server whose TLS is Schannel's: schannel_server.exe PORT FILE.pfx, where the password is "x".
 *
 * It asks for no protocol itself, so the registry decides (SCHANNEL_CRED, grbitEnabledProtocols 0). Like any Windows
 * service it reads the registry once, when it makes its credentials, and has to start anew to see a change.
 */
#define SECURITY_WIN32
#include <winsock2.h>
#include <windows.h>
#include <schannel.h>
#include <security.h>
#include <stdio.h>
#include <string.h>
#include <wincrypt.h>

static CredHandle credentials;

static int send_all(SOCKET peer, const void *data, int length)
{
    return send(peer, data, length, 0) == length;
}

static void answer(SOCKET peer, CtxtHandle *context)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    SecPkgContext_StreamSizes sizes;
    char buffer[4096];
    if (QueryContextAttributesA(context, SECPKG_ATTR_STREAM_SIZES, &sizes) != SEC_E_OK ||
        sizes.cbHeader + sizeof text + sizes.cbTrailer > sizeof buffer)
        return;
    memcpy(buffer + sizes.cbHeader, text, sizeof text - 1);
    SecBuffer parts[4] = {
        {sizes.cbHeader, SECBUFFER_STREAM_HEADER, buffer},
        {sizeof text - 1, SECBUFFER_DATA, buffer + sizes.cbHeader},
        {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, buffer + sizes.cbHeader + sizeof text - 1},
        {0, SECBUFFER_EMPTY, NULL},
    };
    SecBufferDesc message = {SECBUFFER_VERSION, 4, parts};
    if (EncryptMessage(context, 0, &message, 0) == SEC_E_OK)
        send_all(peer, buffer, parts[0].cbBuffer + parts[1].cbBuffer + parts[2].cbBuffer);
}

static DWORD WINAPI serve(void *argument)
{
    SOCKET peer = (SOCKET)argument;
    CtxtHandle context;
    char received[32768];
    unsigned long have = 0, attributes;
    int started = 0;
    TimeStamp expiry;
    for (;;) {
        int count = recv(peer, received + have, (int)(sizeof received - have), 0);
        if (count <= 0)
            break;
        have += (unsigned long)count;
        SecBuffer in[2] = {{have, SECBUFFER_TOKEN, received}, {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
        SecBufferDesc input = {SECBUFFER_VERSION, 2, in}, output = {SECBUFFER_VERSION, 1, out};
        SECURITY_STATUS status = AcceptSecurityContext(
            &credentials, started ? &context : NULL, &input,
            ASC_REQ_STREAM | ASC_REQ_CONFIDENTIALITY | ASC_REQ_ALLOCATE_MEMORY | ASC_REQ_EXTENDED_ERROR, 0,
            started ? NULL : &context, &output, &attributes, &expiry);
        if (status == SEC_E_INCOMPLETE_MESSAGE)
            continue;
        if (status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED)
            started = 1;
        if (out[0].cbBuffer && out[0].pvBuffer) {
            send_all(peer, out[0].pvBuffer, (int)out[0].cbBuffer);
            FreeContextBuffer(out[0].pvBuffer);
        }
        if (status == SEC_E_OK)
            answer(peer, &context);
        if (status != SEC_I_CONTINUE_NEEDED)
            break;
        have = in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0;
        memmove(received, received + (in[0].cbBuffer - have), have);
    }
    if (started)
        DeleteSecurityContext(&context);
    shutdown(peer, SD_SEND);
    closesocket(peer);
    return 0;
}

static int load(const char *path)
{
    static unsigned char pfx[65536];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    CRYPT_DATA_BLOB blob = {(DWORD)fread(pfx, 1, sizeof pfx, file), pfx};
    fclose(file);
    HCERTSTORE store = PFXImportCertStore(&blob, L"x", CRYPT_EXPORTABLE | CRYPT_USER_KEYSET);
    PCCERT_CONTEXT certificate =
        store ? CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_ANY, NULL, NULL) : NULL;
    SCHANNEL_CRED wanted = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &certificate};
    char package[] = UNISP_NAME_A;
    TimeStamp expiry;
    return certificate && AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_INBOUND, NULL, &wanted, NULL, NULL,
                                                    &credentials, &expiry) == SEC_E_OK;
}

int main(int count, char **words)
{
    WSADATA data;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (count != 3 || WSAStartup(MAKEWORD(2, 2), &data) || !load(words[2])) {
        fprintf(stderr, "schannel_server: no credentials: %lx\n", GetLastError());
        return 1;
    }
    address.sin_port = htons((unsigned short)atoi(words[1]));
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) {
        fprintf(stderr, "schannel_server: cannot listen\n");
        return 1;
    }
    puts("listening");
    fflush(stdout);
    for (;;) {
        SOCKET peer = accept(listener, NULL, NULL);
        if (peer == INVALID_SOCKET)
            return 1;
        HANDLE thread = CreateThread(NULL, 0, serve, (void *)peer, 0, NULL);
        if (thread)
            CloseHandle(thread);
    }
}
