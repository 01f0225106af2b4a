/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The border between kernel and user space: what both sides read and write. Sizes are bytes unless the name says so.
 * TypeScript finds offsets and numbers in the object's BTF (struct border, at the end), and repeats none. */
#ifndef CRYPTNONO_EXECWHACKER_H
#define CRYPTNONO_EXECWHACKER_H

#include "../lib/agent.h"
#include "wallets.h"

/* ---- limits ---- */

enum limits {
	/* Longest banned string. */
	MAX_STRING_BYTES = 512,
	/* Longest path an exec can carry, with its NUL: PATH_MAX, behind the "/dev/fd/N/" of an execveat, up to a multiple of 64. */
	MAX_PATH_BYTES = 4160,
	/* Bytes of arguments read at a time. */
	WINDOW_BYTES = 16384,
	/* What consecutive windows share: the longest string and a byte on either side of it, rounded up. */
	OVERLAP_BYTES = 576,
	/* Argument bytes that one exec event carries from the start of the area, and around a match beyond them. */
	EVENT_ARGS_BYTES = 8192,
	EVENT_CONTEXT_BYTES = 512,
	/* From the root: kubepods, quality of service, pod, container. What lies deeper a container's owner may have made. */
	TALLY_DEPTH = 4,
	MAX_TALLIES = 8192,
	MAX_DEMOTED = 1024,
	MAX_SPARED = 4096,
	MAX_SPARED_PATH_BYTES = 254,
	/* After the first ones, and of any kind together: */
	TELL_EVERY_S = 10, /* a record of one tally */
	TELL_GROUP_BURST = 64, /* records of one group at once, and one a second */
	TELL_BURST = 2000, /* records of all at once, and TELL_RATE a second; the same again for groups that were quiet */
	TELL_RATE = 200,
	TELL_QUIET_S = 60, /* how long nothing was told of a group that was quiet */
	/* Argument bytes of the records of a tally behind its first ones, and of all while the agent is behind. */
	TELL_LONG = 4,
	EVENT_SMALL_ARGS_BYTES = 512,
	/* One hierarchy's cgroup names from the root down, each ended by NUL; an empty one in front when the root was not
	 * reached. */
	EVENT_CGROUP_BYTES = 1024,
	/* Names of cgroups that are told, the outermost ones. A power of two: the verifier takes the mask as the bound. */
	MAX_CGROUP_LEVELS = 32,
	/* What the parts of a search cost, in units of about a nanosecond of a processor of 2023 (test/bench/worst-lines.ts).
	 * An exec that wants more than policy.max_work of them is a line built to be slow and goes the over-long way. */
	WORK_WINDOW = 400,
	WORK_CHUNK_A = 30, /* 64 bytes through filter A, with their reading; as the next two */
	WORK_CHUNK_B = 28,
	WORK_CHUNK_C = 42,
	WORK_HIT = 90, /* gone through again, gram by gram */
	WORK_KEYS = 90, /* the keys that a gram may lie in */
	WORK_CELL = 45, /* a bucket's cell */
	WORK_STRING = 70, /* a string looked at */
	WORK_WORD = 12, /* eight bytes of it compared */
	WORK_ALLOW_BYTE = 5, /* a byte walked over by the allow automaton */
	/* Words and edges in one block of the NFA. */
	NFA_BLOCK_WORDS = 8,
	NFA_BLOCK_EDGES = 32,
	WORK_NFA_BYTE = 22, /* by a block of the NFA, and more for each of its words and edges */
	WORK_NFA_WORD = 3,
	WORK_NFA_EDGE = 2,
	/* Sets of strings that the same patterns spare. 0 is the set that none spares. */
	MAX_ALLOW_SETS = 32,
	/* Cells that one key's entries may run over. */
	MAX_CHAIN_CELLS = 128,
	/* Rules of several strings, and the different strings of all of them. A power of two: the verifier takes the mask as the
	 * bound. */
	MAX_RULES = 256,
	MAX_MEMBERS = 256,
	WORK_RULE = 25, /* a rule looked at */
};

