# syntax=docker/dockerfile:1

# Errand as one process, for whatever runs containers. Everything is configured by environment variables (.env.example);
# docs/container.md says how.

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
# The statements are checked against shared/.sqlx, so no database is needed.
ENV CARGO_INCREMENTAL=0 SQLX_OFFLINE=true
COPY . .
# What is downloaded and what is compiled stays in caches of the builder, so a change of one file compiles one package. The
# program is taken out of the cache at once, because the cache is no part of the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --package errand && \
    install -D target/release/errand /out/errand && \
    install --directory --owner=65532 --group=65532 --mode=0700 /out/state

# glibc, the certificates of public authorities, time zones, and a user 65532 called nonroot; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/errand /usr/local/bin/errand
# For exports, files to import and mails, unless a bucket and a mail host take them. A volume made for it gets its owner.
COPY --from=build --chown=65532:65532 /out/state /var/lib/errand
ENV ENVIRONMENT=production \
    ERRAND_STATE=/var/lib/errand \
    HOST=0.0.0.0 \
    LOG_FORMAT=json \
    PORT=8000
USER 65532:65532
WORKDIR /var/lib/errand
VOLUME /var/lib/errand
EXPOSE 8000
# SIGTERM lets requests and jobs under way finish, for 26 s at most.
STOPSIGNAL SIGTERM
# Whether the process answers. That the database does is readiness, which restarts nothing: `errand health --ready`.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/errand", "health"]
ENTRYPOINT ["/usr/local/bin/errand"]
