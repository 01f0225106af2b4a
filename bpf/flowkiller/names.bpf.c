// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Names of pools, in questions and in what connections say first, and the addresses that answers name. Which process a socket belongs
 * to is kept with the socket, from where it was connected. */
#include "../lib/kernel.bpf.h"
#include <bpf/bpf_endian.h>
#include "names.h"
#include "../lib/border.bpf.h"
#include "../lib/agent.bpf.h"
#include "names-maps.bpf.h"
#include "names-hash.bpf.h"
#include "names-text.bpf.h"
#include "names-event.bpf.h"

/* bpf_send_signal and the reads of kernel memory are for GPL-compatible programs. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

BORDER(struct border)

#define SIGKILL 9
/* linux include/linux/net.h, enum sock_type */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
/* linux include/uapi/linux/in.h */
#define TCP 6
#define UDP 17
#define MPTCP 262
#define UDP_HEAD_BYTES 8

/* Of all programs here: what is not passed is refused or dropped. */
#define REFUSE 0
#define PASS 1

/* Set before load: the kernel lets programs of these hooks send signals. Else the agent kills. */
const volatile bool signals = false;

/* What is in force. */
struct force {
	__u32 slot;
	struct names_settings *settings;
};

static __always_inline bool get_force(struct force *f)
{
	void *settings;
	__u32 zero = 0;

	if (control_get(CONTROL_RETIRED_BY))
		return false;
	f->slot = control_get(CONTROL_SLOT) & 1;
	settings = bpf_map_lookup_elem(&settings_slots, &f->slot);
	f->settings = settings ? bpf_map_lookup_elem(settings, &zero) : NULL;
	if (f->settings)
		return true;
	count(COUNTER_NO_TABLES);
	return false;
}

static __always_inline bool is_dns_port(struct names_settings *s, __u32 port)
{
	return port && (port == s->dns_ports[0] || port == s->dns_ports[1] || port == s->dns_ports[2] || port == s->dns_ports[3]);
}

/* The owner will die before it runs its next instruction; where the kernel may not send the signal, or this is another's context,
 * the agent sends it. */
static __always_inline void kill_owner(struct finding *f)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	long failed = SIGNAL_NOT_SENT;

	if (f->owner->pid == control_get(CONTROL_AGENT_TGID)) {
		f->outcome = OUTCOME_REFUSED;
		return;
	}
	if (signals && is_owner(f->owner, task))
		failed = bpf_send_signal(SIGKILL);
	if (!failed)
		count(COUNTER_KILLED);
	else if (failed < 0)
		count(COUNTER_KILL_FAILED);
	f->signal_result = failed;
	f->must = failed != 0;
}

/* ---- addresses ---- */

#define MAPPED bpf_htonl(0xffff)
/* RFC 6052: the prefix by which NAT64 reaches IPv4 addresses. */
#define NAT64 bpf_htonl(0x0064ff9b)

/* An IPv4 address in whatever clothes: as ::ffff:a.b.c.d. */
static __always_inline void unwrap(__u32 *address)
{
	if (address[0] != NAT64 || address[1] || address[2])
		return;
	address[0] = 0;
	address[2] = MAPPED;
}

/* Reached by way of the public network. */
static __always_inline bool is_public(const __u32 *address)
{
	__u32 a = bpf_ntohl(address[3]);

	if (address[0] || address[1] || address[2] != MAPPED)
		return (bpf_ntohl(address[0]) & 0xe0000000) == 0x20000000;
	return a >> 24 != 0 && a >> 24 != 10 && a >> 24 != 127 && a >> 24 < 224 && a >> 20 != 0xac1 && a >> 16 != 0xc0a8 &&
	       a >> 16 != 0xa9fe && a >> 22 != 0x191;
}

static __always_inline struct learnt *find_learnt(struct owner *o, const __u32 *address)
{
	struct learnt_key key = {
		.netns_cookie = o->netns_cookie,
		.group = o->learnt_group,
		.address = { address[0], address[1], address[2], address[3] },
	};
	struct learnt *l = bpf_map_lookup_elem(&learnt, &key);

	return l && l->until_ns > bpf_ktime_get_boot_ns() ? l : NULL;
}

/* ---- connect and sendmsg ---- */

