// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What a program computes, seen when it is taken off the CPU: RandomX by the constants in its registers, and by its four rounding
 * modes. The verdict is made and the signal sent here; user space is told. */
#include "../lib/kernel.bpf.h"
#include "monero.h"
#include "../lib/border.bpf.h"
#include "../lib/agent.bpf.h"
#include "../lib/identity.bpf.h"
#include "maps.bpf.h"
#include "fpu.bpf.h"
#include "registers.bpf.h"

/* bpf_send_signal and the reads of kernel memory are for GPL-compatible programs. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

BORDER(struct border)

#define SIGKILL 9
#define NS_PER_S 1000000000ULL

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sched_entity {
	__u64 sum_exec_runtime;
};

struct task_struct___running {
	struct sched_entity se;
};

struct signal_struct___running {
	unsigned long long sum_sched_runtime; /* of threads that have ended */
};

#pragma clang attribute pop

static __always_inline struct settings *settings_in_force(void)
{
	__u32 slot = control_get(CONTROL_SLOT) & 1, zero = 0;
	void *inner = bpf_map_lookup_elem(&settings_slots, &slot);
	struct settings *settings = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;

	if (!settings)
		count(COUNTER_NO_SETTINGS);
	return settings;
}

/* What is known of the process, if it is this one and this image. */
static __always_inline struct seen *find_seen(struct task_struct *leader, __u32 tgid)
{
	struct seen *seen = bpf_map_lookup_elem(&processes, &tgid);

	if (!seen || seen->start_time_ns != leader->start_boottime || seen->exec_id != leader->self_exec_id)
		return NULL;
	return seen;
}

static __always_inline struct seen *begin_seen(struct task_struct *leader, __u32 tgid, __u64 now)
{
	struct seen begun = {
		.start_time_ns = leader->start_boottime,
		.exec_id = leader->self_exec_id,
		.first_ns = now,
		.halved_ns = now,
	};

	if (bpf_map_update_elem(&processes, &tgid, &begun, BPF_ANY))
		count(COUNTER_UNTRACKED);
	return bpf_map_lookup_elem(&processes, &tgid);
}

/* ---- the rules ---- */

static __always_inline void halve(struct seen *seen, struct settings *settings, __u64 now)
{
	if (now - seen->halved_ns < settings->half_life_ns)
		return;
	for (int mode = 0; mode < ROUNDINGS; mode++)
		seen->counts[mode] /= 2;
	seen->ftz_daz /= 2;
	seen->halved_ns = now;
}

/* All three directed modes, each often enough: interval arithmetic has one of them, or two. */
static __always_inline bool has_four_modes(struct seen *seen, struct settings *settings)
{
	__u32 down = seen->counts[ROUND_DOWN], up = seen->counts[ROUND_UP], zero = seen->counts[ROUND_ZERO];
	__u32 all = seen->counts[ROUND_NEAREST] + down + up + zero, least = down < up ? down : up;

	if (zero < least)
		least = zero;
	return all >= settings->min_samples && least >= settings->min_each && least * 100 >= all * settings->min_percent;
}

/* The strictest rule that applies and has not been told. */
static __always_inline __u32 choose(struct seen *seen, struct settings *settings)
{
	bool registers = settings->registers && is_randomx(seen->constants) && !(seen->told & (1U << RULE_REGISTERS));
	bool four = settings->four_modes && !(seen->told & (1U << RULE_FOUR_MODES)) && has_four_modes(seen, settings);

	if (registers && (settings->registers == RULE_ENFORCE || !four || settings->four_modes != RULE_ENFORCE))
		return RULE_REGISTERS;
	return four ? RULE_FOUR_MODES : RULE_NONE;
}

/* ---- the verdict ---- */

static __always_inline __u64 *pendings_count(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pendings, &zero);
}

static __always_inline void set_pending(struct seen *seen, __u32 rule)
{
	__u64 *count = pendings_count();

	if (rule && count && __sync_val_compare_and_swap(&seen->pending, RULE_NONE, rule) == RULE_NONE)
		__sync_fetch_and_add(count, 1);
}

