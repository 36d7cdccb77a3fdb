//! Writes docs/interop.md to standard output, from what tests have noted: `interop_matrix target/interop.seen`.

use anyhow::{Context, Result};
use bgp_tests::matrix;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("which file?")?;
    let seen = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    print!(
        "# What was tried with which router\n\
         \n\
         The agent beside each router in network namespaces, by `sudo make interop`, which also writes this page. *yes*: every attempt passed; **no**: one\n\
         failed; empty: not tried, as these tests do not configure it on the router, or it has no such feature.\n\
         \n\
         {}\
         \n\
         The routers are those of Debian 12 and 13, and GoBGP 4 from its Go module. OpenBGPD on Linux protects only the connections that it makes with TCP-MD5,\n\
         so that it connects there. ExaBGP answers connections with the TTL of any socket, so that it connects where there is TTL security; so does GoBGP 4, tried by hand. The reflection of VPN\n\
         and EVPN is between two routers: what one says comes out at the other with the same octets, but for ORIGINATOR_ID and CLUSTER_LIST. Each row is a test in tests/tests; what each does and looks at is said there.\n",
        matrix::table(&seen)?
    );
    Ok(())
}
