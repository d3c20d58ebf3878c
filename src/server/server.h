/*
 * The doors: RESP3 and HTTP/JSON over one engine, who may pass them, and what `tributary serve` can be told.
 */
#ifndef TRIB_SERVER_SERVER_H
#define TRIB_SERVER_SERVER_H

#include "server/auth.h"
#include "server/config.h"
#include "server/deliver.h"
#include "server/http.h"
#include "server/resp.h"

#endif
