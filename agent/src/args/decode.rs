//! `cosmos decode`.

use std::path::{Path, PathBuf};

use bgp_wire::{Family, FamilySet, ParseFamilyError};
use clap::{Args, ValueEnum};

/// `cosmos decode`.
#[derive(Debug, Clone, Args)]
#[command(
    after_long_help = "Input may be compressed with gzip or bzip2 and is never read into memory as a whole.\n\n\
    What the sessions negotiated is learned from the OPENs, where they are in the input. Without them\n\
    every family is decoded, and in a capture the size of AS numbers is guessed from the first AS_PATH\n\
    and said. The options above say it where it cannot be learned, and come before what is learned.\n\n\
    What is wrong is judged as a speaker of BGP has to: RFC 7606 and its successors. A message may be\n\
    wrong in several ways; all are reported, and the severest decides.\n\n\
    The last line, on standard error, counts messages, malformed ones and the bytes that were in none.\n\n\
    Exit status: 0 all is well; 1 something was malformed, or the input ends in the middle of\n\
    something; 2 the input could not be read.\n\n\
    Examples:\n  \
    cosmos decode --hex ffffffffffffffffffffffffffffffff001304\n  \
    pbpaste | cosmos decode --hex --asn4 no\n  \
    cosmos decode --pcap session.pcapng\n  \
    tcpdump -i any -U -w - port 179 | cosmos decode --pcap - -o json\n  \
    cosmos decode --mrt updates.20100227.1600.gz -o json | jq 'select(.error)'\n  \
    cosmos decode --mrt rib.bz2 -o bgpdump > rib.txt"
)]
#[group(skip)]
pub struct DecodeArgs {
    /// What is decoded.
    #[command(flatten)]
    pub input: DecodeInput,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub output: DecodeFormat,
    /// AS numbers have four octets (yes), or two (no) [default: what the OPENs say; yes without them]
    #[arg(
        long,
        value_name = "yes|no",
        hide_possible_values = true,
        help_heading = "What was negotiated"
    )]
    pub asn4: Option<YesNo>,
    /// NLRI of these families have path identifiers, such as ipv4/unicast,l2vpn/evpn
    #[arg(
        long,
        value_name = "FAMILY,…",
        value_delimiter = ',',
        value_parser = family,
        help_heading = "What was negotiated"
    )]
    pub add_path: Vec<Family>,
    /// IPv4 routes of these families may have IPv6 next hops (RFC 8950)
    #[arg(
        long,
        value_name = "FAMILY,…",
        value_delimiter = ',',
        value_parser = family_of_ipv4,
        help_heading = "What was negotiated"
    )]
    pub extended_next_hop: Vec<Family>,
    /// Routes of these families may have several labels (RFC 8277) [default: what the OPENs say;
    /// without them one label, or several if a message can be read only so]
    #[arg(
        long,
        value_name = "FAMILY,…",
        value_delimiter = ',',
        value_parser = family_with_labels,
        help_heading = "What was negotiated"
    )]
    pub multiple_labels: Vec<Family>,
    /// Messages may have up to 65,535 octets (RFC 8654)
    #[arg(long, help_heading = "What was negotiated")]
    pub extended_message: bool,
    /// The two ends are in the same AS [default: what the OPENs or the record say; without them whether something is
    /// there that is for such ends only]
    #[arg(long, help_heading = "What was negotiated")]
    pub ibgp: bool,
    /// The two ends are in different ASes
    #[arg(long, conflicts_with = "ibgp", help_heading = "What was negotiated")]
    pub ebgp: bool,
    /// The two ends are run by different people: what is for the inside of a domain (AIGP, BGP Prefix-SID,
    /// Tunnel Encapsulation) is discarded where they are in different ASes, as cosmos does
    #[arg(long, conflicts_with = "ibgp", help_heading = "What was negotiated")]
    pub other_domain: bool,
    /// Take AS_SET as it was before RFC 9774, instead of as an error
    #[arg(long, help_heading = "What was negotiated")]
    pub accept_as_set: bool,
    /// The TCP port of BGP in a capture
    #[arg(long, default_value_t = 179)]
    pub port: u16,
}

/// What `cosmos decode` reads.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct DecodeInput {
    /// Messages as hexadecimal text, or - or nothing for standard input; spaces, colons, commas, 0x and
    /// line breaks do not matter, dumps may have their offsets and characters (xxd, tcpdump -X), arrays and
    /// strings of programs what is around them, and packets their headers
    #[arg(long, value_name = "HEX", num_args = 0.., help_heading = "Input")]
    pub hex: Option<Vec<String>>,
    /// A byte stream of messages, - for standard input
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub raw: Option<PathBuf>,
    /// A packet capture (pcap, pcapng), - for standard input
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub pcap: Option<PathBuf>,
    /// An MRT file of a route collector (RFC 6396), - for standard input
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub mrt: Option<PathBuf>,
}

