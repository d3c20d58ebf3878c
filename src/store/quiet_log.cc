/*
 * RocksDB's own log, turned off. Debian's RocksDB is built with assertions, one of which ends the process where
 * that log cannot be written: on a full disk, of all times. Its C interface can set a log but make none, hence
 * these lines of C++. What goes wrong in the store comes back as errors, which the program logs.
 */
#include <memory>
#include <rocksdb/env.h>
#include <rocksdb/options.h>

namespace {

class QuietLog : public rocksdb::Logger {
public:
	using rocksdb::Logger::Logv;
	void Logv(const char *, va_list) override {}
};

} // namespace

/* The struct behind the C interface's options holds these options and nothing else. */
extern "C" void store_quiet_log(void *options)
{
	static_cast<rocksdb::Options *>(options)->info_log = std::make_shared<QuietLog>();
}
