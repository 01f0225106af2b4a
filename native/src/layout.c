/* The border's numbers as the C compiler has them, so that TypeScript repeats none that is not checked. */
#include "addon.h"

#include <linux/types.h>

#include "../../bpf/execwhacker.h"

#define FIELD(object, type, field) set_number(env, object, #field, (double)offsetof(struct type, field))
#define SIZE(object, type) set_number(env, object, "size", (double)sizeof(struct type))
#define CONSTANT(name) set_number(env, constants, #name, (double)(name))

void register_layout(napi_env env, napi_value exports)
{
	napi_value layout, event, policy, filters, entry, string, allow, constants;

	napi_create_object(env, &layout);
	napi_create_object(env, &event);
	FIELD(event, exec_event, start_time_ns);
	FIELD(event, exec_event, latency_ns);
	FIELD(event, exec_event, cgroup_id);
	FIELD(event, exec_event, verdict);
	FIELD(event, exec_event, flags);
	FIELD(event, exec_event, pid);
	FIELD(event, exec_event, ppid);
	FIELD(event, exec_event, uid);
	FIELD(event, exec_event, pid_namespace);
	FIELD(event, exec_event, string_id);
	FIELD(event, exec_event, string_bytes);
	FIELD(event, exec_event, pattern_id);
	FIELD(event, exec_event, generation);
	FIELD(event, exec_event, signal_result);
	FIELD(event, exec_event, match_offset);
	FIELD(event, exec_event, match_in_path);
	FIELD(event, exec_event, args_total_bytes);
	FIELD(event, exec_event, context_offset);
	FIELD(event, exec_event, cgroup_bytes);
	FIELD(event, exec_event, cgroup_v1_bytes);
	FIELD(event, exec_event, path_bytes);
	FIELD(event, exec_event, interpreter_bytes);
	FIELD(event, exec_event, args_bytes);
	FIELD(event, exec_event, context_bytes);
	FIELD(event, exec_event, comm);
	FIELD(event, exec_event, parent_comm);
	SIZE(event, exec_event);
	napi_set_named_property(env, layout, "exec_event", event);

	napi_create_object(env, &policy);
	FIELD(policy, policy, flags);
	FIELD(policy, policy, mask_a);
	FIELD(policy, policy, mask_b);
	FIELD(policy, policy, bucket_mask);
	FIELD(policy, policy, short_lengths);
	FIELD(policy, policy, tail_bytes);
	FIELD(policy, policy, max_scan_bytes);
	FIELD(policy, policy, way_unreadable);
	FIELD(policy, policy, way_over_long);
	FIELD(policy, policy, max_work);
	FIELD(policy, policy, allow_start);
	FIELD(policy, policy, allow_first_accept);
	FIELD(policy, policy, allow_stride_log2);
	FIELD(policy, policy, allow_end_class);
	FIELD(policy, policy, generation);
	FIELD(policy, policy, allow_quote_class);
	FIELD(policy, policy, mask_keys);
	SIZE(policy, policy);
	napi_set_named_property(env, layout, "policy", policy);

	napi_create_object(env, &filters);
	FIELD(filters, filters, a);
	FIELD(filters, filters, b);
	FIELD(filters, filters, c);
	FIELD(filters, filters, keys);
	SIZE(filters, filters);
	napi_set_named_property(env, layout, "filters", filters);

	napi_create_object(env, &entry);
	FIELD(entry, entry, tag);
	FIELD(entry, entry, offset);
	FIELD(entry, entry, string_cell);
	SIZE(entry, entry);
	napi_set_named_property(env, layout, "entry", entry);

	napi_create_object(env, &string);
	FIELD(string, string_head, id);
	FIELD(string, string_head, length);
	FIELD(string, string_head, mode);
	FIELD(string, string_head, action);
	FIELD(string, string_head, bytes);
	SIZE(string, string_head);
	napi_set_named_property(env, layout, "string_head", string);

	napi_create_object(env, &allow);
	FIELD(allow, allow_table, class_of);
	FIELD(allow, allow_table, accepts);
	FIELD(allow, allow_table, next);
	SIZE(allow, allow_table);
	napi_set_named_property(env, layout, "allow_table", allow);

	napi_create_object(env, &constants);
	CONSTANT(MAX_STRING_BYTES);
	CONSTANT(CELL_BYTES);
	CONSTANT(ENTRIES_PER_CELL);
	CONSTANT(MAX_CHAIN_CELLS);
	CONSTANT(ALLOW_MAX_STATES);
	CONSTANT(ALLOW_NEXT_ENTRIES);
	CONSTANT(FILTER_A_BYTES);
	CONSTANT(FILTER_B_BYTES);
	CONSTANT(FILTER_C_BYTES);
	CONSTANT(FILTER_KEYS_BYTES);
	CONSTANT(WAY_KILL);
	CONSTANT(WAY_LET_GO);
	CONSTANT(POLICY_FILTER_A);
	CONSTANT(POLICY_FILTER_B);
	CONSTANT(POLICY_FILTER_C);
	CONSTANT(POLICY_ALLOW);
	CONSTANT(POLICY_ALLOW_DEFERRED);
	CONSTANT(MODE_WORD);
	CONSTANT(MODE_ANYWHERE);
	CONSTANT(MODE_EXACT_ARGUMENT);
	CONSTANT(ACTION_ENFORCE);
	CONSTANT(ACTION_AUDIT);
	CONSTANT(ACTION_DEFER);
	CONSTANT(CONTROL_SLOT);
	CONSTANT(CONTROL_AGENT_TGID);
	CONSTANT(CONTROL_AGENT_AWAY);
	CONSTANT(CONTROL_SCOPE_TGID);
	CONSTANT(CONTROL_RETIRED_BY);
	CONSTANT(LAYOUT_VERSION);
	CONSTANT(COUNTER_CHECKED);
	CONSTANT(COUNTER_KILLED);
	CONSTANT(COUNTER_WOULD_KILL);
	CONSTANT(COUNTER_KILL_FAILED);
	CONSTANT(COUNTER_SPARED_SUBSTRING);
	CONSTANT(COUNTER_SPARED_PATTERN);
	CONSTANT(COUNTER_LET_GO);
	CONSTANT(COUNTER_UNREADABLE);
	CONSTANT(COUNTER_OVER_LONG);
	CONSTANT(COUNTER_BUDGET_EXCEEDED);
	CONSTANT(COUNTER_KILL_EVENTS_LOST);
	CONSTANT(COUNTER_OTHER_EVENTS_LOST);
	CONSTANT(COUNTER_NO_TABLES);
	CONSTANT(COUNTER_SKIPPED);
	CONSTANT(COUNTER_SELF_TEST);
	CONSTANT(VERDICT_PASS);
	CONSTANT(VERDICT_KILLED);
	CONSTANT(VERDICT_KILL_FAILED);
	CONSTANT(VERDICT_WOULD_KILL);
	CONSTANT(VERDICT_SPARED_SUBSTRING);
	CONSTANT(VERDICT_SPARED_PATTERN);
	CONSTANT(VERDICT_LET_GO);
	CONSTANT(VERDICT_OBSERVED);
	CONSTANT(EVENT_UNREADABLE);
	CONSTANT(EVENT_OVER_LONG);
	CONSTANT(EVENT_SCRIPT);
	CONSTANT(EVENT_NO_STRING);
	napi_set_named_property(env, layout, "constants", constants);
	napi_set_named_property(env, exports, "layout", layout);
}
