/* The sockets of libcurl that the loop watches. */
#ifndef NET_SOCKETS_H
#define NET_SOCKETS_H

#include "base/list.h"
#include "loop/loop.h"

struct socket_set {
	struct list sockets;
	struct loop *loop; /* borrowed */
	loop_io_fn *ready; /* called for a socket that is; the socket may be gone after it */
	void *arg;         /* of `ready` */
};

struct net_socket {
	struct list node; /* in its set */
	struct socket_set *set;
	int fd;               /* libcurl's */
	struct loop_io *io;   /* owned */
	int64_t last_read_ms; /* when it was last readable, -1 before */
};

void socket_set_init(struct socket_set *set, struct loop *loop, loop_io_fn *ready, void *arg);

/* Frees all; closes none. */
void socket_set_release(struct socket_set *set);

struct net_socket *socket_set_add(struct socket_set *set, int fd);

/* The one with that descriptor or local port, or NULL. */
struct net_socket *socket_set_by_fd(const struct socket_set *set, int fd);
struct net_socket *socket_set_by_port(const struct socket_set *set, long port);

/* Out of its set, and freed; NULL is taken. */
void net_socket_free(struct net_socket *sock);

/*
 * Let the kernel notice a peer that is gone: probes when nothing is said,
 * a limit of time for what has no acknowledgement.
 */
void socket_notice_death(int fd);

/* End both directions; the descriptor stays open, and readable. */
void socket_cut(int fd);

#endif
