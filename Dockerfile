# One static binary in an empty image: the one that `make release` makes, measured and demonstrated. docker, podman or buildah:
#
#   docker build -t cosmos .
#   docker run --rm --name cosmos --network host --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_BIND_SERVICE \
#       --read-only --tmpfs /run/cosmos -v /etc/cosmos:/etc/cosmos:ro -v /var/lib/cosmos:/var/lib/cosmos cosmos
#   docker exec cosmos /cosmos show peers
#
# The network is the host's, for it is the host's routes that it programs. Of root's rights it needs two: CAP_NET_ADMIN
# (routes) and CAP_NET_BIND_SERVICE (port 179). It runs as user 0 with only these, as engines give added
# capabilities to no other user; without CAP_DAC_OVERRIDE it reads only what is root's or everybody's. Peers with spec.interface
# take CAP_NET_RAW, too, and BFD keeps time on a busy node with CAP_SYS_NICE. The node's name is the
# host's, unless NODE_NAME says otherwise. In /var/lib/cosmos it remembers how its routes in the kernel are marked, so that what a
# killed container left is found again. What follows the image's name is the command: `... cosmos check /etc/cosmos`.

ARG RUST=1.95
FROM docker.io/library/rust:${RUST}-slim-bookworm AS build
WORKDIR /src
ENV CARGO_TERM_COLOR=never

# First the dependencies, in a layer of their own that is built anew only when a manifest changes: manifests and the lock file,
# with nothing in the crates yet.
COPY Cargo.toml Cargo.lock ./
COPY bgp-wire/Cargo.toml bgp-wire/
COPY rib/Cargo.toml rib/
COPY crds/Cargo.toml crds/
COPY agent/Cargo.toml agent/
COPY agent/bfd/Cargo.toml agent/bfd/
COPY agent/capture/Cargo.toml agent/capture/
COPY agent/ndp/Cargo.toml agent/ndp/
COPY agent/session/Cargo.toml agent/session/
COPY tests/Cargo.toml tests/
COPY benches/Cargo.toml benches/
COPY scripts/release-flags scripts/
# cargo wants every target that a manifest names to be there. With --target, macros and build scripts are not static: they
# could not be loaded.
RUN for crate in bgp-wire rib crds agent agent/bfd agent/capture agent/ndp agent/session tests benches; do \
        mkdir -p $crate/src && touch $crate/src/lib.rs; \
    done \
    && echo 'fn main() {}' > agent/src/main.rs \
    && mkdir -p benches/benches \
    && for bench in $(sed -n '/^\[\[bench\]\]/,/^name/s/^name = "\(.*\)"/\1/p' benches/Cargo.toml); do \
        echo 'fn main() {}' > benches/benches/$bench.rs; \
    done \
    && RUSTFLAGS=$(scripts/release-flags) \
        cargo build --release --locked --target "$(rustc -vV | sed -n 's/^host: //p')" -p cosmos

COPY . .
# Newer than the stand-ins, whatever the times in the checkout are.
RUN find bgp-wire rib crds agent -name '*.rs' -exec touch {} + \
    && host=$(rustc -vV | sed -n 's/^host: //p') \
    && RUSTFLAGS=$(scripts/release-flags) cargo build --release --locked --target "$host" -p cosmos \
    && cp "target/$host/release/cosmos" /cosmos \
    && scripts/is-static /cosmos

FROM scratch
COPY --from=build /cosmos /cosmos
# For --state-dir.
ENV STATE_DIRECTORY=/var/lib/cosmos
VOLUME /var/lib/cosmos
ENTRYPOINT ["/cosmos"]
CMD ["run", "--manifests", "/etc/cosmos"]
