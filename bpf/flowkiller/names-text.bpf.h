/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a flow says first, read as it comes: TLS, HTTP, WebSocket, SOCKS, DNS over TCP and JSON, each byte once, wherever packets
 * end. All state is in struct flow: the verifier takes what lies in maps for unknown, and then goes once through a turn. */
#ifndef CRYPTNONO_NAMES_TEXT_BPF_H
#define CRYPTNONO_NAMES_TEXT_BPF_H

enum mode { MODE_START, MODE_TLS, MODE_HTTP, MODE_NAME, MODE_JSON, MODE_SOCKS, MODE_DNS, MODE_OVER };
enum envelope { ENVELOPE_NONE, ENVELOPE_TLS, ENVELOPE_WEBSOCKET };

/* Where a ClientHello is read (RFC 8446, 4.1.2), in its order. */
enum tls_step { TLS_TYPE, TLS_LENGTH, TLS_SESSION, TLS_CIPHERS, TLS_COMPRESSION, TLS_EXTENSIONS, TLS_EXTENSION, TLS_SERVER_NAME, TLS_NAME };
enum http_step { HTTP_LINE, HTTP_HEADERS };
/* RFC 1928 and 1929 */
enum socks_step { SOCKS_METHODS, SOCKS_NEXT, SOCKS_USER, SOCKS_PASSWORD, SOCKS_REQUEST, SOCKS_LENGTH, SOCKS_NAME };
enum dns_step { DNS_LENGTH, DNS_LABEL, DNS_NAME };
enum json_key { KEY_OTHER, KEY_METHOD, KEY_PARAMS, KEY_LOGIN, KEY_ALGO, KEY_AGENT };

#define DNS_HEADER_BYTES 12
/* RFC 8446, 5.1: of a record's content, with what a cipher may add. */
#define TLS_MOST_BYTES 16640

enum look_result { LOOK_MORE, LOOK_HIT, LOOK_OVER, LOOK_CUT };

/* A packet's payload on its way through a flow's state. */
struct look {
	__u32 turns;
	__u32 at; /* within the packet */
	__u32 left;
	__u32 slot;
	struct flow *f;
	struct names_settings *settings;
	struct __sk_buff *skb;
	__u64 user; /* in the test entry */
};

static __always_inline bool end_look(struct flow *f, __u32 result)
{
	f->mode = MODE_OVER;
	f->result = result;
	return 1;
}

static __always_inline void want(struct flow *f, __u32 step, __u32 bytes)
{
	f->step = step;
	f->need = bytes;
	f->number = 0;
}

/* The name is read, and will be looked up; if it is no pool's, the flow goes on in `mode`. */
static __always_inline bool end_name(struct flow *f, __u32 evidence, __u32 mode)
{
	f->mode = mode;
	f->evidence = evidence;
	f->has_name = 1;
	return 0;
}

/* ---- TLS ---- */

static __always_inline bool tls_byte(struct flow *f, __u8 c)
{
	__u32 v;

	if (f->step == TLS_NAME) {
		name_add(&f->name, f->base, c);
		if (--f->name_left)
			return 0;
		return end_name(f, EVIDENCE_SNI, MODE_OVER);
	}
	f->number = f->number << 8 | c;
	if (--f->need)
		return 0;
	v = f->number;
	switch (f->step) {
	case TLS_TYPE:
		if (v != 1)
			return end_look(f, LOOK_OVER);
		want(f, TLS_LENGTH, 3);
		return 0;
	case TLS_LENGTH: /* version and random */
		f->skip = 34;
		want(f, TLS_SESSION, 1);
		return 0;
	case TLS_SESSION:
		f->skip = v;
		want(f, TLS_CIPHERS, 2);
		return 0;
	case TLS_CIPHERS:
		f->skip = v;
		want(f, TLS_COMPRESSION, 1);
		return 0;
	case TLS_COMPRESSION:
		f->skip = v;
		want(f, TLS_EXTENSIONS, 2);
		return 0;
	case TLS_EXTENSIONS:
		f->left = v;
		break;
	case TLS_EXTENSION:
		if (f->left < 4 + (v & 0xffff))
			return end_look(f, LOOK_OVER);
		f->left -= 4 + (v & 0xffff);
		if (!(v >> 16)) {
			want(f, TLS_SERVER_NAME, 5);
			return 0;
		}
		f->skip = v & 0xffff;
		break;
	default: /* TLS_SERVER_NAME: the list's length, a type, the name's length (RFC 6066, 3) */
		if (v >> 16 & 0xff || !(v & 0xffff))
			return end_look(f, LOOK_OVER);
		f->name_left = v & 0xffff;
		name_begin(&f->name);
		f->step = TLS_NAME;
		return 0;
	}
	if (f->left < 4) {
		count(COUNTER_NO_SNI);
		return end_look(f, LOOK_OVER);
	}
	want(f, TLS_EXTENSION, 4);
	return 0;
}