/* ---- tables (matcher/DESIGN.md) ---- */

#define FILTER_A_BYTES (1 << 21)
#define FILTER_B_BYTES (1 << 19)
#define FILTER_C_BYTES (1 << 13)
#define FILTER_KEYS_BYTES (1 << 18)
#define CELL_BYTES 64
#define ENTRIES_PER_CELL 8
#define ALLOW_CELLS (1 << 18)
#define ALLOW_NAMES (1 << 13)
#define NFA_BLOCKS 8
#define NFA_WORDS 32
#define NFA_EDGES 128
#define NFA_CLASSES 256

/* What is done with an exec whose line cannot be searched whole. */
enum way {
	WAY_KILL = 0,
	WAY_LET_GO = 1,
};

enum policy_flags {
	POLICY_FILTER_A = 1 << 0, /* some string has 8 bytes or more */
	POLICY_FILTER_B = 1 << 1, /* some string has 5 to 7 bytes */
	POLICY_FILTER_C = 1 << 2, /* some string has 1 to 4 bytes */
	POLICY_ENFORCE = 1 << 3, /* some string of the operator's may kill in a container; */
	POLICY_ENFORCE_HOST = 1 << 4, /* and among the host's own processes */
	POLICY_SCOPES = 1 << 5, /* some string counts in some places alone */
	POLICY_NARROW = 1 << 6, /* some string or wallet has a narrow scope */
};

struct policy {
	__u32 flags; /* enum policy_flags */
	__u32 mask_a; /* byte mask into filter_a: (words - 1) * 8 */
	__u32 mask_b;
	__u32 bucket_mask; /* buckets are cells 0..bucket_mask */
	__u32 short_lengths; /* bit L: a string of L bytes exists, L in 1..4 */
	__u32 tail_bytes; /* how far past the path a string that begins in it can reach, and one byte; 0: no string spans */
	__u32 max_scan_bytes; /* longer argument areas go the over-long way; 0: no limit */
	__u32 way_unreadable; /* enum way */
	__u32 way_over_long;
	__u32 max_work; /* most that one exec may cost, in units of WORK_* */
	__u32 max_allow_bytes; /* no pattern spares a process whose line it would have to read further than this */
	__u32 generation; /* of the list; told in each event */
	__u32 mask_keys; /* byte mask into filter keys */
	__u32 tell_kills; /* whole records of one tally before only some are sent; 0: all are */
	__u32 tell_spares; /* the same for spares */
	__u32 rules; /* of several strings */
	__u32 first_rule; /* their cells */
	__u32 candidate_sets; /* a bit for each allow set whose strings are a candidate list's alone: they decide nothing */
	__u32 narrow_kill; /* a bit for each scope, of the narrow ones that some string may kill in */
	__u32 reserved;
};

struct filters {
	struct policy policy;
	__u64 a[FILTER_A_BYTES / 8];
	__u64 b[FILTER_B_BYTES / 8];
	__u64 c[FILTER_C_BYTES / 8];
	__u64 keys[FILTER_KEYS_BYTES / 8]; /* by key_hash: whether any string has the key */
};

/* A bucket's entry. string_cell 0: empty, and the end of the chain. */
struct entry {
	__u16 tag;
	__u16 offset; /* of the key within the string */
	__u32 string_cell;
};

/* KIND_MEMBER, beside the mode: one of several strings; its id is its bit in the rules that want it. */
enum string_kind { KIND_MODE = 3, KIND_MEMBER = 1 << 3 };
/* MODE_EXACT_VALUE: of the environment, a whole variable, or all of it behind an equals sign. */
enum string_mode { MODE_WORD = 0, MODE_ANYWHERE = 1, MODE_EXACT_ARGUMENT = 2, MODE_EXACT_VALUE = 3 };
/* ACTION_QUOTED and on: a piece of a string of that action less two, which may stand in the quoted line alone. */
enum string_action { ACTION_ENFORCE = 0, ACTION_AUDIT = 1, ACTION_QUOTED_ENFORCE = 2, ACTION_QUOTED_AUDIT = 3 };
/* Where a string counts: everywhere; in containers; among the host's own processes, which are all others; in containers of some
 * namespaces, pods and labels. These are numbered by the list, from NARROW_FIRST on. */
