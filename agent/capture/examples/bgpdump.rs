//! Prints an MRT file, compressed or not, as `bgpdump -m` does: `cargo run --example bgpdump FILE`.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Write};

use bgp_capture::bgpdump::Lines;
use bgp_capture::compressed::Decompressed;
use bgp_capture::mrt::Reader;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which file?")?;
    let file = Decompressed::new(File::open(path)?)?;
    let mut records = Reader::new(BufReader::with_capacity(256 * 1024, file));
    let mut lines = Lines::new();
    let mut text = Vec::new();
    let mut out = io::stdout().lock();
    while let Some(record) = records.next_record()? {
        lines.write(&record, &record.content(), &mut text);
        if text.len() > 64 * 1024 {
            out.write_all(&text)?;
            text.clear();
        }
    }
    Ok(out.write_all(&text)?)
}
