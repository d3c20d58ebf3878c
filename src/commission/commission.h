/*
 * Commission: the money of an order. The room's door.
 *
 *	split.h		shares → lines, conserved for every payer
 *	lifecycle.h	status messages and refunds → the state, and the split of what is left
 *	ledger.h	lines → balances, summing to nought
 */
#ifndef TRIB_COMMISSION_COMMISSION_H
#define TRIB_COMMISSION_COMMISSION_H

#include "commission/ledger.h"
#include "commission/lifecycle.h"
#include "commission/split.h"

#endif
