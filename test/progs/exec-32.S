// SPDX-License-Identifier: Apache-2.0
/* Executes by the 32-bit call of an x86-64 machine, with 32-bit pointers: the words of standard input, at most 4 KiB. */
	.globl _start
_start:	mov $3, %eax			/* read(0, text, room) */
	xor %ebx, %ebx
	mov $text, %ecx
	mov $4096, %edx
	int $0x80
	lea text(%eax), %ebp		/* the end */
	mov $text, %esi
	mov $words, %edi
next:	cmp %ebp, %esi
	jae run
	mov %esi, (%edi)
	add $4, %edi
skip:	lodsb
	test %al, %al
	jnz skip
	jmp next
run:	mov $11, %eax			/* execve(words[0], words + 1, none) */
	mov words, %ebx
	mov $words + 4, %ecx
	xor %edx, %edx
	int $0x80
	mov $1, %eax
	mov $125, %ebx
	int $0x80
	.bss
text:	.skip 4097
	.balign 4
words:	.skip 4 * 4098
	.section .note.GNU-stack, "", %progbits