static __always_inline void fill_owner(struct owner *o, struct bpf_sock_addr *ctx, const __u32 *address)
{
	own_by_current(o);
	o->netns_cookie = bpf_get_netns_cookie(ctx);
	/* Many share the node's own network namespace: what one of them asked for is no other's. */
	o->learnt_group = o->netns_cookie == bpf_get_netns_cookie(NULL) ? o->group : 0;
	o->port = bpf_ntohs((__u16)ctx->user_port);
	__builtin_memcpy(o->address, address, sizeof(o->address));
}

/* An address that an answer to a question for a listed name gave. A UDP connect sends nothing and is no more than a question:
 * getaddrinfo connects a socket to each answer, to sort them. */
static __always_inline int judge_learnt(struct finding *f, struct learnt *l, bool is_connect, bool is_stream)
{
	bool enforces = f->settings->flags & NAMES_ENFORCE;

	f->entry = l->generation == f->settings->generation ? l->entry : NO_ENTRY;
	f->learnt = l;
	f->asked_by = l->pid;
	if (is_stream || !is_connect)
		find(f, EVIDENCE_ADDRESS, enforces ? OUTCOME_KILLED : OUTCOME_TOLD);
	if (!enforces)
		return PASS;
	count(COUNTER_REFUSED);
	if (f->tells)
		kill_owner(f);
	return REFUSE;
}

/* A destination as a number that is not 0. Two that share one are counted together. */
static __always_inline __u32 mix(const __u32 *address, __u32 port)
{
	__u64 h = (__u64)address[0] << 32 | address[1];

	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ULL ^ ((__u64)address[2] << 32 | address[3]);
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ULL ^ port;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ULL;
	return (__u32)(h >> 32) | 1;
}

/* Pods that may reach only what is listed. */
static __always_inline int judge_egress(struct finding *f, struct force *force, struct learnt *l, const __u32 *address)
{
	struct network key = { .bits = 128, .address = { address[0], address[1], address[2], address[3] } };
	__u32 *policy = bpf_map_lookup_elem(&policies, &f->owner->group), mode = EGRESS_FREE;
	void *networks;

	if (!is_public(address))
		return PASS;
	if (policy) {
		mode = *policy;
	} else {
		if (f->settings->flags & NAMES_REFUSE_UNKNOWN)
			mode = EGRESS_ENFORCE;
		find(f, EVIDENCE_UNKNOWN, OUTCOME_TOLD);
	}
	if (mode == EGRESS_FREE)
		return PASS;
	if (l && l->flags & NAME_EGRESS)
		return PASS;
	networks = bpf_map_lookup_elem(&free_slots, &force->slot);
	if (networks && bpf_map_lookup_elem(networks, &key))
		return PASS;
	f->learnt = l;
	f->asked_by = l ? l->pid : 0;
	f->apart = mix(address, f->owner->port);
	if (mode == EGRESS_LEARN) {
		find(f, EVIDENCE_SEEN, OUTCOME_TOLD);
		return PASS;
	}
	count(COUNTER_REFUSED);
	find(f, policy ? EVIDENCE_EGRESS : EVIDENCE_UNKNOWN, OUTCOME_REFUSED);
	return REFUSE;
}

static __always_inline void follow(struct bpf_sock_addr *ctx, struct owner *owner, bool is_stream, bool is_dns)
{
	struct bpf_sock *sk = ctx->sk;
	struct asker *a;
	struct flow *f;

	if (!sk)
		return;
	if (!is_stream) {
		a = bpf_sk_storage_get(&askers, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (a)
			a->owner = *owner;
		else
			count(COUNTER_NO_STORAGE);
		return;
	}
	f = bpf_sk_storage_get(&flows, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!f) {
		count(COUNTER_NO_STORAGE);
		return;
	}
	count(COUNTER_FLOWS);
	f->owner = *owner;
	f->has_seq = 0;
	f->blocked = 0;
	f->packets = 0;
	f->is_dns = is_dns;
	f->is_told = 0;
	if (is_dns)
		begin_dns(f, true);
	else
		begin_flow(f);
}

static __always_inline int judge_destination(struct bpf_sock_addr *ctx, __u32 *address, bool is_connect)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	bool is_stream = ctx->type == SOCK_STREAM, is_dns;
	struct force force = {};
	struct owner owner = {};
	struct finding f = { .owner = &owner, .entry = NO_ENTRY, .signal_result = SIGNAL_NOT_SENT };
	struct learnt *l;
	int verdict = PASS;

	if (!get_force(&force) || !in_scope(task))
		return PASS;
	unwrap(address);
	count(COUNTER_CONNECTS);
	fill_owner(&owner, ctx, address);
	f.settings = force.settings;
	f.flags = is_stream ? 0 : NAMES_EVENT_DATAGRAM;
	is_dns = is_dns_port(force.settings, owner.port);
	l = find_learnt(&owner, address);
	/* Port 0 goes nowhere. */
	if (l && l->flags & NAME_LISTED && owner.port)
		verdict = judge_learnt(&f, l, is_connect, is_stream);
	if (!f.tells && verdict == PASS && force.settings->flags & NAMES_EGRESS && owner.port)
		verdict = judge_egress(&f, &force, l, address);
	if (verdict == PASS && (is_stream || is_dns))
		follow(ctx, &owner, is_stream, is_dns);
	if (f.tells)
		tell(&f);
	return verdict;
}

