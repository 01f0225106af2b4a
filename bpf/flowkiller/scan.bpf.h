/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How many distinct destinations a process, a session and a pod reach for within a sliding window: exact, by a slot for each. Who
 * has reached for one too many is refused and dies here; where patterns may allow a command line it is told to the agent, which looks
 * at that and has the last word. */
#ifndef CRYPTNONO_FLOWKILLER_SCAN_BPF_H
#define CRYPTNONO_FLOWKILLER_SCAN_BPF_H

/* Set before load: what nobody outside can know, so that nobody can choose destinations that share a hash. */
const volatile __u32 hash_seed = 0;

static __always_inline __u64 mix(__u64 h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

static __always_inline __u64 destination_hash(const __u32 *address, __u32 port)
{
	__u64 h = mix((__u64)address[0] << 32 | address[1] | (__u64)hash_seed << 16);

	h = mix(h ^ ((__u64)address[2] << 32 | address[3]));
	return mix(h + ((__u64)port << 32 | hash_seed));
}

/* A slot: the hash's upper half, the second it was last reached for (24 bits), and how often (8 bits). Never 0. */
#define SLOT_SECONDS 0xffffffU
#define SLOT_MOST 0xffU

static __always_inline __u32 slot_hash(__u64 slot)
{
	return slot >> 32;
}

static __always_inline __u32 slot_age(__u64 slot, __u32 second)
{
	return (second - (__u32)(slot >> 8)) & SLOT_SECONDS;
}

static __always_inline __u64 make_slot(__u32 hash, __u32 second, __u32 times)
{
	return (__u64)hash << 32 | (second & SLOT_SECONDS) << 8 | (times < SLOT_MOST ? times : SLOT_MOST);
}

struct slot_walk {
	__u32 turns;
	__u32 hash;
	__u32 second;
	__u32 window_s;
	__s32 found; /* the slot of this destination, or -1 */
	__s32 vacant; /* the first that is free, or -1 */
	struct window *w;
};

LOOP_BODY(look_at_slot, struct slot_walk)
{
	__u32 at = turn & (WINDOW_SLOTS - 1);
	__u64 slot = ctx->w->slots[at];

	if (slot && slot_hash(slot) == ctx->hash) {
		ctx->found = at;
		return 1;
	}
	if (ctx->vacant < 0 && (!slot || slot_age(slot, ctx->second) >= ctx->window_s))
		ctx->vacant = at;
	return 0;
}

enum touched { TOUCHED_KNOWN, TOUCHED_NEW, TOUCHED_ONE_TOO_MANY, TOUCHED_NOT };

struct touching {
	__u32 turns;
	__u32 hash;
	__u32 second;
	__u32 window_s;
	__u32 most;
	__u32 touched; /* enum touched */
	struct window *w;
};

LOOP_BODY(try_to_touch, struct touching)
{
	struct slot_walk walk = { .hash = ctx->hash, .second = ctx->second, .window_s = ctx->window_s, .found = -1, .vacant = -1, .w = ctx->w };
	bool is_over;
	__u64 slot;
	__u32 at;

	LOOP(look_at_slot, ctx->most, &walk);
	if (walk.found >= 0) {
		at = walk.found & (WINDOW_SLOTS - 1);
		slot = ctx->w->slots[at];
		is_over = slot_age(slot, ctx->second) >= ctx->window_s;
		ctx->w->slots[at] = make_slot(ctx->hash, ctx->second, is_over ? 1 : (slot & SLOT_MOST) + 1);
		ctx->touched = TOUCHED_KNOWN;
		return 1;
	}
	if (walk.vacant < 0) {
		ctx->touched = TOUCHED_ONE_TOO_MANY;
		return 1;
	}
	at = walk.vacant & (WINDOW_SLOTS - 1);
	slot = ctx->w->slots[at];
	if (slot && slot_age(slot, ctx->second) < ctx->window_s)
		return 0;
	if (__sync_val_compare_and_swap(&ctx->w->slots[at], slot, make_slot(ctx->hash, ctx->second, 1)) != slot)
		return 0;
	ctx->touched = TOUCHED_NEW;
	return 1;
}

/* Others of the process may take a slot in between: then it is looked for again. Each time that it fails another one got one, so that
 * there are no more tries than slots. */
static __always_inline enum touched touch(struct window *w, __u32 hash, __u32 second, __u32 window_s, __u32 most)
{
	struct touching touching = { .hash = hash, .second = second, .window_s = window_s, .most = most, .touched = TOUCHED_NOT, .w = w };

	LOOP(try_to_touch, WINDOW_SLOTS + 1, &touching);
	if (touching.touched != TOUCHED_NOT)
		return touching.touched;
	count(COUNTER_SCAN_BUSY);
	return TOUCHED_KNOWN;
}

static __always_inline struct window *find_window(void *map, struct window_key *key)
{
	struct window *w = bpf_map_lookup_elem(map, key), *fresh;
	__u32 zero = 0;

	if (w)
		return w;
	/* All zeros, and never written to. */
	fresh = bpf_map_lookup_elem(&no_window, &zero);
	if (!fresh)
		return NULL;
	bpf_map_update_elem(map, key, fresh, BPF_NOEXIST);
	w = bpf_map_lookup_elem(map, key);
	if (!w)
		count(COUNTER_SCAN_NO_WINDOW);
	return w;
}

/* Which destination a hash stands for, for the log. */
static __always_inline void remember_destination(struct flow *f, __u32 hash)
{
	struct destination d = { .port = f->port };

	__builtin_memcpy(d.address, f->address, sizeof(d.address));
	bpf_map_update_elem(&destinations, &hash, &d, BPF_ANY);
}

static __always_inline __u32 session_of(struct task_struct *task)
{
	struct pid *session = BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]);

	/* By number: a struct pid is freed and used again at once. */
	return session ? BPF_CORE_READ(session, numbers[0].nr) : 0;
}

