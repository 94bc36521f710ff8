#include "net/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"

enum {
	PROBE_AFTER_S = 30,    /* silence before the kernel probes the peer */
	PROBE_INTERVAL_S = 15, /* and then how often */
	DEAD_AFTER_MS = 45000, /* without acknowledgement so long: dead */
};

void socket_set_init(struct socket_set *set, struct loop *loop, loop_io_fn *ready, void *arg)
{
	list_init(&set->sockets);
	set->loop = loop;
	set->ready = ready;
	set->arg = arg;
}

void socket_set_release(struct socket_set *set)
{
	while (!list_empty(&set->sockets))
		net_socket_free(list_entry(set->sockets.next, struct net_socket, node));
}

static void on_io(void *arg, int fd, int events)
{
	struct net_socket *sock = arg;

	if (events == LOOP_READ)
		sock->last_read_ms = loop_mono_ms(sock->set->loop);
	sock->set->ready(sock->set->arg, fd, events);
}

struct net_socket *socket_set_add(struct socket_set *set, int fd)
{
	struct net_socket *sock = x_calloc(1, sizeof(*sock));

	sock->set = set;
	sock->fd = fd;
	sock->io = loop_io_new(set->loop, fd, on_io, sock);
	sock->last_read_ms = -1;
	list_add_tail(&set->sockets, &sock->node);
	return sock;
}

void net_socket_free(struct net_socket *sock)
{
	if (!sock)
		return;
	list_remove(&sock->node);
	loop_io_free(sock->io);
	free(sock);
}

static int local_port(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -1;
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

struct net_socket *socket_set_by_fd(const struct socket_set *set, int fd)
{
	list_for_each (node, &set->sockets) {
		struct net_socket *sock = list_entry(node, struct net_socket, node);

		if (sock->fd == fd)
			return sock;
	}
	return NULL;
}

struct net_socket *socket_set_by_port(const struct socket_set *set, long port)
{
	list_for_each (node, &set->sockets) {
		struct net_socket *sock = list_entry(node, struct net_socket, node);

		if (local_port(sock->fd) == port)
			return sock;
	}
	return NULL;
}

void socket_notice_death(int fd)
{
	int on = 1, idle_s = PROBE_AFTER_S, interval_s = PROBE_INTERVAL_S;
	unsigned int limit_ms = DEAD_AFTER_MS;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
}

void socket_cut(int fd)
{
	shutdown(fd, SHUT_RDWR);
}
