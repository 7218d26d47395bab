/* To be loaded before the C library: a host whose clock on the wall is wrong by SKEW_SECONDS, and whose other clock stands
   still while it is suspended (SIGSTOP until SIGCONT), as that of a virtual machine does. Each suspension seems to have
   taken SUSPENSION_SECONDS longer than it has. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static long skew;
static long suspension;
static _Atomic long slept;
static _Atomic long long last_seen;
static _Atomic long long suspended;

static long long ticks(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* The clock goes on from where it was last seen. */
static void go_on(int signal) {
    (void)signal;
    long long seen = atomic_load(&last_seen);
    if (seen > 0) atomic_store(&suspended, ticks() - seen);
    atomic_fetch_add(&slept, suspension);
}

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("SKEW_SECONDS");
    struct sigaction action = {.sa_handler = go_on, .sa_flags = SA_RESTART};
    skew = text ? atol(text) : 0;
    text = getenv("SUSPENSION_SECONDS");
    suspension = text ? atol(text) : 0;
    sigaction(SIGCONT, &action, NULL);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock == CLOCK_MONOTONIC) {
        long long now = ticks() - atomic_load(&suspended);
        atomic_store(&last_seen, now);
        time->tv_sec = now / SECOND;
        time->tv_nsec = now % SECOND;
        return 0;
    }
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        time->tv_sec += skew + atomic_load(&slept);
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