/* Two threads may come here at once: one of them does it. */
static __always_inline bool take_pending(struct seen *seen, __u32 rule)
{
	__u64 *count = pendings_count();

	if (__sync_val_compare_and_swap(&seen->pending, rule, RULE_NONE) != rule)
		return false;
	if (count)
		__sync_fetch_and_add(count, -1);
	return true;
}

static __always_inline void tell(struct task_struct *task, struct seen *seen, __u32 kind, __u32 rule, __u32 place, long result)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct signal_struct___running *signal = (void *)BPF_CORE_READ(task, signal);
	struct task_struct___running *running = (void *)task;
	struct monero_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		count(COUNTER_EVENTS_LOST);
		return;
	}
	e->time_ns = bpf_ktime_get_boot_ns();
	e->thread_cpu_ns = BPF_CORE_READ(running, se.sum_exec_runtime);
	e->cpu_ns = e->thread_cpu_ns + BPF_CORE_READ(signal, sum_sched_runtime);
	if (leader != task) {
		running = (void *)leader;
		e->cpu_ns += BPF_CORE_READ(running, se.sum_exec_runtime);
	}
	e->group = identity_group(task);
	e->kind = kind;
	e->rule = rule;
	e->place = place;
	e->tid = BPF_CORE_READ(task, pid);
	e->signal_result = result;
	e->reserved = 0;
	__builtin_memcpy(&e->seen, seen, sizeof(*seen));
	fill_identity(&e->who, task);
	bpf_ringbuf_submit(e, 0);
}

static __always_inline void count_by_rule(__u32 rule, __u32 registers, __u32 four_modes)
{
	count(rule == RULE_REGISTERS ? registers : four_modes);
}

/* Carry out what is pending. The kernel refuses signals while the memory map of the next process is there (nmi_uaccess_okay), and the
 * arguments could not be read then: all waits until the process's own is. Signal 0 asks for that and does nothing. */
static __always_inline void settle(struct task_struct *task, struct seen *seen, struct settings *settings, __u32 place)
{
	__u32 rule = seen->pending, mode = rule == RULE_REGISTERS ? settings->registers : settings->four_modes, kind;
	bool asks = settings->asks, is_own;
	long failed;

	if (!mode) { /* switched off meanwhile */
		take_pending(seen, rule);
		return;
	}
	is_own = is_self_test(task);
	if (is_own) {
		mode = RULE_ENFORCE;
		asks = false;
	}
	failed = bpf_send_signal(mode == RULE_ENFORCE && !asks ? SIGKILL : 0);
	if (failed) {
		count(COUNTER_PUT_OFF);
		if (++seen->tries < MAX_TRIES)
			return;
	}
	if (!take_pending(seen, rule))
		return;
	seen->tries = 0;
	__sync_fetch_and_or(&seen->told, mode == RULE_AUDIT ? 1U << rule : 1U << RULE_REGISTERS | 1U << RULE_FOUR_MODES);
	if (mode == RULE_AUDIT) {
		kind = VERDICT_WOULD_KILL;
		count_by_rule(rule, COUNTER_WOULD_KILL_REGISTERS, COUNTER_WOULD_KILL_FOUR_MODES);
	} else if (asks) {
		kind = VERDICT_ASKED;
		seen->asked_ns = bpf_ktime_get_boot_ns();
		seen->asked_generation = settings->generation;
		count(COUNTER_ASKED);
	} else if (failed) {
		kind = VERDICT_KILL_FAILED;
		count(COUNTER_KILL_FAILED);
	} else {
		kind = VERDICT_KILLED;
		if (is_own)
			count(COUNTER_SELF_TEST);
		else
			count_by_rule(rule, COUNTER_KILLED_REGISTERS, COUNTER_KILLED_FOUR_MODES);
	}
	tell(task, seen, kind, rule, place, failed);
}

/* Nobody answered, or by other patterns: what was spared is asked about again. */
static __always_inline void ask_again(struct seen *seen, struct settings *settings, __u64 now)
{
	bool is_old = now - seen->asked_ns > ASK_AGAIN_S * NS_PER_S;

	if (seen->asked_ns && settings->asks && (is_old || seen->asked_generation != settings->generation)) {
		seen->told = 0;
		seen->asked_ns = 0;
	}
}

