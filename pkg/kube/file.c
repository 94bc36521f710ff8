#include "kube/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Open for reading, regular files only. Returns the fd or -1. */
static int open_regular(const char *path, struct err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		int errnum = errno;

		err_errno(err, errnum, "%s", path);
		if (errnum == ENOENT || errnum == ENOTDIR)
			err->code = ERR_NOT_FOUND;
		return -1;
	}
	if (fstat(fd, &st) < 0) {
		err_errno(err, errno, "%s", path);
	} else if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_INVALID, "%s: not a file", path);
	} else if ((unsigned long)st.st_size > LIMIT_CONFIG) {
		err_set(err, ERR_LIMIT, "%s: larger than %lu bytes", path, LIMIT_CONFIG);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

char *file_read(const char *path, size_t *ret_len, struct err *err)
{
	int fd cleanup(close_fd) = open_regular(path, err);
	size_t len = 0;
	char *text;

	if (fd < 0)
		return NULL;
	/* Files of /proc and a file that grows say less than they hold. */
	text = x_malloc(LIMIT_CONFIG + 1);
	for (;;) {
		ssize_t n = read(fd, text + len, LIMIT_CONFIG + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(err, errno, "%s", path);
			break;
		}
		len += (size_t)n;
		if (len > LIMIT_CONFIG) {
			err_set(err, ERR_LIMIT, "%s: larger than %lu bytes", path, LIMIT_CONFIG);
			break;
		}
		if (n == 0) {
			text[len] = '\0';
			if (ret_len)
				*ret_len = len;
			return text;
		}
	}
	explicit_bzero(text, len);
	free(text);
	return NULL;
}

int header_text_check(const char *text, struct err *err)
{
	if (!*text)
		return err_set(err, ERR_INVALID, "is empty");
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			return err_set(err, ERR_INVALID, "holds a control character");
	return 0;
}

char *file_read_token(const char *path, struct err *err)
{
	size_t len = 0, start = 0;
	char *text = file_read(path, &len, err);
	char *token;

	if (!text)
		return NULL;
	while (len > start && isspace((unsigned char)text[len - 1]))
		len--;
	while (start < len && isspace((unsigned char)text[start]))
		start++;
	token = x_strndup(text + start, len - start);
	explicit_bzero(text, len);
	free(text);
	if (header_text_check(token, err) == 0)
		return token;
	err_wrap(err, "%s: the token", path);
	secret_free(token);
	return NULL;
}

void secret_free(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}
