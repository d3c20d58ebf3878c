# The front door. `make help` lists the targets; meson.build is the build itself.
BUILD := build
ARGS :=
FUZZ_SECONDS := 60

.PHONY: all setup demo check tsan bench fuzz clean help

all: setup ## build into build/
	@scripts/build $(BUILD)

setup: ## install what is missing (Debian packages)
	@scripts/setup

demo: all ## see it happen: a marketplace, a day of its traffic (ARGS=--exit ends by itself)
	@scripts/demo $(ARGS)

check: setup ## prove it: every test, under ASan and UBSan; last line "N passed, N failed"
	@scripts/check $(ARGS)

tsan: setup ## run what has threads under ThreadSanitizer; `check` does so for the tests of threads alone
	@scripts/check --tsan $(ARGS)

bench: all ## print the figures (ARGS=token: one of them)
	@scripts/bench $(ARGS)

fuzz: setup ## fuzz each parser for FUZZ_SECONDS (60)
	@scripts/fuzz --seconds $(FUZZ_SECONDS) $(ARGS)

clean: ## remove every build folder
	rm -rf build build-*

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
