//! Runs the binary, and makes the captures that no router makes on demand.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the binary said.
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The last line on standard error.
    pub(crate) fn summary(&self) -> &str {
        self.err.lines().last().unwrap_or_default()
    }

    /// Each line of output as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        let value = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        self.out.lines().map(value).collect()
    }
}

/// `cosmos decode` with these arguments and this standard input.
pub(crate) fn decode(args: &[&str], input: &[u8]) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cosmos"))
        .arg("decode")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // Who has read enough closes it.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Said {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The path of a file beside the tests.
pub(crate) fn data(name: &str) -> String {
    format!("{}/tests/decode/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The path of a file of the crate that reads them.
pub(crate) fn capture_data(name: &str) -> String {
    format!("{}/capture/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A message around a body.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0xff; 16];
    message.extend((19 + body.len() as u16).to_be_bytes());
    message.push(kind);
    message.extend(body);
    message
}

/// An UPDATE of withdrawn routes, attributes and routes.
pub(crate) fn update(withdrawn: &[u8], attributes: &[&[u8]], nlri: &[u8]) -> Vec<u8> {
    let attributes = attributes.concat();
    let mut body = (withdrawn.len() as u16).to_be_bytes().to_vec();
    body.extend(withdrawn);
    body.extend((attributes.len() as u16).to_be_bytes());
    body.extend(attributes);
    body.extend(nlri);
    message(2, &body)
}

/// An OPEN of version 4, hold time 90, with capabilities.
pub(crate) fn open(my_as: u16, capabilities: &[&[u8]]) -> Vec<u8> {
    let capabilities = capabilities.concat();
    let mut body = vec![4];
    body.extend(my_as.to_be_bytes());
    body.extend([0, 90, 192, 0, 2, my_as as u8]);
    body.push(capabilities.len() as u8 + 2);
    body.extend([2, capabilities.len() as u8]);
    body.extend(capabilities);
    message(1, &body)
}

pub(crate) fn keepalive() -> Vec<u8> {
    message(4, &[])
}

pub(crate) const ORIGIN: &[u8] = &[0x40, 1, 1, 0];
/// 65001, with four octets.
pub(crate) const PATH: &[u8] = &[0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9];
/// 65001, with two octets.
pub(crate) const SHORT_PATH: &[u8] = &[0x40, 2, 4, 2, 1, 0xfd, 0xe9];
pub(crate) const NEXT_HOP: &[u8] = &[0x40, 3, 4, 192, 0, 2, 1];
/// 10.1.0.0/16.
pub(crate) const ROUTE: &[u8] = &[16, 10, 1];

/// As a person pastes it.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// What is in front of IP in the packets of a capture, and the number of that link layer.
#[derive(Clone, Copy)]
pub(crate) enum Link {
    Ethernet,
    Vlan,
    QinQ,
    Cooked,
}

/// A capture being made, of connections between a client and a server at port 179.
pub(crate) struct Pcap {
    pub(crate) file: Vec<u8>,
    link: Link,
    ipv6: bool,
    client: u16,
    packets: u32,
    /// The number of the next octet of the client and of the server.
    next: [u32; 2],
}

pub(crate) const CLIENT: usize = 0;
pub(crate) const SERVER: usize = 1;

impl Pcap {
    pub(crate) fn new(link: Link, ipv6: bool) -> Self {
        let number: u32 = match link {
            Link::Ethernet | Link::Vlan | Link::QinQ => 1,
            Link::Cooked => 113,
        };
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        for word in [0, 0, 65535, number] {
            file.extend(word.to_le_bytes());
        }
        Self {
            file,
            link,
            ipv6,
            client: 40000,
            packets: 0,
            next: [1000, 5000],
        }
    }

    /// Begins a connection from another port of the client.
    pub(crate) fn connect(&mut self, client: u16) {
        self.client = client;
        self.next = [1000 + u32::from(client), 5000];
        self.packet(CLIENT, self.next[CLIENT] - 1, 0x02, &[]);
        self.packet(SERVER, self.next[SERVER] - 1, 0x12, &[]);
    }

    /// Sends octets in order.
    pub(crate) fn send(&mut self, from: usize, octets: &[u8]) {
        let sequence = self.skip(from, octets.len());
        self.packet(from, sequence, 0x18, octets);
    }

    /// Leaves octets out; their number.
    pub(crate) fn skip(&mut self, from: usize, octets: usize) -> u32 {
        let sequence = self.next[from];
        self.next[from] = sequence.wrapping_add(octets as u32);
        sequence
    }

    /// One packet; what is acknowledged is all that the other side has sent.
    pub(crate) fn packet(&mut self, from: usize, sequence: u32, flags: u8, payload: &[u8]) {
        let ports = if from == CLIENT {
            [self.client, 179]
        } else {
            [179, self.client]
        };
        let mut tcp: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
        tcp.extend(sequence.to_be_bytes());
        tcp.extend(self.next[1 - from].to_be_bytes());
        tcp.extend([0x50, flags, 0x10, 0, 0, 0, 0, 0]);
        tcp.extend(payload);
        let hosts = if from == CLIENT { [1, 2] } else { [2, 1] };
        let ip = if self.ipv6 {
            let mut ip = vec![0x60, 0, 0, 0];
            ip.extend((tcp.len() as u16).to_be_bytes());
            ip.extend([6, 64]);
            for host in hosts {
                ip.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
            }
            ip
        } else {
            let mut ip = vec![0x45, 0];
            ip.extend((tcp.len() as u16 + 20).to_be_bytes());
            ip.extend([0, 0, 0, 0, 64, 6, 0, 0]);
            for host in hosts {
                ip.extend([192, 0, 2, host]);
            }
            ip
        };
        let kind = if self.ipv6 { [0x86, 0xdd] } else { [8, 0] };
        let mut head: Vec<u8> = match self.link {
            Link::Ethernet => vec![2; 12],
            Link::Vlan => [&[2; 12][..], &[0x81, 0, 0, 7]].concat(),
            Link::QinQ => [&[2; 12][..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8]].concat(),
            Link::Cooked => vec![0; 14],
        };
        head.extend(kind);
        let packet = [head, ip, tcp].concat();
        for word in [
            1_700_000_000,
            self.packets,
            packet.len() as u32,
            packet.len() as u32,
        ] {
            self.file.extend(word.to_le_bytes());
        }
        self.file.extend(packet);
        self.packets += 1;
    }
}

/// What `--hex` says of these octets, message by message.
pub(crate) fn paste(octets: &[u8], args: &[&str]) -> Vec<Value> {
    let args = [&["--hex", "-", "-o", "json"], args].concat();
    decode(&args, hex(octets).as_bytes()).json()
}

/// The same of one message.
pub(crate) fn one(octets: &[u8], args: &[&str]) -> Value {
    let mut all = paste(octets, args);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}
