#!/usr/bin/env python3
"""What BFD costs: the agent and BIRD 2 in turns, each with the same sessions to one BIRD in another network namespace.

    python3 bfd.py                              # 100 sessions at 50 ms, half a minute, three times each
    python3 bfd.py --sessions 100 --interval 50 --seconds 30 --repeat 3

COSMOS names the binary; without it, the one that `make release` builds. Needs root, bird2 and iproute2. No BGP session comes up: what is
measured is BFD. The figure is the processor time of the process, user and system, by the time that passed, once all sessions are up; a session
that is down at the end ends the run. Each session has addresses of its own at both ends: BIRD tells sessions apart by the address of the other
end alone.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")


def address(side, n):
    return f"10.50.{100 * side + n // 200}.{1 + n % 200}"


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


class Namespaces:
    def __init__(self, sessions):
        self.names = [f"bfdbench-{os.getpid()}-{side}" for side in ("target", "neighbour")]
        for name in self.names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        target, other = self.names
        run("ip", "-n", target, "link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", other)
        for side, name in enumerate(self.names):
            for n in range(sessions):
                run("ip", "-n", name, "address", "add", f"{address(side, n)}/16", "dev", "e0")
            run("ip", "-n", name, "link", "set", "e0", "up")

    def start(self, side, words, log):
        command = ["ip", "netns", "exec", self.names[side], *map(str, words)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def drop(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)


def bird(space, side, folder, sessions, interval):
    lines = "\n".join(f"  neighbor {address(1 - side, n)} local {address(side, n)};" for n in range(sessions))
    config = folder / f"bird-{side}.conf"
    config.write_text(
        f"log stderr all;\nrouter id 10.255.0.{side + 1};\nprotocol device {{}}\nprotocol bfd {{\n"
        f'  interface "*" {{ interval {interval} ms; multiplier 3; }};\n{lines}\n}}\n'
    )
    control = folder / f"bird-{side}.ctl"
    log = open(folder / f"bird-{side}.log", "w")
    process = space.start(side, ["bird", "-f", "-c", config, "-s", control], log)

    def up():
        shown = subprocess.run(["birdc", "-s", str(control), "show", "bfd", "sessions"], capture_output=True, text=True)
        return sum(" Up " in line for line in shown.stdout.splitlines())

    return process, up


def cosmos(space, folder, sessions, interval):
    binary = os.environ.get("COSMOS") or HERE.parents[1] / "target/release/cosmos"
    manifests = folder / "manifests"
    manifests.mkdir()
    kind = "apiVersion: bgp.miloapis.com/v1alpha1\nkind: "
    (manifests / "router.yaml").write_text(
        f"{kind}BGPRouter\nmetadata: {{name: r}}\nspec:\n  targetRef: {{kind: Node, name: n}}\n  roles: [fabric]\n"
        "  localASN: 65000\n  routerID: 10.255.0.1\n  kernel: {install: false}\n"
        "  addressFamilies: [{afi: ipv4, safi: unicast}]\n"
    )
    micros = interval * 1000
    peers = [
        f"{kind}BGPPeer\nmetadata: {{name: p{n}}}\nspec:\n  routerRef: {{name: r}}\n  peerASN: 65001\n  address: {address(1, n)}\n"
        f"  localAddress: {address(0, n)}\n  passive: true\n  addressFamilies: [{{afi: ipv4, safi: unicast}}]\n"
        f"  bfd: {{enabled: true, minimumTx: {micros}, minimumRx: {micros}}}\n"
        for n in range(sessions)
    ]
    (manifests / "peers.yaml").write_text("---\n".join(peers))
    socket = folder / "cosmos.sock"
    log = open(folder / "cosmos.log", "w")
    words = [binary, "run", "--manifests", manifests, "--node", "n", "--socket", socket]
    process = space.start(0, words, log)

    def up():
        shown = subprocess.run([binary, "show", "bfd", "--socket", str(socket)], capture_output=True, text=True)
        return sum(" Up " in line for line in shown.stdout.splitlines())

    return process, up


def processor_time(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait(what, up, sessions):
    for _ in range(300):
        if up() == sessions:
            return
        time.sleep(0.2)
    sys.exit(f"{what}: only {up()} of {sessions} sessions came up")


def end(processes, space, folder):
    """Leaves nothing behind."""
    for process in processes:
        process.terminate()
        process.wait()
    space.drop()
    shutil.rmtree(folder)


def measure(name, options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bfdbench-"))
    space = Namespaces(options.sessions)
    processes = []
    try:
        other, other_up = bird(space, 1, folder, options.sessions, options.interval)
        processes.append(other)
        if name == "bird2":
            target, up = bird(space, 0, folder, options.sessions, options.interval)
        else:
            target, up = cosmos(space, folder, options.sessions, options.interval)
        processes.append(target)
        wait(name, up, options.sessions)
        wait(f"the neighbour of {name}", other_up, options.sessions)
        time.sleep(3)  # the intervals are agreed on
        before, begin = processor_time(target.pid), time.monotonic()
        time.sleep(options.seconds)
        share = (processor_time(target.pid) - before) / (time.monotonic() - begin)
        wait(name, up, options.sessions)
        return 100 * share
    finally:
        end(processes, space, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--interval", type=int, default=50, help="milliseconds, each way")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--targets", default="bird2,cosmos")
    options = parser.parse_args()
    targets = options.targets.split(",")
    shares = {name: [] for name in targets}
    for turn in range(options.repeat):
        for name in targets if turn % 2 == 0 else reversed(targets):
            share = measure(name, options)
            shares[name].append(share)
            print(f"{name}: {share:.2f} % of a core", flush=True)
    medians = {name: sorted(all)[len(all) // 2] for name, all in shares.items()}
    print(f"\n{options.sessions} sessions at {options.interval} ms, medians of {options.repeat}:")
    for name, median in medians.items():
        print(f"{name}: {median:.2f} % of a core")


if __name__ == "__main__":
    main()
