// SPDX-License-Identifier: Apache-2.0
/* Executes its arguments in a network namespace of its own in which every address is the machine's, and tells which addresses
 * packets went to, one a line: "packet 192.0.2.1 3". Its exit status is the command's. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 1024

static void die(const char *what)
{
	perror(what);
	exit(99);
}

/* ip route add local default dev lo */
static void all_is_local(int family)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		struct rtattr attribute;
		int interface;
	} ask = {
		.head = { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_NEWROUTE, .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK },
		.route = { .rtm_family = family, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_BOOT, .rtm_scope = RT_SCOPE_HOST,
			   .rtm_type = RTN_LOCAL },
		.attribute = { .rta_len = sizeof(struct rtattr) + sizeof(int), .rta_type = RTA_OIF },
		.interface = if_nametoindex("lo"),
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[256];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &ask, sizeof(ask), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		die("netlink");
	/* A machine without IPv6 has none to go to. */
	if (answer.error.error && family == AF_INET)
		die("route");
	close(fd);
}

static void link_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		die("lo");
	close(fd);
}

static struct seen {
	char address[INET6_ADDRSTRLEN];
	unsigned long packets;
} all[MOST];

static void note(const unsigned char *packet, ssize_t length)
{
	char address[INET6_ADDRSTRLEN] = "";

	if (length >= 20 && packet[0] >> 4 == 4)
		inet_ntop(AF_INET, packet + 16, address, sizeof(address));
	else if (length >= 40 && packet[0] >> 4 == 6)
		inet_ntop(AF_INET6, packet + 24, address, sizeof(address));
	for (int i = 0; *address && i < MOST; i++) {
		if (*all[i].address && strcmp(all[i].address, address))
			continue;
		strcpy(all[i].address, address);
		all[i].packets++;
		return;
	}
}

static void drain(int fd)
{
	unsigned char packet[128];
	struct sockaddr_ll from;
	socklen_t length = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT, (void *)&from, &length)) >= 0) {
		length = sizeof(from);
		if (from.sll_pkttype == PACKET_OUTGOING)
			note(packet, n);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd, status, room = 64 << 20;
	pid_t child;

	if (argc < 2)
		return 98;
	if (unshare(CLONE_NEWNET))
		die("unshare");
	link_up();
	all_is_local(AF_INET);
	all_is_local(AF_INET6);
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	where.sll_ifindex = if_nametoindex("lo");
	if (fd < 0 || bind(fd, (void *)&where, sizeof(where)))
		die("packet");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	child = fork();
	if (!child) {
		execvp(argv[1], argv + 1);
		die(argv[1]);
	}
	while (!waitpid(child, &status, WNOHANG)) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };

		poll(&ready, 1, 20);
		drain(fd);
	}
	drain(fd);
	for (int i = 0; i < MOST && *all[i].address; i++)
		fprintf(stderr, "packet %s %lu\n", all[i].address, all[i].packets);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
