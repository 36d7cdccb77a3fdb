#!/usr/bin/env python3
"""Does BFD keep time while a full table arrives and goes to the kernel? The agent, and one BIRD that it has a BFD session and a BGP session with.

    python3 bfd_load.py                                      # 1,000,000 prefixes, at 50 and at 100 ms, a multiplier of three
    python3 bfd_load.py --prefixes 1000000 --intervals 50,100

COSMOS names the binary; without it, the one that `make release` builds. Needs root, bird2, tcpdump and iproute2. For each interval two loads:
of the first, the longest time between two BFD packets of the agent, as they leave, and how often either end took
the path for dead; the second is cut in the middle, and the figure is the time from the last packet that came in to the word in the agent's log.
"""
import argparse
import datetime
import ipaddress
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

from bfd import HERE, Namespaces, address, end, processor_time, run


def neighbour(space, folder, prefixes, interval):
    """BIRD with a table of routes of 24 bits and longer, all from one place, and a session that waits for the word."""
    first = int(ipaddress.ip_address("20.0.0.0"))
    routes = "\n".join(f"  route {ipaddress.ip_address(first + 64 * n)}/26 blackhole;" for n in range(prefixes))
    config = folder / "bird.conf"
    config.write_text(
        f"log \"{folder}/bird.log\" all;\nrouter id 10.255.0.2;\nprotocol device {{}}\n"
        f"protocol bfd {{\n  interface \"*\" {{ interval {interval} ms; multiplier 3; }};\n"
        f"  neighbor {address(0, 0)} local {address(1, 0)};\n}}\n"
        f"protocol static {{\n  ipv4;\n{routes}\n}}\n"
        f"protocol bgp full {{\n  disabled yes;\n  local {address(1, 0)} as 65001;\n  neighbor {address(0, 0)} as 65000;\n"
        "  connect delay time 1; connect retry time 1;\n  bfd on;\n  ipv4 { import none; export all; next hop self; };\n}\n"
    )
    return space.start(1, ["bird", "-f", "-c", config, "-s", folder / "bird.ctl"], subprocess.DEVNULL)


def agent(space, folder, interval):
    binary = os.environ.get("COSMOS") or HERE.parents[1] / "target/release/cosmos"
    manifests = folder / "manifests"
    manifests.mkdir()
    kind = "apiVersion: bgp.miloapis.com/v1alpha1\nkind: "
    (manifests / "all.yaml").write_text(
        f"{kind}BGPRouter\nmetadata: {{name: r}}\nspec:\n  targetRef: {{kind: Node, name: n}}\n  roles: [fabric]\n"
        "  localASN: 65000\n  routerID: 10.255.0.1\n  addressFamilies: [{afi: ipv4, safi: unicast}]\n"
        f"---\n{kind}BGPPeer\nmetadata: {{name: p}}\nspec:\n  routerRef: {{name: r}}\n  peerASN: 65001\n  address: {address(1, 0)}\n"
        f"  localAddress: {address(0, 0)}\n  passive: true\n  addressFamilies: [{{afi: ipv4, safi: unicast}}]\n"
        f"  bfd: {{enabled: true, minimumTx: {interval * 1000}, minimumRx: {interval * 1000}}}\n"
    )
    socket = folder / "cosmos.sock"
    words = [binary, "run", "--manifests", manifests, "--node", "n", "--socket", socket]
    process = space.start(0, words, open(folder / "cosmos.log", "w"))

    def ask(*what):
        shown = subprocess.run([binary, "show", *what, "--socket", str(socket), "-o", "json"], capture_output=True, text=True)
        return json.loads(shown.stdout) if shown.returncode == 0 else None

    return process, ask


def until(what, seconds, look):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.2)
    sys.exit(f"{what}: not within {seconds} s")


def bird(folder, *words):
    return subprocess.run(["birdc", "-s", str(folder / "bird.ctl"), *words], capture_output=True, text=True).stdout


def times(pcap):
    """When the packets of a capture were seen."""
    raw = pcap.read_bytes()
    seen, at = [], 24
    while at + 16 <= len(raw):
        second, micro, kept, _ = struct.unpack_from("<IIII", raw, at)
        seen.append(second + micro / 1e6)
        at += 16 + kept
    return seen


