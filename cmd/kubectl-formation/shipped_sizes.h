/* The DynoSizes that come with Formation: the files of deploy/base/sizes, as they were when this
 * was built. */
#ifndef CLI_SHIPPED_SIZES_H
#define CLI_SHIPPED_SIZES_H

/* YAML documents, NUL-terminated. */
extern const char SHIPPED_SIZES[];

#endif