enum string_scope { SCOPE_ANY = 0, SCOPE_CONTAINERS = 1, SCOPE_HOST = 2 };

enum narrow_limits {
	NARROW_FIRST = 3,
	NARROW_MOST = 8, /* different ones of a list */
	/* A large node has some 500 containers; each may have cgroups of its own. */
	NARROW_CGROUPS = 8192,
	/* Among the scopes of a cgroup: nobody could say what it is. */
	NARROW_UNJUDGED = 1 << 30,
};

/* What is known of a container's cgroup, by a list's numbers. */
struct narrow_cgroup {
	__u32 generation;
	__u32 scopes; /* a bit for each narrow one that holds there */
};

/* A string's first cell; its folded bytes go on in the cells that follow. */
struct string_head {
	__u32 id;
	__u16 length;
	__u8 kind; /* enum string_mode, KIND_MEMBER, from bit 4 enum string_action, from bit 6 enum string_scope */
	__u8 allow_set; /* which patterns spare it; from bit 5, of a narrow scope, which of them */
	__u8 bytes[CELL_BYTES - 8];
};

/* A rule of several strings, all of which must stand. Its first members are a string's; `length` is its told member's. */
struct rule_head {
	__u32 id;
	__u16 length;
	__u8 kind;
	__u8 allow_set;
	__u64 members[MAX_MEMBERS / 64];
	__u32 told; /* the member whose place is told */
	__u32 reserved[5];
};

struct cell {
	union {
		struct entry entries[ENTRIES_PER_CELL];
		struct string_head string;
		struct rule_head rule;
		__u64 words[CELL_BYTES / 8];
	};
};

/* Patterns whose table would be too large: a bit for each state, 64 to a word. A block's words are walked together. */
struct nfa_block {
	__u32 first_word;
	__u32 words;
	__u32 first_edge;
	__u32 edges;
	__u32 sets; /* a bit for each allow set that has patterns in it */
	__u32 work; /* that a byte costs */
};

/* If a bit of `from` is read, `to` comes next; in words of the block. */
struct nfa_edge {
	__u64 from;
	__u64 to;
	__u32 from_word;
	__u32 to_word;
};

/* What a byte class does to a word's bits. */
struct nfa_row {
	__u64 stay;
	__u64 read; /* and lead on */
};

struct nfa {
	__u32 blocks;
	__u32 end_class; /* the class of the line's end: who reads it has matched */
	__u32 kind_of[256]; /* enum dfa_kind; within quotes an apostrophe is read character by character */
	struct nfa_block block[NFA_BLOCKS];
	struct nfa_edge edge[NFA_EDGES];
	__u64 shift[NFA_WORDS]; /* bits that lead to the next one */
	__u64 final[NFA_WORDS]; /* bits that have matched, whatever comes */
	__u64 start[MAX_ALLOW_SETS * NFA_WORDS];
	struct nfa_row row[NFA_CLASSES * NFA_WORDS]; /* a block's: from first_word * NFA_CLASSES on, `words` for each class */
	__u32 pattern_of[NFA_WORDS * 64]; /* by bit: what has matched there */
};

/* A DFA over the shell-quoted line. State 0 is dead; from first_accept on a state has matched and stays. */
struct dfa {
	__u32 first_accept;
	__u32 stride_log2; /* cells of a state's row */
	__u32 end_class; /* the column of the line's end */
	__u32 first_cell; /* in allow_table.next */
	__u32 first_name; /* in allow_table.names: of state first_accept */
	__u32 kind_of[256]; /* enum dfa_kind */
	__u16 start[4 * MAX_ALLOW_SETS];
};