/* ---- what text is within ---- */

static __always_inline bool tls_head(struct flow *f, __u8 c)
{
	f->head_word = f->head_word << 8 | c;
	if (++f->head < 5)
		return 0;
	f->head = 0;
	f->envelope_left = f->head_word & 0xffff;
	if ((f->head_word >> 32 & 0xff) != 0x16 || !f->envelope_left || f->envelope_left > TLS_MOST_BYTES)
		return end_look(f, LOOK_OVER);
	return 0;
}

/* RFC 6455, 5.2. Lengths beyond 32 bits are cut: nobody logs in with so much. */
static __always_inline bool websocket_head(struct flow *f, __u8 c)
{
	__u32 length, extended;

	if (!f->head) {
		if (c & 0x70) {
			count(COUNTER_COMPRESSED);
			return end_look(f, LOOK_OVER);
		}
		f->control_frame = c >> 3 & 1;
	} else if (f->head == 1) {
		/* A client's frames are masked. */
		if (!(c & 0x80))
			return end_look(f, LOOK_OVER);
		f->frame_length = c & 0x7f;
	}
	length = f->frame_length;
	extended = length == 126 ? 2 : length == 127 ? 8 : 0;
	if (f->head == 2)
		f->envelope_left = extended ? 0 : length;
	if (f->head >= 2 && f->head < 2 + extended)
		f->envelope_left = f->envelope_left << 8 | c;
	if (f->head >= 2 + extended)
		f->mask = f->mask << 8 | c;
	if (++f->head < 6 + extended || f->head < 6)
		return 0;
	f->head = 0;
	f->mask_at = 0;
	return 0;
}

/* ---- HTTP ---- */

#define W8(a, b, c, d, e, f, g, h)                                                                                     \
	((__u64)(a) << 56 | (__u64)(b) << 48 | (__u64)(c) << 40 | (__u64)(d) << 32 | (__u64)(e) << 24 | (__u64)(f) << 16 | \
	 (__u64)(g) << 8 | (__u64)(h))

static __always_inline void begin_name(struct flow *f)
{
	name_begin(&f->name);
	f->mode = MODE_NAME;
}

/* Longest method, OPTIONS or a PROPPATCH, with some to spare: what has none is another protocol. */
#define MOST_METHOD_BYTES 12
/* Of a header's name, until it is known for one that matters. */
#define HEADER_BYTES 9

