#include "cli/gen/market.h"

#include <jansson.h>

static const struct row {
	const char *place;
	size_t offset;
	uint32_t count;
	double least, most;
} rows[] = {
#define X(field, count, least, most, place)                                                        \
	{ place, offsetof(struct trib_market, field), count, least, most },
	TRIB_MARKET_TABLE(X)
#undef X
};

/* The value at "a.b", NULL where there is none. */
static json_t *find(json_t *from, const char *place)
{
	char name[64];

	while (from) {
		size_t length = strcspn(place, ".");

		snprintf(name, sizeof(name), "%.*s", (int)length, place);
		from = json_object_get(from, name);
		if (!place[length])
			return from;
		place += length + 1;
	}
	return NULL;
}

static trib_status read_number(json_t *value, const char *place, double least, double most,
			       double *ret_number, struct trib_error *error)
{
	if (!json_is_number(value))
		return trib_fail(error, TRIB_INVALID, place, "found %s, expected a number",
				 value ? "something else" : "nothing");
	double number = json_number_value(value);

	if (!(number >= least && number <= most))
		return trib_fail(error, TRIB_INVALID, place, "found %g, expected %g to %g", number,
				 least, most);
	*ret_number = number;
	return TRIB_OK;
}

static trib_status read_numbers(json_t *value, const char *place, uint32_t count, double least,
				double most, double *ret_numbers, struct trib_error *error)
{
	if (count == 1)
		return read_number(value, place, least, most, ret_numbers, error);
	if (json_array_size(value) != count)
		return trib_fail(error, TRIB_INVALID, place, "found %zu numbers, expected %u",
				 json_array_size(value), count);
	for (uint32_t i = 0; i < count; i++) {
		trib_status status = read_number(json_array_get(value, i), place, least, most,
						 &ret_numbers[i], error);

		if (status != TRIB_OK)
			return status;
		/* Pairs and triples are from low to high. */
		if (i && count <= 3 && ret_numbers[i] < ret_numbers[i - 1])
			return trib_fail(error, TRIB_INVALID, place,
					 "found %g after %g, expected more", ret_numbers[i],
					 ret_numbers[i - 1]);
	}
	return TRIB_OK;
}

/* Text that goes into JSON and ids as it is: no quote, backslash or control character. */
static trib_status read_text(json_t *value, const char *place, char **ret_text,
			     struct trib_error *error)
{
	const char *text = json_string_value(value);

	if (!text || !trib_external_id_valid(trib_bytes_text(text)) || strpbrk(text, "\"\\"))
		return trib_fail(error, TRIB_INVALID, place,
				 "found \"%s\", expected 1 to 64 bytes without space or quote",
				 text ? text : "");
	*ret_text = trib_strdup(text);
	return TRIB_OK;
}

static trib_status read_words(json_t *value, const char *place, struct trib_words *ret_words,
			      struct trib_error *error)
{
	size_t count = json_array_size(value);

	if (!count || count > TRIB_MARKET_WORDS_MAX)
		return trib_fail(error, TRIB_INVALID, place, "found %zu words, expected 1 to %d",
				 count, TRIB_MARKET_WORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		trib_status status =
			read_text(json_array_get(value, i), place, &ret_words->text[i], error);

		if (status != TRIB_OK)
			return status;
		ret_words->count = (uint32_t)i + 1;
	}
	return TRIB_OK;
}

#define TRY(call)                                                                                  \
	do {                                                                                       \
		trib_status status_ = (call);                                                      \
		if (status_ != TRIB_OK)                                                            \
			return status_;                                                            \
	} while (0)

static trib_status read_category(json_t *from, struct trib_market_category *category,
				 struct trib_error *error)
{
	TRY(read_text(find(from, "name"), "name", &category->name, error));
	TRY(read_number(find(from, "goods"), "goods", 0, 1, &category->goods, error));
	TRY(read_number(find(from, "price"), "price", 100, 1e9, &category->price, error));
	TRY(read_number(find(from, "price_sigma"), "price_sigma", 0, 5, &category->price_sigma,
			error));
	TRY(read_numbers(find(from, "commission_bps"), "commission_bps", 3, 0, 9000,
			 category->commission_bps, error));
	return read_words(find(from, "nouns"), "nouns", &category->nouns, error);
}

