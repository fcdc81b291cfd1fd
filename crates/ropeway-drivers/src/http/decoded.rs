//! A body with its content coding undone, in constant memory and within limits.

use std::{
    io::{self, Write as _},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use flate2::{Decompress, FlushDecompress, Status, write::MultiGzDecoder};
use futures_util::Stream;
use ropeway_model::SafeUrl;

use super::coding::Coding;
use crate::{ByteStream, DriverError, exchange::error};

/// Octets that are decoded in one go; they become at most a few dozen times as many, which is the memory this takes.
const PORTION: usize = 1024;
/// Room for what the decoder gives in one go.
const ROOM: usize = 64 * 1024;
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

struct Decoded {
    /// `None` once the stream has ended, however it did.
    encoded: Option<ByteStream>,
    pending: Bytes,
    decoder: Decoder,
    url: SafeUrl,
    limit: Limit,
    taken: u64,
    given: u64,
}

impl Decoded {
    fn new(encoded: ByteStream, coding: Coding, url: SafeUrl, limit: Limit) -> Self {
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Coding::Deflate => Decoder::UnknownDeflate,
        };
        Self { encoded: Some(encoded), pending: Bytes::new(), decoder, url, limit, taken: 0, given: 0 }
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
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use futures_util::{StreamExt as _, stream};

    use super::*;

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
