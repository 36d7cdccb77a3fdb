//! Dumps as tools print them. All are of the same 55 octets, a KEEPALIVE and a NOTIFICATION whose text looks
//! like octets; those of packets have the headers of IPv4 and TCP in front.

use std::io::{BufReader, Read};

use bgp_capture::hex::HexReader;

/// `xxd` of vim 9.
const XXD: &str = concat!(
    "00000000: ffff ffff ffff ffff ffff ffff ffff ffff  ................\n",
    "00000010: 0013 04ff ffff ffff ffff ffff ffff ffff  ................\n",
    "00000020: ffff ff00 2403 0602 0e61 6220 6364 2020  ....$....ab cd  \n",
    "00000030: 6566 2030 3132 33                        ef 0123\n",
);

/// `hexdump -C` of util-linux.
const HEXDUMP: &str = concat!(
    "00000000  ff ff ff ff ff ff ff ff  ff ff ff ff ff ff ff ff  |................|\n",
    "00000010  00 13 04 ff ff ff ff ff  ff ff ff ff ff ff ff ff  |................|\n",
    "00000020  ff ff ff 00 24 03 06 02  0e 61 62 20 63 64 20 20  |....$....ab cd  |\n",
    "00000030  65 66 20 30 31 32 33                              |ef 0123|\n",
    "00000037\n",
);

/// `od -A x -t x1z` of GNU coreutils.
const OD: &str = concat!(
    "000000 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff  >................<\n",
    "000010 00 13 04 ff ff ff ff ff ff ff ff ff ff ff ff ff  >................<\n",
    "000020 ff ff ff 00 24 03 06 02 0e 61 62 20 63 64 20 20  >....$....ab cd  <\n",
    "000030 65 66 20 30 31 32 33                             >ef 0123<\n",
    "000037\n",
);

/// `tcpdump -X`.
const TCPDUMP: &str = concat!(
    "01:11:43.000001 IP 10.1.1.1.40000 > 10.2.2.2.bgp: Flags [none], seq 0:55, win 8192, length 55: BGP\n",
    "\t0x0000:  4500 005f 1234 0000 ff06 925f 0a01 0101  E.._.4....._....\n",
    "\t0x0010:  0a02 0202 9c40 00b3 0000 0000 0000 0000  .....@..........\n",
    "\t0x0020:  5000 2000 cfcd 0000 ffff ffff ffff ffff  P...............\n",
    "\t0x0030:  ffff ffff ffff ffff 0013 04ff ffff ffff  ................\n",
    "\t0x0040:  ffff ffff ffff ffff ffff ff00 2403 0602  ............$...\n",
    "\t0x0050:  0e61 6220 6364 2020 6566 2030 3132 33    .ab.cd..ef.0123\n",
);

/// `tshark -x`.
const TSHARK: &str = concat!(
    "0000  20 52 45 43 56 00 20 53 45 4e 44 00 08 00 45 00    RECV. SEND...E.\n",
    "0010  00 5f 12 34 00 00 ff 06 92 5f 0a 01 01 01 0a 02   ._.4....._......\n",
    "0020  02 02 9c 40 00 b3 00 00 00 00 00 00 00 00 50 00   ...@..........P.\n",
    "0030  20 00 cf cd 00 00 ff ff ff ff ff ff ff ff ff ff    ...............\n",
    "0040  ff ff ff ff ff ff 00 13 04 ff ff ff ff ff ff ff   ................\n",
    "0050  ff ff ff ff ff ff ff ff ff 00 24 03 06 02 0e 61   ..........$....a\n",
    "0060  62 20 63 64 20 20 65 66 20 30 31 32 33            b cd  ef 0123\n",
);

fn octets() -> Vec<u8> {
    let mut octets = vec![0xff; 16];
    octets.extend([0, 19, 4]);
    octets.extend([0xff; 16]);
    octets.extend([0, 36, 3, 6, 2, 14]);
    octets.extend(b"ab cd  ef 0123");
    octets
}

fn read(text: &str) -> (Vec<u8>, Option<String>) {
    let mut octets = Vec::new();
    let text = BufReader::with_capacity(7, text.as_bytes());
    let end = HexReader::new(text).read_to_end(&mut octets);
    (octets, end.err().map(|error| error.to_string()))
}

