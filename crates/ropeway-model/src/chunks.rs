//! Bytes in flight, gathered until they are worth a write.

use bytes::{Bytes, BytesMut};

/// Chunks below this are copied. The network library hands chunks out of a buffer of its own, which stays allocated as
/// long as one byte of it is kept: a peer that sends byte by byte would have us keep a buffer for each. For larger
/// chunks the copy costs more than the rest of their buffer does.
const LARGEST_COPY: usize = 32 << 10;
/// Copies are gathered in pieces of this size, so that no more than this is allocated ahead of the bytes.
const PIECE: usize = 64 << 10;

/// Bytes in order, gathered from chunks of any size. However many chunks they come in, they take little more memory
/// than there are bytes, in no more pieces than one for every 16 KiB and one besides.
#[derive(Debug, Default)]
pub struct Chunks {
    whole: Vec<Bytes>,
    /// Copies of the small chunks that came last.
    small: BytesMut,
    length: usize,
}

impl Chunks {
    /// Appends a chunk.
    pub fn push(&mut self, chunk: Bytes) {
        self.length += chunk.len();
        if chunk.len() >= LARGEST_COPY {
            self.end_small();
            self.whole.push(chunk);
            return;
        }
        if self.small.len() + chunk.len() > PIECE {
            self.end_small();
        }
        self.small.extend_from_slice(&chunk);
    }

    /// Bytes gathered.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// All bytes in a few pieces, in order; nothing is left here.
    pub fn take(&mut self) -> Vec<Bytes> {
        self.end_small();
        self.length = 0;
        std::mem::take(&mut self.whole)
    }

    /// All bytes in one piece.
    pub fn into_contiguous(mut self) -> Bytes {
        let mut pieces = self.take();
        if pieces.len() == 1 { pieces.pop().unwrap_or_default() } else { Bytes::from(pieces.concat()) }
    }

    fn end_small(&mut self) {
        if !self.small.is_empty() {
            self.whole.push(self.small.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(length: usize, byte: u8) -> Bytes {
        Bytes::from(vec![byte; length])
    }

    #[test]
    fn small_chunks_let_go_of_the_buffers_they_came_in() {
        let mut chunks = Chunks::default();
        let mut come = Vec::new();
        for (length, byte) in [(5, b'a'), (LARGEST_COPY - 1, b'b'), (LARGEST_COPY, b'c'), (7, b'd')] {
            let chunk = chunk(length, byte);
            come.push(chunk.clone());
            chunks.push(chunk);
        }
        assert_eq!(come.iter().map(Bytes::is_unique).collect::<Vec<_>>(), [true, true, false, true]);
        assert_eq!(chunks.len(), come.concat().len());
        assert_eq!(chunks.take().concat(), come.concat());
        assert!(chunks.is_empty() && chunks.take().is_empty());
    }

    #[test]
    fn bytes_that_come_one_by_one_take_no_more_pieces_than_those_that_come_at_once() {
        let mut chunks = Chunks::default();
        let buffer = chunk(256 << 10, b'x');
        (0..buffer.len()).for_each(|at| chunks.push(buffer.slice(at..=at)));
        assert!(chunks.small.capacity() <= 2 * PIECE);
        let pieces = chunks.take();
        assert_eq!((pieces.len(), pieces.concat().len()), (4, buffer.len()));
        assert!(buffer.is_unique());
    }

    proptest! {
        #[test]
        fn what_comes_is_kept_in_order_and_in_few_pieces(lengths in prop::collection::vec(0_usize..70_000, 0..40)) {
            let mut chunks = Chunks::default();
            let come: Vec<Bytes> =
                lengths.iter().zip(0..=255).map(|(length, byte)| chunk(*length, byte)).collect();
            for chunk in &come {
                chunks.push(chunk.clone());
            }
            let length = chunks.len();
            let pieces = chunks.take();
            prop_assert!(pieces.len() <= length / (16 << 10) + 1);
            prop_assert_eq!(pieces.concat(), come.concat());
        }

        #[test]
        fn one_piece_holds_all(lengths in prop::collection::vec(0_usize..70_000, 0..6)) {
            let mut chunks = Chunks::default();
            let come: Vec<Bytes> = lengths.iter().map(|length| chunk(*length, b'x')).collect();
            for chunk in &come {
                chunks.push(chunk.clone());
            }
            prop_assert_eq!(chunks.into_contiguous(), come.concat());
        }
    }
}