SEC("cgroup/connect4")
int names_connect4(struct bpf_sock_addr *ctx)
{
	__u32 address[4] = { 0, 0, MAPPED, ctx->user_ip4 };

	return judge_destination(ctx, address, true);
}

SEC("cgroup/connect6")
int names_connect6(struct bpf_sock_addr *ctx)
{
	__u32 address[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };

	return judge_destination(ctx, address, true);
}

SEC("cgroup/sendmsg4")
int names_sendmsg4(struct bpf_sock_addr *ctx)
{
	__u32 address[4] = { 0, 0, MAPPED, ctx->user_ip4 };

	return judge_destination(ctx, address, false);
}

SEC("cgroup/sendmsg6")
int names_sendmsg6(struct bpf_sock_addr *ctx)
{
	__u32 address[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };

	return judge_destination(ctx, address, false);
}

/* ---- packets ---- */

struct head {
	__u32 payload; /* where it begins */
	__u32 bytes; /* of it */
	__u32 seq; /* TCP: of its first byte */
	__u32 source;
	__u32 destination;
};

/* @returns whether it is a packet of this protocol with something in it. */
static __always_inline bool read_head(struct __sk_buff *skb, __u32 protocol, struct head *h)
{
	__u8 ip[8], tcp[16];
	__u32 at;

	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)))
		return false;
	if (ip[0] >> 4 == 4) {
		if (bpf_skb_load_bytes(skb, 9, ip + 1, 1) || ip[1] != protocol)
			return false;
		at = (ip[0] & 15) * 4;
	} else if (ip[0] >> 4 == 6 && ip[6] == protocol) {
		at = 40;
	} else {
		return false;
	}
	if (bpf_skb_load_bytes(skb, at, tcp, protocol == TCP ? 14 : 4))
		return false;
	h->source = tcp[0] << 8 | tcp[1];
	h->destination = tcp[2] << 8 | tcp[3];
	h->payload = at + UDP_HEAD_BYTES;
	h->seq = 0;
	if (protocol == TCP) {
		h->payload = at + (tcp[12] >> 4) * 4;
		/* A SYN, which may carry data, takes a number of its own. */
		h->seq = ((__u32)tcp[4] << 24 | tcp[5] << 16 | tcp[6] << 8 | tcp[7]) + (tcp[13] >> 1 & 1);
	}
	if (skb->len <= h->payload)
		return false;
	h->bytes = skb->len - h->payload;
	return true;
}

/* A slot for reading a message in, which must be given back; NULL when all are taken. */
static __always_inline struct question *take_question(void)
{
	__u32 key = bpf_get_smp_processor_id() * 4;
	struct question *q;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u32 at = (key + i) & (QUESTION_SLOTS - 1);

		q = bpf_map_lookup_elem(&questions, &at);
		if (q && !__sync_val_compare_and_swap(&q->taken, 0, 1))
			return q;
	}
	count(COUNTER_BUSY);
	return NULL;
}

static __always_inline void give_back(struct question *q)
{
	__sync_fetch_and_and(&q->taken, 0);
}

/* The first question's name, in q->flow.name. @returns where the message goes on behind it; 0: it is broken. */
static __always_inline __u32 read_question(struct __sk_buff *skb, struct force *force, struct question *q, __u32 at, __u32 bytes)
{
	struct look l = { .f = &q->flow, .settings = force->settings, .slot = force->slot, .skb = skb };

	if (bytes <= DNS_HEADER_BYTES)
		return 0;
	begin_dns(&q->flow, false);
	look_at(&l, at + DNS_HEADER_BYTES, bytes - DNS_HEADER_BYTES, false);
	return q->flow.result == LOOK_HIT ? l.at : 0;
}

