/* Files of data/ that are built into the program; scripts/embed makes their source. */
#ifndef TRIB_CLI_GEN_BUILTIN_H
#define TRIB_CLI_GEN_BUILTIN_H

#include "base/bytes.h"

struct trib_bytes trib_market_builtin(void);
struct trib_bytes trib_rules_live_builtin(void);
struct trib_bytes trib_rules_shelf_builtin(void);
struct trib_bytes trib_rules_share_builtin(void);

#endif
