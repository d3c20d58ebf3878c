/* The door of the catalog: tables of goods, creators and shops by columns. docs/catalog.md. */
#ifndef TRIB_CATALOG_CATALOG_H
#define TRIB_CATALOG_CATALOG_H

#include "catalog/chunk.h"
#include "catalog/dictionary.h"
#include "catalog/segment.h"
#include "catalog/table.h"
#include "catalog/words.h"
#include "catalog/words_expand.h"
#include "catalog/words_show.h"

#endif
