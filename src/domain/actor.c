#include "domain/actor.h"

static const struct {
	const char *word;
	bool party;
} roles[] = {
#define X(name, number, word, party, what) [number] = { word, party },
	TRIB_ACCESS_ROLE_TABLE(X)
#undef X
};

const char *trib_access_role_word(enum trib_access_role role)
{
	trib_assert((size_t)role < TRIB_ARRAY_SIZE(roles));
	return roles[role].word;
}

bool trib_access_role_of_word(struct trib_bytes word, enum trib_access_role *ret_role)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(roles); i++) {
		if (!trib_bytes_is(word, roles[i].word))
			continue;
		*ret_role = (enum trib_access_role)i;
		return true;
	}
	return false;
}

bool trib_access_role_has_party(enum trib_access_role role)
{
	trib_assert((size_t)role < TRIB_ARRAY_SIZE(roles));
	return roles[role].party;
}
