#!/usr/bin/env python3
"""Writes an MRT file with a record of every kind that bgpdump -m prints: forms.py FILE."""

import socket
import struct
import sys


def attribute(flags, code, val):
    if len(val) > 255:
        return struct.pack(">BBH", flags | 0x10, code, len(val)) + val
    return struct.pack(">BBB", flags, code, len(val)) + val


def path(segs, w):
    return b"".join(
        struct.pack(">BB", k, len(a)) + b"".join(struct.pack(">I" if w == 4 else ">H", x) for x in a)
        for k, a in segs
    )


def prefix(s):
    a, l = s.split("/")
    l = int(l)
    f = socket.AF_INET6 if ":" in a else socket.AF_INET
    return bytes([l]) + socket.inet_pton(f, a)[: (l + 7) // 8]


def update(wd=b"", attrs=b"", nlri=b""):
    body = struct.pack(">H", len(wd)) + wd + struct.pack(">H", len(attrs)) + attrs + nlri
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body


def record(t, kind, sub, body, us=None):
    if us is not None:
        body = struct.pack(">I", us) + body
    return struct.pack(">IHHI", t, kind, sub, len(body)) + body


def bgp4mp(sub, msg, peer="192.0.2.1", local="192.0.2.2", pas=65001, las=65000, kind=16, us=None):
    w = sub in (4, 5, 7, 9, 11)
    f = socket.AF_INET6 if ":" in peer else socket.AF_INET
    b = (
        struct.pack(">II" if w else ">HH", pas, las)
        + struct.pack(">HH", 0, 2 if ":" in peer else 1)
        + socket.inet_pton(f, peer)
        + socket.inet_pton(f, local)
        + msg
    )
    return record(1700000000, kind, sub, b, us)


ORIGIN = attribute(0x40, 1, b"\0")
NEXT_HOP = attribute(0x40, 3, bytes([192, 0, 2, 9]))


def path_of(segs, w=4):
    return attribute(0x40, 2, path(segs, w))


out = []
PATH = [(2, [65001, 3356, 70000])]
join = lambda *x: b"".join(x)
ROUTES = prefix("10.0.0.0/8") + prefix("10.1.2.0/23") + prefix("0.0.0.0/0") + prefix("127.0.0.1/32")
out.append(bgp4mp(4, update(b"", join(ORIGIN, path_of(PATH), NEXT_HOP), ROUTES)))
out.append(
    bgp4mp(
        4,
        update(
            prefix("10.9.0.0/16"),
            join(
                attribute(0x40, 1, b"\2"),
                path_of([(2, [1, 2]), (1, [3, 4]), (2, [5])]),
                NEXT_HOP,
                attribute(0x80, 4, b"\0\0\0\5"),
                attribute(0x40, 5, b"\xff\xff\xff\xff"),
                attribute(0x40, 6, b""),
                attribute(0xC0, 7, struct.pack(">I", 70000) + bytes([1, 2, 3, 4])),
                attribute(
                    0xC0,
                    8,
                    struct.pack(
                        ">IIIIIII",
                        0xFFFFFF01,
                        0xFFFFFF02,
                        0xFFFFFF03,
                        0xFFFFFF04,
                        65001 << 16 | 5,
                        65001 << 16 | 1,
                        0,
                    ),
                ),
            ),
            ROUTES,
        ),
    )
)
out.append(
    bgp4mp(
        4, update(b"", join(ORIGIN, path_of([(3, [65100, 65101]), (4, [7, 8]), (2, [9])]), NEXT_HOP), ROUTES)
    )
)
out.append(bgp4mp(4, update(b"", join(ORIGIN, path_of([]), NEXT_HOP), ROUTES)))
out.append(bgp4mp(4, update(b"", join(ORIGIN, path_of(PATH)), ROUTES)))  # no NEXT_HOP
out.append(bgp4mp(4, update(b"", join(path_of(PATH), NEXT_HOP), ROUTES)))  # no ORIGIN
out.append(bgp4mp(4, update(b"", join(ORIGIN, NEXT_HOP), ROUTES)))  # no AS_PATH
out.append(
    bgp4mp(
        4, update(b"", join(attribute(0x40, 1, b"\1"), path_of(PATH), NEXT_HOP), bytes([25, 10, 1, 2, 0xFF]))
    )
)  # stray bits
# two octets
TRANS = 23456


def as4(segs):
    return attribute(0xC0, 17, path(segs, 4))


out.append(
    bgp4mp(
        1,
        update(
            b"",
            join(ORIGIN, path_of([(2, [1, 2, TRANS, TRANS])], 2), NEXT_HOP, as4([(2, [70001, 70002])])),
            ROUTES,
        ),
    )
)
out.append(
    bgp4mp(
        1,
        update(
            b"", join(ORIGIN, path_of([(2, [1, 2]), (2, [TRANS])], 2), NEXT_HOP, as4([(2, [70001])])), ROUTES
        ),
    )
)
out.append(
    bgp4mp(
        1,
        update(
            b"",
            join(
                ORIGIN,
                path_of([(2, [1, TRANS]), (1, [5, 6])], 2),
                NEXT_HOP,
                as4([(2, [70001]), (1, [5, 70005])]),
            ),
            ROUTES,
        ),
    )
)
out.append(
    bgp4mp(
        1, update(b"", join(ORIGIN, path_of([(2, [TRANS])], 2), NEXT_HOP, as4([(2, [70001, 70002])])), ROUTES)
    )
)  # longer
out.append(
    bgp4mp(
        1, update(b"", join(ORIGIN, path_of([(2, [TRANS, 3])], 2), NEXT_HOP, as4([(2, [70001, 3])])), ROUTES)
    )
)  # same
out.append(
    bgp4mp(
        1,
        update(
            b"",
            join(
                ORIGIN,
                path_of([(2, [1, TRANS])], 2),
                NEXT_HOP,
                attribute(0xC0, 7, struct.pack(">H", TRANS) + bytes([1, 2, 3, 4])),
                as4([(2, [70001])]),
                attribute(0xC0, 18, struct.pack(">I", 70009) + bytes([5, 6, 7, 8])),
            ),
            ROUTES,
        ),
    )
)
out.append(
    bgp4mp(
        1,
        update(
            b"",
            join(
                ORIGIN,
                path_of([(2, [1, TRANS])], 2),
                NEXT_HOP,
                attribute(0xC0, 7, struct.pack(">H", 77) + bytes([1, 2, 3, 4])),
                as4([(2, [70001])]),
                attribute(0xC0, 18, struct.pack(">I", 70009) + bytes([5, 6, 7, 8])),
            ),
            ROUTES,
        ),
    )
)
out.append(bgp4mp(1, update(b"", join(ORIGIN, path_of([(2, [1, TRANS, 9])], 2), NEXT_HOP, as4([])), ROUTES)))
# IPv6
GLOBAL = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
LINK_LOCAL = socket.inet_pton(socket.AF_INET6, "fe80::1")
ROUTES6 = (
    prefix("2001:db8:1::/48")
    + prefix("::/0")
    + prefix("::1.2.3.4/128")
    + prefix("::ffff:1.2.3.4/128")
    + prefix("2001:db8:0:0:1::/80")
    + prefix("2001:0:0:1::/64")
)
reach = lambda afi, safi, GLOBAL, ROUTES: attribute(
    0x80, 14, struct.pack(">HBB", afi, safi, len(GLOBAL)) + GLOBAL + b"\0" + ROUTES
)
unreach = lambda afi, safi, ROUTES: attribute(0x80, 15, struct.pack(">HB", afi, safi) + ROUTES)
for peer, local in (("192.0.2.1", "192.0.2.2"), ("2001:db8::5", "2001:db8::6")):
    for sub in ((4, 7) if ":" in peer else (4,)):
        out.append(
            bgp4mp(
                sub,
                update(b"", join(ORIGIN, path_of(PATH), reach(2, 1, GLOBAL, ROUTES6)), b""),
                peer,
                local,
                pas=70000,
            )
        )
        out.append(
            bgp4mp(
                sub,
                update(b"", join(ORIGIN, path_of(PATH), reach(2, 1, GLOBAL + LINK_LOCAL, ROUTES6)), b""),
                peer,
                local,
            )
        )
        out.append(
            bgp4mp(
                sub,
                update(
                    b"",
                    join(ORIGIN, path_of(PATH), reach(2, 2, GLOBAL, ROUTES6), unreach(2, 1, ROUTES6)),
                    b"",
                ),
                peer,
                local,
            )
        )
        out.append(
            bgp4mp(
                sub,
                update(
                    b"",
                    join(
                        ORIGIN, path_of(PATH), reach(1, 2, bytes([1, 2, 3, 4]), ROUTES), unreach(1, 2, ROUTES)
                    ),
                    b"",
                ),
                peer,
                local,
            )
        )
        out.append(
            bgp4mp(
                sub,
                update(
                    b"",
                    join(
                        ORIGIN, path_of(PATH), reach(1, 1, bytes([1, 2, 3, 4]), ROUTES), unreach(1, 1, ROUTES)
                    ),
                    b"",
                ),
                peer,
                local,
            )
        )
        out.append(
            bgp4mp(
                sub,
                update(
                    prefix("10.0.0.0/8"),
                    join(
                        ORIGIN, path_of(PATH), NEXT_HOP, reach(2, 1, GLOBAL, ROUTES6), unreach(2, 1, ROUTES6)
                    ),
                    ROUTES,
                ),
                peer,
                local,
            )
        )
        out.append(bgp4mp(sub, update(b"", unreach(2, 1, b""), b""), peer, local))
        out.append(bgp4mp(sub, update(b"", unreach(25, 70, b"\1\2xx"), b""), peer, local))
        out.append(
            bgp4mp(
                sub,
                update(
                    b"", join(ORIGIN, path_of(PATH), reach(1, 128, b"\0" * 8 + bytes([1, 2, 3, 4]), b"")), b""
                ),
                peer,
                local,
            )
        )
        out.append(bgp4mp(sub, update(), peer, local))
        out.append(
            bgp4mp(
                sub,
                update(b"", join(ORIGIN, path_of(PATH), NEXT_HOP, reach(2, 1, GLOBAL, ROUTES6)), b""),
                peer,
                local,
                kind=17,
                us=123456,
            )
        )
# add-path
with_id = lambda i, s: struct.pack(">I", i) + prefix(s)
for sub in (8, 9, 10, 11):
    w = 4 if sub in (9, 11) else 2
    SHORT = [(2, [65001, 3356])]
    out.append(
        bgp4mp(
            sub,
            update(
                with_id(7, "10.1.0.0/16"),
                join(
                    ORIGIN,
                    path_of(SHORT, w),
                    NEXT_HOP,
                    reach(2, 1, GLOBAL, with_id(3, "2001:db8::/32")),
                    unreach(2, 1, with_id(4, "2001:db8:2::/48")),
                ),
                with_id(1, "10.0.0.0/8") + with_id(2, "10.0.0.0/9"),
            ),
        )
    )
# state changes, other messages
out.append(bgp4mp(0, struct.pack(">HH", 5, 6)))
out.append(bgp4mp(5, struct.pack(">HH", 6, 1), "2001:db8::5", "2001:db8::6"))
out.append(bgp4mp(5, struct.pack(">HH", 6, 1), kind=17, us=5))
out.append(bgp4mp(4, b"\xff" * 16 + struct.pack(">HB", 19, 4)))
out.append(bgp4mp(4, b"\xff" * 16 + struct.pack(">HBBHHIB", 29, 1, 4, 65001, 180, 0x01020304, 0)))
out.append(bgp4mp(4, b"\xff" * 16 + struct.pack(">HBBB", 21, 3, 6, 2)))
# TABLE_DUMP_V2
peers = [(0x01010101, "192.0.2.1", 65001), (0x02020202, "2001:db8::5", 70000)]
b = struct.pack(">I", 0x09090909) + struct.pack(">H", 4) + b"view" + struct.pack(">H", len(peers))
for i, a, asn in peers:
    v6 = ":" in a
    b += (
        bytes([(1 if v6 else 0) | 2])
        + struct.pack(">I", i)
        + socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, a)
        + struct.pack(">I", asn)
    )
