//! Anything at any time: links, addresses, routes of others and of ours, in an order that a seed decides. No audit helps.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::node::{Node, until};

const PREFIXES: [&str; 6] = [
    "10.0.0.0/24",
    "10.0.1.0/24",
    "192.0.1.0/24",
    "2001:db8:f0::/48",
    "2001:db8:f1::/48",
    "2001:db8:f2::/48",
];
const HOPS: [&str; 4] = ["2001:db8:1::2", "2001:db8:2::2", "192.0.1.2", "192.0.2.2"];
/// Links and addresses as a node begins.
const WHOLE: [&str; 6] = [
    "link set v1 up",
    "link set v2 up",
    "address replace 192.0.1.1/24 dev v1",
    "address replace 192.0.2.1/24 dev v2",
    "address replace 2001:db8:1::1/64 dev v1 nodad",
    "address replace 2001:db8:2::1/64 dev v2 nodad",
];

/// Numbers that differ enough (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len() as u64) as usize]
    }
}

/// Runs commands in one go, so that the node hears of several at once. What the kernel refuses has not happened.
fn burst(node: &Node, commands: &mut Vec<String>) -> Result<()> {
    let file = std::env::temp_dir().join(format!("{}.burst", node.ns.name()));
    std::fs::write(&file, commands.join("\n") + "\n")?;
    let _ = node.ns.ip(&format!("-force -batch {}", file.display()));
    std::fs::remove_file(&file)?;
    commands.clear();
    Ok(())
}

/// Lets one thing happen, or adds it to those that will at once, and says what.
fn happen(node: &Node, dice: &mut Dice, commands: &mut Vec<String>) -> String {
    let n = 1 + dice.roll(2);
    let prefix = dice.pick(&PREFIXES);
    let v6 = prefix.contains(':');
    let via = if v6 {
        format!("2001:db8:{n}::2")
    } else {
        format!("192.0.{n}.2")
    };
    let command = match dice.roll(11) {
        0..=3 => {
            // An IPv6 route cannot have an IPv4 gateway.
            let hops = if v6 { &HOPS[..2] } else { &HOPS };
            let hops: Vec<&str> = (0..dice.roll(3)).map(|_| dice.pick(hops)).collect();
            node.table.route(prefix, &hops);
            return format!("ours: {prefix} {hops:?}");
        }
        4 => format!("link set v{n} down"),
        5 => format!("link set v{n} up"),
        6 if v6 => format!("address del 2001:db8:{n}::1/64 dev v{n}"),
        6 => format!("address del 192.0.{n}.1/24 dev v{n}"),
        7 => WHOLE[2 + dice.roll(4) as usize].to_owned(),
        8 => {
            let metric = dice.pick(&["20", "300"]);
            format!("route replace {prefix} via {via} proto 4 metric {metric}")
        }
        9 => format!("route del {prefix} proto 4"),
        _ => {
            let command = format!("link set w{n} {}", dice.pick(&["up", "down"]));
            let _ = node.neighbour.ip(&command);
            return format!("neighbour: {command}");
        }
    };
    commands.push(command.clone());
    command
}

/// The gateways that our route has in the kernel.
fn gateways(route: &str) -> Vec<String> {
    let words: Vec<&str> = route.split_whitespace().filter(|w| *w != "inet6").collect();
    let mut found: Vec<String> = words
        .windows(2)
        .filter(|pair| pair[0] == "via")
        .map(|pair| pair[1].to_owned())
        .collect();
    found.sort();
    found
}

fn check(node: &Node) -> Result<()> {
    for prefix in PREFIXES {
        let family = if prefix.contains(':') { "-6" } else { "-4" };
        let show = format!("{family} -N route show exact {prefix}");
        let ours = node.ns.ip(&format!("{show} proto 196"))?;
        let all = node.ns.ip(&show)?;
        let blocked = all.contains("proto 4 metric 300") || all.contains("proto 2 ");
        let hops = node.table.hops(prefix.parse()?).unwrap_or_default();
        let mut wanted: Vec<String> = hops.iter().map(|h| h.address.to_string()).collect();
        wanted.sort();
        wanted.dedup();
        if blocked {
            wanted.clear();
        }
        ensure!(
            gateways(&ours) == wanted && !ours.contains("dead"),
            "{prefix}: wanted is {wanted:?}, the kernel has `{}`",
            ours.trim()
        );
    }
    Ok(())
}

#[test]
fn whatever_happens_the_kernel_ends_up_with_what_is_wanted() -> Result<()> {
    for seed in 1..=6_u64 {
        let node = Node::new("storm")?;
        let mut dice = Dice(seed << 32 | 0x9e37_79b9);
        let (mut happened, mut commands) = (Vec::new(), Vec::new());
        for _ in 0..10 {
            for _ in 0..=dice.roll(6) {
                happened.push(happen(&node, &mut dice, &mut commands));
                if dice.roll(3) == 0 {
                    burst(&node, &mut commands)?;
                    sleep(Duration::from_millis(dice.roll(80)));
                }
            }
            happened.push("whole again".to_owned());
            commands.extend(WHOLE.map(str::to_owned));
            burst(&node, &mut commands)?;
            for n in [1, 2] {
                node.neighbour.ip(&format!("link set w{n} up"))?;
            }
            until(|| check(&node))
                .with_context(|| format!("seed {seed}:\n{}", happened.join("\n")))?;
        }
    }
    Ok(())
}
