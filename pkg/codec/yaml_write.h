/* JSON trees as YAML that every reader takes. */
#ifndef CODEC_YAML_WRITE_H
#define CODEC_YAML_WRITE_H

#include "base/buf.h"
#include "codec/json.h"

/*
 * Append `value` as a YAML document in block style, indented by two, with a
 * newline at the end. Texts stand as they are where no reader could take
 * them for anything else, in double quotes (as JSON has them) otherwise.
 * A list stands at its key's own indentation, as kubectl prints it.
 */
void yml_write(struct buf *buf, const struct json *value);

#endif
