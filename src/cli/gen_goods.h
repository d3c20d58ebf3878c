/* `tributary gen goods …`, which `gen` hands on. argv[0] is "goods". */
#ifndef TRIB_CLI_GEN_GOODS_H
#define TRIB_CLI_GEN_GOODS_H

int trib_cli_gen_goods(int argc, char **argv);

#endif
