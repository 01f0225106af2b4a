// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs that do nothing, where the names object has some: what a call alone costs. */
#include "../../bpf/lib/kernel.bpf.h"
#include "exec-counter.h"
#include "../../bpf/lib/border.bpf.h"
#include "../../bpf/lib/agent.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

BORDER(struct border)

SEC("cgroup_skb/egress")
int empty_egress(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup_skb/ingress")
int empty_ingress(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup/connect4")
int empty_connect(struct bpf_sock_addr *ctx)
{
	return 1;
}