/* @returns whether the question leaves. */
static __always_inline int judge_question(struct force *force, struct finding *f, __u64 *asked_ns)
{
	__u32 drops = NAMES_ENFORCE | NAMES_DROP_QUESTIONS;
	struct name *name = &f->flow->name;

	name_find(name, force->settings, force->slot);
	if (asked_ns && (is_pool(name) || force->settings->flags & NAMES_EGRESS))
		*asked_ns = bpf_ktime_get_boot_ns();
	if (!is_pool(name))
		return PASS;
	f->entry = name->entry;
	find(f, EVIDENCE_QUESTION, OUTCOME_TOLD);
	if ((force->settings->flags & drops) != drops)
		return PASS;
	count(COUNTER_DROPPED);
	f->outcome = OUTCOME_DROPPED;
	return REFUSE;
}

static __always_inline int egress_datagram(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct asker *a = bpf_sk_storage_get(&askers, sk, NULL, 0);
	struct force force = {};
	struct question *q;
	int verdict = PASS;
	struct head h;

	if (!a || !get_force(&force) || !read_head(skb, UDP, &h) || !is_dns_port(force.settings, h.destination))
		return PASS;
	count(COUNTER_QUESTIONS);
	q = take_question();
	if (!q)
		return PASS;
	if (read_question(skb, &force, q, h.payload, h.bytes)) {
		struct finding f = { .owner = &a->owner,
				     .settings = force.settings,
				     .flow = &q->flow,
				     .flags = NAMES_EVENT_DATAGRAM,
				     .signal_result = SIGNAL_NOT_SENT };

		verdict = judge_question(&force, &f, &a->asked_ns);
		if (f.tells)
			tell(&f);
	}
	give_back(q);
	return verdict;
}

/* The flow said who it is. */
static __always_inline int judge_hit(struct force *force, struct flow *flow, struct finding *f)
{
	if (flow->is_dns) {
		f->flags = NAMES_EVENT_TCP;
		return judge_question(force, f, NULL);
	}
	f->flags = (flow->envelope == ENVELOPE_WEBSOCKET ? NAMES_EVENT_WEBSOCKET : 0) | (flow->is_proxied ? NAMES_EVENT_PROXIED : 0);
	if (!(force->settings->flags & NAMES_ENFORCE)) {
		find(f, flow->evidence, OUTCOME_TOLD);
		return PASS;
	}
	count(COUNTER_BLOCKED);
	find(f, flow->evidence, OUTCOME_KILLED);
	kill_owner(f);
	return REFUSE;
}

static __always_inline int egress_stream(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct flow *flow = bpf_sk_storage_get(&flows, sk, NULL, 0);
	struct force force = {};
	struct look l = { .skb = skb, .f = flow };
	struct finding f = { .flow = flow, .signal_result = SIGNAL_NOT_SENT };
	int verdict = PASS;
	__u32 known;
	struct head h;

	if (!flow || !get_force(&force))
		return PASS;
	if (flow->blocked) {
		count(COUNTER_BLOCKED_PACKETS);
		return REFUSE;
	}
	if (!read_head(skb, TCP, &h))
		return PASS;
	if (!flow->has_seq) {
		flow->has_seq = 1;
		flow->next_seq = h.seq;
	}
	/* What is sent once more was read. */
	known = flow->next_seq - h.seq;
	if ((__s32)known < 0) {
		count(COUNTER_FLOWS_GAP);
		bpf_sk_storage_delete(&flows, sk);
		return PASS;
	}
	if (known >= h.bytes)
		return PASS;
	flow->packets++;
	flow->next_seq += h.bytes - known;
	l.settings = force.settings;
	l.slot = force.slot;
	look_at(&l, h.payload + known, h.bytes - known, false);
	if (flow->result == LOOK_MORE)
		return PASS;
	if (flow->result == LOOK_CUT)
		count(COUNTER_FLOWS_CUT);
	if (flow->result == LOOK_HIT) {
		f.owner = &flow->owner;
		f.entry = flow->entry;
		f.settings = force.settings;
		f.packets = flow->packets;
		verdict = judge_hit(&force, flow, &f);
		if (f.tells)
			tell(&f);
		if (verdict == REFUSE) {
			flow->blocked = 1;
			return REFUSE;
		}
		/* Who logs in comes in the next message. */
		if (f.evidence == EVIDENCE_STRATUM && !flow->json.wallet_bytes && !flow->is_told) {
			flow->is_told = 1;
			json_begin(flow);
			return PASS;
		}
	}
	bpf_sk_storage_delete(&flows, sk);
	return PASS;
}

