//! An upload at a server, with what it has and says.

/// What an earlier request brought and nobody has taken over yet.
#[derive(Debug)]
struct Late {
    bytes: Vec<u8>,
    /// How many of them are in.
    taken: usize,
    from: u64,
    until: u64,
}

/// An upload at a server.
#[derive(Debug)]
pub(super) struct Session {
    length: u64,
    bytes: Vec<u8>,
    /// So many of them outlive a restart.
    synced: usize,
    late: Option<Late>,
    /// Number of the request that may append.
    writer: u64,
    is_gone: bool,
    /// When it became whole.
    pub(super) whole_at: Option<u64>,
    /// Offset that the client was told last, and the largest ever.
    pub(super) told: Option<u64>,
    pub(super) acknowledged: u64,
}

impl Session {
    pub(super) fn new(length: u64, now: u64) -> Self {
        Self {
            length,
            bytes: Vec::new(),
            synced: 0,
            late: None,
            writer: 0,
            is_gone: false,
            whole_at: (length == 0).then_some(now),
            told: None,
            acknowledged: 0,
        }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn offset(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// An earlier request is still worked on.
    pub(super) fn is_busy(&self) -> bool {
        self.late.is_some()
    }

    /// Lets the request `writer` append from now on, and none before it.
    pub(super) fn open(&mut self, writer: u64) {
        self.late = None;
        self.writer = writer;
    }

    /// Takes `bytes` of the request `writer`.
    pub(super) fn append(&mut self, writer: u64, bytes: &[u8], now: u64) {
        if writer == self.writer && !self.is_gone {
            self.take(bytes, now);
        }
    }

    fn take(&mut self, bytes: &[u8], now: u64) {
        let room = usize::try_from(self.length).unwrap_or(usize::MAX).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if self.offset() == self.length && self.whole_at.is_none() {
            self.whole_at = Some(now);
            self.synced = self.bytes.len();
        }
    }

    /// Takes the rest of a request that left, bit by bit.
    pub(super) fn append_late(&mut self, writer: u64, bytes: Vec<u8>, now: u64, until: u64) {
        if writer == self.writer && !bytes.is_empty() {
            self.late = Some(Late { bytes, taken: 0, from: now, until });
        }
    }

    /// Catches up with what is still worked on.
    pub(super) fn settle(&mut self, now: u64) {
        let Some(mut late) = self.late.take() else { return };
        let (passed, whole) = (now.min(late.until) - late.from, (late.until - late.from).max(1));
        let due = late.bytes.len() as u64 * passed / whole;
        let due = if now >= late.until { late.bytes.len() } else { usize::try_from(due).unwrap_or(usize::MAX) };
        self.take(&late.bytes[late.taken..due], now);
        late.taken = due;
        self.late = Some(late).filter(|late| late.taken < late.bytes.len());
    }

    pub(super) fn sync(&mut self) {
        self.synced = self.bytes.len();
    }

    /// The server comes back without what it had not synced.
    pub(super) fn restart(&mut self) {
        self.bytes.truncate(self.synced);
        self.open(0);
    }

    /// Forgets the upload, unless it is whole and a file by now.
    pub(super) fn forget(&mut self) {
        self.is_gone |= self.whole_at.is_none();
    }

    /// The client ends it, whole or not.
    pub(super) fn terminate(&mut self) {
        self.is_gone = true;
    }

    /// The client hears that the server has `offset` bytes.
    pub(super) fn tell(&mut self, offset: u64) {
        self.told = Some(offset);
        self.acknowledged = self.acknowledged.max(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_request_left_comes_in_bit_by_bit_until_another_one_writes() {
        let mut session = Session::new(100, 0);
        session.open(1);
        session.append(1, &[1; 10], 0);
        session.append_late(1, vec![2; 40], 1000, 2000);
        let offsets: Vec<_> = [1000, 1500, 1500]
            .map(|now| {
                session.settle(now);
                session.offset()
            })
            .into();
        assert_eq!((offsets, session.is_busy()), (vec![10, 30, 30], true));
        session.open(2);
        session.settle(3000);
        session.append(1, &[1; 10], 3000);
        assert_eq!((session.offset(), session.is_busy()), (30, false));
    }

    #[test]
    fn a_restart_takes_what_was_not_synced_and_a_whole_file_stays() {
        let mut session = Session::new(4, 0);
        session.open(1);
        session.append(1, b"ab", 0);
        session.sync();
        session.append(1, b"c", 0);
        session.restart();
        assert_eq!(session.bytes(), b"ab");
        session.open(2);
        session.append(2, b"cdef", 7);
        session.restart();
        session.forget();
        assert_eq!((session.bytes(), session.whole_at, session.is_gone()), (&b"abcd"[..], Some(7), false));
    }
}
