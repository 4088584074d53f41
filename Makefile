# The front door. The work is in scripts/; each of them says what it does.
.DEFAULT_GOAL := help
.PHONY: help run test dev check conformance fuzz sizes page faults bench pictures image setup clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: ## Set up what is missing, build the release and serve it on 127.0.0.1:3000
	@scripts/run.sh

test: ## Set up what is missing and run every test
	@scripts/test.sh

dev: ## Build, serve and rebuild on every change
	@scripts/dev.sh

check: ## The gate: format, lints, dependency arrows, size budgets
	@scripts/check.sh

conformance: ## Hold the server's WebSocket to RFC 6455 with the Autobahn testsuite
	@scripts/autobahn.sh

fuzz: ## Run every fuzz target for a bounded time
	@scripts/fuzz.sh

sizes: ## Print the sizes that have a budget, and hold them to it
	@scripts/sizes.sh

page: ## Measure how the page behaves in Chromium, and what Lighthouse says of it
	@scripts/page.sh

faults: ## Make faults happen while clients talk, and judge what is left; writes docs/FAULTS.md
	@scripts/faults.sh

bench: ## Compare with other servers under the same load; scripts/bench.sh --quick takes 3 minutes instead of 12
	@scripts/bench.sh

pictures: ## Take the README's pictures anew
	@scripts/pictures.sh

image: ## Build the container image
	@scripts/image.sh

setup: ## Only set up what is missing
	@scripts/setup.sh

clean: ## Remove what was built here; the tools in the cache stay
	rm -rf target node_modules end2end/node_modules end2end/measure/node_modules end2end/artefacts
