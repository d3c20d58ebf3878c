/* Rule trees, for plays: how they are checked, and where a case's facts lead. */
#ifndef TRIB_ENGINE_PLAY_TREES_H
#define TRIB_ENGINE_PLAY_TREES_H

#include "play/play.h"

extern const struct trib_play_trees trib_play_trees;

#endif
