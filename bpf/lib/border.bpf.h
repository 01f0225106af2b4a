/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which types user space knows by an object's BTF (native/src/btf-layout.c). Clang writes there only what code or maps name,
 * so a program names the rest by a function that is never called: BORDER(struct its_border). */
#ifndef CRYPTNONO_BORDER_BPF_H
#define CRYPTNONO_BORDER_BPF_H

#define BORDER(type)                                                                                                   \
	__attribute__((used)) static void border(type *border)                                                         \
	{                                                                                                              \
		(void)border;                                                                                          \
	}

#endif
