#!/usr/bin/env python3
"""One BGP session that takes whatever comes, and says nothing of its own but its OPEN and KEEPALIVEs; or has routes come and go.

    speaker.py --target A --local A --asn N --hold S --family ipv4|ipv6 [--churn N]

With --churn, it announces N prefixes and withdraws them, again and again, as fast as they are taken.

Prints `up` when the session is established and, when it is told to end (SIGTERM) or the other side closes it, one JSON
line: how long the session was up, the bytes it took, how many routes it announced or withdrew, and why it ended.
"""
import argparse, ipaddress, json, select, signal, socket, struct, sys, time


def message(kind, body=b""):
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), kind) + body


def open_message(a):
    caps = struct.pack(">BBHBB", 1, 4, 2 if a.family == "ipv6" else 1, 0, 1) + struct.pack(">BBI", 65, 4, a.asn)
    rid = ipaddress.ip_address("10.99.255.%d" % (a.hold % 250)).packed
    return message(1, struct.pack(">BHH4sBBB", 4, a.asn if a.asn < 65536 else 23456, a.hold, rid, len(caps) + 2, 2, len(caps)) + caps)


IN_ONE_UPDATE = 200


def updates(a):
    """The UPDATEs that announce all prefixes of the churn, and those that withdraw them."""
    v6 = a.family == "ipv6"
    # Of the blocks that are set aside for benchmarks (RFC 5180, RFC 2544).
    first, length, step = (ipaddress.ip_address("2001:2::"), 64, 1 << 64) if v6 else (ipaddress.ip_address("198.18.0.0"), 32, 1)
    nlri = [bytes([length]) + (first + n * step).packed[:length // 8] for n in range(a.churn)]
    hop = ipaddress.ip_address(a.local).packed
    path = bytes([0x40, 1, 1, 0, 0x40, 2, 6, 2, 1]) + struct.pack(">I", a.asn)
    announce = withdraw = b""
    for at in range(0, len(nlri), IN_ONE_UPDATE):
        block = b"".join(nlri[at:at + IN_ONE_UPDATE])
        if v6:
            reach = struct.pack(">HBB", 2, 1, len(hop)) + hop + b"\0" + block
            unreach = struct.pack(">HB", 2, 1) + block
            attrs = path + struct.pack(">BBH", 0x90, 14, len(reach)) + reach
            announce += message(2, struct.pack(">HH", 0, len(attrs)) + attrs)
            attrs = struct.pack(">BBH", 0x90, 15, len(unreach)) + unreach
            withdraw += message(2, struct.pack(">HH", 0, len(attrs)) + attrs)
        else:
            attrs = path + bytes([0x40, 3, 4]) + hop
            announce += message(2, struct.pack(">HH", 0, len(attrs)) + attrs + block)
            withdraw += message(2, struct.pack(">H", len(block)) + block + b"\0\0")
    return announce, withdraw


def connect(a):
    end = time.time() + 15
    while True:
        s = socket.socket(socket.AF_INET6 if ":" in a.target else socket.AF_INET, socket.SOCK_STREAM)
        try:
            s.bind((a.local, 0))
            s.settimeout(3)
            s.connect((a.target, 179))
            return s
        except OSError:
            s.close()
            if time.time() > end:
                raise
            time.sleep(0.1)


def main():
    p = argparse.ArgumentParser()
    for k, t in (("target", str), ("local", str), ("asn", int), ("hold", int), ("family", str)):
        p.add_argument("--" + k, type=t, required=True)
    p.add_argument("--churn", type=int, default=0)
    a = p.parse_args()
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append("told to end"))
    s = connect(a)
    s.sendall(open_message(a))
    s.setblocking(False)
    buf, taken, up, told = b"", 0, None, 0.0
    # What waits to be written, and how often all prefixes were announced or withdrawn.
    rounds, out, turns = updates(a) if a.churn else (), memoryview(b""), 0
    why = None
    while not stop and not why:
        if up and rounds and not out:
            out = memoryview(rounds[turns % 2])
            turns += 1
        # UPDATEs say as well that we are there, and nothing may come between the parts of one.
        if up and not rounds and time.monotonic() - told >= a.hold / 3:
            s.sendall(message(4))
            told = time.monotonic()
        ready, room, _ = select.select([s], [s] if out else [], [], 0.05)
        if room:
            try:
                out = out[s.send(out):]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as e:
                why = str(e)
                break
        if not ready:
            continue
        try:
            data = s.recv(1 << 20)
        except (BlockingIOError, InterruptedError):
            continue
        except OSError as e:
            why = str(e)
            break
        if not data:
            why = "closed by the other side"
        taken += len(data)
        buf += data
        at = 0
        while len(buf) - at >= 19:
            n, kind = struct.unpack_from(">HB", buf, at + 16)
            if len(buf) - at < n:
                break
            if kind == 1:
                s.sendall(message(4))
                told = time.monotonic()
            elif kind == 4 and up is None:
                up = time.monotonic()
                print("up", flush=True)
            elif kind == 3:
                why = "NOTIFICATION %d/%d" % (buf[at + 19], buf[at + 20])
            at += n
        buf = buf[at:]
    print(json.dumps(dict(up_s=round(time.monotonic() - up, 2) if up else None, bytes=taken, changes=max(0, turns - 1) * a.churn, ended=why or stop[0])), flush=True)
    return 1 if why else 0


sys.exit(main())
