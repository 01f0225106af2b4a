// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The guard at connect and sendmsg. What is banned is refused here, before its first packet, and its process killed; user space is
 * told, and kills where this kernel's programs may not. */
#include "../lib/kernel.bpf.h"
#include "socket.bpf.h"
#include "flowkiller.h"
#include "../lib/border.bpf.h"
#include "../lib/agent.bpf.h"
#include "maps.bpf.h"
#include "lists.bpf.h"
#include "event.bpf.h"
#include "public.bpf.h"
#include "scan.bpf.h"
#include "budget.bpf.h"

/* bpf_send_signal, bpf_trace_printk and the reads of kernel memory are for GPL-compatible programs. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

BORDER(struct border)

#define SIGKILL 9
/* linux include/linux/net.h, enum sock_type */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2

#define REFUSE 0
#define PASS 1
#define ECONNREFUSED 111

/* Set before load: a refusal may have another error than EPERM. */
const volatile bool has_errno = false;

/* Set before load: enum kill_way. What the kernel has no helper for is not looked at by its verifier. */
const volatile __u32 kill_way = KILL_BY_AGENT;

/* "cn!", by which printk_kill knows what this program wrote. */
static const char doom[] = "cn!";

/* 0: it will die before it runs its next instruction. */
static __always_inline long kill_current(void)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u8 one = 1;

	if (kill_way == KILL_IN_HOOK || kill_way == KILL_AT_STATE)
		return bpf_send_signal(SIGKILL);
	if (kill_way != KILL_BY_PRINTK)
		return SIGNAL_NOT_SENT;
	if (bpf_map_update_elem(&doomed, &thread, &one, BPF_ANY))
		return SIGNAL_NOT_SENT;
	bpf_trace_printk(doom, sizeof(doom));
	/* Taken away by printk_kill. */
	if (!bpf_map_lookup_elem(&doomed, &thread))
		return 0;
	bpf_map_delete_elem(&doomed, &thread);
	return SIGNAL_NOT_SENT;
}

/* Programs of cgroup hooks may not send signals on Linux 6.1 and 6.12, and may on 6.18 (docs/security.md has what was tried); one
 * of this tracepoint, which fires in the context of whoever prints, may. */
SEC("tp_btf/bpf_trace_printk")
int BPF_PROG(printk_kill, const char *text)
{
	__u64 thread = bpf_get_current_pid_tgid();
	char start[sizeof(doom)] = {};

	bpf_probe_read_kernel_str(start, sizeof(start), text);
	if (start[0] != doom[0] || start[1] != doom[1] || start[2] != doom[2] || !bpf_map_lookup_elem(&doomed, &thread))
		return 0;
	if (!bpf_send_signal(SIGKILL))
		bpf_map_delete_elem(&doomed, &thread);
	return 0;
}

/* Loaded alone and never attached, to see whether the kernel lets it: a signal in the hook, and the hook itself. */
SEC("cgroup/connect4")
int try_signal(struct bpf_sock_addr *ctx)
{
	bpf_send_signal(0);
	return PASS;
}

/* And a refusal by another error than EPERM. b44123b4a3dc "bpf: Add cgroup helpers bpf_{get,set}_retval to get/set syscall return
 * value", v5.18, for these hooks later. */
SEC("cgroup/connect4")
int try_errno(struct bpf_sock_addr *ctx)
{
	bpf_set_retval(-ECONNREFUSED);
	return REFUSE;
}

SEC("cgroup/connect4")
int try_hook(struct bpf_sock_addr *ctx)
{
	return PASS;
}

/* A destination of the lists: refused, and whoever meant it is killed. A UDP connect sends nothing and is no more than a question:
 * getaddrinfo connects a socket to each answer, to sort them. */
static __always_inline int refuse(struct flow *f, __u32 entry)
{
	struct task_struct *task = f->task;
	bool is_kernel = BPF_CORE_READ(task, flags) & PF_KTHREAD;
	bool kills = f->hook != HOOK_CONNECT || f->type == SOCK_STREAM;
	long failed;

	if (f->settings->flags & FLOW_AUDIT) {
		count(COUNTER_WOULD_REFUSE);
		will_tell(f, kills ? FLOW_WOULD_KILL : FLOW_WOULD_REFUSE, entry, SIGNAL_NOT_SENT, false);
		return PASS;
	}
	count(COUNTER_REFUSED);
	if (is_kernel)
		count(COUNTER_KERNEL_THREADS);
	if (is_kernel || !kills) {
		will_tell(f, FLOW_REFUSED, entry, SIGNAL_NOT_SENT, false);
		return REFUSE;
	}
	failed = kill_current();
	if (!failed)
		count(COUNTER_KILLED);
	else if (failed < 0)
		count(COUNTER_KILL_FAILED);
	will_tell(f, FLOW_KILLED, entry, failed, failed != 0);
	return REFUSE;
}

