//! gzip (RFC 1952) and bzip2, told by their first octets. Members that follow each other are one stream.

use std::io::{self, BufReader, Chain, Cursor, ErrorKind, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;

/// How much compressed input is read at a time.
const BUFFER: usize = 128 * 1024;
/// The octets that tell what it is.
const MAGIC: usize = 4;

type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads what was compressed, or what was not, as it is.
#[allow(missing_debug_implementations, reason = "the decoders have none")]
pub enum Decompressed<R: Read> {
    /// Not compressed.
    Plain(BufReader<Whole<R>>),
    /// gzip.
    Gzip(Box<MultiGzDecoder<BufReader<Whole<R>>>>),
    /// bzip2.
    Bzip2(Box<MultiBzDecoder<BufReader<Whole<R>>>>),
}

impl<R: Read> Decompressed<R> {
    /// Looks at the first octets of a reader.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut first = Vec::with_capacity(MAGIC);
        reader.by_ref().take(MAGIC as u64).read_to_end(&mut first)?;
        let gzip = first.starts_with(&[0x1f, 0x8b]);
        let bzip2 = matches!(first.as_slice(), [b'B', b'Z', b'h', b'1'..=b'9']);
        let whole = BufReader::with_capacity(BUFFER, Cursor::new(first).chain(reader));
        Ok(if gzip {
            Self::Gzip(Box::new(MultiGzDecoder::new(whole)))
        } else if bzip2 {
            Self::Bzip2(Box::new(MultiBzDecoder::new(whole)))
        } else {
            Self::Plain(whole)
        })
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(out),
            Self::Gzip(reader) => reader.read(out),
            Self::Bzip2(reader) => reader.read(out),
        }
    }
}

/// Reads until `out` is full or the input is over; how much that is.
pub(crate) fn read_full(reader: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(space) = out.get_mut(filled..).filter(|space| !space.is_empty()) {
        match reader.read(space) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(text: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(octets: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Decompressed::new(octets)?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn each_kind_is_told_by_its_start_and_members_follow_each_other() {
        let text = b"some octets".repeat(1000);
        assert_eq!(read(&text).unwrap(), text);
        for pack in [gzip, bzip2] {
            assert_eq!(read(&pack(&text)).unwrap(), text);
            let two = [pack(&text), pack(b"and more")].concat();
            assert_eq!(read(&two).unwrap(), [&text[..], b"and more"].concat());
        }
        for short in [&b""[..], b"B", b"BZh", &[0xff, 0xff]] {
            assert_eq!(read(short).unwrap(), short);
        }
    }

    #[test]
    fn a_compressed_stream_cut_short_is_an_unexpected_end() {
        for packed in [gzip(&[7; 5000]), bzip2(&[7; 5000])] {
            let error = read(&packed[..packed.len() - 6]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    }
}
