# Every recipe is what CI runs. `just` lists them, `just ci` runs all of them in CI's order.
# The tools besides Rust come from `.ci/tools`, which puts them into `.venv`.

set shell := ["bash", "-euo", "pipefail", "-c"]

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")

# What is deployed, and what is run beside it in tests; each is built as a release.
functions := "api worker scheduler migrate outbound smoke"
programs := "errand echo panics"

# This machine's processor, as the template calls it.
processor := if arch() == "aarch64" { "arm64" } else { "x86_64" }

[private]
default:
    @just --list --unsorted

# Formatting.
fmt:
    cargo fmt --all --check

# Spelling, in code and documents.
spell:
    typos

# The template, by the linters of SAM and CloudFormation and by checkov; no AWS account is asked.
template:
    SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-central-1 sam validate --lint --template template.yaml
    cfn-lint template.yaml
    checkov --file template.yaml --framework cloudformation serverless --skip-download --quiet --compact
    python3 scripts/transform-template.py > /dev/null

# The workflows of GitHub, and every shell script.
workflows:
    zizmor --offline --quiet .github
    shellcheck .ci/run .ci/tools scripts/cold-start scripts/lint-workflows scripts/prepare-queries \
        scripts/rehearse-deploy
    scripts/lint-workflows

# What is deployed with: the roles of deploy-role.yaml, the Dockerfile, the variables.
deployment:
    AWS_DEFAULT_REGION=eu-central-1 cfn-lint deploy-role.yaml
    python3 scripts/check-deploy-role.py
    hadolint Dockerfile
    python3 scripts/check-variables.py

# Whether docs/cost.md, and docs/deploy.md in passing, say what `scripts/cost` computes from docs/cost.json and the template.
cost:
    python3 scripts/cost --check

# Licences, sources and banned crates among the dependencies.
deny:
    cargo deny check --hide-inclusion-graph bans licenses sources

# Known holes in the dependencies. It asks the RustSec database, so its answer changes by itself: CI runs it apart.
audit:
    cargo deny check --hide-inclusion-graph advisories

# Lints.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# The documentation of the code.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Every test.
test:
    cargo test --workspace

# Whether `shared/.sqlx` fits the statements; `scripts/prepare-queries` writes it anew.
queries:
    scripts/prepare-queries --check

# The functions as they are deployed. SAM compiles them one after another, so all are compiled at once before, in the same
# way; fat link-time optimisation, so minutes.
build architecture=processor also="":
    cargo lambda build --release --locked {{ if architecture == "arm64" { "--arm64" } else { "" } }} \
        {{ prepend("--bin ", functions) }} {{ prepend("--bin ", also) }}
    SAM_CLI_TELEMETRY=0 sam build --parameter-overrides Architecture={{ architecture }}
    scripts/package {{ architecture }} {{ also }}

# The same for this machine's processor, with what the tests run beside the functions.
release: (build processor programs)

# The tests of the binaries, on what would be deployed; also killed at random.
smoke: release
    ERRAND_BIN_DIR="${CARGO_TARGET_DIR:-target}/package" cargo test --workspace --test it -- \
        binaries:: chaos::functions:: rehearsal::

# A deploy and its rollback under load, from an earlier commit's build (`just rehearse-deploy v1.2.0`) or today's own.
rehearse-deploy *commit:
    scripts/rehearse-deploy {{ commit }}

# The job engine's speed next to that of bare statements; `just bench-jobs --help` lists what can be asked.
bench-jobs *arguments:
    cargo build --profile bench-jobs --locked --package bench-jobs
    "${CARGO_TARGET_DIR:-target}/bench-jobs/bench-jobs" {{ arguments }}

# The same in under a minute; fails when the engine falls far behind its floor.
bench-jobs-quick: (bench-jobs "--quick" "--at-least" "25")

# The container, acted out without an engine, as the Dockerfile has it; needs root and Debian 12.
container: release
    scripts/container-rehearsal

# Everything, cheap things first.
ci: fmt spell template workflows deployment cost deny lint docs queries test release smoke
