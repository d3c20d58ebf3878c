/* The schemas of data/play/, built in. */
#ifndef TRIB_PLAY_SHAPES_H
#define TRIB_PLAY_SHAPES_H

#include "base/bytes.h"

struct trib_bytes play_shape_play(void);
struct trib_bytes play_shape_ext(void);
struct trib_bytes play_shape_cases(void);
struct trib_bytes play_shape_checklist(void);
struct trib_bytes play_shape_flow(void);

/* data/play/default.flow.yaml: the platform's own flows. */
struct trib_bytes play_flows_default(void);

#endif
