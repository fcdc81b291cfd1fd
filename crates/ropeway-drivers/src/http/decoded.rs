//! Body with its content coding undone. Memory is constant, and there are limits.

use std::{
    io::{self, Write as _},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status, write::MultiGzDecoder};
use futures_util::{Stream, StreamExt as _, stream};
use ropeway_model::SafeUrl;

use super::coding::Coding;
use crate::{ByteStream, DriverError, Turn, send::error};

/// Octets that are decoded in one go; they become at most a few dozen times as many, which is the memory this takes.
const PORTION: usize = 1024;
/// Room for what the decoder gives in one go.
const ROOM: usize = 64 * 1024;
/// Longest wait for the octets that tell whether a body is encoded.
const PATIENCE: Duration = Duration::from_secs(60);
/// Octets that may go by without a byte of the file. The longest head of a gzip member has 64 KiB beside its name; members
/// of nothing, one behind the other, are no file.
const MOST_WITHOUT_A_BYTE: u64 = 256 * 1024;
/// A bomb grows a thousandfold, honest text fifty times at most. Short files may do as they like.
const LIMIT: Limit = Limit { harmless: 64 * 1024 * 1024, ratio: 250 };

/// How far a body may grow.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Bytes that are always taken.
    harmless: u64,
    /// Beyond those, bytes for one encoded octet.
    ratio: u64,
}

/// The bytes behind `coding`.
///
/// Ends with [`DriverError::BadResponse`] where the encoded data are damaged or end early, and with
/// [`DriverError::ContentCoding`] where they grow as no honest file does.
pub(super) fn stream(encoded: ByteStream, coding: Coding, url: SafeUrl) -> ByteStream {
    Box::pin(Decoded::new(encoded, coding, url, LIMIT))
}

/// Coding that `body` has, whatever its label says. Some servers label what they do not compress. Returns the same
/// body, of which nothing is lost.
///
/// # Errors
/// [`DriverError::Silent`] if nothing of it comes. Another failure is the returned body's.
pub(super) async fn look(
    mut body: ByteStream,
    label: Option<Coding>,
    url: &SafeUrl,
) -> Result<(Option<Coding>, ByteStream), DriverError> {
    let Some(label) = label else { return Ok((None, body)) };
    let silent = |_| DriverError::Silent { host: url.host(), turn: Turn::Send, waited_s: PATIENCE.as_secs() };
    let mut front = BytesMut::new();
    while front.len() < label.front() {
        match tokio::time::timeout(PATIENCE, body.next()).await.map_err(silent)? {
            Some(Ok(chunk)) => front.extend_from_slice(&chunk),
            Some(Err(error)) => {
                body = Box::pin(stream::iter([Err(error)]));
                break;
            }
            None => break,
        }
    }
    let front = front.freeze();
    let coding = Some(label).filter(|label| front.is_empty() || label.may_begin_with(&front));
    Ok((coding, Box::pin(stream::iter([Ok(front)]).chain(body))))
}

impl Coding {
    /// Octets that tell whether a body is encoded.
    const fn front(self) -> usize {
        match self {
            Self::Gzip => 3,
            Self::Deflate => PORTION,
        }
    }

    /// Whether encoded data begin so.
    fn may_begin_with(self, front: &[u8]) -> bool {
        match self {
            // RFC 1952 §2.3.1: two octets that are always the same, and the only method there is. What is cut before
            // them is a cut body, and told as that.
            Self::Gzip => [0x1f, 0x8b, 8].iter().zip(front).all(|(wanted, had)| wanted == had),
            // Hardly any other data can be decoded for long.
            Self::Deflate => {
                let some = front.get(..PORTION).unwrap_or(front);
                Decoder::UnknownDeflate.push(some).is_ok()
            }
        }
    }
}

struct Decoded {
    /// `None` once the stream has ended, however it did.
    encoded: Option<ByteStream>,
    pending: Bytes,
    decoder: Decoder,
    url: SafeUrl,
    limit: Limit,
    taken: u64,
    given: u64,
    /// Octets since the last byte.
    fruitless: u64,
}

