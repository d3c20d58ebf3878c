/*
 * The money lines as people may ask for them: GET /api/v1/lines. Names and titles stand in rules/share.h, kinds of
 * accounts and stages in commission/ledger.h; this tells them, and which kind of account each line posts to.
 */
#ifndef TRIB_COMMISSION_LINES_H
#define TRIB_COMMISSION_LINES_H

#include "commission/ledger.h"

/*
 * {items: [{number, name, zh, en, accounts: [{role, to}]}], payers: [{role, from}], kinds: [{name, zh, en}],
 *  stages: [{name, zh, en}]}
 */
void trib_lines_write_json(struct trib_buffer *json);

#endif