/* What a byte is: its column where an argument stands without quotes, its column within quotes (an apostrophe is five
 * characters there), and whether it makes the shell's quotes needed. */
enum dfa_kind { DFA_QUOTED_SHIFT = 8, DFA_UNSAFE_SHIFT = 16 };

/* DFA_PATTERNS: starts by allow set, named by pattern. DFA_QUOTED, the strings that stand in the quoted line alone: starts by
 * place (containers, then the host), action and allow set, named by string. */
enum allow_dfa { DFA_PATTERNS = 0, DFA_QUOTED = 1 };

/* matcher/src/allow/DESIGN.md */
struct allow_table {
	struct dfa dfa[2]; /* enum allow_dfa */
	__u32 names[ALLOW_NAMES];
	__u16 next[ALLOW_CELLS];
	struct nfa nfa;
};

/* ---- counters: per CPU, one u64 each ---- */
enum counter {
	COUNTER_CHECKED,
	COUNTER_KILLED,
	COUNTER_WOULD_KILL,
	COUNTER_KILL_FAILED,
	COUNTER_SPARED_SUBSTRING,
	COUNTER_SPARED_PATTERN,
	COUNTER_SPARED_SCOPE,
	COUNTER_LET_GO,
	COUNTER_UNREADABLE, /* with the verdict that followed; as the next two */
	COUNTER_OVER_LONG,
	COUNTER_BUDGET_EXCEEDED,
	COUNTER_KILL_EVENTS_LOST,
	COUNTER_OTHER_EVENTS_LOST,
	COUNTER_NO_TABLES,
	COUNTER_SKIPPED, /* execs at which the kernel did not run the program */
	COUNTER_SELF_TEST, /* the agent's own child was killed; not among the killed */
	COUNTER_PUT_OFF, /* execs that were looked at once more, on their way to user mode */
	COUNTER_LATER_BUSY, /* of them, those for which no state was free */
	COUNTER_CHANGED, /* execs whose arguments were written to by someone else before they were judged */
	COUNTER_UNCHECKED, /* execs of which that is not known */
	COUNTER_WALLETS_UNREADABLE, /* execs whose arguments could not be searched for wallets; as the next one */
	COUNTER_WALLETS_OVER_LONG,
	COUNTER_ENVIRONMENT_UNREADABLE, /* execs whose environment could not be searched; as the next one */
	COUNTER_ENVIRONMENT_OVER_LONG,
	COUNTER_CANDIDATE, /* execs that live, and that a candidate list would kill; beside the verdict, and no part of it */
	COUNTER_ASKED, /* execs that the agent judges: nobody had told which narrow scopes hold in their container */
	/* Verdicts that were sent as records, in the order of enum verdict. Behind the verdicts' own counters, and so read after
	 * them: what was told is never more than what happened. */
	COUNTER_TOLD_KILLED,
	COUNTER_TOLD_KILL_FAILED,
	COUNTER_TOLD_WOULD_KILL,
	COUNTER_TOLD_SPARED_SUBSTRING,
	COUNTER_TOLD_SPARED_PATTERN,
	COUNTER_TOLD_SPARED_SCOPE,
	COUNTER_TOLD_LET_GO,
	COUNTER_TOLD_CANDIDATE,
	/* Verdicts that the agent told of by their number. Written by user space. */
	COUNTER_SUMMED_KILLED,
	COUNTER_SUMMED_KILL_FAILED,
	COUNTER_SUMMED_WOULD_KILL,
	COUNTER_SUMMED_SPARED_SUBSTRING,
	COUNTER_SUMMED_SPARED_PATTERN,
	COUNTER_SUMMED_SPARED_SCOPE,
	COUNTER_SUMMED_LET_GO,
	COUNTER_SUMMED_CANDIDATE,
	COUNTER_COUNT,
};

#define NO_STRING 0xffffffffU

