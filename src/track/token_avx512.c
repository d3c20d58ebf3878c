/*
 * The decoder for x86-64 with AVX-512 (VBMI) and BMI2, chosen at start where the machine has them.
 *
 * A token is decoded from base64 in two registers, its numbers are found by one mask of the bytes
 * that end a varint, and sixteen MACs are computed at once, each message in a lane of its own (a
 * SipHash round is one long chain: two registers of eight lanes keep the units busy). The portable
 * decoder is the twin in the tests.
 */
#include "track/wire.h"

#ifdef __x86_64__
#include <immintrin.h>
#include "track/siphash.h"

#define AVX512                                                                                     \
	__attribute__((                                                                            \
		target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi,bmi2,popcnt,lzcnt")))
#define INLINE AVX512 static inline __attribute__((always_inline))

enum {
	LANES = 16,
	BODY_ROOM = 128,
};

bool trib_token_avx512_here(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

/* What stands between reading the texts and judging them, for LANES tokens. */
struct lanes {
	_Alignas(
		64) uint8_t body[LANES][BODY_ROOM]; /* padded as SipHash pads: zeros, length last */
	_Alignas(64) uint64_t secret[2][LANES];
	_Alignas(64) uint64_t mac[2][LANES]; /* as found in the token */
	uint32_t blocks[LANES];		     /* of 8 bytes, the one with the length included */
};

/* A body in registers and what its bytes are, bit by bit. */
struct body {
	__m512i low, high;  /* padded */
	uint64_t continued; /* bytes 0–63 that do not end a varint */
	uint64_t zero;
	uint32_t size;
};

INLINE uint64_t below(uint64_t bits)
{
	return _bzhi_u64(UINT64_MAX, (uint32_t)TRIB_MIN(bits, 64u));
}

/* ASCII to 6 bits; 0x80 where there is no such character. Two halves of 64 for the permutation. */
static const _Alignas(64) uint8_t values[128] = {
#define NO8 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80
	NO8, NO8, NO8, NO8, NO8, 0x80, 0x80, 0x80, 0x80, 0x80, 62,   0x80, 0x80, 52,   53, 54,
	55,  56,  57,  58,  59,	 60,   61,   0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0,  1,
	2,   3,	  4,   5,   6,	 7,    8,    9,	   10,	 11,   12,   13,   14,	 15,   16, 17,
	18,  19,  20,  21,  22,	 23,   24,   25,   0x80, 0x80, 0x80, 0x80, 63,	 0x80, 26, 27,
	28,  29,  30,  31,  32,	 33,   34,   35,   36,	 37,   38,   39,   40,	 41,   42, 43,
	44,  45,  46,  47,  48,	 49,   50,   51,   0x80, 0x80, 0x80, 0x80, 0x80,
#undef NO8
};

/* Where byte i of the result lies in the 4-byte groups that multiplication leaves (3 bytes each,
 * big end first). */
#define GROUP(g)   4 * (g) + 2, 4 * (g) + 1, 4 * (g)
#define GROUPS4(g) GROUP(g), GROUP((g) + 1), GROUP((g) + 2), GROUP((g) + 3)
static const _Alignas(64) uint8_t low_bytes[64] = {
	GROUPS4(0),  GROUPS4(4), GROUPS4(8), GROUPS4(12),
	GROUPS4(16), GROUP(20),	 86, /* 64 and above: the second register */
};
static const _Alignas(64) uint8_t high_bytes[64] = {
	21, 20, GROUP(6), GROUP(7), GROUPS4(8), GROUPS4(12),
};

static const _Alignas(64) uint8_t iota[64] = {
	0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
	44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

/* Four characters a group of 32 bits: 6 + 6 + 6 + 6 → 24 bits. */
INLINE __m512i join_groups(__m512i sextets)
{
	__m512i pairs = _mm512_maddubs_epi16(sextets, _mm512_set1_epi32(0x01400140));

	return _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00011000));
}

/*
 * Text to body and MAC. False where it is not canonical base64; the outputs are written in any
 * case. Text has TRIB_WIRE_CHARS_MIN to TRIB_LIMIT_TOKEN_CHARS characters.
 */
INLINE bool read_text(struct trib_bytes text, struct body *ret_body, __m128i *ret_mac)
{
	const __m512i table_low = _mm512_load_si512(values),
		      table_high = _mm512_load_si512(values + 64);
	const __m512i absent = _mm512_set1_epi8('A'); /* of value 0 */
	uint64_t high_chars = text.size > 64 ? below(text.size - 64) : 0;
	__m512i chars0 = _mm512_mask_loadu_epi8(absent, below(text.size), text.data);
	__m512i chars1 = _mm512_mask_loadu_epi8(absent, high_chars, text.data + 64);
	__m512i sextets0 = _mm512_permutex2var_epi8(table_low, chars0, table_high);
	__m512i sextets1 = _mm512_permutex2var_epi8(table_low, chars1, table_high);
	__m512i wrong = _mm512_or_si512(_mm512_or_si512(chars0, chars1),
					_mm512_or_si512(sextets0, sextets1));
	__m512i groups0 = join_groups(sextets0), groups1 = join_groups(sextets1);
	__m512i low = _mm512_permutex2var_epi8(groups0, _mm512_load_si512(low_bytes), groups1);
	__m512i high =
		_mm512_maskz_permutexvar_epi8(UINT32_MAX, _mm512_load_si512(high_bytes), groups1);
	uint32_t body_size = (uint32_t)(text.size * 3 / 4) - TRIB_WIRE_MAC_BYTES;
	__m512i from_mac = _mm512_permutex2var_epi8(
		low, _mm512_add_epi8(_mm512_load_si512(iota), _mm512_set1_epi8((char)body_size)),
		high);
	/* After the MAC stand the bits of the last character that belong to no byte. */
	uint64_t rest =
		_mm512_test_epi8_mask(from_mac, from_mac) & ((uint64_t)1 << TRIB_WIRE_MAC_BYTES);
	uint32_t length_at = body_size | 7;

	*ret_mac = _mm512_castsi512_si128(from_mac);
	low = _mm512_maskz_mov_epi8(below(body_size), low);
	high = _mm512_maskz_mov_epi8(body_size > 64 ? below(body_size - 64) : 0, high);
	ret_body->continued = _mm512_movepi8_mask(low);
	ret_body->zero = _mm512_testn_epi8_mask(low, low);
	ret_body->size = body_size;
	__m512i length = _mm512_set1_epi8((char)body_size);
	uint64_t length_bit = (uint64_t)1 << (length_at & 63);

	ret_body->low = _mm512_mask_mov_epi8(low, length_at < 64 ? length_bit : 0, length);
	ret_body->high = _mm512_mask_mov_epi8(high, length_at < 64 ? 0 : length_bit, length);
	return !(_mm512_movepi8_mask(wrong) | rest) && text.size % 4 != 1;
}

/* A walk over the bytes that end a varint. Past the last one it reads zeros inside the body's room.
 */
struct walk {
	const uint8_t *body;
	uint64_t ends;
	uint64_t start;
};

INLINE uint64_t peek(const struct walk *walk, uint64_t *ret_end)
{
	uint64_t end = _tzcnt_u64(walk->ends);
	uint64_t bits =
		_bzhi_u64(UINT64_C(0x7f7f7f7f7f7f7f7f), (uint32_t)(8 * (end + 1 - walk->start)));

	*ret_end = end;
	return _pext_u64(trib_load_le64(walk->body + walk->start), bits);
}

INLINE uint64_t take(struct walk *walk)
{
	uint64_t end, value = peek(walk, &end);

	walk->start = end + 1;
	walk->ends = _blsr_u64(walk->ends);
	return value;
}

/* The same where the number may be absent, without a branch: flags differ from token to token. */
INLINE uint64_t take_if(struct walk *walk, uint64_t present)
{
	uint64_t end, value = peek(walk, &end), after = _blsr_u64(walk->ends);

	walk->start = present ? end + 1 : walk->start;
	walk->ends = present ? after : walk->ends;
	return present ? value : 0;
}

/* Numbers and flags of a body of at most 64 bytes, stored at `stored`. As trib_wire_parse, in one
 * pass. */
INLINE bool parse(const struct body *body, const uint8_t *stored, struct trib_token *token)
{
	struct walk walk = { stored, ~body->continued & below(body->size) & ~UINT64_C(1), 1 };
	uint64_t ends = walk.ends;
	uint64_t key = take(&walk), flags = take(&walk);
	uint64_t order_engine = take(&walk), goods_engine = take(&walk), link = take(&walk);
	uint64_t registration = take(&walk), plan = take(&walk), version = take(&walk);
	uint64_t goods = take(&walk), creator = take(&walk), channel = take(&walk);
	uint64_t issued = take(&walk);
	uint64_t kind = take_if(&walk, flags & TRIB_WIRE_CARRIER_KIND);
	uint64_t carrier = take_if(&walk, flags & TRIB_WIRE_CARRIER);
	uint64_t owner = take_if(&walk, flags & TRIB_WIRE_CARRIER_OWNER);
	uint64_t page = take_if(&walk, flags & TRIB_WIRE_PAGE);
	uint64_t offer = take_if(&walk, flags & TRIB_WIRE_OFFER);
	uint64_t count = TRIB_WIRE_NUMBERS + (uint64_t)_mm_popcnt_u64(flags & TRIB_WIRE_OPTIONAL);
	uint64_t inside = below(walk.start), run = body->continued & inside;
	uint64_t given = (kind ? TRIB_WIRE_CARRIER_KIND : 0) | (carrier ? TRIB_WIRE_CARRIER : 0) |
			 (owner ? TRIB_WIRE_CARRIER_OWNER : 0) | (page ? TRIB_WIRE_PAGE : 0);
	uint64_t needed = flags & (TRIB_WIRE_OPTIONAL & ~TRIB_WIRE_OFFER);
	uint64_t bad = (registration | plan | version | goods | creator | channel | kind | carrier |
			owner | page | offer) >>
		       32;

	bad |= (key | order_engine | goods_engine) >> 16 | flags >> 7 | link >> 48 | issued >> 48;
	bad |= body->zero & body->continued << 1 & inside; /* a needless last zero byte */
	run &= run >> 1;
	run &= run >> 2;
	bad |= run & run >> 4; /* longer than the 8 bytes that were looked at */
	bad |= given ^ needed;
	bad |= (uint64_t)_mm_popcnt_u64(ends) < count;
	bad |= (flags & TRIB_WIRE_OFFER) && offer == plan;
	bad |= !(flags & TRIB_WIRE_EXT) && walk.start != body->size;
	bad |= stored[0] ^ TRIB_TOKEN_FORMAT;
	token->link = link;
	token->issued_at_ms = (int64_t)issued;
	token->registration = (uint32_t)registration;
	token->plan = (uint32_t)plan;
	token->plan_version = (uint32_t)version;
	token->offer = (uint32_t)((flags & TRIB_WIRE_OFFER) && !offer ? plan : offer);
	token->goods = (uint32_t)goods;
	token->creator = (uint32_t)creator;
	token->channel = (uint32_t)channel;
	token->carrier_kind = (uint32_t)kind;
	token->carrier = (uint32_t)carrier;
	token->carrier_owner = (uint32_t)owner;
	token->page = (uint32_t)page;
	token->order_engine = (uint16_t)order_engine;
	token->goods_engine = (uint16_t)goods_engine;
	token->key = (uint16_t)key;
	token->ext_kept = flags & TRIB_WIRE_EXT_KEPT;
	token->ext_size = 0;
	_mm_storeu_si128((__m128i *)token->ext, _mm_setzero_si128());
	if (bad)
		return false;
	return !(flags & TRIB_WIRE_EXT) ||
	       trib_wire_take_ext(stored + walk.start, body->size - walk.start, token);
}

/* One token up to its MAC. Any text; the body is stored in any case, so that the lane can run. */
INLINE enum trib_token_result read_token(const struct trib_ring *ring, struct trib_bytes text,
					 uint8_t stored[BODY_ROOM], uint32_t *ret_size,
					 __m128i *ret_mac, const struct trib_ring_key **ret_key,
					 struct trib_token *token)
{
	static const char nothing[TRIB_WIRE_CHARS_MIN + 1] = "";
	struct body body;
	bool fits = text.size >= TRIB_WIRE_CHARS_MIN && text.size <= TRIB_LIMIT_TOKEN_CHARS;

	if (!fits)
		text = trib_bytes(nothing, TRIB_WIRE_CHARS_MIN);
	bool well = read_text(text, &body, ret_mac);

	_mm512_store_si512(stored, body.low);
	_mm512_store_si512(stored + 64, body.high);
	*ret_size = body.size;
	well &= TRIB_LIKELY(body.size <= 64) ? parse(&body, stored, token)
					     : trib_wire_parse(stored, body.size, token);
	*ret_key = trib_ring_find(ring, well ? token->key : 0);
	if (!well)
		return TRIB_TOKEN_MALFORMED;
	return trib_ring_judge(*ret_key, token->issued_at_ms, token->registration);
}

AVX512 enum trib_token_result trib_token_decode_avx512(const struct trib_keys *keys,
						       struct trib_bytes text,
						       struct trib_token *ret_token)
{
	_Alignas(64) uint8_t stored[BODY_ROOM];
	const struct trib_ring_key *key;
	struct trib_token token;
	uint32_t size;
	__m128i found;
	enum trib_token_result result =
		read_token(trib_keys_ring(keys), text, stored, &size, &found, &key, &token);

	if (result != TRIB_TOKEN_OK)
		return result;
	struct trib_mac mac = trib_siphash128(key->secret, stored, size);
	/* No early way out: the time tells nothing of where they differ. */
	uint64_t differs = (mac.half[0] ^ (uint64_t)_mm_cvtsi128_si64(found)) |
			   (mac.half[1] ^ (uint64_t)_mm_extract_epi64(found, 1));

	if (differs)
		return TRIB_TOKEN_MAC;
	*ret_token = token;
	return TRIB_TOKEN_OK;
}

/* Eight SipHash states, one a lane. */
struct sip {
	__m512i v0, v1, v2, v3;
};

INLINE void sip_round(struct sip *s)
{
	s->v0 = _mm512_add_epi64(s->v0, s->v1);
	s->v2 = _mm512_add_epi64(s->v2, s->v3);
	s->v1 = _mm512_xor_si512(_mm512_rol_epi64(s->v1, 13), s->v0);
	s->v3 = _mm512_xor_si512(_mm512_rol_epi64(s->v3, 16), s->v2);
	s->v0 = _mm512_rol_epi64(s->v0, 32);
	s->v0 = _mm512_add_epi64(s->v0, s->v3);
	s->v2 = _mm512_add_epi64(s->v2, s->v1);
	s->v3 = _mm512_xor_si512(_mm512_rol_epi64(s->v3, 21), s->v0);
	s->v1 = _mm512_xor_si512(_mm512_rol_epi64(s->v1, 17), s->v2);
	s->v2 = _mm512_rol_epi64(s->v2, 32);
}

INLINE void sip_begin(struct sip *s, const uint64_t *key0, const uint64_t *key1)
{
	__m512i k0 = _mm512_load_si512(key0), k1 = _mm512_load_si512(key1);

	s->v0 = _mm512_xor_si512(k0, _mm512_set1_epi64((int64_t)TRIB_SIP_V0));
	s->v1 = _mm512_xor_si512(k1, _mm512_set1_epi64((int64_t)(TRIB_SIP_V1 ^ 0xee)));
	s->v2 = _mm512_xor_si512(k0, _mm512_set1_epi64((int64_t)TRIB_SIP_V2));
	s->v3 = _mm512_xor_si512(k1, _mm512_set1_epi64((int64_t)TRIB_SIP_V3));
}

/* One block of the lanes in `on`; the others stand still. */
INLINE void sip_block(struct sip *s, __m512i words, __mmask8 on)
{
	struct sip after = *s;

	after.v3 = _mm512_xor_si512(after.v3, words);
	sip_round(&after);
	sip_round(&after);
	after.v0 = _mm512_xor_si512(after.v0, words);
	s->v0 = _mm512_mask_mov_epi64(s->v0, on, after.v0);
	s->v1 = _mm512_mask_mov_epi64(s->v1, on, after.v1);
	s->v2 = _mm512_mask_mov_epi64(s->v2, on, after.v2);
	s->v3 = _mm512_mask_mov_epi64(s->v3, on, after.v3);
}

INLINE __m512i sip_sum(const struct sip *s)
{
	return _mm512_xor_si512(_mm512_xor_si512(s->v0, s->v1), _mm512_xor_si512(s->v2, s->v3));
}

/* Words 0–7 of eight bodies: from a row a body to a row a word. */
INLINE void transpose(const uint8_t (*body)[BODY_ROOM], __m512i ret_words[8])
{
	__m512i row[8], pair[8], quad[8];

	for (int i = 0; i < 8; i++)
		row[i] = _mm512_load_si512(body[i]);
	for (int i = 0; i < 8; i += 2) {
		pair[i] = _mm512_unpacklo_epi64(row[i], row[i + 1]);
		pair[i + 1] = _mm512_unpackhi_epi64(row[i], row[i + 1]);
	}
	for (int i = 0; i < 2; i++) {
		quad[i] = _mm512_shuffle_i64x2(pair[i], pair[i + 2], 0x88);
		quad[i + 2] = _mm512_shuffle_i64x2(pair[i], pair[i + 2], 0xdd);
		quad[i + 4] = _mm512_shuffle_i64x2(pair[i + 4], pair[i + 6], 0x88);
		quad[i + 6] = _mm512_shuffle_i64x2(pair[i + 4], pair[i + 6], 0xdd);
	}
	/* quad[0] holds words 0 and 4 of bodies 0–3, quad[4] those of 4–7; quad[2] words 2 and 6;
	 * odd ones beside. */
	for (int i = 0; i < 4; i++) {
		ret_words[i] = _mm512_shuffle_i64x2(quad[i], quad[i + 4], 0x88);
		ret_words[i + 4] = _mm512_shuffle_i64x2(quad[i], quad[i + 4], 0xdd);
	}
}

/* Word `index` of eight bodies, where few need it. */
INLINE __m512i gather(const uint8_t (*body)[BODY_ROOM], int index)
{
	const __m512i rows = _mm512_set_epi64(112, 96, 80, 64, 48, 32, 16, 0);

	return _mm512_i64gather_epi64(rows, (const long long *)body[0] + index, 8);
}

/* The lanes whose MAC is not the one found. */
AVX512 static uint32_t verify(const struct lanes *lanes)
{
	__m512i words[2][8], blocks = _mm512_loadu_si512(lanes->blocks);
	uint32_t longest = (uint32_t)_mm512_reduce_max_epi32(blocks), wrong = 0;
	struct sip s[2];

	for (int half = 0; half < 2; half++) {
		sip_begin(&s[half], lanes->secret[0] + 8 * half, lanes->secret[1] + 8 * half);
		transpose(lanes->body + 8 * half, words[half]);
	}
	for (uint32_t i = 0; i < longest; i++) {
		__mmask16 on = _mm512_cmpgt_epu32_mask(blocks, _mm512_set1_epi32((int)i));
		__m512i first = i < 8 ? words[0][i] : gather(lanes->body, (int)i);
		__m512i second = i < 8 ? words[1][i] : gather(lanes->body + 8, (int)i);

		sip_block(&s[0], first, (__mmask8)on);
		sip_block(&s[1], second, (__mmask8)(on >> 8));
	}
	for (int part = 0; part < 2; part++) {
		for (int half = 0; half < 2; half++) {
			__m512i *v = part ? &s[half].v1 : &s[half].v2;

			*v = _mm512_xor_si512(*v, _mm512_set1_epi64(part ? 0xdd : 0xee));
		}
		for (int i = 0; i < 4; i++) {
			sip_round(&s[0]);
			sip_round(&s[1]);
		}
		for (int half = 0; half < 2; half++)
			wrong |= (uint32_t)_mm512_cmpneq_epi64_mask(
					 sip_sum(&s[half]),
					 _mm512_load_si512(lanes->mac[part] + 8 * half))
				 << (8 * half);
	}
	return wrong;
}

/* Up to LANES tokens. */
AVX512 static void decode_group(const struct trib_ring *ring, const struct trib_bytes *texts,
				uint32_t n, struct trib_token *ret_tokens,
				enum trib_token_result *ret_results)
{
	struct lanes lanes;

	if (n < LANES)
		memset(&lanes, 0, sizeof(lanes));
	for (uint32_t i = 0; i < n; i++) {
		const struct trib_ring_key *key;
		__m128i mac;
		uint32_t size;

		ret_results[i] = read_token(ring, texts[i], lanes.body[i], &size, &mac, &key,
					    &ret_tokens[i]);
		lanes.blocks[i] = size / 8 + 1;
		lanes.secret[0][i] = key->secret[0];
		lanes.secret[1][i] = key->secret[1];
		lanes.mac[0][i] = (uint64_t)_mm_cvtsi128_si64(mac);
		lanes.mac[1][i] = (uint64_t)_mm_extract_epi64(mac, 1);
	}
	uint32_t wrong = verify(&lanes);

	for (uint32_t i = 0; i < n; i++)
		if (ret_results[i] == TRIB_TOKEN_OK && (wrong >> i & 1))
			ret_results[i] = TRIB_TOKEN_MAC;
}

AVX512 void trib_token_decode_batch_avx512(const struct trib_keys *keys,
					   const struct trib_bytes *texts, size_t n,
					   struct trib_token *ret_tokens,
					   enum trib_token_result *ret_results)
{
	const struct trib_ring *ring = trib_keys_ring(keys);

	for (size_t i = 0; i < n; i += LANES)
		decode_group(ring, texts + i, (uint32_t)TRIB_MIN(n - i, (size_t)LANES),
			     ret_tokens + i, ret_results + i);
}

#else
typedef int trib_no_avx512_here; /* ISO C wants a declaration in every file */
#endif
