#include <new>
#include <re2/re2.h>
#include "expr/re2_shim.h"

struct re2_pattern {
	re2::RE2 re2;

	re2_pattern(const re2::StringPiece &pattern, const re2::RE2::Options &options)
		: re2(pattern, options)
	{
	}
};

extern "C" struct re2_pattern *re2_pattern_new(const char *pattern, size_t size, size_t memory_max)
{
	re2::RE2::Options options;

	options.set_log_errors(false);
	options.set_max_mem(static_cast<int64_t>(memory_max));
	try {
		re2_pattern *made = new re2_pattern(re2::StringPiece(pattern ? pattern : "", size), options);

		if (made->re2.ok())
			return made;
		delete made;
	} catch (const std::bad_alloc &) {
	}
	return nullptr;
}

extern "C" void re2_pattern_free(struct re2_pattern *pattern)
{
	delete pattern;
}

extern "C" bool re2_pattern_matches(const struct re2_pattern *pattern, const char *text, size_t size)
{
	try {
		return re2::RE2::PartialMatch(re2::StringPiece(text ? text : "", size), pattern->re2);
	} catch (const std::bad_alloc &) {
		return false;
	}
}

extern "C" int re2_pattern_size(const struct re2_pattern *pattern)
{
	return pattern->re2.ProgramSize();
}