/* What is looked for in the environment lies in slots of its own, so many behind the list's. */
enum environment_slots { ENVIRONMENT_SLOTS = 2 };
/* Longest name of a variable that is told. */
enum environment_limits { MAX_VARIABLE_BYTES = 64 };

/* ---- events ---- */
enum verdict {
	VERDICT_PASS = 0,
	VERDICT_KILLED,
	VERDICT_KILL_FAILED,
	VERDICT_WOULD_KILL,
	VERDICT_SPARED_SUBSTRING,
	VERDICT_SPARED_PATTERN,
	VERDICT_SPARED_SCOPE, /* what stands there does not count in this place */
	VERDICT_LET_GO,
	VERDICT_CANDIDATE, /* of the candidate lists, told beside the verdict: they would kill what lives */
	VERDICT_OBSERVED, /* debug: nothing was found */
	VERDICT_ASKED, /* the agent is to say whether what stands there counts in this container */
};

enum event_flags {
	EVENT_UNREADABLE = 1 << 0,
	EVENT_OVER_LONG = 1 << 1,
	EVENT_SCRIPT = 1 << 2, /* path is a script, interpreter is what runs */
	EVENT_UNJUDGED = 1 << 3, /* nobody knows which narrow scopes hold in this container */
	EVENT_NO_STRING = 1 << 4, /* string_id means nothing */
	EVENT_ALLOW_CUT = 1 << 5, /* the allow patterns were not followed to the line's end: it is too long for that */
	EVENT_ARGV0_KEPT = 1 << 7, /* behind the path among the arguments stands the argv[0] that was given */
	EVENT_CHANGED = 1 << 6, /* the arguments are not those that exec copied */
};

/* What match_offset counts from. */
enum match_place {
	MATCH_IN_ARGUMENTS = 0,
	MATCH_IN_PATH = 1,
	MATCH_IN_EXE = 2, /* of exe */
	/* The context is the variable's name, of context_offset bytes (0: not told), a NUL, and the match. */
	MATCH_IN_ENVIRONMENT = 3,
};

/* Followed by cgroup_bytes (default hierarchy), cgroup_v1_bytes, path_bytes, exe_bytes, args_bytes and
 * context_bytes, in this order, nothing between. */
struct exec_event {
	__u64 start_time_ns; /* since boot */
	__u64 latency_ns; /* from the program's entry to after the signal */
	__u64 cgroup_id; /* default hierarchy */
	__u64 group; /* as in struct tally_key */
	__u64 narrow_cgroup; /* the key of narrow_cgroups; 0: it was not asked for */
	__u32 verdict; /* enum verdict */
	__u32 flags; /* enum event_flags */
	__u32 pid; /* tgid in the initial pid namespace */
	__u32 ppid;
	__u32 uid;
	__u32 pid_namespace; /* inode number */
	__u32 string_id;
	__u32 string_bytes; /* so that the match can be cut out of the text without the list */
	__u32 pattern_id; /* VERDICT_SPARED_PATTERN */
	__u32 generation;
	__s32 signal_result; /* negative errno */
	__u32 match_offset; /* within the argument area, or within the path */
	__u32 match_in_path; /* enum match_place */
	__u32 args_total_bytes; /* the whole area, without the last NUL */
	__u32 context_offset; /* where in the area the context begins */
	__u32 reserved;
	__u16 cgroup_bytes;
	__u16 cgroup_v1_bytes;
	__u16 path_bytes;
	__u16 exe_bytes; /* the file that runs, if path does not say so: a script's interpreter, or the true path */
	__u16 args_bytes;
	__u16 context_bytes;
	__u8 comm[16];
	__u8 parent_comm[16];
};

/* ---- tallies ---- */

/* What is counted together, so that a flood is told of in a few records and a number. */
struct tally_key {
	__u64 group; /* kernfs id of the cgroup's ancestor at depth TALLY_DEPTH, or of the cgroup if it is less deep; group_bits */
	__u32 string_id; /* NO_STRING: none was found */
	__u32 pattern_id;
	__u32 generation;
	__u32 verdict;
};