static __always_inline bool http_line_byte(struct flow *f, __u8 c)
{
	__u64 word = f->word;

	if (c == '\n') {
		f->step = HTTP_HEADERS;
		f->line_at = 0;
		return f->is_http ? 0 : end_look(f, LOOK_OVER);
	}
	if (f->at == 8 && word == W8('c', 'o', 'n', 'n', 'e', 'c', 't', ' ')) {
		f->tunnels = 1;
		f->in_method = 0;
		begin_name(f);
	} else if (f->in_method) {
		if (c == ' ')
			f->in_method = 0;
		else if (lower(c) < 'a' || lower(c) > 'z' || f->at > MOST_METHOD_BYTES)
			return end_look(f, LOOK_OVER);
	} else if (word == W8(' ', 'h', 't', 't', 'p', ':', '/', '/')) {
		/* The whole address, as a proxy wants it. */
		f->in_authority = 1;
		begin_name(f);
	} else if (f->in_authority && c == '@') {
		begin_name(f);
	} else if (f->in_authority && (c == '/' || c == '?' || c == ' ')) {
		f->in_authority = 0;
	} else if (word >> 8 == W8(0, 'h', 't', 't', 'p', '/', '1', '.')) {
		f->is_http = 1;
	}
	return 0;
}

static __always_inline bool http_end(struct flow *f)
{
	if (!f->tunnels && !f->upgrades)
		return end_look(f, LOOK_OVER);
	f->mode = MODE_START;
	if (f->tunnels) {
		f->is_proxied = 1;
		f->tunnels = 0;
		count(COUNTER_FLOWS_PROXIED);
	} else {
		f->envelope = ENVELOPE_WEBSOCKET;
		f->envelope_left = 0;
		f->head = 0;
	}
	f->upgrades = 0;
	return 0;
}

static __always_inline bool http_byte(struct flow *f, __u8 c)
{
	__u64 word = f->word << 8 | lower(c);
	bool is_blank;

	f->word = word;
	f->at++;
	if (f->step == HTTP_LINE)
		return http_line_byte(f, c);
	if (c == '\n') {
		is_blank = !f->line_at || (f->line_at == 1 && (word & 0xffff) == 0x0d0a);
		f->line_at = 0;
		f->line_upgrades = 0;
		return is_blank ? http_end(f) : 0;
	}
	f->line_at++;
	if (f->line_at == 5 && (word & 0xffffffffffULL) == W8(0, 0, 0, 'h', 'o', 's', 't', ':')) {
		f->line_at = HEADER_BYTES;
		begin_name(f);
		return 0;
	}
	if (f->line_at == 8 && word == W8('u', 'p', 'g', 'r', 'a', 'd', 'e', ':'))
		f->line_upgrades = 1;
	if (f->line_upgrades && word == W8('w', 'e', 'b', 's', 'o', 'c', 'k', 'e'))
		f->upgrades = 1;
	f->to_newline = f->line_at >= HEADER_BYTES && !f->line_upgrades;
	return 0;
}

/* A name in an HTTP request, to the byte behind it. */
static __always_inline bool name_byte(struct flow *f, __u8 c)
{
	if ((c == ' ' || c == '\t') && !f->name.bytes)
		return 0;
	if (c == '@') {
		/* Whoever was before it is a user. */
		name_begin(&f->name);
		return 0;
	}
	if (c > ' ' && c != ':' && c != '/' && c != '?' && c != '#' && c != ',' && c != '[' && c != ']') {
		name_add(&f->name, f->base, c);
		return 0;
	}
	f->word = f->word << 8 | c;
	/* What follows may be a port, or a password and then the name. */
	f->in_authority &= c == ':';
	end_name(f, f->tunnels && f->step == HTTP_LINE ? EVIDENCE_PROXY : EVIDENCE_HOST, MODE_HTTP);
	f->to_newline = f->step == HTTP_HEADERS && c != '\n';
	if (c == '\n') {
		f->step = HTTP_HEADERS;
		f->line_at = 0;
	}
	return 0;
}

/* ---- SOCKS 5 ---- */

static __always_inline void tunnel(struct flow *f)
{
	count(COUNTER_FLOWS_PROXIED);
	f->is_proxied = 1;
	f->mode = MODE_START;
}