SEC("cgroup_skb/egress")
int names_egress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return PASS;
	if (sk->protocol == UDP)
		return egress_datagram(skb, sk);
	if (sk->protocol == TCP || sk->protocol == MPTCP)
		return egress_stream(skb, sk);
	return PASS;
}

/* ---- answers ---- */

/* RFC 1035, 3.2.2; RFC 3596 */
#define TYPE_A 1
#define TYPE_AAAA 28

enum answer_step { ANSWER_OWNER, ANSWER_RECORD };

/* Its step and the number of records that are left are in f, in a map: Linux 6.1 takes what is on the stack for what it was in the
 * first turn, and removes the code of the others. */
struct answer_walk {
	__u32 turns;
	__u32 at;
	__u32 end;
	__u32 kept;
	struct flow *f;
	struct __sk_buff *skb;
	struct owner *owner;
	struct learnt *learnt;
};

static __always_inline void remember(struct answer_walk *w, __u32 at, __u32 type, __u32 ttl_s)
{
	struct learnt_key key = { .netns_cookie = w->owner->netns_cookie, .group = w->owner->learnt_group };
	struct learnt *known;

	if (type == TYPE_A) {
		key.address[2] = MAPPED;
		if (bpf_skb_load_bytes(w->skb, at, &key.address[3], 4))
			return;
	} else {
		if (bpf_skb_load_bytes(w->skb, at, key.address, 16))
			return;
		unwrap(key.address);
	}
	ttl_s = ttl_s < LEARNT_AT_LEAST_S ? LEARNT_AT_LEAST_S : ttl_s > LEARNT_AT_MOST_S ? LEARNT_AT_MOST_S : ttl_s;
	w->learnt->until_ns = bpf_ktime_get_boot_ns() + ttl_s * NS_PER_S;
	known = bpf_map_lookup_elem(&learnt, &key);
	/* A pool's address stays one, though another name has it too. */
	if (known && known->until_ns > bpf_ktime_get_boot_ns() && known->flags & NAME_LISTED && !(w->learnt->flags & NAME_LISTED)) {
		known->flags |= w->learnt->flags;
		return;
	}
	if (!bpf_map_update_elem(&learnt, &key, w->learnt, BPF_ANY))
		w->kept++;
}

LOOP_BODY(answer_on, struct answer_walk)
{
	__u32 type, length, ttl_s;
	__u8 c, r[10];

	if (!ctx->f->left || ctx->at >= ctx->end)
		return 1;
	if (ctx->f->step == ANSWER_OWNER) {
		if (bpf_skb_load_bytes(ctx->skb, ctx->at, &c, 1))
			return 1;
		ctx->at += c >= 0xc0 ? 2 : 1 + c;
		if (!c || c >= 0xc0)
			ctx->f->step = ANSWER_RECORD;
		return 0;
	}
	if (bpf_skb_load_bytes(ctx->skb, ctx->at, r, sizeof(r)))
		return 1;
	type = r[0] << 8 | r[1];
	ttl_s = (__u32)r[4] << 24 | r[5] << 16 | r[6] << 8 | r[7];
	length = r[8] << 8 | r[9];
	ctx->at += sizeof(r);
	if ((type == TYPE_A && length == 4) || (type == TYPE_AAAA && length == 16))
		remember(ctx, ctx->at, type, ttl_s);
	ctx->at += length;
	ctx->f->left--;
	ctx->f->step = ANSWER_OWNER;
	return 0;
}

