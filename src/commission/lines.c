#include "commission/lines.h"

#include "domain/words.h"

/* The roles that differ in where their money stands; any other one is as a creator. */
static const struct {
	uint32_t role;
	const char *word;
} roles[] = { { TRIB_WORD_MERCHANT, "merchant" }, { TRIB_WORD_PLATFORM, "platform" }, { TRIB_WORD_CREATOR, "other" } };

/* Words of our tables: nothing in them needs escaping. */
static void add_names(struct trib_buffer *json, const char *name, const char *zh, const char *en)
{
	trib_buffer_add_format(json, "\"name\":\"%s\",\"zh\":\"%s\",\"en\":\"%s\"", name, zh, en);
}

static void add_line(struct trib_buffer *json, enum trib_line_kind line)
{
	trib_buffer_add_format(json, "{\"number\":%d,", line);
	add_names(json, trib_line_kind_word(line), trib_line_kind_title(line, true), trib_line_kind_title(line, false));
	trib_buffer_add_text(json, ",\"accounts\":[");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(roles); i++) {
		uint8_t kinds = trib_line_kinds(line, TRIB_WORD_MERCHANT, roles[i].role, false);

		trib_buffer_add_format(json, "%s{\"role\":\"%s\",\"to\":\"%s\"}", i ? "," : "", roles[i].word,
				       trib_account_kind_word(trib_kinds_to(kinds, roles[i].role)));
	}
	trib_buffer_add_text(json, "]}");
}

void trib_lines_write_json(struct trib_buffer *json)
{
	trib_buffer_add_text(json, "{\"items\":[");
	for (int line = 0; trib_line_kind_word((enum trib_line_kind)line); line++) {
		trib_buffer_add_text(json, line ? "," : "");
		add_line(json, (enum trib_line_kind)line);
	}
	trib_buffer_add_text(json, "],\"payers\":[");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(roles); i++) {
		uint8_t kinds = trib_line_kinds(TRIB_LINE_OTHER, roles[i].role, TRIB_WORD_CREATOR, false);

		trib_buffer_add_format(json, "%s{\"role\":\"%s\",\"from\":\"%s\"}", i ? "," : "", roles[i].word,
				       trib_account_kind_word(trib_kinds_from(kinds, roles[i].role)));
	}
	trib_buffer_add_text(json, "],\"kinds\":[");
	for (enum trib_account_kind kind = 1; trib_account_kind_word(kind); kind++) {
		trib_buffer_add_text(json, kind > 1 ? ",{" : "{");
		add_names(json, trib_account_kind_word(kind), trib_account_kind_title(kind, true),
			  trib_account_kind_title(kind, false));
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_text(json, "],\"stages\":[");
	for (enum trib_stage stage = 1; trib_stage_word(stage); stage++) {
		trib_buffer_add_text(json, stage > 1 ? ",{" : "{");
		add_names(json, trib_stage_word(stage), trib_stage_title(stage, true), trib_stage_title(stage, false));
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_text(json, "]}");
}
