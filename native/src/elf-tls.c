/* Debian builds libbpf.a and libelf.a for programs, not for shared objects. Some of their symbols cannot be linked into an
 * addon as they are, so they are given here, hidden from everyone else:
 * - libelf's error number is thread-local by a model that only programs may use (elf_error.o);
 * - libbpf refers to `stderr` directly; the Makefile renames that reference;
 * - from elfutils 0.192 (Debian 13) on libelf.a needs a search tree that no archive of theirs holds. Only
 *   elf_getdata_rawchunk puts something into it, and libbpf does not call that.
 */
#include <stdio.h>

static _Thread_local int elf_error;

void __libelf_seterrno(int value);
int elf_errno(void);
const char *elf_errmsg(int error);

void __libelf_seterrno(int value)
{
	elf_error = value;
}

int elf_errno(void)
{
	int value = elf_error;

	elf_error = 0;
	return value;
}

const char *elf_errmsg(int error)
{
	(void)error;
	return "not a valid ELF object";
}

FILE *libbpf_stderr;

__attribute__((constructor)) static void set_stderr(void)
{
	libbpf_stderr = stderr;
}

void eu_search_tree_init(void *tree, int (*compare)(const void *, const void *));
void eu_search_tree_fini(void *tree, void (*free_node)(void *));

__attribute__((weak)) void eu_search_tree_init(void *tree, int (*compare)(const void *, const void *))
{
	(void)tree;
	(void)compare;
}

__attribute__((weak)) void eu_search_tree_fini(void *tree, void (*free_node)(void *))
{
	(void)tree;
	(void)free_node;
}
