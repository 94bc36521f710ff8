/*
 * The sample app: one program, a process type per first argument, as a
 * Procfile names them.
 *
 *   app [web] [-p PORT] serves HTTP on PORT (default $PORT, or 5000)
 *   app worker          prints a line every two seconds
 *   app clock           prints when it starts and stops, to the millisecond
 *   app exit CODE       ends at once
 *   app eat MEBIBYTES   fills that much memory, then waits
 *   app get URL         fetches http://HOST[:PORT]/PATH and prints the body;
 *                       fails unless the status is 200
 *
 * Of web, /self tells the process, when it started and its memory limit, and
 * /stay the same; its connection stays open for further requests (one at a time).
 *
 * On SIGTERM it ends with status 0, after $TERM_SECONDS when that is set. A
 * web process goes on serving while it terminates.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Longest request that is read, longest response that is made. */
enum { REQUEST_MAX = 8192, PAGE_MAX = 65536 };

struct page {
	char text[PAGE_MAX];
	size_t length;
};

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static void die(const char *what)
{
	fprintf(stderr, "app: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* A file descriptor that is readable once SIGTERM or SIGINT has come. */
static int termination(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		die("signalfd");
	return fd;
}

/* Waits up to ms (-1: for ever) for termination; 1 when it has come. */
static int terminated(int fd, int ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, ms) > 0;
}

/* Milliseconds that this process takes to terminate. */
static long long grace_ms(void)
{
	return atoll(env("TERM_SECONDS")) * 1000;
}

static void add(struct page *page, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(page->text + page->length, PAGE_MAX - page->length, format, args);
	va_end(args);
	if (n > 0)
		page->length += (size_t)n;
	if (page->length > PAGE_MAX - 1)
		page->length = PAGE_MAX - 1;
}

static void add_front_page(struct page *page)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	add(page, "Hello from dyno %s, version %s\n", env("DYNO"), env("APP_VERSION"));
	add(page, "formation: %s\n", env("FORMATION"));
	add(page, "type: %s\n", env("DYNO_TYPE"));
	add(page, "size: %s\n", env("DYNO_SIZE"));
	add(page, "host: %s\n", host);
}

static void add_env(struct page *page)
{
	for (char **e = environ; *e; e++)
		add(page, "%s\n", *e);
}

/* The number behind `skip` words of a file, or -1. */
static long long number_in(const char *path, int skip)
{
	char text[4096] = "", *word = text;
	FILE *file = fopen(path, "r");

	if (!file || !fgets(text, sizeof(text), file))
		word = NULL;
	if (file)
		fclose(file);
	for (; word && skip > 0; skip--) {
		word = strchr(word, ' ');
		word += word != NULL;
	}
	return word ? atoll(word) : -1;
}

/* Who this process is, and how much memory it may use by its cgroup. */
static void add_self(struct page *page)
{
	long long limit = number_in("/sys/fs/cgroup/memory.max", 0);

	if (limit < 0)
		limit = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", 0);
	add(page, "pid %d started %lld limit %lld\n", (int)getpid(), number_in("/proc/self/stat", 21),
	    limit);
}

static void write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		length -= (size_t)n;
	}
}

/* Answers one request of a path and closes nothing. */
static void respond(int fd, const char *path)
{
	static struct page page;
	const char *status = "200 OK";
	char head[256];
	int n;

	page.length = 0;
	if (strcmp(path, "/") == 0)
		add_front_page(&page);
	else if (strcmp(path, "/healthz") == 0)
		add(&page, "ok\n");
	else if (strcmp(path, "/env") == 0)
		add_env(&page);
	else if (strcmp(path, "/self") == 0 || strcmp(path, "/stay") == 0)
		add_self(&page);
	else {
		status = "404 Not Found";
		add(&page, "no page %s\n", path);
	}
	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		     status, page.length);
	write_all(fd, head, (size_t)n);
	write_all(fd, page.text, page.length);
}

/*
 * Reads a request's head and answers it. A client that is slow gets 5 s.
 * Returns whether the connection is to stay open for another one.
 */
static bool serve_client(int fd)
{
	struct timeval patience = { .tv_sec = 5 };
	char request[REQUEST_MAX + 1], path[1024] = "";
	size_t length = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (;;) {
		ssize_t n = recv(fd, request + length, REQUEST_MAX - length, 0);

		if (n <= 0)
			return false;
		length += (size_t)n;
		request[length] = '\0';
		if (strstr(request, "\r\n\r\n"))
			break;
		if (length == REQUEST_MAX)
			return false;
	}
	if (sscanf(request, "GET %1023s HTTP/1.", path) == 1) {
		printf("GET %s\n", path);
		respond(fd, path);
	}
	return strcmp(path, "/stay") == 0;
}

