/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of the names object, and what its programs keep for themselves. Those named *_slots hold two, of which CONTROL_SLOT
 * says the one in force. */
#ifndef CRYPTNONO_NAMES_MAPS_BPF_H
#define CRYPTNONO_NAMES_MAPS_BPF_H

/* Hash of a name -> struct listed_name. Written by the agent, read by the programs; as the next ones. Inner maps by their sizes and
 * not by their types: Linux 6.1 takes one that was made without types for another. */
struct names_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct listed_name));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct names_map);
} names_slots SEC(".maps");

struct names_settings_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct names_settings));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct names_settings_map);
} settings_slots SEC(".maps");

/* Networks that are reached whatever their names are -> 1. */
struct free_map {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct network));
	__uint(value_size, sizeof(__u32));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct free_map);
} free_slots SEC(".maps");

/* A pod's cgroup -> enum egress_mode. Written by the agent, read by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_POLICIES);
	__type(key, __u64);
	__type(value, __u32);
} policies SEC(".maps");

/* What answers said. Of the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_LEARNT);
	__type(key, struct learnt_key);
	__type(value, struct learnt);
} learnt SEC(".maps");

/* struct names_event. Kills have a ring of their own, so that no flood of other events can take their room. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} name_kill_events SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} name_events SEC(".maps");

/* Written by the programs, read by the agent. The oldest entries go; the counters know of all. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_TALLIES);
	__type(key, struct tally_key);
	__type(value, struct tally);
} name_tallies SEC(".maps");

/* What a tally begins as. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
} no_tally SEC(".maps");

/* struct tally_key -> struct summed. Written and read by the agents, one after the other. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_TALLIES);
	__type(key, struct tally_key);
	__type(value, struct summed);
} name_summed SEC(".maps");

/* 0 -> when the next record is due if they came evenly, in ns since boot. Of the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} told SEC(".maps");

/* ---- what is remembered of a flow ---- */

/* A name while it is read: hashed from the left, as wire and text have it, so that at its end each suffix's hash is known. */
struct name {
	__u64 hash; /* of what came so far */
	__u64 start_hash[8]; /* of what came before each of the last labels, newest first */
	__u32 start[8]; /* where it began */
	__u32 labels;
	__u32 bytes;
	__u32 dot; /* the last one was a dot, which counts when something follows */
	__u32 flags; /* enum name_flags: what the lists say of it, once it was looked up; as the next */
	__u32 entry;
	__u8 text[NAME_BYTES];
};

/* JSON while it is read: strings, and what a colon makes of them. */
struct json {
	__u64 word, word_before; /* the string's last 16 bytes */
	__u32 bytes; /* of it */
	__u32 flags; /* enum json_flags */
	__u32 unicode;
	__u32 depth;
	__u8 in_string;
	__u8 escape;
	__u8 is_value; /* what comes next belongs to `key` */
	__u8 in_params; /* at the start of the array */
	__u8 key; /* enum json_key; as the next */
	__u8 last; /* string */
	__u8 captures; /* the string is who logs in */
	__u8 reserved;
	__u32 wallet_bytes;
	__u8 wallet[WALLET_BYTES];
};

struct flow {
	struct owner owner;
	__u64 word; /* the last eight bytes */
	__u64 number; /* what is being read */
	__u64 head_word; /* the same, of a record's head */
	__u64 base; /* of names' hash */
	__u32 result; /* enum look_result */
	__u32 evidence; /* of what was found, or of the name that was read */
	__u32 entry; /* of what was found */
	__u32 has_name; /* which is to be looked up */
	__u32 need; /* bytes of it that are to come */
	__u32 skip; /* bytes that mean nothing */
	__u32 next_seq;
	__u32 packets;
	__u32 budget; /* of bytes that are looked at */
	__u32 at; /* bytes of the text that were looked at */
	__u32 line_at; /* of the line */
	__u32 name_left;
	__u32 left; /* of the extensions, or of the message */
	__u32 envelope_left;
	__u32 mask;
	__u32 mask_at;
	__u32 head; /* bytes of it that were read */
	__u32 frame_length;
	__u8 envelope; /* enum envelope */
	__u8 control_frame;
	__u8 mode; /* enum mode */
	__u8 step; /* within the mode */
	__u8 blocked;
	__u8 has_seq;
	__u8 tunnels; /* the request is CONNECT */
	__u8 in_method; /* HTTP; as the next ones */
	__u8 is_http;
	__u8 to_newline; /* the rest of this line does not matter */
	__u8 line_upgrades; /* it is the header Upgrade */
	__u8 in_authority; /* before the first slash of a whole address */
	__u8 upgrades; /* the request asks for a WebSocket */
	__u8 is_proxied;
	__u8 is_told;
	__u8 is_dns;
	__u32 chunk_at, chunk_end; /* what of the packet lies in chunk */
	__u8 chunk[CHUNK_BYTES];
	struct name name;
	struct json json;
};

/* TCP connections until they have said what they are. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct flow);
} flows SEC(".maps");

/* Sockets that ask a name server. */
struct asker {
	struct owner owner;
	__u64 asked_ns; /* something that is to be remembered, the last time */
};
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct asker);
} askers SEC(".maps");

/* Where questions, and answers' questions, are read: a packet of one socket may be read on two processors at once. Taken by
 * whoever turns `taken` from 0 to 1. */
struct question {
	__u64 taken;
	struct flow flow;
	struct learnt learnt; /* what is to be remembered of its addresses */
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, QUESTION_SLOTS + 1);
	__type(key, __u32);
	__type(value, struct question);
} questions SEC(".maps");

#endif