class Capture:
    """BFD packets at one end, that leave it (out) or come in (in)."""

    def __init__(self, space, side, way, folder, name):
        self.file = folder / f"{name}.pcap"
        words = ["tcpdump", "-Z", "root", "-i", "e0", "-Q", way, "-B", "65536", "-U", "-w", self.file, "udp dst port 3784"]
        self.process = space.start(side, words, subprocess.DEVNULL)

    def stop(self):
        time.sleep(1)
        self.process.terminate()
        self.process.wait()
        return times(self.file)


def peer(ask):
    shown = ask("peer", "p")
    return shown[0] if isinstance(shown, list) else (shown or {})


def installed(ask):
    """How many routes the agent knows to be in the kernel. Asked itself, that would count them in one walk over all, for a tenth of a second and
    more, in which nobody else has the processor: what is measured would be the question."""
    routers = (ask("summary") or {}).get("routers", [])
    return sum((router.get("kernel") or {}).get("installed", 0) for router in routers)


def in_kernel(space):
    """How many there are, without a list of them."""
    text = run("ip", "netns", "exec", space.names[0], "cat", "/proc/net/fib_triestat")
    return max(map(int, re.findall(r"Prefixes:\s+(\d+)", text)))


def logged(folder, text, since):
    """When the agent's log has said this for the first time since then."""
    for line in (folder / "cosmos.log").read_text().splitlines():
        if text in line:
            stamp = re.sub(r"\x1b\[[0-9;]*m", "", line).split()[0]
            said = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
            if said >= since:
                return said
    return None


def measure(prefixes, interval):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bfdload-"))
    space = Namespaces(1)
    processes = []
    try:
        processes.append(neighbour(space, folder, prefixes, interval))
        until("BIRD answers", 120, lambda: "Daemon is up" in bird(folder, "show", "status"))
        process, ask = agent(space, folder, interval)
        processes.append(process)
        until("BFD is up", 60, lambda: (peer(ask).get("bfd") or {}).get("state") == "Up")
        time.sleep(3)  # the intervals are agreed on

        capture = Capture(space, 0, "out", folder, "sent")
        time.sleep(1)
        cpu, begin = processor_time(process.pid), time.monotonic()
        bird(folder, "enable", "full")
        until("the kernel has the table", 300, lambda: installed(ask) >= prefixes)
        took, cpu = time.monotonic() - begin, processor_time(process.pid) - cpu
        sent = capture.stop()
        assert in_kernel(space) >= prefixes
        gaps = sorted(b - a for a, b in zip(sent, sent[1:]))
        failures = peer(ask)["bfd"]["failures"]
        late = sum(gap > 1.5 * interval / 1000 for gap in gaps)
        print(
            f"{interval} ms: {prefixes:,} prefixes in the kernel after {took:.1f} s ({cpu:.1f} s of the processor); "
            f"{len(sent)} packets sent, the longest gap {1000 * gaps[-1]:.0f} ms, {late} of more than half an interval late; {failures} failures",
            flush=True,
        )

        bird(folder, "disable", "full")
        until("the kernel has lost the table", 300, lambda: installed(ask) == 0)
        capture = Capture(space, 0, "in", folder, "heard")
        time.sleep(1)
        bird(folder, "enable", "full")
        until("half the table is there", 300, lambda: installed(ask) >= prefixes // 2)
        cut = time.time()
        run("tc", "-n", space.names[1], "qdisc", "add", "dev", "e0", "root", "pfifo", "limit", "0")
        down = until("the path is taken for dead", 10, lambda: logged(folder, "detection time expired", cut))
        heard = [at for at in capture.stop() if at <= down]
        print(f"{interval} ms: cut in the middle of a load, and told {1000 * (down - heard[-1]):.0f} ms after the last packet", flush=True)
    finally:
        end(processes, space, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefixes", type=int, default=1_000_000)
    parser.add_argument("--intervals", default="50,100", help="milliseconds, each way")
    options = parser.parse_args()
    for interval in options.intervals.split(","):
        measure(options.prefixes, int(interval))


if __name__ == "__main__":
    main()
