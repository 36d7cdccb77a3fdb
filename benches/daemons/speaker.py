#!/usr/bin/env python3
"""One BGP session that says nothing of its own but its OPEN and KEEPALIVEs, and takes whatever comes.

    speaker.py --target A --local A --asn N --hold S --family ipv4|ipv6

Prints `up` when the session is established and, when it is told to end (SIGTERM) or the other side closes it, one JSON
line: how long the session was up, the bytes it took, and why it ended.
"""
import argparse, ipaddress, json, select, signal, socket, struct, sys, time


def message(kind, body=b""):
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), kind) + body


def open_message(a):
    caps = struct.pack(">BBHBB", 1, 4, 2 if a.family == "ipv6" else 1, 0, 1) + struct.pack(">BBI", 65, 4, a.asn)
    rid = ipaddress.ip_address("10.99.255.%d" % (a.hold % 250)).packed
    return message(1, struct.pack(">BHH4sBBB", 4, a.asn if a.asn < 65536 else 23456, a.hold, rid, len(caps) + 2, 2, len(caps)) + caps)


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
    a = p.parse_args()
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append("told to end"))
    s = connect(a)
    s.sendall(open_message(a))
    s.setblocking(False)
    buf, taken, up, told = b"", 0, None, 0.0
    why = None
    while not stop and not why:
        if up and time.monotonic() - told >= a.hold / 3:
            s.sendall(message(4))
            told = time.monotonic()
        ready, _, _ = select.select([s], [], [], 0.05)
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
    print(json.dumps(dict(up_s=round(time.monotonic() - up, 2) if up else None, bytes=taken, ended=why or stop[0])), flush=True)
    return 1 if why else 0


sys.exit(main())
