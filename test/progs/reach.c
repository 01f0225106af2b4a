// SPDX-License-Identifier: Apache-2.0
/* Reaches for an address in one of many ways: reach WAY ADDRESS PORT. Tells "refused" for EPERM, "ok", or another error's number;
 * 77: this kernel has no such way. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "address.h"

static void told(long result)
{
	if (result >= 0)
		puts("ok");
	else if (errno == EPERM)
		puts("refused");
	else
		printf("error %d\n", errno);
	fflush(stdout);
	exit(0);
}

static int open_socket(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd < 0)
		exit(77);
	return fd;
}

/* What became of a connect that goes on by itself. */
static long settled(int fd, long result)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	socklen_t length = sizeof(int);
	int error = 0;

	if (result >= 0 || errno != EINPROGRESS)
		return result;
	poll(&ready, 1, 1000);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	errno = error;
	return error ? -1 : 0;
}

/* One request by io_uring, without its library. */
static void by_ring(struct io_uring_sqe *wanted, unsigned setup)
{
	struct io_uring_params p = { .flags = setup, .sq_thread_idle = 500 };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &p);
	unsigned char *sq, *cq;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqe;
	unsigned *head, *tail;

	if (ring < 0)
		exit(77);
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		exit(77);
	sqes[0] = *wanted;
	*(unsigned *)(sq + p.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, setup & IORING_SETUP_SQPOLL ? 0 : 1, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0) < 0)
		exit(77);
	head = (unsigned *)(cq + p.cq_off.head);
	tail = (unsigned *)(cq + p.cq_off.tail);
	for (int i = 0; i < 2000 && *head == __atomic_load_n(tail, __ATOMIC_ACQUIRE); i++)
		usleep(1000);
	cqe = (struct io_uring_cqe *)(cq + p.cq_off.cqes) + (*head & *(unsigned *)(cq + p.cq_off.ring_mask));
	errno = -cqe->res;
	told(cqe->res < 0 ? -1 : 0);
}

static void ring_connect(int family, unsigned setup, unsigned char flags)
{
	struct io_uring_sqe wanted = { .opcode = IORING_OP_CONNECT, .flags = flags, .addr = (unsigned long)&to, .off = to_length };

	wanted.fd = open_socket(family, SOCK_STREAM, 0);
	by_ring(&wanted, setup);
}

static void ring_send(int family)
{
	struct iovec data = { .iov_base = "hello", .iov_len = 5 };
	struct msghdr message = { .msg_name = &to, .msg_namelen = to_length, .msg_iov = &data, .msg_iovlen = 1 };
	struct io_uring_sqe wanted = { .opcode = IORING_OP_SENDMSG, .addr = (unsigned long)&message, .len = 1 };

	wanted.fd = open_socket(family, SOCK_DGRAM, 0);
	by_ring(&wanted, 0);
}

static long send_many(int fd)
{
	struct iovec data = { .iov_base = "hello", .iov_len = 5 };
	struct mmsghdr message = { .msg_hdr = { .msg_name = &to, .msg_namelen = to_length, .msg_iov = &data, .msg_iovlen = 1 } };

	return sendmmsg(fd, &message, 1, 0);
}

int main(int argc, char **argv)
{
	const char *way = argc == 4 ? argv[1] : "";
	int fd, one = 1, family;

	if (argc != 4)
		return 98;
	alarm(20);
	parse(argv[2], atoi(argv[3]));
	family = to.ss_family;
	if (!strcmp(way, "tcp"))
		told(connect(open_socket(family, SOCK_STREAM, 0), (void *)&to, to_length));
	if (!strcmp(way, "tcp-nonblocking")) {
		fd = open_socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		told(settled(fd, connect(fd, (void *)&to, to_length)));
	}
	if (!strcmp(way, "tcp-fast-open"))
		told(sendto(open_socket(family, SOCK_STREAM, 0), "hello", 5, MSG_FASTOPEN, (void *)&to, to_length));
	if (!strcmp(way, "tcp-fast-open-connect")) {
		fd = open_socket(family, SOCK_STREAM, 0);
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one));
		if (connect(fd, (void *)&to, to_length))
			told(-1);
		told(send(fd, "hello", 5, 0));
	}
	if (!strcmp(way, "mptcp"))
		told(connect(open_socket(family, SOCK_STREAM, IPPROTO_MPTCP), (void *)&to, to_length));
	if (!strcmp(way, "mptcp-nonblocking")) {
		fd = open_socket(family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_MPTCP);
		told(settled(fd, connect(fd, (void *)&to, to_length)));
	}
	if (!strcmp(way, "mptcp-fast-open")) {
		long sent = sendto(open_socket(family, SOCK_STREAM, IPPROTO_MPTCP), "hello", 5, MSG_FASTOPEN, (void *)&to, to_length);

		/* Linux 6.1. */
		if (sent < 0 && errno == EOPNOTSUPP)
			return 77;
		told(sent);
	}
	if (!strcmp(way, "ring"))
		ring_connect(family, 0, 0);
	if (!strcmp(way, "ring-async"))
		ring_connect(family, 0, IOSQE_ASYNC);
	if (!strcmp(way, "ring-polled"))
		ring_connect(family, IORING_SETUP_SQPOLL, 0);
	if (!strcmp(way, "ring-send"))
		ring_send(family);
	if (!strcmp(way, "udp-connect")) {
		fd = open_socket(family, SOCK_DGRAM, 0);
		if (connect(fd, (void *)&to, to_length))
			told(-1);
		told(send(fd, "hello", 5, 0));
	}
	if (!strcmp(way, "udp"))
		told(sendto(open_socket(family, SOCK_DGRAM, 0), "hello", 5, 0, (void *)&to, to_length));
	if (!strcmp(way, "udp-on-v6-socket"))
		told(sendto(open_socket(AF_INET6, SOCK_DGRAM, 0), "hello", 5, 0, (void *)&to, to_length));
	if (!strcmp(way, "udp-many"))
		told(send_many(open_socket(family, SOCK_DGRAM, 0)));
	if (!strcmp(way, "udp-lite"))
		told(sendto(open_socket(family, SOCK_DGRAM, 136), "hello", 5, 0, (void *)&to, to_length));
	return 98;
}
