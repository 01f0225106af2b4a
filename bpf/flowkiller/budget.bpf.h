/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A bound on how many new public destinations leave a pod and the node: a bucket of tokens for each. What is beyond is refused, and
 * nobody is killed. */
#ifndef CRYPTNONO_FLOWKILLER_BUDGET_BPF_H
#define CRYPTNONO_FLOWKILLER_BUDGET_BPF_H

struct taking {
	__u32 turns;
	__u32 burst;
	__u64 now;
	__u64 every_ns;
	__u64 *full_ns;
	enum { TAKING, TAKEN, EMPTY } outcome;
};

LOOP_BODY(try_to_take, struct taking)
{
	__u64 before = *ctx->full_ns, from = before > ctx->now ? before : ctx->now;

	if (from + ctx->every_ns > ctx->now + ctx->every_ns * ctx->burst) {
		ctx->outcome = EMPTY;
		return 1;
	}
	if (__sync_val_compare_and_swap(ctx->full_ns, before, from + ctx->every_ns) != before)
		return 0;
	ctx->outcome = TAKEN;
	return 1;
}

/* Tokens that come evenly, kept as the time at which the bucket would be full again. Whoever takes one writes it by compare and
 * exchange, so that no two take the same one. */
static __always_inline bool take_token(__u64 *full_ns, __u64 now, __u64 every_ns, __u32 burst)
{
	struct taking taking = { .full_ns = full_ns, .now = now, .every_ns = every_ns, .burst = burst, .outcome = TAKING };

	LOOP(try_to_take, 64, &taking);
	/* Too many at once: refused, so that the bound holds. */
	if (taking.outcome == TAKING)
		count(COUNTER_BUDGET_BUSY);
	return taking.outcome == TAKEN;
}

static __always_inline bool take_of_pod(__u64 group, __u64 now, struct settings *s)
{
	__u64 *full_ns = bpf_map_lookup_elem(&pod_budgets, &group), zero = 0;

	if (!full_ns) {
		bpf_map_update_elem(&pod_budgets, &group, &zero, BPF_NOEXIST);
		full_ns = bpf_map_lookup_elem(&pod_budgets, &group);
	}
	return full_ns && take_token(full_ns, now, s->pod_every_ns, s->pod_burst);
}

static __always_inline bool take_of_node(__u64 now, struct settings *s)
{
	__u32 zero = 0;
	__u64 *full_ns = bpf_map_lookup_elem(&node_budget, &zero);

	return full_ns && take_token(full_ns, now, s->node_every_ns, s->node_burst);
}

/* Whether it was reached for lately; and that it is now. */
static __always_inline bool is_known(__u64 group, __u64 hash, __u64 now, __u64 memory_ns)
{
	struct spoken_key key = { .group = group, .destination = hash };
	__u64 *last_ns = bpf_map_lookup_elem(&spoken, &key);

	if (!last_ns || *last_ns + memory_ns < now)
		return false;
	*last_ns = now;
	return true;
}

static __always_inline void make_known(__u64 group, __u64 hash, __u64 now)
{
	struct spoken_key key = { .group = group, .destination = hash };

	bpf_map_update_elem(&spoken, &key, &now, BPF_ANY);
}

/* No group has it: what any pod has reached for is known to the node. */
#define NODE_GROUP (~0ULL)

static __always_inline __u32 spend(struct flow *f, __u64 hash, __u64 now)
{
	struct settings *s = f->settings;
	bool is_new = false;

	if (s->pod_burst && !is_known(f->group, hash, now, s->memory_ns)) {
		if (!take_of_pod(f->group, now, s))
			return FLOW_OVER_POD_BUDGET;
		make_known(f->group, hash, now);
		is_new = true;
	}
	if (s->node_burst && !is_known(NODE_GROUP, hash, now, s->memory_ns)) {
		if (!take_of_node(now, s))
			return FLOW_OVER_NODE_BUDGET;
		make_known(NODE_GROUP, hash, now);
		is_new = true;
	}
	if (is_new)
		count(COUNTER_NEW_DESTINATIONS);
	return FLOW_NOTHING;
}

/* ---- destinations that do not answer ---- */

static __always_inline bool is_unreachable(struct flow *f, __u64 hash, __u64 now)
{
	struct spoken_key key = { .group = f->group, .destination = hash };
	__u64 *until_ns = bpf_map_lookup_elem(&unreachable, &key);

	return until_ns && now < *until_ns;
}

/* What its socket's end will say of the destination. */
static __always_inline void note_attempt(struct bpf_sock_addr *ctx, struct flow *f, __u64 hash)
{
	struct spoken_key key = { .group = f->group, .destination = hash };
	__u64 cookie = bpf_get_socket_cookie(ctx);

	bpf_map_update_elem(&attempts, &cookie, &key, BPF_ANY);
}

/* linux include/uapi/asm-generic/errno.h */
#define ENETUNREACH 101
#define ETIMEDOUT 110
#define EHOSTUNREACH 113
/* linux include/net/tcp_states.h */
#define TCP_SYN_SENT 2
#define TCP_CLOSE 7

/* Nobody answered: neither yes nor no. Or whoever asked had enough after a second SYN. */
static __always_inline bool was_silent(struct sock *sk)
{
	struct inet_connection_sock *connection = (void *)sk;
	int error = BPF_CORE_READ(sk, sk_err);

	if (error)
		return error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH;
	return BPF_CORE_READ(connection, icsk_retransmits) > 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(watch_answer, struct sock *sk, int from, int to)
{
	__u32 slot = control_get(CONTROL_SLOT) & 1, zero = 0;
	struct spoken_key *key;
	struct settings *s;
	__u64 cookie, until_ns;
	void *settings;

	if (from != TCP_SYN_SENT || control_get(CONTROL_RETIRED_BY))
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	key = bpf_map_lookup_elem(&attempts, &cookie);
	if (!key)
		return 0;
	settings = bpf_map_lookup_elem(&settings_slots, &slot);
	s = settings ? bpf_map_lookup_elem(settings, &zero) : NULL;
	if (s && s->silent_ns && to == TCP_CLOSE && was_silent(sk)) {
		struct spoken_key silent = *key;

		count(COUNTER_SILENT);
		until_ns = bpf_ktime_get_boot_ns() + s->silent_ns;
		bpf_map_update_elem(&unreachable, &silent, &until_ns, BPF_ANY);
	}
	bpf_map_delete_elem(&attempts, &cookie);
	return 0;
}

#endif