static __always_inline bool socks_byte(struct flow *f, __u8 c)
{
	__u32 v;

	if (f->step == SOCKS_NAME) {
		name_add(&f->name, f->base, c);
		if (--f->name_left)
			return 0;
		f->skip = 2; /* the port */
		tunnel(f);
		return end_name(f, EVIDENCE_PROXY, MODE_START);
	}
	f->number = f->number << 8 | c;
	if (--f->need)
		return 0;
	v = f->number;
	switch (f->step) {
	case SOCKS_METHODS:
		f->skip = v;
		want(f, SOCKS_NEXT, 1);
		return 0;
	case SOCKS_NEXT:
		if (v == 1)
			want(f, SOCKS_USER, 1);
		else if (v == 5)
			want(f, SOCKS_REQUEST, 3);
		else
			return end_look(f, LOOK_OVER);
		return 0;
	case SOCKS_USER:
		f->skip = v;
		want(f, SOCKS_PASSWORD, 1);
		return 0;
	case SOCKS_PASSWORD:
		f->skip = v;
		want(f, SOCKS_NEXT, 1);
		return 0;
	case SOCKS_REQUEST: /* command, nothing, kind of address */
		v &= 0xff;
		if (v == 3) {
			want(f, SOCKS_LENGTH, 1);
		} else if (v == 1 || v == 4) {
			f->skip = v == 1 ? 6 : 18; /* with the port */
			tunnel(f);
		} else {
			return end_look(f, LOOK_OVER);
		}
		return 0;
	default: /* SOCKS_LENGTH */
		if (!v)
			return end_look(f, LOOK_OVER);
		f->name_left = v;
		name_begin(&f->name);
		f->step = SOCKS_NAME;
		return 0;
	}
}

/* ---- DNS: the first question of a message ---- */

static __always_inline bool dns_byte(struct flow *f, __u8 c)
{
	__u32 v, read;

	if (f->step == DNS_NAME) {
		/* What a dot within a label would be: no name that anyone lists. */
		name_add(&f->name, f->base, c == '.' ? ' ' : c);
		if (!--f->name_left)
			want(f, DNS_LABEL, 1);
		return 0;
	}
	f->number = f->number << 8 | c;
	if (--f->need)
		return 0;
	v = f->number;
	if (f->step == DNS_LENGTH) {
		f->left = v;
		f->skip = DNS_HEADER_BYTES;
		name_begin(&f->name);
		want(f, DNS_LABEL, 1);
		return 0;
	}
	if (v > 63)
		return end_look(f, LOOK_OVER);
	if (v) {
		if (f->name.bytes)
			name_add(&f->name, f->base, '.');
		f->name_left = v;
		f->step = DNS_NAME;
		return 0;
	}
	if (!f->left)
		return end_look(f, LOOK_HIT);
	read = DNS_HEADER_BYTES + f->name.bytes + 2;
	if (f->left < read)
		return end_look(f, LOOK_OVER);
	/* The next one on this connection. */
	f->skip = f->left - read;
	want(f, DNS_LENGTH, 2);
	return end_name(f, EVIDENCE_QUESTION, MODE_DNS);
}

/* ---- JSON: a miner's login ---- */

static __always_inline void json_begin(struct flow *f)
{
	__builtin_memset(&f->json, 0, offsetof(struct json, wallet));
	f->mode = MODE_JSON;
}

static __always_inline __u8 json_key_of(struct json *j)
{
	__u64 w = j->word;

	if (j->bytes == 6 && w == W8(0, 0, 'm', 'e', 't', 'h', 'o', 'd'))
		return KEY_METHOD;
	if (j->bytes == 6 && w == W8(0, 0, 'p', 'a', 'r', 'a', 'm', 's'))
		return KEY_PARAMS;
	if (j->bytes == 5 && w == W8(0, 0, 0, 'l', 'o', 'g', 'i', 'n'))
		return KEY_LOGIN;
	if (j->bytes == 4 && w == W8(0, 0, 0, 0, 'a', 'l', 'g', 'o'))
		return KEY_ALGO;
	if (j->bytes == 5 && w == W8(0, 0, 0, 'a', 'g', 'e', 'n', 't'))
		return KEY_AGENT;
	return KEY_OTHER;
}

