//! Lists of addresses, read from a file or a pipe in portions.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

/// Longer lines are no addresses.
const LONGEST_LINE: u64 = 64 * 1024;
/// Lines that wait for the engine while the list is read.
const LINES_WAITING: usize = 1024;
/// What a pipe has brought is used when nothing came for so long: in it a program writes the rest of an entry.
const QUIET: Duration = Duration::from_millis(200);
/// A list in UTF-16, which is read as a whole, is no longer than this.
const LONGEST_WIDE: u64 = 64 << 20;

/// Opens a list; `-` is standard input.
///
/// # Errors
/// As the system has them.
pub(crate) fn open(list: &Path) -> io::Result<Box<dyn Read + Send>> {
    if list.as_os_str() == "-" { Ok(Box::new(io::stdin())) } else { Ok(Box::new(File::open(list)?)) }
}

/// Hands the lines of `list` over in portions of about `most` addresses, the first one of `first`; what a pipe has already
/// brought is not held back for more, and indented options stay with their address. Ends early when a portion is not wanted.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for what is no list; what came before it was handed over.
pub(crate) fn read(
    list: impl Read + Send + 'static,
    (first, most): (usize, usize),
    portion: &mut dyn FnMut(String) -> bool,
) -> io::Result<()> {
    let (sender, lines) = sync_channel(LINES_WAITING);
    // A thread of its own: it may wait for a terminal for ever, and nobody waits for it.
    thread::spawn(move || {
        if let Err(error) = send_lines(list, &sender) {
            // Whoever does not listen any more has ended.
            let _ = sender.send(Err(error));
        }
    });
    let (mut text, mut count, mut room) = (String::new(), 0, first);
    loop {
        let next = if count > 0 {
            lines.recv_timeout(QUIET)
        } else {
            lines.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        let is_more_of_last = matches!(&next, Ok(Ok(line)) if count < room || line.starts_with([' ', '\t']));
        if !is_more_of_last && count > 0 {
            (count, room) = (0, most);
            if !portion(std::mem::take(&mut text)) {
                return Ok(());
            }
        }
        match next {
            Ok(line) => {
                let line = line?;
                count += usize::from(!line.trim().is_empty());
                text.push_str(&line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Sends the lines, each with its end.
fn send_lines(list: impl Read, lines: &SyncSender<io::Result<String>>) -> io::Result<()> {
    let mut list = BufReader::new(list);
    if matches!(list.fill_buf()?, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        let text = wide(&mut list)?;
        for line in text.split_inclusive('\n') {
            if lines.send(Ok(with_end(line.to_owned()))).is_err() {
                return Ok(());
            }
        }
        return Ok(());
    }
    loop {
        let mut line = Vec::new();
        let count = (&mut list).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if count as u64 == LONGEST_LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long to be a URL"));
        }
        if count == 0 || lines.send(Ok(with_end(decoded(line)))).is_err() {
            return Ok(());
        }
    }
}

fn with_end(mut line: String) -> String {
    if !line.ends_with('\n') {
        line.push('\n');
    }
    line
}

/// A list that Windows programs call "Unicode".
fn wide(list: &mut impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    if list.take(LONGEST_WIDE + 1).read_to_end(&mut bytes)? as u64 > LONGEST_WIDE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a list in UTF-16 has at most 64 MiB"));
    }
    let is_little = bytes.starts_with(&[0xff, 0xfe]);
    let unit = |pair: &[u8]| {
        let pair = [pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)];
        if is_little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    };
    let units: Vec<u16> = bytes.chunks(2).map(unit).collect();
    Ok(String::from_utf16_lossy(&units))
}

/// A line as text. Where it is no UTF-8, the address keeps its octets percent-encoded, as other clients send them, and what
/// stands behind it is read as Latin-1.
fn decoded(line: Vec<u8>) -> String {
    let line = match String::from_utf8(line) {
        Ok(line) => return line,
        Err(error) => error.into_bytes(),
    };
    let is_option = line.first().is_some_and(|first| b" \t".contains(first));
    let address_end = if is_option { 0 } else { line.iter().position(|byte| *byte == b'\t').unwrap_or(line.len()) };
    let (address, rest) = line.split_at(address_end);
    let octet = |byte: &u8| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    address.iter().map(octet).chain(rest.iter().map(|byte| char::from(*byte).to_string())).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn portions(list: impl Into<Vec<u8>>) -> Vec<String> {
        let mut had = Vec::new();
        read(Cursor::new(list.into()), (32, 500), &mut |text| {
            had.push(text);
            true
        })
        .unwrap();
        had
    }

    #[test]
    fn a_list_comes_in_portions_and_its_last_line_may_have_no_end() {
        assert_eq!(portions(""), Vec::<String>::new());
        assert_eq!(portions("\n\n"), Vec::<String>::new());
        assert_eq!(portions("a\n\nb"), ["a\n\nb\n"]);
        let many: String = (0..1201).map(|number| format!("http://example.org/{number}\n")).collect();
        let had = portions(many.clone());
        assert_eq!(had.iter().map(|text| text.lines().count()).collect::<Vec<_>>(), [32, 500, 500, 169]);
        assert_eq!(had.concat(), many);
    }

    #[test]
    fn options_stay_with_their_address() {
        let many: String =
            (0..600).map(|number| format!("http://example.org/{number}\n  out={number}\n\tdir=d\n")).collect();
        let had = portions(many.clone());
        assert!(had.len() > 1 && had.iter().all(|text| text.starts_with("http://") && text.ends_with("dir=d\n")));
        assert_eq!(had.concat(), many);
    }

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory_and_what_came_before_it_counts() {
        let mut had = Vec::new();
        let endless = Cursor::new("http://example.org/a\n").chain(io::repeat(b'a'));
        let error = read(endless, (32, 500), &mut |text| {
            had.push(text);
            true
        });
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(had, ["http://example.org/a\n"]);
    }

    #[test]
    fn a_list_in_another_encoding_is_read_all_the_same() {
        assert_eq!(portions(b"http://h/\xe9?a=\xff\tn\xe4me\n".to_vec()), ["http://h/%E9?a=%FF\tnäme\n"]);
        assert_eq!(portions(b"http://h/a\n  out=n\xe4me\n".to_vec()), ["http://h/a\n  out=näme\n"]);
        assert_eq!(portions("http://h/é\n"), ["http://h/é\n"]);
        let units = "\u{feff}http://h/é\r\nhttp://h/b".encode_utf16();
        let (little, big): (Vec<_>, Vec<_>) = units.map(|unit| (unit.to_le_bytes(), unit.to_be_bytes())).unzip();
        for bytes in [little.concat(), big.concat()] {
            assert_eq!(portions(bytes), ["\u{feff}http://h/é\r\nhttp://h/b\n"]);
        }
    }
}