static __always_inline __u32 look_up(struct flow *f, bool *is_v4)
{
	__u32 entry;

	*is_v4 = unwrap(f->address);
	entry = find_banned(f->slot, f->address, f->port, *is_v4);
	/* Someone may have listed NAT64's own prefix. */
	if (entry == NO_ENTRY && *is_v4 && !is_mapped(f->given))
		entry = find_banned(f->slot, f->given, f->port, false);
	return entry;
}

/* The window is condemned: until it has room again what is new to it is refused, and kills. */
static __always_inline int refuse_scan(struct flow *f)
{
	struct task_struct *task = f->task;
	long failed;

	count(COUNTER_SCAN_REFUSED);
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return REFUSE;
	failed = kill_current();
	if (!failed)
		count(COUNTER_SCAN_KILLED);
	will_tell(f, FLOW_SCAN_KILLED, NO_ENTRY, failed, failed != 0);
	return REFUSE;
}

/* As whoever asks can understand it: a destination that is not there, or one that is forbidden. */
static __always_inline int refuse_politely(struct flow *f, __u32 kind)
{
	if (f->settings->flags & FLOW_AUDIT) {
		count(COUNTER_WOULD_BE_OVER_BUDGET);
		will_tell(f, FLOW_WOULD_BE_OVER_BUDGET, NO_ENTRY, SIGNAL_NOT_SENT, false);
		return PASS;
	}
	if (kind == FLOW_OVER_POD_BUDGET)
		count(COUNTER_OVER_POD_BUDGET);
	else if (kind == FLOW_OVER_NODE_BUDGET)
		count(COUNTER_OVER_NODE_BUDGET);
	else
		count(COUNTER_UNREACHABLE);
	will_tell(f, kind, NO_ENTRY, SIGNAL_NOT_SENT, false);
	if (has_errno && f->settings->refusal == ECONNREFUSED)
		bpf_set_retval(-ECONNREFUSED);
	return REFUSE;
}

/* Whether the pod is exempt; the agent hears of each pod once, so that it can say so. */
static __always_inline bool is_exempt(struct flow *f)
{
	__u32 one = 1;

	if (!(f->settings->flags & FLOW_TELL_PODS))
		return false;
	if (bpf_map_lookup_elem(&exempt, &f->group)) {
		count(COUNTER_EXEMPT);
		return true;
	}
	if (!bpf_map_lookup_elem(&told_pods, &f->group)) {
		bpf_map_update_elem(&told_pods, &f->group, &one, BPF_ANY);
		will_tell(f, FLOW_POD, NO_ENTRY, SIGNAL_NOT_SENT, true);
	}
	return false;
}

/* What may leave of what is public and not banned. `ctx` is NULL where there is no hook that could refuse. */
static __always_inline int bound(struct bpf_sock_addr *ctx, struct flow *f)
{
	struct settings *s = f->settings;
	bool is_stream = f->type == SOCK_STREAM;
	bool sends = is_stream || f->hook == HOOK_SENDMSG || s->flags & FLOW_COUNT_UDP_CONNECTS;
	__u64 hash, now = bpf_ktime_get_boot_ns();
	__u32 kind;

	if (is_stream)
		count(COUNTER_PUBLIC);
	if (!sends || !(s->scan_most || s->pod_most || s->pod_burst || s->node_burst))
		return PASS;
	hash = destination_hash(f->address, f->port);
	if (ctx && (s->pod_burst || s->node_burst) && !is_exempt(f)) {
		if (s->silent_ns && is_stream) {
			if (is_unreachable(f, hash, now))
				return refuse_politely(f, FLOW_UNREACHABLE);
			note_attempt(ctx, f, hash);
		}
		kind = spend(f, hash, now);
		if (kind != FLOW_NOTHING)
			return refuse_politely(f, kind);
	}
	if (is_stream && scan(f, hash) == SCAN_CONDEMNED)
		return refuse_scan(f);
	return PASS;
}