static __always_inline __u32 json_method_of(struct json *j)
{
	__u64 w = j->word, before = j->word_before;

	if (j->bytes == 5 && w == W8(0, 0, 0, 'l', 'o', 'g', 'i', 'n'))
		return JSON_LOGIN;
	if (j->bytes == 15 && before == W8(0, 'e', 't', 'h', '_', 's', 'u', 'b') && w == W8('m', 'i', 't', 'l', 'o', 'g', 'i', 'n'))
		return JSON_ETH_LOGIN;
	if (j->bytes != 16)
		return 0;
	if (before == W8('m', 'i', 'n', 'i', 'n', 'g', '.', 's') && w == W8('u', 'b', 's', 'c', 'r', 'i', 'b', 'e'))
		return JSON_SUBSCRIBE;
	if (before == W8('m', 'i', 'n', 'i', 'n', 'g', '.', 'a') && w == W8('u', 't', 'h', 'o', 'r', 'i', 'z', 'e'))
		return JSON_AUTHORIZE;
	if (before == W8('m', 'i', 'n', 'i', 'n', 'g', '.', 'c') && w == W8('o', 'n', 'f', 'i', 'g', 'u', 'r', 'e'))
		return JSON_CONFIGURE;
	return 0;
}

static __always_inline bool json_is_login(__u32 flags)
{
	if (flags & (JSON_SUBSCRIBE | JSON_AUTHORIZE | JSON_CONFIGURE | JSON_ETH_LOGIN))
		return true;
	return flags & JSON_LOGIN && flags & JSON_HAS_LOGIN && flags & (JSON_HAS_ALGO | JSON_HAS_AGENT);
}

static __always_inline void json_put(struct json *j, __u8 c)
{
	j->word_before = j->word_before << 8 | j->word >> 56;
	j->word = j->word << 8 | lower(c);
	j->bytes++;
	if (j->captures && j->wallet_bytes < WALLET_BYTES) {
		j->wallet[j->wallet_bytes & (WALLET_BYTES - 1)] = c;
		j->wallet_bytes++;
	}
}

