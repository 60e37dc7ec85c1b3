/*
 * The floor of any scanner: connect, send, read and close, nothing understood.
 *
 *     c_floor PLAN CONCURRENCY PORT ADDRESS...
 *
 * PLAN is what one endpoint costs, recorded from our engine (see scanners.py): for each connection a byte with the
 * number of its steps; for each step the length of what is sent (u32, little endian), those bytes, and how many
 * bytes come back (u32). Every connection of the plan is made to every address. Prints connections and bytes read.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct step { const unsigned char *data; uint32_t length, expected; };
struct plan { struct step *steps; unsigned count; };
struct connection { int fd; unsigned plan, step; uint32_t sent, received; };

static void fail(const char *what) { perror(what); exit(1); }

static uint32_t u32(const unsigned char *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }

static struct plan *read_plans(const char *path, unsigned *count)
{
    static unsigned char data[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t size;
    struct plan *plans = calloc(256, sizeof *plans);
    if (!file) fail(path);
    size = fread(data, 1, sizeof data, file);
    fclose(file);
    for (size_t at = 0; at < size && *count < 256; ++*count) {
        struct plan *plan = &plans[*count];
        plan->count = data[at++];
        plan->steps = calloc(plan->count, sizeof *plan->steps);
        for (unsigned i = 0; i < plan->count; ++i) {
            plan->steps[i].length = u32(data + at);
            plan->steps[i].data = data + at + 4;
            at += 4 + plan->steps[i].length;
            plan->steps[i].expected = u32(data + at);
            at += 4;
        }
    }
    return plans;
}

int main(int argc, char **argv)
{
    static unsigned char buffer[65536];
    unsigned plan_count = 0, running = 0;
    unsigned long next = 0, total, done = 0, bytes = 0, failed = 0;
    if (argc < 5) { fprintf(stderr, "usage: c_floor PLAN CONCURRENCY PORT ADDRESS...\n"); return 2; }
    struct plan *plans = read_plans(argv[1], &plan_count);
    unsigned concurrency = (unsigned)atoi(argv[2]);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3])) };
    struct connection *slots = calloc(concurrency, sizeof *slots), **idle = calloc(concurrency, sizeof *idle);
    struct epoll_event events[256];
    int poller = epoll_create1(0);
    unsigned idle_count = concurrency;
    for (unsigned i = 0; i < concurrency; ++i) idle[i] = &slots[i];
    total = (unsigned long)plan_count * (unsigned long)(argc - 4);

    while (done < total) {
        while (idle_count && next < total) {
            struct connection *c = idle[--idle_count];
            struct linger abort_close = { 1, 0 };
            int on = 1;
            memset(c, 0, sizeof *c);
            c->plan = (unsigned)(next % plan_count);
            if (!inet_aton(argv[4 + next / plan_count], &to.sin_addr)) fail("address");
            ++next;
            c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (c->fd < 0) fail("socket");
            setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_close, sizeof abort_close);
            if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) fail("connect");
            struct epoll_event event = { .events = EPOLLOUT, .data.ptr = c };
            if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
            ++running;
        }
        int ready = epoll_wait(poller, events, 256, 10000);
        if (ready <= 0) { fprintf(stderr, "c_floor: %u connections hang\n", running); return 1; }
        for (int i = 0; i < ready; ++i) {
            struct connection *c = events[i].data.ptr;
            struct plan *plan = &plans[c->plan];
            int finished = 0;
            if (events[i].events & EPOLLOUT) {
                struct step *step = &plan->steps[c->step];
                ssize_t n = send(c->fd, step->data + c->sent, step->length - c->sent, MSG_NOSIGNAL);
                if (n < 0 && errno != EAGAIN) { ++failed; finished = 1; }
                else if (n > 0 && (c->sent += (uint32_t)n) == step->length) {
                    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
                    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
                }
            } else {
                ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
                if (n > 0) { bytes += (unsigned long)n; c->received += (uint32_t)n; }
                if (n == 0 || (n < 0 && errno != EAGAIN)) finished = 1;
                else if (c->received >= plan->steps[c->step].expected) {
                    c->sent = c->received = 0;
                    if (++c->step == plan->count) finished = 1;
                    else {
                        struct epoll_event event = { .events = EPOLLOUT, .data.ptr = c };
                        epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
                    }
                }
            }
            if (finished) { close(c->fd); idle[idle_count++] = c; --running; ++done; }
        }
    }
    printf("%lu connections, %lu bytes read, %lu failed\n", done, bytes, failed);
    return failed != 0;
}
