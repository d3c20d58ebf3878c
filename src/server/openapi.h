/* OpenAPI 3.1 of the HTTP door, made from the table of routes and the descriptors of the protocol. */
#ifndef TRIB_SERVER_OPENAPI_H
#define TRIB_SERVER_OPENAPI_H

#include "base/bytes.h"

void trib_openapi_print(struct trib_buffer *text);

#endif