/// How `decode` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DecodeFormat {
    /// Every field, as a tree.
    #[default]
    Tree,
    /// One JSON object a line for each message.
    Json,
    /// The octets that cosmos would send for each message, one line each.
    Hex,
    /// The lines of bgpdump -m; with --mrt only.
    Bgpdump,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// Where to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeSource<'a> {
    /// Hexadecimal text: given, or on standard input.
    Hex(Option<&'a [String]>),
    /// A byte stream.
    Raw(&'a Path),
    /// A packet capture.
    Pcap(&'a Path),
    /// An MRT file.
    Mrt(&'a Path),
}

impl DecodeInput {
    /// Which of them was given.
    pub fn source(&self) -> DecodeSource<'_> {
        match self {
            Self {
                raw: Some(path), ..
            } => DecodeSource::Raw(path),
            Self {
                pcap: Some(path), ..
            } => DecodeSource::Pcap(path),
            Self {
                mrt: Some(path), ..
            } => DecodeSource::Mrt(path),
            Self { hex, .. } => {
                let given = hex.as_deref().unwrap_or(&[]);
                let standard_input = given.is_empty() || given == ["-"];
                DecodeSource::Hex((!standard_input).then_some(given))
            }
        }
    }
}

impl DecodeArgs {
    /// Whether AS numbers have four octets, if that was said.
    pub fn asn4(&self) -> Option<bool> {
        self.asn4.map(|asn4| asn4 == YesNo::Yes)
    }

    /// The families with path identifiers, as said.
    pub fn add_path(&self) -> FamilySet {
        self.add_path.iter().copied().collect()
    }

    /// The families with extended next hops, as said.
    pub fn extended_next_hop(&self) -> FamilySet {
        self.extended_next_hop.iter().copied().collect()
    }

    /// The families whose routes may have several labels, as said.
    pub fn multiple_labels(&self) -> FamilySet {
        self.multiple_labels.iter().copied().collect()
    }

    /// The first option that says how octets are to be read, if one was given.
    pub fn reads_otherwise(&self) -> Option<&'static str> {
        [
            ("--asn4", self.asn4.is_some()),
            ("--add-path", !self.add_path.is_empty()),
            ("--extended-next-hop", !self.extended_next_hop.is_empty()),
            ("--multiple-labels", !self.multiple_labels.is_empty()),
        ]
        .into_iter()
        .find_map(|(option, given)| given.then_some(option))
    }
}

/// A family whose routes are decoded.
fn family(text: &str) -> Result<Family, String> {
    let family: Family = text
        .parse()
        .map_err(|error: ParseFamilyError| error.to_string())?;
    if family.is_supported() {
        Ok(family)
    } else {
        Err(format!("routes of {family} are not decoded"))
    }
}

/// A family of IPv4 that RFC 8950 §3 lists.
fn family_of_ipv4(text: &str) -> Result<Family, String> {
    let family = family(text)?;
    if MAY_HAVE_IPV6_NEXT_HOPS.contains(&family) {
        Ok(family)
    } else {
        Err(format!(
            "{family} has no extended next hop; {} may have one (RFC 8950)",
            list(&MAY_HAVE_IPV6_NEXT_HOPS)
        ))
    }
}

/// A family of RFC 8277 or RFC 4364.
fn family_with_labels(text: &str) -> Result<Family, String> {
    let family = family(text)?;
    if HAVE_LABELS.contains(&family) {
        Ok(family)
    } else {
        Err(format!(
            "routes of {family} have no label stack; those of {} may have one (RFC 8277)",
            list(&HAVE_LABELS)
        ))
    }
}

/// The families of IPv4 that RFC 8950 section 3 lists.
pub const MAY_HAVE_IPV6_NEXT_HOPS: [Family; 4] = [
    Family::IPV4_UNICAST,
    Family::IPV4_MULTICAST,
    Family::IPV4_LABELED,
    Family::IPV4_VPN,
];

const HAVE_LABELS: [Family; 4] = [
    Family::IPV4_LABELED,
    Family::IPV6_LABELED,
    Family::IPV4_VPN,
    Family::IPV6_VPN,
];

fn list(families: &[Family]) -> String {
    let names: Vec<_> = families.iter().map(Family::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn parse(line: &str) -> Result<DecodeArgs, clap::Error> {
        Cli::try_parse_from(line.split(' ')).map(|cli| match cli.command {
            Command::Decode(args) => *args,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn exactly_one_input_is_given() {
        assert!(parse("cosmos decode").is_err());
        assert!(parse("cosmos decode --raw a --mrt b").is_err());
        assert!(parse("cosmos decode --hex ff --pcap -").is_err());
        let args = parse("cosmos decode --pcap -").unwrap();
        assert_eq!(args.input.source(), DecodeSource::Pcap(Path::new("-")));
    }

    #[test]
    fn hex_is_given_in_pieces_or_read() {
        let args = parse("cosmos decode --hex ff 0x00:13 -o json").unwrap();
        let given = ["ff".to_owned(), "0x00:13".to_owned()];
        assert_eq!(args.input.source(), DecodeSource::Hex(Some(&given)));
        assert_eq!(args.output, DecodeFormat::Json);
        for line in ["cosmos decode --hex", "cosmos decode --hex -"] {
            let args = parse(line).unwrap();
            assert_eq!(args.input.source(), DecodeSource::Hex(None), "{line}");
        }
    }

    #[test]
    fn families_are_lists() {
        let args =
            parse("cosmos decode --hex --add-path ipv4/unicast,l2vpn/evpn --asn4 no").unwrap();
        let families = FamilySet::from([Family::IPV4_UNICAST, Family::L2VPN_EVPN]);
        assert_eq!((args.add_path(), args.asn4()), (families, Some(false)));
        for (option, why) in [
            (
                "--add-path ipv4/nonsense",
                "`ipv4/nonsense` is no address family",
            ),
            ("--add-path afi1/safi66", "are not decoded"),
            (
                "--extended-next-hop ipv4/unicast,ipv6/unicast",
                "ipv6/unicast has no extended next hop",
            ),
            (
                "--extended-next-hop ipv4/flowspec",
                "ipv4/flowspec has no extended next hop",
            ),
            (
                "--multiple-labels ipv4/unicast",
                "routes of ipv4/unicast have no label stack",
            ),
        ] {
            let error = parse(&format!("cosmos decode --hex {option}")).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
