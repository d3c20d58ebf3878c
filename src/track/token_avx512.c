/*
 * The decoder for x86-64 with AVX-512 (VBMI, VBMI2) and BMI2, chosen at start where the machine has them.
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
	__attribute__((target(                                                                     \
		"avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))
#define INLINE AVX512 static inline __attribute__((always_inline))

enum {
	LANES = 16,
	BODY_ROOM = 128,
};

bool trib_token_avx512_here(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
	       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("popcnt");
}

/* What stands between reading the texts and judging them, for LANES tokens. */
struct lanes {
	_Alignas(
		64) uint8_t body[LANES][BODY_ROOM]; /* padded as SipHash pads: zeros, length last */
	_Alignas(64) uint64_t secret[2][LANES];
	_Alignas(64) uint64_t mac[2][LANES]; /* as found in the token */
	uint32_t size[LANES];		     /* of the body, its padding not counted */
	bool canonical[LANES];
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
 * Text to body and MAC. False where it is not canonical base64; the outputs are written in any case, so that a
 * lane can always run.
 */
INLINE bool read_text(struct trib_bytes text, uint8_t ret_body[BODY_ROOM], uint32_t *ret_size,
		      uint64_t *ret_mac0, uint64_t *ret_mac1)
{
	static const char nothing[TRIB_WIRE_CHARS_MIN + 1] = "";

	if (TRIB_UNLIKELY(text.size < TRIB_WIRE_CHARS_MIN || text.size > TRIB_LIMIT_TOKEN_CHARS))
		text = trib_bytes(nothing, TRIB_WIRE_CHARS_MIN);
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

	__m512i length = _mm512_set1_epi8((char)body_size);
	uint64_t length_bit = (uint64_t)1 << (length_at & 63);

	low = _mm512_maskz_mov_epi8(below(body_size), low);
	high = _mm512_maskz_mov_epi8(body_size > 64 ? below(body_size - 64) : 0, high);
	low = _mm512_mask_mov_epi8(low, length_at < 64 ? length_bit : 0, length);
	high = _mm512_mask_mov_epi8(high, length_at < 64 ? 0 : length_bit, length);
	_mm512_store_si512(ret_body, low);
	_mm512_store_si512(ret_body + 64, high);
	*ret_size = body_size;
	*ret_mac0 = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(from_mac));
	*ret_mac1 = (uint64_t)_mm_extract_epi64(_mm512_castsi512_si128(from_mac), 1);
	return !(_mm512_movepi8_mask(wrong) | rest) && text.size % 4 != 1;
}

/* The numbers after key id and flags, in the order of the wire: a lane of 64 bits each. */
enum {
	ORDER_ENGINE,
	GOODS_ENGINE,
	LINK,
	REGISTRATION,
	PLAN,
	VERSION,
	GOODS,
	CREATOR,
	CHANNEL,
	ISSUED,
	KIND,
	CARRIER,
	OWNER,
	PAGE,
	OFFER,
	SLOTS_ALWAYS = KIND,
};

static const _Alignas(64) uint64_t slot_max[16] = {
	UINT16_MAX, UINT16_MAX, TRIB_TOKEN_LINK_MAX, UINT32_MAX, UINT32_MAX,
	UINT32_MAX, UINT32_MAX, UINT32_MAX,	     UINT32_MAX, TRIB_TOKEN_TIME_MAX_MS,
	UINT32_MAX, UINT32_MAX, UINT32_MAX,	     UINT32_MAX, UINT32_MAX,
	0,
};

/* Where the 16-bit words of the first 64 bytes of struct trib_token come from: word w of slot s is 4s + w. */
#define WORDS2(slot) 4 * (slot), 4 * (slot) + 1
#define WORDS4(slot) WORDS2(slot), 4 * (slot) + 2, 4 * (slot) + 3
static const _Alignas(64) uint16_t token_words[32] = {
	WORDS4(LINK),	 WORDS4(ISSUED), WORDS2(REGISTRATION), WORDS2(PLAN),	 WORDS2(VERSION),
	WORDS2(OFFER),	 WORDS2(GOODS),	 WORDS2(CREATOR),      WORDS2(CHANNEL),	 WORDS2(KIND),
	WORDS2(CARRIER), WORDS2(OWNER),	 WORDS2(PAGE),	       4 * ORDER_ENGINE, 4 * GOODS_ENGINE,
};

/* The same 64 bytes by 32-bit words. */
enum { AT_PLAN = 5, AT_OFFER = 7, AT_KIND = 11 };

