/* The head of an HTTP answer, line by line. */
#ifndef NET_HEAD_H
#define NET_HEAD_H

#include <stdbool.h>
#include <stddef.h>

/* What is kept of it. Interim answers (1xx) leave no trace. Starts zeroed. */
struct answer_head {
	int status;         /* of the final answer, 0 until its head has ended */
	int retry_after_ms; /* 0 when absent or not a number of seconds, at most 60,000 */
	int pending_status; /* of the head that is being read */
	int lines;          /* lines read, of all heads and trailers */
	size_t bytes;       /* bytes read, likewise */
};

/* What a line meant. */
enum head_event {
	HEAD_MORE,      /* go on */
	HEAD_ENDED,     /* the final answer's head ends here: `status` is set */
	HEAD_TOO_LARGE, /* over LIMIT_ANSWER_HEAD or LIMIT_HEADER_LINES */
};

/* Take one line, as it came: with its line end, not NUL-terminated. */
enum head_event answer_head_line(struct answer_head *head, const char *line, size_t len);

#endif