static int listen_on(const char *port)
{
	struct addrinfo hints = { .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *address;
	int one = 1, zero = 0, fd = -1;

	/* Both IPv6 and IPv4, or IPv4 alone where there is no IPv6. */
	for (int family = 0; family < 2 && fd < 0; family++) {
		hints.ai_family = family == 0 ? AF_INET6 : AF_INET;
		if (getaddrinfo(NULL, port, &hints, &address) != 0)
			continue;
		fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0) {
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
			if (family == 0)
				setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
			if (bind(fd, address->ai_addr, address->ai_addrlen) != 0) {
				close(fd);
				fd = -1;
			}
		}
		freeaddrinfo(address);
	}
	if (fd < 0 || listen(fd, 128) != 0)
		die("listen");
	return fd;
}

static int web(const char *port)
{
	int term = termination(), listener = listen_on(port), stays = -1;
	long long end = 0;

	printf("%s version %s listens on port %s\n", env("DYNO"), env("APP_VERSION"), port);
	for (;;) {
		struct pollfd wait[] = { { .fd = listener, .events = POLLIN },
					 { .fd = end ? -1 : term, .events = POLLIN },
					 { .fd = stays, .events = POLLIN } };
		long long left = end ? end - now_ms() : -1;

		if (end && left <= 0)
			break;
		if (poll(wait, 3, (int)left) < 0)
			die("poll");
		if (wait[1].revents) {
			end = now_ms() + grace_ms();
			printf("%s terminates\n", env("DYNO"));
		}
		if (wait[0].revents) {
			int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

			if (client >= 0 && serve_client(client) && stays < 0)
				stays = client;
			else if (client >= 0)
				close(client);
		} else if (wait[2].revents && !serve_client(stays)) {
			close(stays);
			stays = -1;
		}
	}
	return 0;
}

static int worker(void)
{
	int term = termination();

	for (int n = 1; !terminated(term, 2000); n++)
		printf("%s worked %d times, version %s\n", env("DYNO"), n, env("APP_VERSION"));
	printf("%s terminates\n", env("DYNO"));
	usleep((useconds_t)(grace_ms() * 1000));
	return 0;
}

/* What a test needs to see that no two clocks ever ran at once. */
static int clock_(void)
{
	int term = termination();

	printf("start %lld %s\n", now_ms(), env("DYNO"));
	while (!terminated(term, 1000))
		printf("tick %lld %s\n", now_ms(), env("DYNO"));
	usleep((useconds_t)(grace_ms() * 1000));
	printf("stop %lld %s\n", now_ms(), env("DYNO"));
	return 0;
}

static int eat(const char *mebibytes)
{
	size_t bytes = (size_t)atol(mebibytes) << 20;
	int term = termination();
	volatile char *memory = malloc(bytes);

	if (!memory)
		die("malloc");
	for (size_t i = 0; i < bytes; i += 1024)
		memory[i] = 1;
	printf("%s holds %s MiB\n", env("DYNO"), mebibytes);
	terminated(term, -1);
	free((void *)memory);
	return 0;
}

static int connect_to(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct timeval patience = { .tv_sec = 10 };
	struct addrinfo *found;
	int fd = -1, error = getaddrinfo(host, port, &hints, &found);

	if (error != 0) {
		fprintf(stderr, "app: %s: %s\n", host, gai_strerror(error));
		exit(1);
	}
	for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	if (fd < 0)
		die(host);
	return fd;
}

static int get(const char *url)
{
	static char response[PAGE_MAX + 1024];
	char host[256], port[8] = "80", path[1024] = "/", request[2048];
	size_t length = 0;
	ssize_t n;
	int fd;
	char *body;

	if (sscanf(url, "http://%255[^:/]:%7[0-9]%1023s", host, port, path) < 2 &&
	    sscanf(url, "http://%255[^:/]%1023s", host, path) < 1) {
		fprintf(stderr, "app: a URL is http://HOST[:PORT]/PATH, not %s\n", url);
		return 2;
	}
	fd = connect_to(host, port);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
	write_all(fd, request, strlen(request));
	while (length < sizeof(response) - 1 &&
	       (n = recv(fd, response + length, sizeof(response) - 1 - length, 0)) > 0)
		length += (size_t)n;
	close(fd);
	response[length] = '\0';
	body = strstr(response, "\r\n\r\n");
	if (!body) {
		fprintf(stderr, "app: %s gave no answer\n", url);
		return 1;
	}
	fputs(body + 4, stdout);
	return strncmp(response, "HTTP/1.1 200 ", 13) == 0 ? 0 : 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: app [web] [-p PORT] | worker | clock | exit CODE | eat MEBIBYTES | get URL\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *port = getenv("PORT");

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "web") == 0) {
		argc--;
		argv++;
	}
	if (argc == 1)
		return web(port ? port : "5000");
	if (argc == 2 && strcmp(argv[1], "worker") == 0)
		return worker();
	if (argc == 2 && strcmp(argv[1], "clock") == 0)
		return clock_();
	if (argc != 3)
		return usage();
	if (strcmp(argv[1], "-p") == 0)
		return web(argv[2]);
	if (strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	if (strcmp(argv[1], "eat") == 0)
		return eat(argv[2]);
	if (strcmp(argv[1], "get") == 0)
		return get(argv[2]);
	return usage();
}