SEC("tp_btf/x86_fpu_regs_deactivated")
int BPF_PROG(switched_out, struct fpu *fpu)
{
	struct task_struct *task = bpf_get_current_task_btf(), *leader;
	struct settings *settings;
	struct xregs_state *state;
	__u32 mxcsr, mode, tgid, constants;
	struct seen *seen;
	__u64 now;

	if (!was_interrupted(task) || control_get(CONTROL_RETIRED_BY) || !in_scope(task))
		return 0;
	count(COUNTER_SAMPLES);
	state = saved_state(fpu);
	mxcsr = saved_mxcsr(state);
	mode = (mxcsr >> MXCSR_ROUNDING_SHIFT) & (ROUNDINGS - 1);
	tgid = task->tgid;
	leader = task->group_leader;
	seen = find_seen(leader, tgid);
	if (!seen && mode == ROUND_NEAREST)
		return 0;
	settings = settings_in_force();
	if (!settings || tgid == control_get(CONTROL_AGENT_TGID))
		return 0;
	now = bpf_ktime_get_boot_ns();
	if (!seen)
		seen = begin_seen(leader, tgid, now);
	if (!seen)
		return 0;
	seen->samples++;
	if (mode != ROUND_NEAREST) {
		count(COUNTER_DIRECTED);
		seen->directed++;
		constants = constants_in(state);
		if (is_randomx(constants))
			seen->constants |= constants;
	}
	if (now - seen->last_ns >= settings->gap_ns) {
		halve(seen, settings, now);
		seen->last_ns = now;
		seen->counts[mode]++;
		seen->ftz_daz += (mxcsr & MXCSR_FTZ_DAZ) == MXCSR_FTZ_DAZ;
	}
	ask_again(seen, settings, now);
	if (!seen->pending)
		set_pending(seen, choose(seen, settings));
	if (seen->pending)
		settle(task, seen, settings, PLACE_DEACTIVATED);
	return 0;
}

/* On its way back to user mode, before its next instruction: its own memory is there. */
SEC("tp_btf/x86_fpu_regs_activated")
int BPF_PROG(switched_in, struct fpu *fpu)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *count = pendings_count();
	struct settings *settings;
	struct seen *seen;

	if (!count || !*count)
		return 0;
	seen = find_seen(task->group_leader, task->tgid);
	if (!seen || !seen->pending || control_get(CONTROL_RETIRED_BY))
		return 0;
	settings = settings_in_force();
	if (settings)
		settle(task, seen, settings, PLACE_ACTIVATED);
	return 0;
}

/* A few more than MAX_EXECS are told where processors begin a second together. */
static __always_inline bool tell_exec(__u32 tgid, const struct look *look)
{
	__u64 second = look->exec_ns / NS_PER_S;
	struct execs_told *told;
	struct exec_event *e;
	__u32 zero = 0;

	told = bpf_map_lookup_elem(&execs_told, &zero);
	if (!told)
		return false;
	if (told->second != second) {
		told->second = second;
		told->told = 0;
	}
	if (__sync_fetch_and_add(&told->told, 1) >= MAX_EXECS)
		return false;
	e = bpf_ringbuf_reserve(&execs, sizeof(*e), 0);
	if (!e)
		return false;
	e->start_time_ns = look->start_time_ns;
	e->time_ns = look->exec_ns;
	e->pid = tgid;
	e->reserved = 0;
	bpf_ringbuf_submit(e, 0);
	return true;
}

/* Loaded only where the agent wants to look at files that begin to run. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(execed, struct task_struct *task)
{
	struct look look = { .outcome = LOOK_WAITS };
	__u32 tgid;

	if (control_get(CONTROL_RETIRED_BY) || control_get(CONTROL_AGENT_AWAY) || is_self_test(task) || !in_scope(task))
		return 0;
	tgid = BPF_CORE_READ(task, tgid);
	look.start_time_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	look.exec_ns = bpf_ktime_get_boot_ns();
	/* Before the agent can have looked. */
	bpf_map_update_elem(&looks, &tgid, &look, BPF_ANY);
	if (tell_exec(tgid, &look))
		return 0;
	count(COUNTER_EXECS_UNTOLD);
	look.outcome = LOOK_UNTOLD;
	bpf_map_update_elem(&looks, &tgid, &look, BPF_ANY);
	return 0;
}
