# One static binary in an empty image. Builds with docker, podman or buildah:
#   docker build -t cosmos .
#   docker run --rm --network host --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_BIND_SERVICE \
#       -v /etc/cosmos:/etc/cosmos:ro -v /run/cosmos:/run/cosmos cosmos --node "$(hostname)"

ARG RUST=1.95
FROM rust:${RUST}-slim-bookworm AS build
WORKDIR /src
ENV RUSTFLAGS="-C target-feature=+crt-static" CARGO_TERM_COLOR=never

# The dependencies, in a layer of their own: it is built anew only when a manifest changes.
COPY Cargo.toml Cargo.lock ./
COPY bgp-wire/Cargo.toml bgp-wire/
COPY rib/Cargo.toml rib/
COPY crds/Cargo.toml crds/
COPY agent/Cargo.toml agent/
COPY agent/session/Cargo.toml agent/session/
COPY tests/Cargo.toml tests/
COPY benches/Cargo.toml benches/
# cargo wants every target that a manifest names to be there.
RUN for crate in bgp-wire rib crds agent agent/session tests benches; do mkdir -p $crate/src && touch $crate/src/lib.rs; done \
    && echo 'fn main() {}' > agent/src/main.rs \
    && mkdir -p benches/benches && for bench in $(sed -n '/^\[\[bench\]\]/,/^name/s/^name = "\(.*\)"/\1/p' benches/Cargo.toml); do \
        echo 'fn main() {}' > benches/benches/$bench.rs; done \
    && cargo build --release --locked --target "$(rustc -vV | sed -n 's/^host: //p')" -p cosmos

COPY . .
# Newer than the stand-ins above, whatever the times in the checkout are.
RUN find bgp-wire rib crds agent -name '*.rs' -exec touch {} + \
    && host=$(rustc -vV | sed -n 's/^host: //p') \
    && cargo build --release --locked --target "$host" -p cosmos \
    && cp "target/$host/release/cosmos" /cosmos \
    && scripts/is-static /cosmos

FROM scratch
COPY --from=build /cosmos /cosmos
# Needs CAP_NET_ADMIN (routes, TCP-MD5) and CAP_NET_BIND_SERVICE (port 179), and the host's network.
ENTRYPOINT ["/cosmos", "run", "--manifests", "/etc/cosmos"]