static __always_inline __u32 hex_digit(__u8 c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static __always_inline void json_in_string(struct json *j, __u8 c)
{
	if (j->escape) {
		if (j->escape == 1 && c == 'u') {
			j->escape = 2;
			j->unicode = 0;
			return;
		}
		if (j->escape == 1) {
			j->escape = 0;
			json_put(j, c);
			return;
		}
		j->unicode = j->unicode << 4 | (hex_digit(c) & 15);
		if (++j->escape < 6)
			return;
		j->escape = 0;
		json_put(j, j->unicode < 0x80 ? j->unicode : '?');
		return;
	}
	if (c == '\\') {
		j->escape = 1;
		return;
	}
	if (c != '"') {
		json_put(j, c);
		return;
	}
	j->in_string = 0;
	j->captures = 0;
	if (!j->is_value) {
		j->last = json_key_of(j);
	} else {
		if (j->key == KEY_METHOD)
			j->flags |= json_method_of(j);
		j->last = KEY_OTHER;
	}
	j->is_value = 0;
	j->in_params = 0;
}

static __always_inline bool json_byte(struct flow *f, __u8 c)
{
	struct json *j = &f->json;

	if (j->in_string) {
		json_in_string(j, c);
		return 0;
	}
	switch (c) {
	case '"':
		j->in_string = 1;
		j->word = 0;
		j->word_before = 0;
		j->bytes = 0;
		/* Who logs in: "login": "...", or the first of the parameters. */
		j->captures = (j->is_value && j->key == KEY_LOGIN) || j->in_params;
		if (j->captures)
			j->wallet_bytes = 0;
		return 0;
	case ':':
		j->key = j->last;
		j->last = KEY_OTHER;
		j->is_value = 1;
		if (j->key == KEY_LOGIN)
			j->flags |= JSON_HAS_LOGIN;
		else if (j->key == KEY_ALGO)
			j->flags |= JSON_HAS_ALGO;
		else if (j->key == KEY_AGENT)
			j->flags |= JSON_HAS_AGENT;
		return 0;
	case '[':
		j->in_params = j->is_value && j->key == KEY_PARAMS;
		j->is_value = j->in_params;
		return 0;
	case ',':
		j->is_value = 0;
		j->in_params = 0;
		return 0;
	case '{':
		j->is_value = 0;
		j->in_params = 0;
		j->depth++;
		return 0;
	case '}':
		j->is_value = 0;
		if (json_is_login(j->flags)) {
			f->evidence = EVIDENCE_STRATUM;
			f->entry = NO_ENTRY;
			return end_look(f, LOOK_HIT);
		}
		if (j->depth)
			j->depth--;
		if (!j->depth)
			json_begin(f);
		return 0;
	}
	return 0;
}

/* ---- whatever it is ---- */

static __always_inline bool start_byte(struct flow *f, __u8 c)
{
	f->word = lower(c);
	f->at = 1;
	if (c == 0x16 && f->envelope == ENVELOPE_NONE) {
		count(COUNTER_FLOWS_TLS);
		f->mode = MODE_TLS;
		f->envelope = ENVELOPE_TLS;
		f->envelope_left = 0;
		f->head = 1;
		f->head_word = c;
		want(f, TLS_TYPE, 1);
	} else if (c == '{' || c == '[') {
		count(COUNTER_FLOWS_JSON);
		json_begin(f);
		f->json.depth = c == '{';
	} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		return 0;
	} else if (lower(c) >= 'a' && lower(c) <= 'z' && f->envelope == ENVELOPE_NONE) {
		count(COUNTER_FLOWS_HTTP);
		f->mode = MODE_HTTP;
		f->step = HTTP_LINE;
		f->in_method = 1;
		f->is_http = 0;
		f->to_newline = 0;
	} else if (c == 5 && f->envelope == ENVELOPE_NONE) {
		f->mode = MODE_SOCKS;
		want(f, SOCKS_METHODS, 1);
	} else {
		count(COUNTER_FLOWS_OTHER);
		return end_look(f, LOOK_OVER);
	}
	return 0;
}

/* Have the next byte of the packet in the chunk; what is ahead is read in pieces. */
static __always_inline bool fill_chunk(struct look *l, bool of_user)
{
	struct flow *f = l->f;
	long failed;
	__u32 n;

	if (l->at < f->chunk_end)
		return true;
	n = l->left < CHUNK_BYTES ? l->left : CHUNK_BYTES;
	/* Linux 6.1 forgets the bounds of what it keeps on the stack. */
	barrier_var(n);
	n = ((n - 1) & (CHUNK_BYTES - 1)) + 1;
	failed = of_user ? bpf_probe_read_user(f->chunk, n, (void *)(l->user + l->at)) :
			   bpf_skb_load_bytes(l->skb, l->at, f->chunk, n);
	if (failed)
		return false;
	f->chunk_at = l->at;
	f->chunk_end = l->at + n;
	return true;
}

/* What of the chunk is on this line: a header that does not matter is passed over so many bytes a turn. */
#define PASS_BYTES 16

/* Not static, so that it is verified once and by itself. @returns how many bytes there are before the next line feed. */
__noinline int to_newline(struct flow *f, __u32 at)
{
	__u32 i;

	if (!f)
		return 0;
#pragma unroll
	for (i = 0; i < PASS_BYTES; i++)
		if (at + i >= CHUNK_BYTES || f->chunk[(at + i) & (CHUNK_BYTES - 1)] == '\n')
			break;
	return i;
}

static __always_inline bool mode_byte(struct flow *f, __u8 c)
{
	switch (f->mode) {
	case MODE_START:
		return start_byte(f, c);
	case MODE_TLS:
		return tls_byte(f, c);
	case MODE_HTTP:
		return http_byte(f, c);
	case MODE_NAME:
		return name_byte(f, c);
	case MODE_JSON:
		return json_byte(f, c);
	case MODE_SOCKS:
		return socks_byte(f, c);
	case MODE_DNS:
		return dns_byte(f, c);
	}
	f->result = LOOK_OVER;
	return 1;
}