static __always_inline void read_answer(struct __sk_buff *skb, struct force *force, struct asker *a, struct question *q, struct head *h)
{
	struct finding f = { .evidence = EVIDENCE_ANSWER,
			     .owner = &a->owner,
			     .settings = force->settings,
			     .flow = &q->flow,
			     .flags = NAMES_EVENT_DATAGRAM,
			     .signal_result = SIGNAL_NOT_SENT };
	struct learnt *l = &q->learnt;
	struct answer_walk walk = { .f = &q->flow, .skb = skb, .owner = &a->owner, .learnt = l };
	__u8 d[DNS_HEADER_BYTES];
	__u32 records;
	struct name *name = &q->flow.name;

	if (bpf_skb_load_bytes(skb, h->payload, d, sizeof(d)))
		return;
	records = d[6] << 8 | d[7];
	if (!(d[2] & 0x80) || !records)
		return;
	walk.at = read_question(skb, force, q, h->payload, h->bytes);
	if (!walk.at) {
		count(COUNTER_ANSWERS_BROKEN);
		return;
	}
	name_find(name, force->settings, force->slot);
	if (!is_pool(name) && !(force->settings->flags & NAMES_EGRESS))
		return;
	l->entry = name->entry;
	l->generation = force->settings->generation;
	l->flags = name->flags & NAME_SPARED ? name->flags & ~NAME_LISTED : name->flags;
	l->pid = a->owner.pid;
	__builtin_memset(l->name, 0, sizeof(l->name));
	keep_end(l->name, name);
	walk.at += 4; /* the question's type and class */
	walk.end = h->payload + h->bytes;
	q->flow.left = records;
	q->flow.step = ANSWER_OWNER;
	LOOP(answer_on, ANSWER_STEPS, &walk);
	if (!is_pool(name))
		return;
	f.entry = name->entry;
	f.answers = walk.kept;
	tell(&f);
}

SEC("cgroup_skb/ingress")
int names_ingress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct force force = {};
	struct question *q;
	struct asker *a;
	struct head h;

	if (!sk)
		return PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != UDP)
		return PASS;
	a = bpf_sk_storage_get(&askers, sk, NULL, 0);
	if (!a || !a->asked_ns || !get_force(&force) || !read_head(skb, UDP, &h) || !is_dns_port(force.settings, h.source))
		return PASS;
	count(COUNTER_ANSWERS);
	q = take_question();
	if (!q)
		return PASS;
	read_answer(skb, &force, a, q, &h);
	give_back(q);
	return PASS;
}

/* ---- for tests ---- */

/* Loaded alone, to see whether the kernel lets it. */
SEC("cgroup_skb/egress")
int names_try_signal(struct __sk_buff *skb)
{
	return bpf_send_signal(0) ? PASS : PASS;
}

struct payload_walk {
	__u32 turns;
	__u32 at;
	__u32 end;
	__u32 first; /* bytes of the first packet; as of look_args, as the next */
	__u32 piece;
	__u32 packets;
	struct look *look;
};

LOOP_BODY(packet_on, struct payload_walk)
{
	__u32 left = ctx->end - ctx->at, bytes = turn ? ctx->piece : ctx->first;

	if (ctx->at >= ctx->end || ctx->look->f->result != LOOK_MORE)
		return 1;
	if (!bytes || bytes > left)
		bytes = left;
	ctx->packets++;
	look_at(ctx->look, ctx->at, bytes, true);
	ctx->at += bytes;
	return 0;
}

/* What a flow with this payload would be taken for. Nothing is sent or told. */
SEC("syscall")
int look_at_payload(struct look_args *args)
{
	struct force force = {};
	__u32 key = QUESTION_SLOTS;
	struct question *q = bpf_map_lookup_elem(&questions, &key);
	struct look l = { .user = args->payload };
	struct payload_walk walk = { .end = args->bytes, .first = args->split, .piece = args->piece, .look = &l };
	__u64 start_ns;

	if (!q || !get_force(&force))
		return 1;
	l.f = &q->flow;
	l.settings = force.settings;
	l.slot = force.slot;
	start_ns = bpf_ktime_get_ns();
	__builtin_memset(&q->flow, 0, offsetof(struct flow, chunk));
	q->flow.json.wallet_bytes = 0;
	if (args->is_dns)
		begin_dns(&q->flow, true);
	else
		begin_flow(&q->flow);
	LOOP(packet_on, MAX_TURNS, &walk);
	args->elapsed_ns = bpf_ktime_get_ns() - start_ns;
	args->found = q->flow.result == LOOK_HIT ? q->flow.evidence : EVIDENCE_COUNT;
	args->entry = q->flow.entry;
	args->flags = (q->flow.envelope == ENVELOPE_WEBSOCKET ? NAMES_EVENT_WEBSOCKET : 0) |
		      (q->flow.is_proxied ? NAMES_EVENT_PROXIED : 0);
	args->method = q->flow.json.flags;
	args->packets = walk.packets;
	args->is_over = q->flow.result != LOOK_MORE;
	args->name_bytes = q->flow.name.bytes;
	args->wallet_bytes = q->flow.json.wallet_bytes;
	__builtin_memcpy(args->name, q->flow.name.text, NAME_BYTES);
	__builtin_memcpy(args->wallet, q->flow.json.wallet, WALLET_BYTES);
	return 0;
}
