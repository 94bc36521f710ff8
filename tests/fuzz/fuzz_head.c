/* The head of an answer, line by line: Retry-After within its bounds. */
#include "fuzz.h"
#include "net/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size;
	struct answer_head head = { 0 };

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t len = newline ? (size_t)(newline - text) + 1 : (size_t)(end - text);

		if (answer_head_line(&head, text, len) == HEAD_TOO_LARGE)
			break;
		holds(head.retry_after_ms >= 0 && head.retry_after_ms <= 60000);
		text += len;
	}
	return 0;
}