/* Hierarchies number their cgroups each by itself: which one an id is from. */
enum group_bits { GROUP_DEFAULT_HIERARCHY = 62 };

struct tally {
	__u64 total; /* verdicts since the entry was made */
	__u64 told; /* of them, sent as records */
	__u64 first_ns; /* since boot */
	__u64 last_ns;
	__u64 told_ns; /* the last record */
	__u64 cgroup_id; /* default hierarchy, of the last one; as the next two */
	__u32 pid;
	__u32 uid;
};

/* How much of a tally the agent has told of by its number. */
struct summed {
	__u64 first_ns; /* the tally's: an entry that went and came again counts anew */
	__u64 count;
};

/* ---- strings that are only logged ---- */

/* A string that has killed in too many places: audit, whatever its action is. */
struct demoted_key {
	__u32 generation;
	__u32 string_id;
};

/* ---- what was spared ---- */

/* A process that a pattern spared, for whoever sees it again later. It holds for as long as its arguments do. */
struct spared {
	__u64 start_time_ns; /* since boot; tells a number that was given again */
	__u64 args_address; /* of its arguments: what the process executes later has its own elsewhere */
	__u64 keys[2]; /* of the hash: lib/copied.bpf.h */
	__u64 hash; /* of the arguments, each with its NUL */
	__u64 bytes; /* that were hashed; 0: the hash is not known */
	__u32 string_id;
	__u32 pattern_id;
	__u32 generation;
	__u16 path_bytes; /* of the path that was given; MAX_SPARED_PATH_BYTES: it is longer, and not kept */
	__u8 path[MAX_SPARED_PATH_BYTES];
};

/* ---- the test entry (SEC("syscall")) ---- */
struct judge_args {
	__u64 path; /* user address, NUL-terminated */
	__u64 args; /* user address of the argument area */
	__u32 args_bytes; /* with the last NUL */
	__u32 script_interpreter; /* 1: treat path as a script */
	__u64 elapsed_ns; /* out: reading, searching and the verdict */
	__u32 verdict; /* out: PASS, KILLED, WOULD_KILL, SPARED_*, LET_GO; no signal is sent */
	__u32 string_id; /* out */
	__u32 pattern_id; /* out */
	__u32 flags; /* out: enum event_flags */
	__u32 match_offset; /* out */
	__u32 match_in_path; /* out */
	__u32 work; /* out: what it cost */
	__u32 scopes; /* a bit for each enum string_scope that holds; 0: all do */
	__u64 environment; /* user address */
	__u32 environment_bytes; /* with the last NUL */
	__u32 candidate_id; /* out: the string by which a candidate list would kill; NO_STRING: it would not, or the verdict does */
	__u32 unknown_scopes; /* a bit for each scope of which nobody knows */
	__u32 reserved;
};

/* Everything that user space reads by the object's BTF, with what it contains. No memory has this shape. */
struct border {
	enum limits limits;
	enum way way;
	enum policy_flags policy_flags;
	struct filters filters;
	struct cell cell;
	enum string_kind string_kind;
	enum string_mode string_mode;
	enum string_action string_action;
	enum string_scope string_scope;
	enum narrow_limits narrow_limits;
	struct narrow_cgroup narrow_cgroup;
	struct allow_table allow_table;
	enum dfa_kind dfa_kind;
	enum control control;
	enum counter counter;
	enum verdict verdict;
	struct tally_key tally_key;
	struct tally tally;
	struct summed summed;
	struct demoted_key demoted_key;
	struct spared spared;
	enum event_flags event_flags;
	enum match_place match_place;
	enum environment_slots environment_slots;
	enum environment_limits environment_limits;
	struct exec_event exec_event;
	struct judge_args judge_args;
	enum wallet_limits wallet_limits;
	enum wallet_encoding wallet_encoding;
	struct wallet_table wallet_table;
};

#endif
