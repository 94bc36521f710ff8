/* The log of one dyno's container, as a stream of lines. */
#ifndef CLI_LOGS_STREAM_H
#define CLI_LOGS_STREAM_H

#include "base/buf.h"
#include "base/list.h"
#include "logs_merge.h"
#include "session.h"

/* What of each log. */
struct log_wish {
	const char *ns;
	bool follow;
	bool previous;
	int64_t since_ms; /* of it only the last so many, 0: all */
	int tail;         /* the last lines, -1: all */
};

/*
 * Begins with its own name: web.1. While `call` is set it is under way; it may
 * be started again, then only lines later than the last one come.
 */
struct log_stream {
	struct list node;
	char *pod;    /* name, owned */
	char *source; /* "web.1", owned */
	int color;
	struct session *session;
	struct log_lines *lines; /* where to */
	const struct log_wish *wish;
	void (*arrived)(void *arg); /* lines were added, or it ended */
	void *arg;
	struct http_call *call;
	int status;          /* HTTP, of the answer */
	bool started;        /* was under way once */
	struct buf rest;     /* of a line that isn't complete */
	char last_time[48];  /* of the last line */
	char resumed_at[48]; /* lines until then are known already */
	struct err err;      /* why it failed, if it did */
};

struct log_stream *log_stream_new(struct session *session, const char *pod, const char *source,
				  int color, const struct log_wish *wish, struct log_lines *lines,
				  void (*arrived)(void *arg), void *arg);
void log_stream_start(struct log_stream *stream);
void log_stream_free(struct log_stream *stream);

#endif