/* One byte. @returns whether the flow is known for what it is. Not static, so that it is verified once and by itself. */
__noinline int flow_byte(struct flow *f, __u32 c)
{
	if (!f)
		return 1;
	if (f->envelope != ENVELOPE_NONE) {
		if (f->head || !f->envelope_left)
			return f->envelope == ENVELOPE_TLS ? tls_head(f, c) : websocket_head(f, c);
		f->envelope_left--;
		if (f->envelope == ENVELOPE_WEBSOCKET) {
			c ^= f->mask >> (24 - 8 * (f->mask_at & 3));
			f->mask_at++;
			if (f->control_frame)
				return 0;
		}
	}
	return mode_byte(f, c);
}

/* The name that was read. @returns whether that is all. */
static __always_inline bool look_up(struct look *l)
{
	struct flow *f = l->f;

	f->has_name = 0;
	name_find(&f->name, l->settings, l->slot);
	if (is_pool(&f->name)) {
		f->entry = f->name.entry;
		return end_look(f, LOOK_HIT);
	}
	return f->mode == MODE_OVER ? end_look(f, LOOK_OVER) : 0;
}

static __always_inline bool look_turn(struct look *l, bool of_user)
{
	struct flow *f = l->f;
	__u32 n, i;
	__u8 c;

	if (!l->left)
		return 1;
	if (f->skip && !(f->envelope == ENVELOPE_TLS && !f->envelope_left)) {
		n = f->skip < l->left ? f->skip : l->left;
		if (f->envelope == ENVELOPE_TLS) {
			n = n < f->envelope_left ? n : f->envelope_left;
			f->envelope_left -= n;
		}
		f->skip -= n;
		l->at += n;
		l->left -= n;
		return 0;
	}
	if (!f->budget || !fill_chunk(l, of_user))
		return end_look(f, LOOK_CUT);
	f->budget--;
	i = l->at - f->chunk_at;
	barrier_var(i);
	if (f->to_newline) {
		n = to_newline(f, i);
		if (n > f->chunk_end - l->at)
			n = f->chunk_end - l->at;
		if (n) {
			l->at += n;
			l->left -= n;
			return 0;
		}
		f->to_newline = 0;
	}
	c = f->chunk[i & (CHUNK_BYTES - 1)];
	l->at++;
	l->left--;
	if (flow_byte(f, c))
		return 1;
	return f->has_name && look_up(l);
}

LOOP_BODY(look_on, struct look)
{
	return look_turn(ctx, false);
}

/* In the test entry, where there is no packet. */
LOOP_BODY(look_on_buffer, struct look)
{
	return look_turn(ctx, true);
}

/* Read `left` bytes at `at`. */
static __always_inline void look_at(struct look *l, __u32 at, __u32 left, bool of_user)
{
	l->at = at;
	l->left = left;
	l->f->result = LOOK_MORE;
	l->f->has_name = 0;
	l->f->base = l->settings->base;
	l->f->chunk_end = 0;
	if (of_user)
		LOOP(look_on_buffer, MAX_TURNS, l);
	else
		LOOP(look_on, MAX_TURNS, l);
}

static __always_inline void begin_flow(struct flow *f)
{
	f->budget = FLOW_BYTES;
	f->mode = MODE_START;
}

/* A message of DNS, from the byte behind its header on, or with its length in front of it. */
static __always_inline void begin_dns(struct flow *f, bool has_length)
{
	f->budget = FLOW_BYTES;
	f->mode = MODE_DNS;
	f->envelope = ENVELOPE_NONE;
	f->skip = 0;
	f->left = 0;
	name_begin(&f->name);
	if (has_length)
		want(f, DNS_LENGTH, 2);
	else
		want(f, DNS_LABEL, 1);
}

#endif