static trib_status read_carrier(json_t *from, struct trib_market_carrier *carrier,
				struct trib_error *error)
{
	TRY(read_text(find(from, "kind"), "kind", &carrier->kind, error));
	TRY(read_text(find(from, "scene"), "scene", &carrier->scene, error));
	TRY(read_text(find(from, "page"), "page", &carrier->page, error));
	TRY(read_number(find(from, "orders"), "orders", 0, 1, &carrier->orders, error));
	TRY(read_number(find(from, "conversion"), "conversion", 0.0001, 1, &carrier->conversion,
			error));
	return read_number(find(from, "delay_ms"), "delay_ms", 1, 864e5, &carrier->delay_ms, error);
}

static trib_status read_categories(json_t *list, struct trib_market *market,
				   struct trib_error *error)
{
	char place[32];
	size_t count = json_array_size(list);

	if (!count || count > TRIB_MARKET_CATEGORIES_MAX)
		return trib_fail(error, TRIB_INVALID, "categories", "found %zu, expected 1 to %d",
				 count, TRIB_MARKET_CATEGORIES_MAX);
	for (size_t i = 0; i < count; i++) {
		market->category_count = (uint32_t)i + 1;
		trib_status status =
			read_category(json_array_get(list, i), &market->categories[i], error);

		if (status != TRIB_OK) {
			snprintf(place, sizeof(place), "categories[%zu]", i);
			trib_error_within(error, place);
			return status;
		}
	}
	return TRIB_OK;
}

static trib_status read_carriers(json_t *list, struct trib_market *market, struct trib_error *error)
{
	char place[32];
	size_t count = json_array_size(list);

	if (!count || count > TRIB_MARKET_CARRIERS_MAX)
		return trib_fail(error, TRIB_INVALID, "carriers", "found %zu, expected 1 to %d",
				 count, TRIB_MARKET_CARRIERS_MAX);
	for (size_t i = 0; i < count; i++) {
		market->carrier_count = (uint32_t)i + 1;
		trib_status status =
			read_carrier(json_array_get(list, i), &market->carriers[i], error);

		if (status != TRIB_OK) {
			snprintf(place, sizeof(place), "carriers[%zu]", i);
			trib_error_within(error, place);
			return status;
		}
	}
	if (strcmp(market->carriers[0].kind, "live"))
		return trib_fail(error, TRIB_INVALID, "carriers[0].kind",
				 "found \"%s\", expected live: only the first has sessions",
				 market->carriers[0].kind);
	return TRIB_OK;
}

static trib_status read_market(json_t *from, struct trib_market *market, struct trib_error *error)
{
	double format;

	TRY(read_number(find(from, "format"), "format", TRIB_MARKET_FORMAT, TRIB_MARKET_FORMAT,
			&format, error));
	TRY(read_text(find(from, "currency"), "currency", &market->currency, error));
	TRY(read_categories(find(from, "categories"), market, error));
	TRY(read_carriers(find(from, "carriers"), market, error));
	TRY(read_words(find(from, "names.first"), "names.first", &market->first_names, error));
	TRY(read_words(find(from, "names.second"), "names.second", &market->second_names, error));
	TRY(read_words(find(from, "names.regions"), "names.regions", &market->regions, error));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		TRY(read_numbers(find(from, rows[i].place), rows[i].place, rows[i].count,
				 rows[i].least, rows[i].most,
				 (double *)((char *)market + rows[i].offset), error));
	return TRIB_OK;
}

trib_status trib_market_parse(struct trib_bytes json, struct trib_market **ret_market,
			      struct trib_error *error)
{
	json_error_t where;
	json_t *root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, &where);

	if (!root) {
		char place[32];

		snprintf(place, sizeof(place), "line %d", where.line);
		return trib_fail(error, TRIB_SYNTAX, place, "%s", where.text);
	}
	struct trib_market *market = trib_alloc_zeroed(1, sizeof(*market));
	trib_status status = read_market(root, market, error);

	json_decref(root);
	if (status != TRIB_OK) {
		trib_market_free(market);
		return status;
	}
	*ret_market = market;
	return TRIB_OK;
}

static void free_words(struct trib_words *words)
{
	for (uint32_t i = 0; i < words->count; i++)
		free(words->text[i]);
}

void trib_market_free(struct trib_market *market)
{
	if (!market)
		return;
	for (uint32_t i = 0; i < market->category_count; i++) {
		free(market->categories[i].name);
		free_words(&market->categories[i].nouns);
	}
	for (uint32_t i = 0; i < market->carrier_count; i++) {
		free(market->carriers[i].kind);
		free(market->carriers[i].scene);
		free(market->carriers[i].page);
	}
	free_words(&market->first_names);
	free_words(&market->second_names);
	free_words(&market->regions);
	free(market->currency);
	free(market);
}