impl Decoded {
    fn new(encoded: ByteStream, coding: Coding, url: SafeUrl, limit: Limit) -> Self {
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Coding::Deflate => Decoder::UnknownDeflate,
        };
        Self { encoded: Some(encoded), pending: Bytes::new(), decoder, url, limit, taken: 0, given: 0, fruitless: 0 }
    }

    /// What the decoder gave, held against the limit; `None` if nothing.
    fn given(&mut self, decoded: Vec<u8>) -> Option<Result<Bytes, DriverError>> {
        self.given += decoded.len() as u64;
        if self.given > self.limit.harmless.max(self.taken.saturating_mul(self.limit.ratio)) {
            let reason = format!("{} octets became {} bytes, as no honest file does", self.taken, self.given);
            self.encoded = None;
            return Some(Err(DriverError::ContentCoding { url: self.url.clone(), reason }));
        }
        (!decoded.is_empty()).then(|| Ok(decoded.into()))
    }

    fn damaged(&mut self, cause: &io::Error) -> DriverError {
        self.encoded = None;
        error::bad(&self.url, format!("its compressed data are damaged or cut ({cause})"))
    }

    /// Decodes some of what is pending.
    fn go_on(&mut self) -> Option<Result<Bytes, DriverError>> {
        let portion = self.pending.get(..PORTION).unwrap_or(&self.pending);
        match self.decoder.push(portion) {
            Ok((count, decoded)) => {
                self.pending.advance(count);
                self.taken += count as u64;
                self.fruitless = if decoded.is_empty() { self.fruitless + count as u64 } else { 0 };
                if self.fruitless > MOST_WITHOUT_A_BYTE {
                    let reason = format!("{} octets brought not one byte", self.fruitless);
                    self.encoded = None;
                    return Some(Err(DriverError::ContentCoding { url: self.url.clone(), reason }));
                }
                self.given(decoded)
            }
            Err(cause) => Some(Err(self.damaged(&cause))),
        }
    }
}

impl Stream for Decoded {
    type Item = Result<Bytes, DriverError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            while !this.pending.is_empty() {
                if let Some(item) = this.go_on() {
                    return Poll::Ready(Some(item));
                }
            }
            let Some(encoded) = this.encoded.as_mut() else { return Poll::Ready(None) };
            match ready!(encoded.as_mut().poll_next(context)) {
                Some(Ok(chunk)) => this.pending = chunk,
                Some(Err(error)) => {
                    this.encoded = None;
                    return Poll::Ready(Some(Err(error)));
                }
                // An empty file is empty however it is labelled.
                None if this.taken == 0 => {
                    this.encoded = None;
                    return Poll::Ready(None);
                }
                None => {
                    let last = match this.decoder.finish() {
                        Ok(last) => this.given(last),
                        Err(cause) => Some(Err(this.damaged(&cause))),
                    };
                    this.encoded = None;
                    return Poll::Ready(last);
                }
            }
        }
    }
}

enum Decoder {
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// Its first two octets tell which of the two it is.
    UnknownDeflate,
    Deflate {
        inflater: Decompress,
        /// Whether the stream's own end was seen.
        ended: bool,
    },
}

impl Decoder {
    /// Decodes the front of `octets`, which is not empty; tells how many octets that took, at least one.
    fn push(&mut self, octets: &[u8]) -> io::Result<(usize, Vec<u8>)> {
        match self {
            Self::Gzip(decoder) => {
                let count = decoder.write(octets)?;
                if count == 0 {
                    return Err(no_progress());
                }
                Ok((count, std::mem::take(decoder.get_mut())))
            }
            Self::UnknownDeflate => {
                // RFC 1950 §2.2: the method is 8, and the two octets are a multiple of 31. An octet alone decides by
                // the method, which raw data share only in blocks that no encoder begins with.
                let (first, second) = (octets.first().copied().unwrap_or(0), octets.get(1).copied());
                let is_multiple = second.is_none_or(|second| u16::from_be_bytes([first, second]) % 31 == 0);
                let has_header = first & 0x0f == 8 && is_multiple;
                *self = Self::Deflate { inflater: Decompress::new(has_header), ended: false };
                self.push(octets)
            }
            Self::Deflate { ended: true, .. } => Err(io::Error::other("octets behind the end")),
            Self::Deflate { inflater, ended } => {
                let before = inflater.total_in();
                let mut decoded = Vec::with_capacity(ROOM);
                let status = inflater.decompress_vec(octets, &mut decoded, FlushDecompress::None)?;
                *ended = status == Status::StreamEnd;
                let count = usize::try_from(inflater.total_in() - before).unwrap_or(usize::MAX);
                if count == 0 && decoded.is_empty() && !*ended {
                    return Err(no_progress());
                }
                Ok((count, decoded))
            }
        }
    }

