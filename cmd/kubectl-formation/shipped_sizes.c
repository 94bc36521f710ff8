#include "shipped_sizes.h"

/* Paths are from the root of the repository, where the compiler runs; the Makefile has the dependency. */
__asm__(".section .rodata\n"
	".global SHIPPED_SIZES\n"
	".type SHIPPED_SIZES, @object\n"
	"SHIPPED_SIZES:\n"
	".incbin \"deploy/base/sizes/1x.yaml\"\n"
	".ascii \"---\\n\"\n"
	".incbin \"deploy/base/sizes/2x.yaml\"\n"
	".ascii \"---\\n\"\n"
	".incbin \"deploy/base/sizes/px.yaml\"\n"
	".byte 0\n"
	".size SHIPPED_SIZES, . - SHIPPED_SIZES\n"
	".previous\n");
