// SPDX-License-Identifier: Apache-2.0
/* Prints «ran» by its first instructions, and ends: whatever comes after exec has no time to be late. For x86-64, and with
 * --32 for the 32-bit calls of the same machine. */
#ifdef __x86_64__
	.globl _start
_start:	mov $1, %eax
	mov $1, %edi
	lea text(%rip), %rsi
	mov $4, %edx
	syscall
	mov $60, %eax
	xor %edi, %edi
	syscall
#elif defined(__i386__)
	.globl _start
_start:	mov $4, %eax
	mov $1, %ebx
	mov $text, %ecx
	mov $4, %edx
	int $0x80
	mov $1, %eax
	xor %ebx, %ebx
	int $0x80
#elif defined(__aarch64__)
	.globl _start
_start:	mov x8, #64
	mov x0, #1
	adr x1, text
	mov x2, #4
	svc #0
	mov x8, #93
	mov x0, #0
	svc #0
#endif
text:	.ascii "ran\n"
	.section .note.GNU-stack, "", %progbits