_Static_assert(offsetof(struct trib_token, link) == 0 &&
		       offsetof(struct trib_token, issued_at_ms) == 8 &&
		       offsetof(struct trib_token, registration) == 16 &&
		       offsetof(struct trib_token, plan) == 4 * AT_PLAN &&
		       offsetof(struct trib_token, plan_version) == 24 &&
		       offsetof(struct trib_token, offer) == 4 * AT_OFFER &&
		       offsetof(struct trib_token, goods) == 32 &&
		       offsetof(struct trib_token, creator) == 36 &&
		       offsetof(struct trib_token, channel) == 40 &&
		       offsetof(struct trib_token, carrier_kind) == 4 * AT_KIND &&
		       offsetof(struct trib_token, carrier) == 48 &&
		       offsetof(struct trib_token, carrier_owner) == 52 &&
		       offsetof(struct trib_token, page) == 56 &&
		       offsetof(struct trib_token, order_engine) == 60 &&
		       offsetof(struct trib_token, goods_engine) == 62 &&
		       offsetof(struct trib_token, key) == 64,
	       "token_words lays out this struct");

/* Each slot's byte of a 16-byte vector, eight times: slots 0–7 and 8–15. */
#define TIMES8(i) i, i, i, i, i, i, i, i
#define SPREAD(i) TIMES8(i), TIMES8((i) + 1)
static const _Alignas(64) uint8_t spread[2][64] = {
	{ SPREAD(0), SPREAD(2), SPREAD(4), SPREAD(6) },
	{ SPREAD(8), SPREAD(10), SPREAD(12), SPREAD(14) },
};

/*
 * Eight varints at once: for each, its start and length (0: absent) in the body. Bytes of one varint are brought
 * together in a lane, and their groups of 7 bits joined: by twos, by fours, by eights. More than eight bytes
 * are not looked at; the caller refuses them.
 */
INLINE __m512i take_eight(__m512i body, __m128i starts, __m128i sizes, const uint8_t *which)
{
	const __m512i offsets = _mm512_set1_epi64(0x0706050403020100);
	__m512i slots = _mm512_load_si512(which);
	__m512i start = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(starts), slots);
	__m512i size = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(sizes), slots);
	__mmask64 inside = _mm512_cmplt_epu8_mask(offsets, size);
	__m512i bytes =
		_mm512_maskz_permutexvar_epi8(inside, _mm512_add_epi8(start, offsets), body);

	bytes = _mm512_and_si512(bytes, _mm512_set1_epi8(0x7f));
	__m512i by2 = _mm512_maddubs_epi16(_mm512_set1_epi16((short)0x8001), bytes);
	__m512i by4 = _mm512_madd_epi16(by2, _mm512_set1_epi32(0x40000001));

	return _mm512_or_si512(_mm512_and_si512(by4, _mm512_set1_epi64(UINT32_MAX)),
			       _mm512_slli_epi64(_mm512_srli_epi64(by4, 32), 28));
}

/*
 * A body of at most 64 bytes, as trib_wire_parse, without a branch but for ext. `ends` has a bit for each byte
 * that ends a varint: compressed, these are the ends of the numbers in order; expanded by the flags, absent
 * numbers get their empty slots.
 */
INLINE bool parse_short(const uint8_t *stored, uint32_t size, struct trib_token *token)
{
	__m512i body = _mm512_load_si512(stored);
	uint64_t head = trib_load_le64(stored);
	uint64_t continued = _mm512_movepi8_mask(body);
	uint64_t long_key = head >> 15 & 1; /* of two bytes; a third is refused */
	uint64_t key = (head >> 8 & 0x7f) | (long_key ? head >> 9 & 0x3f80 : 0);
	uint64_t flags = head >> (16 + 8 * long_key) & 0xff;
	uint64_t numbers_at = 3 + long_key;
	uint64_t ends = ~continued & below(size) & ~below(numbers_at);
	uint32_t count = SLOTS_ALWAYS + (uint32_t)_mm_popcnt_u64(flags & TRIB_WIRE_OPTIONAL);
	uint64_t end =
		_tzcnt_u64(_pdep_u64(UINT64_C(1) << (count - 1), ends)) + 1; /* 65: too few */
	__mmask16 present = (__mmask16)(0x3ff | (flags & TRIB_WIRE_OPTIONAL) << SLOTS_ALWAYS);
	__m128i last =
		_mm512_castsi512_si128(_mm512_maskz_compress_epi8(ends, _mm512_load_si512(iota)));
	__m128i before = _mm_insert_epi8(_mm_bslli_si128(last, 1), (int)(numbers_at - 1), 0);

	last = _mm_maskz_expand_epi8(present, last);
	before = _mm_maskz_expand_epi8(present, before);
	__m128i sizes = _mm_sub_epi8(last, before), starts = _mm_add_epi8(before, _mm_set1_epi8(1));
	__m512i first = take_eight(body, starts, sizes, spread[0]);
	__m512i second = take_eight(body, starts, sizes, spread[1]);
	__m512i words = _mm512_permutex2var_epi16(first, _mm512_load_si512(token_words), second);
	__m512i plan = _mm512_permutexvar_epi32(_mm512_set1_epi32(AT_PLAN), words);
	uint32_t zero = _mm512_testn_epi32_mask(words, words);
	uint32_t offered = flags & TRIB_WIRE_OFFER ? 1u << AT_OFFER : 0;
	uint64_t bad = zero & (flags & (TRIB_WIRE_OPTIONAL & ~TRIB_WIRE_OFFER)) << AT_KIND;

	bad |= offered & _mm512_cmpeq_epi32_mask(words, plan);
	bad |= _mm512_cmpgt_epu64_mask(first, _mm512_load_si512(slot_max));
	bad |= _mm512_cmpgt_epu64_mask(second, _mm512_load_si512(slot_max + 8));
	bad |= _mm_cmpgt_epu8_mask(sizes, _mm_set1_epi8(8));
	bad |= _mm512_testn_epi8_mask(body, body) & continued << 1 &
	       below(end); /* a needless last zero byte */
	bad |= (head & 0xff) ^ TRIB_TOKEN_FORMAT;
	bad |= flags >> 7 | (long_key & head >> 23);
	bad |= flags & TRIB_WIRE_EXT ? end >= size : end != size;
	/* An offer written as 0 is the plan itself. */
	words = _mm512_mask_mov_epi32(words, (__mmask16)(zero & offered), plan);
	_mm512_storeu_si512(token, words);
	token->key = (uint16_t)key;
	token->ext_kept = flags >> 6 & 1;
	token->ext_size = 0;
	_mm_storeu_si128((__m128i *)token->ext, _mm_setzero_si128());
	if (TRIB_UNLIKELY(bad))
		return false;
	return TRIB_LIKELY(!(flags & TRIB_WIRE_EXT)) ||
	       trib_wire_take_ext(stored + end, size - end, token);
}

