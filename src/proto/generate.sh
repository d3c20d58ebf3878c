#!/bin/sh
# Makes C of the protocol: structs (protoc-c) and the descriptor set with its comments (protoc) as an array,
# which the codec reads when the program starts.
#
#   generate.sh PROTO_FOLDER OUTPUT_FOLDER
set -eu
proto=$1 out=$2
include=/usr/include # where Debian's libprotobuf-dev puts google/protobuf/descriptor.proto

protoc-c -I"$include/google/protobuf" --c_out="$out" descriptor.proto
# protoc-c calls a struct's header `base`; in messages with a field of that name it is `message`. Consumers in
# other languages need not know, so it is said here and not in the .proto.
mkdir -p "$out/c"
cp "$proto/options.proto" "$out/c/"
sed -e 's|^import "options.proto";|&import "protobuf-c/protobuf-c.proto";|' \
	-e 's/^message \(Credit\|Slice\) {/& option (pb_c_msg).base_field_name = "message";/' \
	"$proto/tributary.proto" >"$out/c/tributary.proto"
protoc-c -I"$out/c" -I"$include" --c_out="$out" options.proto tributary.proto
# The generated files lie side by side, whatever folders their .proto files have.
sed -i 's|google/protobuf/descriptor.pb-c.h|descriptor.pb-c.h|' "$out/options.pb-c.h"

protoc -I"$proto" -I"$include" --include_source_info --descriptor_set_out="$out/descriptors.pb" \
	options.proto tributary.proto
{
	echo '/* Made by generate.sh of proto/tributary.proto: its descriptor set. */'
	echo '#include "proto/descriptors.h"'
	echo 'const ProtobufCMessageDescriptor *const trib_proto_messages[] = {'
	sed -n 's/^extern const ProtobufCMessageDescriptor \(.*\);/\&\1,/p' "$out/tributary.pb-c.h"
	echo 'NULL };'
	echo 'const unsigned char trib_proto_descriptors[] = {'
	od -An -v -tu1 "$out/descriptors.pb" | sed 's/[0-9][0-9]*/&,/g'
	echo '};'
	echo 'const size_t trib_proto_descriptors_size = sizeof(trib_proto_descriptors);'
} >"$out/descriptors.c"