enum scanned { SCAN_PASS, SCAN_TOLD, SCAN_CONDEMNED };

/* How long the agent has for its verdict before it is told again. */
#define SCAN_AGAIN_NS NS_PER_S

static __always_inline enum scanned scan_by(struct flow *f, void *map, struct window_key *key, __u32 hash, __u32 most)
{
	struct window *w = find_window(map, key);
	__u64 now = bpf_ktime_get_boot_ns();
	enum touched touched;

	if (!w)
		return SCAN_PASS;
	touched = touch(w, hash, now / NS_PER_S, f->settings->window_s, most);
	if (touched == TOUCHED_NEW)
		remember_destination(f, hash);
	if (touched != TOUCHED_ONE_TOO_MANY)
		return SCAN_PASS;
	if (now < w->exempt_until_ns)
		return SCAN_PASS;
	f->window = (__u64)w->slots;
	f->key = *key;
	f->most = most;
	if (now < w->condemned_until_ns)
		return SCAN_CONDEMNED;
	if (f->settings->flags & FLOW_SCAN_DECIDES) {
		w->condemned_until_ns = now + f->settings->window_s * NS_PER_S;
		count(COUNTER_SCANS);
		return SCAN_CONDEMNED;
	}
	if (now < w->told_ns + SCAN_AGAIN_NS)
		return SCAN_PASS;
	w->told_ns = now;
	count(COUNTER_SCANS);
	remember_destination(f, hash);
	will_tell(f, FLOW_SCAN, NO_ENTRY, SIGNAL_NOT_SENT, true);
	return SCAN_TOLD;
}

/* The process; its session: a Jupyter kernel is one, and a terminal, and what forks for each connect stays in it; its pod. */
static __always_inline enum scanned scan(struct flow *f, __u64 hash64)
{
	struct task_struct *task = f->task, *leader = BPF_CORE_READ(task, group_leader);
	__u32 hash = hash64 >> 32, most = f->settings->scan_most;
	struct window_key key = {};
	enum scanned scanned;

	if (!hash)
		hash = 1;
	if (most) {
		key.kind = WINDOW_PROCESS;
		key.id = BPF_CORE_READ(task, tgid);
		key.since = BPF_CORE_READ(leader, start_boottime);
		scanned = scan_by(f, &windows, &key, hash, most);
		if (scanned != SCAN_PASS)
			return scanned;
		key.kind = WINDOW_SESSION;
		key.id = session_of(task);
		key.since = f->group;
		scanned = scan_by(f, &windows, &key, hash, most);
		if (scanned != SCAN_PASS)
			return scanned;
	}
	most = f->settings->pod_most;
	if (!most || !f->group)
		return SCAN_PASS;
	key.kind = WINDOW_POD;
	key.id = 0;
	key.since = f->group;
	return scan_by(f, &pod_windows, &key, hash, most);
}

#endif