/* Longer bodies are rare: they bear large numbers in all places, or much ext. */
INLINE bool parse(const uint8_t *stored, uint32_t size, struct trib_token *token)
{
	return TRIB_LIKELY(size <= 64) ? parse_short(stored, size, token)
				       : trib_wire_parse(stored, size, token);
}

AVX512 enum trib_token_result trib_token_decode_avx512(const struct trib_keys *keys,
						       struct trib_bytes text,
						       struct trib_token *ret_token)
{
	_Alignas(64) uint8_t stored[BODY_ROOM];
	struct trib_token token;
	uint64_t mac0, mac1;
	uint32_t size;

	if (!read_text(text, stored, &size, &mac0, &mac1) || !parse(stored, size, &token))
		return TRIB_TOKEN_MALFORMED;
	const struct trib_ring_key *key = trib_ring_find(trib_keys_ring(keys), token.key);
	enum trib_token_result result =
		trib_ring_judge(key, token.issued_at_ms, token.registration);

	if (result != TRIB_TOKEN_OK)
		return result;
	struct trib_mac mac = trib_siphash128_padded(key->secret, stored, size / 8 + 1);

	/* No early way out: the time tells nothing of where they differ. */
	if ((mac.half[0] ^ mac0) | (mac.half[1] ^ mac1))
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
	__m512i words[2][8], blocks = _mm512_srli_epi32(_mm512_loadu_si512(lanes->size), 3);
	uint32_t wrong = 0;
	uint32_t longest = (uint32_t)_mm512_reduce_max_epi32(blocks); /* the last block's index */
	struct sip s[2];

	for (int half = 0; half < 2; half++) {
		sip_begin(&s[half], lanes->secret[0] + 8 * half, lanes->secret[1] + 8 * half);
		transpose(lanes->body + 8 * half, words[half]);
	}
	for (uint32_t i = 0; i <= longest; i++) {
		__mmask16 on = _mm512_cmpge_epu32_mask(blocks, _mm512_set1_epi32((int)i));
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
	/* Loops of their own: each is one long chain, and short ones overlap better. */
	for (uint32_t i = 0; i < n; i++)
		lanes.canonical[i] = read_text(texts[i], lanes.body[i], &lanes.size[i],
					       &lanes.mac[0][i], &lanes.mac[1][i]);
	for (uint32_t i = 0; i < n; i++)
		lanes.canonical[i] &= parse(lanes.body[i], lanes.size[i], &ret_tokens[i]);
	for (uint32_t i = 0; i < n; i++) {
		const struct trib_token *token = &ret_tokens[i];
		const struct trib_ring_key *key =
			trib_ring_find(ring, lanes.canonical[i] ? token->key : 0);

		ret_results[i] = lanes.canonical[i] ? trib_ring_judge(key, token->issued_at_ms,
								      token->registration)
						    : TRIB_TOKEN_MALFORMED;
		lanes.secret[0][i] = key->secret[0];
		lanes.secret[1][i] = key->secret[1];
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
