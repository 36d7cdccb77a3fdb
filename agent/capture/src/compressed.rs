//! gzip (RFC 1952) and bzip2, told by their first octets. Members that follow each other are one stream.

use std::io::{self, BufReader, Chain, Cursor, ErrorKind, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;

use crate::ReadError;
use crate::stream::to_u64;

/// How much compressed input is read at a time.
const BUFFER: usize = 128 * 1024;
/// The octets that tell what it is.
const MAGIC: usize = 4;
/// RFC 1952 section 2.3: ten octets of header, eight behind the data.
const GZIP_LEN: usize = 18;
/// The header of a file, and what ends it: a mark of six octets and a checksum of four.
const BZIP2_LEN: usize = 14;

type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads what was compressed, or what was not, as it is.
#[allow(missing_debug_implementations, reason = "the decoders have none")]
pub struct Decompressed<R: Read> {
    form: Form<R>,
    /// The octets that have been given so far.
    given: u64,
}

enum Form<R: Read> {
    Plain(BufReader<Whole<R>>),
    Gzip(Box<MultiGzDecoder<BufReader<Whole<R>>>>),
    Bzip2(Box<MultiBzDecoder<BufReader<Whole<R>>>>),
}

impl<R: Read> Decompressed<R> {
    /// Looks at the first octets of a reader.
    pub fn new(mut reader: R) -> Result<Self, ReadError> {
        let mut first = Vec::with_capacity(GZIP_LEN);
        reader.by_ref().take(MAGIC as u64).read_to_end(&mut first)?;
        // RFC 8878 section 3.1.1 for zstd; the others are of their file formats. None is the time of an
        // MRT record that is likely: it would be of before 1992 or of after 2100.
        let shortest = match first.as_slice() {
            [0x1f, 0x8b, ..] => GZIP_LEN,
            [b'B', b'Z', b'h', b'1'..=b'9'] => BZIP2_LEN,
            [0xfd, b'7', b'z', b'X'] => return Err(ReadError::Compression("xz")),
            [0x28, 0xb5, 0x2f, 0xfd] => return Err(ReadError::Compression("zstd")),
            [0x04, 0x22, 0x4d, 0x18] => return Err(ReadError::Compression("lz4")),
            _ => 0,
        };
        let more = shortest.saturating_sub(first.len());
        reader.by_ref().take(to_u64(more)).read_to_end(&mut first)?;
        let gzip = shortest == GZIP_LEN;
        if first.len() < shortest {
            return Err(ReadError::Short {
                what: if gzip { "a gzip file" } else { "a bzip2 file" },
                octets: first.len(),
            });
        }
        let whole = BufReader::with_capacity(BUFFER, Cursor::new(first).chain(reader));
        let form = match shortest {
            0 => Form::Plain(whole),
            _ if gzip => Form::Gzip(Box::new(MultiGzDecoder::new(whole))),
            _ => Form::Bzip2(Box::new(MultiBzDecoder::new(whole))),
        };
        Ok(Self { form, given: 0 })
    }

    /// Where it ends is said in octets of what it unpacks to: those are what everything else counts.
    fn failed(&self, error: io::Error) -> io::Error {
        let name = match self.form {
            Form::Plain(_) => return error,
            Form::Gzip(_) => "gzip",
            Form::Bzip2(_) => "bzip2",
        };
        let given = self.given;
        let what = match error.kind() {
            ErrorKind::UnexpectedEof => {
                format!(
                    "ends in the middle of the {name} data, {given} octets into what it unpacks to"
                )
            }
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::Other => format!(
                "the {name} data is damaged, {given} octets into what it unpacks to ({error})"
            ),
            _ => return error,
        };
        io::Error::new(error.kind(), what)
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.form {
            Form::Plain(reader) => return reader.read(out),
            Form::Gzip(reader) => reader.read(out),
            Form::Bzip2(reader) => reader.read(out),
        };
        match read {
            Ok(read) => {
                self.given = self.given.saturating_add(to_u64(read));
                Ok(read)
            }
            Err(error) => Err(self.failed(error)),
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

    fn read(octets: &[u8]) -> Result<Vec<u8>, ReadError> {
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
            assert!(error.is_cut(), "{error}");
            assert!(error.to_string().contains("ends in the middle"), "{error}");
        }
    }

    /// The magic numbers are those that file(1) knows.
    #[test]
    fn what_is_too_short_or_of_another_compression_is_named() {
        let packed = [
            (
                gzip(b"")[..17].to_vec(),
                "17 octets are too few to be a gzip file",
            ),
            (
                gzip(b"x")[..2].to_vec(),
                "2 octets are too few to be a gzip file",
            ),
            (
                bzip2(b"x")[..13].to_vec(),
                "13 octets are too few to be a bzip2 file",
            ),
            (b"\xfd7zXZ\x00\x00\x04".to_vec(), "compressed with xz, "),
            (
                b"\x28\xb5\x2f\xfd\x24\x00".to_vec(),
                "compressed with zstd, ",
            ),
            (
                b"\x04\x22\x4d\x18\x64\x40".to_vec(),
                "compressed with lz4, ",
            ),
        ];
        for (octets, words) in packed {
            let error = read(&octets).unwrap_err();
            assert!(!error.is_cut(), "{error}");
            assert!(error.to_string().starts_with(words), "{error}");
        }
        assert_eq!(read(&gzip(b"")).unwrap(), b"");
        assert_eq!(read(&bzip2(b"")).unwrap(), b"");
    }
}
