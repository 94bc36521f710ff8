#include "net/head.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"

enum { RETRY_AFTER_MAX_S = 60 };

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/2 200", "HTTP/1.1 404 Not Found": 0 when it is no status line. */
static int status_of(const char *line, size_t len)
{
	const char *space;

	if (len < 10 || memcmp(line, "HTTP/", 5) != 0)
		return 0;
	space = memchr(line, ' ', len);
	if (!space || line + len - space < 4)
		return 0;
	if (!digit(space[1]) || !digit(space[2]) || !digit(space[3]))
		return 0;
	return (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
}

/* The form with a date is not read: its sender's clock is not ours. */
static int parse_retry_after(const char *value, size_t len)
{
	int seconds = 0;
	size_t i = 0;

	while (i < len && (value[i] == ' ' || value[i] == '\t'))
		i++;
	if (i == len || !digit(value[i]))
		return 0;
	for (; i < len && digit(value[i]); i++) {
		if (seconds <= RETRY_AFTER_MAX_S)
			seconds = seconds * 10 + (value[i] - '0');
	}
	while (i < len && strchr(" \t\r\n", value[i]))
		i++;
	if (i < len)
		return 0;
	return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
}

static enum head_event end_of_head(struct answer_head *head)
{
	if (head->pending_status < 200 || head->status)
		return HEAD_MORE;
	head->status = head->pending_status;
	return HEAD_ENDED;
}

enum head_event answer_head_line(struct answer_head *head, const char *line, size_t len)
{
	static const char retry_after[] = "retry-after:";
	const size_t name_len = sizeof(retry_after) - 1;
	int status = status_of(line, len);

	head->bytes += len;
	if (++head->lines > LIMIT_HEADER_LINES || head->bytes > LIMIT_ANSWER_HEAD)
		return HEAD_TOO_LARGE;
	if (head->status)
		return HEAD_MORE; /* trailers */
	if (status) {
		head->pending_status = status;
		head->retry_after_ms = 0;
	} else if (len && len <= 2 && (line[0] == '\r' || line[0] == '\n')) {
		return end_of_head(head);
	} else if (len > name_len && strncasecmp(line, retry_after, name_len) == 0) {
		head->retry_after_ms = parse_retry_after(line + name_len, len - name_len);
	}
	return HEAD_MORE;
}