/* The agent connects to nothing but what shows that the hooks are there. */
static __always_inline bool is_agent(void)
{
	return bpf_get_current_pid_tgid() >> 32 == control_get(CONTROL_AGENT_TGID) && !control_get(CONTROL_AGENT_AWAY);
}

/* A global function, which the verifier looks at once. */
__attribute__((noinline)) __u64 current_group(void)
{
	return identity_group((void *)bpf_get_current_task());
}

static __always_inline int decide(struct bpf_sock_addr *ctx, struct flow *f)
{
	bool is_v4;
	__u32 zero = 0, entry;
	void *settings;

	if (control_get(CONTROL_RETIRED_BY))
		return PASS;
	if (is_agent()) {
		count(COUNTER_SELF_TEST);
		return PASS;
	}
	f->task = (void *)bpf_get_current_task();
	if (!in_scope(f->task))
		return PASS;
	count(f->type == SOCK_STREAM ? COUNTER_CONNECTS : COUNTER_DATAGRAMS);
	f->slot = control_get(CONTROL_SLOT) & 1;
	settings = bpf_map_lookup_elem(&settings_slots, &f->slot);
	f->settings = settings ? bpf_map_lookup_elem(settings, &zero) : NULL;
	if (!f->settings) {
		count(COUNTER_NO_TABLES);
		return PASS;
	}
	f->generation = f->settings->generation;
	f->whole_lines = f->settings->whole_lines;
	entry = look_up(f, &is_v4);
	if (entry != NO_ENTRY) {
		if (!is_allowed(f->slot, f->address, is_v4)) {
			f->group = current_group();
			return refuse(f, entry);
		}
		count(COUNTER_ALLOWED);
	}
	if (f->type == SOCK_STREAM && f->settings->flags & FLOW_LOG_CONNECTS) {
		f->group = current_group();
		will_tell(f, FLOW_CONNECT, NO_ENTRY, SIGNAL_NOT_SENT, false);
	}
	if (!is_public(f->address, is_v4, f->settings->flags) || entry != NO_ENTRY || is_allowed(f->slot, f->address, is_v4))
		return PASS;
	f->group = current_group();
	return bound(ctx, f);
}

static __always_inline int judge(struct bpf_sock_addr *ctx, struct flow *f)
{
	int verdict = decide(ctx, f);

	tell(f);
	return verdict;
}

static __always_inline int judge_socket(struct bpf_sock_addr *ctx, __u32 hook, bool is_v4)
{
	struct flow f = {
		.hook = hook,
		/* Only datagrams have an address to be sent to. */
		.type = hook == HOOK_SENDMSG ? SOCK_DGRAM : ctx->type,
		.protocol = ctx->protocol,
		.port = bpf_ntohs((__u16)ctx->user_port),
		.netns_cookie = bpf_get_netns_cookie(ctx),
	};

	if (is_v4) {
		f.given[2] = MAPPED;
		f.given[3] = ctx->user_ip4;
	} else {
		f.given[0] = ctx->user_ip6[0];
		f.given[1] = ctx->user_ip6[1];
		f.given[2] = ctx->user_ip6[2];
		f.given[3] = ctx->user_ip6[3];
	}
	__builtin_memcpy(f.address, f.given, sizeof(f.address));
	return judge(ctx, &f);
}

/* linux include/linux/socket.h */
#define AF_INET 2
#define AF_INET6 10

/* Where there are no cgroup hooks (CONFIG_CGROUP_BPF): a TCP socket is about to send its first packet, which nothing here can
 * keep back. Its process dies of it. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state, struct sock *sk, int from, int to)
{
	struct flow f = { .hook = HOOK_STATE, .type = SOCK_STREAM, .protocol = IPPROTO_TCP };
	__u16 family;

	if (to != TCP_SYN_SENT)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	f.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == AF_INET) {
		f.given[2] = MAPPED;
		f.given[3] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	} else if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&f.given, sk, __sk_common.skc_v6_daddr);
	} else {
		return 0;
	}
	__builtin_memcpy(f.address, f.given, sizeof(f.address));
	judge(NULL, &f);
	return 0;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return judge_socket(ctx, HOOK_CONNECT, true);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return judge_socket(ctx, HOOK_CONNECT, false);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return judge_socket(ctx, HOOK_SENDMSG, true);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return judge_socket(ctx, HOOK_SENDMSG, false);
}