out.append(record(1700000000, 13, 1, b))


def rib(sub, p, entries, addpath=False):
    b = struct.pack(">I", 1) + p + struct.pack(">H", len(entries))
    for peer, attrs in entries:
        b += (
            struct.pack(">HI", peer, 1600000000)
            + (struct.pack(">I", 42 + peer) if addpath else b"")
            + struct.pack(">H", len(attrs))
            + attrs
        )
    return record(1700000001, 13, sub, b)


short_reach = lambda GLOBAL: attribute(0x80, 14, bytes([len(GLOBAL)]) + GLOBAL)
FULL = join(
    attribute(0x40, 1, b"\0"),
    path_of([(2, [1, 2]), (1, [3, 4])]),
    NEXT_HOP,
    attribute(0x80, 4, b"\0\0\0\5"),
    attribute(0x40, 5, b"\0\0\0\x64"),
    attribute(0x40, 6, b""),
    attribute(0xC0, 7, struct.pack(">I", 70000) + bytes([1, 2, 3, 4])),
    attribute(0xC0, 8, struct.pack(">I", 65001 << 16 | 5)),
)
out.append(rib(2, prefix("10.0.0.0/8"), [(0, FULL), (1, join(ORIGIN, path_of(PATH), NEXT_HOP))]))
out.append(
    rib(
        4,
        prefix("2001:db8::/32"),
        [
            (0, join(ORIGIN, path_of(PATH), short_reach(GLOBAL))),
            (1, join(ORIGIN, path_of(PATH), short_reach(GLOBAL + LINK_LOCAL))),
            (1, join(ORIGIN, path_of(PATH), reach(2, 1, GLOBAL, prefix("2001:db8::/32")))),
        ],
    )
)
out.append(rib(2, prefix("10.0.0.0/8"), [(0, join(ORIGIN, path_of(PATH), reach(2, 1, GLOBAL, b"")))]))
out.append(rib(3, prefix("10.0.0.0/8"), [(0, FULL)]))
out.append(rib(5, prefix("2001:db8::/32"), [(0, join(ORIGIN, path_of(PATH), short_reach(GLOBAL)))]))
out.append(rib(8, prefix("10.0.0.0/8"), [(0, FULL), (1, FULL)], True))
out.append(rib(10, prefix("2001:db8::/32"), [(0, join(ORIGIN, path_of(PATH), short_reach(GLOBAL)))], True))
# TABLE_DUMP v1


