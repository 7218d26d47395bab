"""Checks that .env.example lists every variable that the code reads and no other, and that what is deployed with agrees.

The Dockerfile and compose.yaml may only set variables from that list, README.md may only name such, and the image's Rust
must be the one of rust-toolchain.toml.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ["functions/*/src", "shared/src", "standalone/src", "standalone/postgres/src"]

# Words that look like a variable and are none of Errand's.
OTHERS = {
    "AWS_ACCESS_KEY_ID": "AWS's own: .env.example names them together",
    "AWS_ENDPOINT_URL": "AWS's own",
    "AWS_REGION": "AWS's own",
    "AWS_SECRET_ACCESS_KEY": "AWS's own",
    "CARGO_PKG_VERSION": "read by the compiler",
    "OUT_DIR": "read by the compiler",
    "PATH": "the system's own",
    "LC_ALL": "set for PostgreSQL's programs",
    "PG_VERSION": "a file in PostgreSQL's data directory",
}

READ = re.compile(r'(?:\.(?:text|required|parsed|problem)|\bset|\blookup)\(\s*(?:lookup,\s*)?"([A-Z][A-Z0-9_]*)"')
LOOKS_LIKE_ONE = re.compile(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"')

problems = []


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def expect_none(names, what):
    if names:
        problems.append(f"{what}: {', '.join(sorted(names))}")


listed = re.findall(r"^#([A-Z][A-Z0-9_]*)=", text(".env.example"), flags=re.MULTILINE)
variables = set(listed)
expect_none({name for name in listed if listed.count(name) > 1}, ".env.example lists twice")

code = "\n".join(
    path.read_text(encoding="utf-8")
    for pattern in SOURCES
    for folder in sorted(ROOT.glob(pattern))
    for path in sorted(folder.rglob("*.rs"))
)
read = set(READ.findall(code))
written = set(re.findall(r'"([A-Z][A-Z0-9_]*)"', code))
expect_none(read - variables - set(OTHERS), ".env.example does not list what the code reads")
expect_none(
    set(LOOKS_LIKE_ONE.findall(code)) - variables - set(OTHERS) - read,
    "the code has names that look like variables; list them in .env.example, or as others in scripts/check-variables.py",
)
expect_none(variables - written, ".env.example lists what no code reads")
expect_none(set(OTHERS) - written, "scripts/check-variables.py excepts what is not there any more")

dockerfile = re.sub(r"\\\n", " ", text("Dockerfile"))
final = dockerfile[dockerfile.rindex("\nFROM ") :]
set_by_image = {
    pair.split("=")[0] for line in re.findall(r"^ENV (.*)$", final, flags=re.MULTILINE) for pair in line.split()
}
expect_none(set_by_image - variables, "the Dockerfile sets what no code reads")
service = re.search(r"^  errand:\n(.*?)(?=^  \S)", text("compose.yaml"), flags=re.MULTILINE | re.DOTALL)[1]
environment = re.search(r"^    environment:\n((?:      .*\n)+)", service, flags=re.MULTILINE)[1]
set_by_compose = set(re.findall(r"^      ([A-Z_]+):", environment, flags=re.MULTILINE))
expect_none(set_by_compose - variables, "compose.yaml sets what no code reads")
named = re.findall(r"^\| (`[A-Z].*?) \|", text("README.md"), flags=re.MULTILINE)
expect_none(set(re.findall(r"`([A-Z_]+)`", " ".join(named))) - variables, "README.md names what no code reads")

channel = re.search(r'channel = "(.*)"', text("rust-toolchain.toml"))[1]
if f"FROM rust:{channel}-" not in dockerfile:
    problems.append(f"the Dockerfile does not build with Rust {channel}, which rust-toolchain.toml names")

if problems:
    sys.exit("\n".join(["the variables do not agree:", *(f"  {problem}" for problem in problems)]))
print(f".env.example lists the {len(variables)} variables that the code reads")