#[test]
fn the_dumps_of_each_tool_are_the_octets() {
    for (text, headers) in [(XXD, 0), (HEXDUMP, 0), (OD, 0), (TCPDUMP, 40), (TSHARK, 54)] {
        let plain: String = text
            .lines()
            .map(|line| format!("  {line}\r\n\r\n"))
            .collect();
        let twice = format!("{text}\n{text}");
        for (text, times) in [(text, 1), (&plain, 1), (&twice, 2)] {
            let (read, error) = read(text);
            assert_eq!(error, None, "{text}");
            assert_eq!(read.len(), times * (headers + octets().len()), "{text}");
            assert!(read.ends_with(&octets()), "{text}");
        }
    }
}

/// Without the column of characters, as `tcpdump -x` and `od -A x -t x1` print.
#[test]
fn the_characters_may_be_missing() {
    let text: String = XXD
        .lines()
        .map(|line| format!("{}\n", &line[..49]))
        .collect();
    assert_eq!(read(&text), (octets(), None));
}

#[test]
fn a_line_that_is_lost_twice_or_damaged_is_named() {
    let lines: Vec<&str> = XXD.lines().collect();
    let [a, b, c, d] = lines[..] else {
        panic!("{lines:?}")
    };
    let damaged = c.replace("2403", "24o3");
    let half = c.replace("2403", "24 3");
    let shorter = c.replace("ffff ff00", "ffff     ");
    for (lines, error) in [
        (
            [a, b, d, d],
            "line 3: the offset is 0x0030, that of the octets is 0x0020",
        ),
        (
            [a, b, b, c],
            "line 3: the offset is 0x0010, that of the octets is 0x0020",
        ),
        (
            [a, b, &damaged, d],
            "line 3, column 23: 'o' is no hexadecimal digit",
        ),
        (
            [a, b, &half, d],
            "line 3, column 24: an octet has two digits, here is one",
        ),
        (
            [a, b, &shorter, d],
            "line 4: the offset is 0x0030, that of the octets is 0x002e",
        ),
        (
            [a, b, "*", d],
            "line 3: lines are left out of the dump (hexdump -v and od -v print all)",
        ),
        (
            [a, b, "and so on", ""],
            "line 3: no offset stands in front, as in the lines of the dump before",
        ),
        (
            [a, b, "and so on", d],
            "line 4: the offset is 0x0030, that of the octets is 0x0000",
        ),
        (
            [a, b, "ff ff", d],
            "line 3: no offset stands in front, as in the lines of the dump before",
        ),
    ] {
        let (read, said) = read(&lines.join("\n"));
        assert_eq!(said.as_deref(), Some(error), "{lines:?}");
        assert!(
            read.len() >= 32 && read[..32] == octets()[..32],
            "{lines:?}"
        );
    }
}

/// Octets that could be an offset are octets where no line that follows says otherwise.
#[test]
fn what_is_no_dump_is_text_as_before() {
    for (text, octets) in [
        ("0000 ffff\n", &[0, 0, 0xff, 0xff][..]),
        ("0000 ffff\n0003 ff\n", &[0, 0, 0xff, 0xff, 0, 3, 0xff]),
        ("0000: ff\n0000: ff", &[0, 0, 0xff, 0, 0, 0xff]),
        (
            "ffff 0000\n0002 ffff",
            &[0xff, 0xff, 0, 0, 0, 2, 0xff, 0xff],
        ),
    ] {
        assert_eq!(read(text), (octets.to_vec(), None), "{text}");
    }
    // The words of `hexdump` without options are in the order of its machine.
    let words = "0000000 ffff ffff ffff ffff ffff ffff ffff ffff\n0000010 1300 0004\n0000013\n";
    assert!(read(words).1.is_some());
    // A line without an end is no line of a dump, and is read all the same.
    assert_eq!(read(&"ff".repeat(5000)), (vec![0xff; 5000], None));
    let long = format!("0000 ffff\n0002 {}", "ff".repeat(5000));
    let (read, error) = read(&long);
    assert_eq!((read.len(), error), (5006, None));
}