    /// What is left once all octets were given.
    fn finish(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::UnknownDeflate | Self::Deflate { ended: true, .. } => Ok(Vec::new()),
            Self::Deflate { inflater, ended: false } => {
                let mut decoded = Vec::with_capacity(ROOM);
                match inflater.decompress_vec(&[], &mut decoded, FlushDecompress::Finish)? {
                    Status::StreamEnd => Ok(decoded),
                    Status::Ok | Status::BufError => Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
        }
    }
}

fn no_progress() -> io::Error {
    io::Error::other("the decoder makes nothing of them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// The decoded bytes up to the end or the error, with `octets` coming in chunks of `size`.
    async fn decode(octets: Vec<u8>, size: usize, coding: Coding, limit: Limit) -> (Vec<u8>, Option<DriverError>) {
        let chunks: Vec<_> = octets.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let url = "http://example.org/a.csv".parse().unwrap();
        let mut decoded = Decoded::new(Box::pin(stream::iter(chunks)), coding, url, limit);
        let mut bytes = Vec::new();
        while let Some(item) = decoded.next().await {
            match item {
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(error) => return (bytes, Some(error)),
            }
        }
        (bytes, None)
    }

    fn text() -> Vec<u8> {
        (0..20_000_u32).flat_map(|number| format!("line {number}\n").into_bytes()).collect()
    }

    #[tokio::test]
    async fn every_way_of_coding_is_undone_in_any_chunks() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text()).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&text()).unwrap();
        let two_members = [gzip(&text()[..100]), gzip(&text()[100..])].concat();
        for (octets, coding) in [
            (gzip(&text()), Coding::Gzip),
            (two_members, Coding::Gzip),
            (zlib.finish().unwrap(), Coding::Deflate),
            (raw.finish().unwrap(), Coding::Deflate),
        ] {
            for size in [1, 7, 4096, usize::MAX] {
                let (bytes, error) = decode(octets.clone(), size, coding, LIMIT).await;
                assert!(error.is_none() && bytes == text(), "{coding:?} {size} {error:?}");
            }
        }
        assert_eq!(decode(Vec::new(), 1, Coding::Gzip, LIMIT).await.0, b"");
    }

    #[tokio::test]
    async fn data_that_are_cut_or_damaged_are_never_a_whole_file() {
        let whole = gzip(&text());
        for cut in [1, 5, 10, 11, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
            let (_, error) = decode(whole[..cut].to_vec(), 4096, Coding::Gzip, LIMIT).await;
            assert!(matches!(error, Some(DriverError::BadResponse { .. })), "{cut}: {error:?}");
        }
        let mut wrong_sum = whole.clone();
        let place = whole.len() - 6;
        wrong_sum[place] ^= 1;
        let (_, error) = decode(wrong_sum, 4096, Coding::Gzip, LIMIT).await;
        assert!(matches!(error, Some(DriverError::BadResponse { .. })), "{error:?}");
        let (_, error) = decode(b"<html>an error page</html>".to_vec(), 4096, Coding::Gzip, LIMIT).await;
        assert!(matches!(error, Some(DriverError::BadResponse { .. })), "{error:?}");
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text()).unwrap();
        let zlib = zlib.finish().unwrap();
        for cut in [1, 2, zlib.len() / 2, zlib.len() - 1] {
            let (_, error) = decode(zlib[..cut].to_vec(), 4096, Coding::Deflate, LIMIT).await;
            assert!(error.is_some(), "{cut}");
        }
    }

    #[tokio::test]
    async fn what_is_labeled_and_not_encoded_is_saved_as_it_is() {
        let url = "http://example.org/a.csv".parse().unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text()).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&text()).unwrap();
        for (octets, label, is_encoded) in [
            (gzip(&text()), Coding::Gzip, true),
            (text(), Coding::Gzip, false),
            (b"PK\x03\x04 an archive".to_vec(), Coding::Gzip, false),
            (vec![0x1f], Coding::Gzip, true),
            (Vec::new(), Coding::Gzip, true),
            (zlib.finish().unwrap(), Coding::Deflate, true),
            (raw.finish().unwrap(), Coding::Deflate, true),
            (text(), Coding::Deflate, false),
        ] {
            for size in [1, usize::MAX] {
                let chunks: Vec<_> = octets.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
                let (coding, body) = look(Box::pin(stream::iter(chunks)), Some(label), &url).await.unwrap();
                let kept: Vec<_> = body.map(|chunk| chunk.unwrap().to_vec()).collect().await;
                assert_eq!((coding.is_some(), kept.concat()), (is_encoded, octets.clone()), "{label:?}");
            }
        }
    }

    #[tokio::test]
    async fn members_of_nothing_without_end_are_no_file() {
        let octets = gzip(b"").repeat(100_000);
        let (bytes, error) = decode(octets, 4096, Coding::Gzip, LIMIT).await;
        assert!(bytes.is_empty() && matches!(error, Some(DriverError::ContentCoding { .. })), "{error:?}");
        let honest = [gzip(b"one"), gzip(b"").repeat(1_000), gzip(b"two")].concat();
        assert_eq!(decode(honest, 4096, Coding::Gzip, LIMIT).await.0, b"onetwo");
    }

    #[tokio::test]
    async fn a_bomb_stops_at_its_limit() {
        let bomb = gzip(&vec![0; 4 << 20]);
        let limit = Limit { harmless: 1 << 20, ratio: 250 };
        let (bytes, error) = decode(bomb.clone(), usize::MAX, Coding::Gzip, limit).await;
        assert!(matches!(error, Some(DriverError::ContentCoding { .. })), "{error:?}");
        assert!(bytes.len() <= 1 << 20, "{}", bytes.len());
        let (bytes, error) = decode(bomb, usize::MAX, Coding::Gzip, LIMIT).await;
        assert!(error.is_none() && bytes.len() == 4 << 20, "short files may grow: {error:?}");
    }
}