def table_dump(sub, pf, l, peer, attrs):
    f = socket.AF_INET if sub == 1 else socket.AF_INET6
    return record(
        1700000002,
        12,
        sub,
        struct.pack(">HH", 0, 1)
        + socket.inet_pton(f, pf)
        + bytes([l, 1])
        + struct.pack(">I", 1600000000)
        + socket.inet_pton(f, peer)
        + struct.pack(">H", 65001)
        + struct.pack(">H", len(attrs))
        + attrs,
    )


out.append(
    table_dump(
        1,
        "10.0.0.0",
        8,
        "192.0.2.1",
        join(
            ORIGIN,
            path_of([(2, [1, TRANS])], 2),
            NEXT_HOP,
            as4([(2, [70001])]),
            attribute(0xC0, 7, struct.pack(">H", 77) + bytes([1, 2, 3, 4])),
        ),
    )
)
out.append(
    table_dump(
        2, "2001:db8::", 32, "2001:db8::9", join(ORIGIN, path_of([(2, [1, 2])], 2), short_reach(GLOBAL))
    )
)
out.append(
    table_dump(
        2, "2001:db8::", 32, "2001:db8::9", join(ORIGIN, path_of([(2, [1, 2])], 2), reach(2, 1, GLOBAL, b""))
    )
)
open(sys.argv[1], "wb").write(b"".join(out))
