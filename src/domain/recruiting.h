/* Inside the domain room: what activities, enrolments and cooperations keep beside their records. */
#ifndef TRIB_DOMAIN_RECRUITING_H
#define TRIB_DOMAIN_RECRUITING_H

#include "base/column.h"
#include "domain/domain.h"
#include "domain/pairs.h"

#define TRIB_NOTICE_MS INT64_C(86400000) /* where an activity states none */

struct trib_recruiting {
	struct trib_column activities, enrolments, cooperations; /* by number */
	struct trib_pairs of_goods, of_merchant;		 /* → the newest enrolment */
};

void trib_recruiting_fini(struct trib_recruiting *recruiting);

/* The first invariant that does not hold; NULL: all do. */
const char *trib_recruiting_broken(const struct trib_domain *domain);

/* What a time says of them. */
void trib_recruiting_show(const struct trib_domain *domain, enum trib_noun noun, int64_t at_ms, uint32_t number,
			  ProtobufCMessage *message);

#endif
