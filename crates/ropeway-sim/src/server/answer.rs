//! The head of an answer, true or not, with the bytes that belong to it.

use std::fmt;

use http::{
    HeaderMap, Response,
    header::{
        CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderName, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE,
        RETRY_AFTER,
    },
    response::Builder,
};

use super::{
    remote::{Ranges, Remote, Version, date},
    weather::Lie,
};
use crate::{content, world::EPOCH_MS};

/// A page that is no file.
const PAGE: &[u8] = b"<html><body>Please log in to this network.</body></html>";

/// The number of a file that nobody asks for.
const FOREIGN: u64 = 98;

/// What a request asks for.
pub(crate) struct Asked {
    /// First byte, and the one behind the last.
    pub(super) range: Option<(u64, Option<u64>)>,
    if_range: Option<String>,
}

impl Asked {
    pub(super) fn read(fields: &HeaderMap) -> Self {
        let text = |name: HeaderName| fields.get(name).and_then(|value| value.to_str().ok());
        let range = text(RANGE).and_then(|value| value.strip_prefix("bytes=")).and_then(|value| value.split_once('-'));
        let range =
            range.and_then(|(first, last)| Some((first.parse().ok()?, last.parse::<u64>().ok().map(|last| last + 1))));
        Self { range, if_range: text(IF_RANGE).map(str::to_owned) }
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            None => formatter.write_str("GET")?,
            Some((first, Some(end))) => write!(formatter, "GET {first}..{end}")?,
            Some((first, None)) => write!(formatter, "GET {first}..")?,
        }
        self.if_range.as_ref().map_or(Ok(()), |tag| write!(formatter, " if {tag}"))
    }
}

/// An answer.
pub(super) struct Answer {
    pub(super) head: Response<()>,
    pub(super) body: &'static [u8],
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} with {} bytes", self.head.status().as_u16(), self.body.len())?;
        let shown = [CONTENT_RANGE, ETAG, LAST_MODIFIED, RETRY_AFTER];
        let fields = shown.iter().filter_map(|name| self.head.headers().get(name));
        fields.filter_map(|value| value.to_str().ok()).try_for_each(|value| write!(formatter, " [{value}]"))
    }
}

fn builder(status: u16, now: u64) -> Builder {
    Response::builder().status(status).header(DATE, date(EPOCH_MS + now))
}

fn built(builder: Builder, body: &'static [u8]) -> Answer {
    Answer { head: builder.body(()).expect("a head of plain fields"), body }
}

fn slice(bytes: &'static [u8], start: u64, end: u64) -> &'static [u8] {
    let index = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    &bytes[index(start)..index(end).max(index(start))]
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        self.head.status().is_success()
    }

    /// Whether the client knows where the body ends before it does.
    pub(super) fn has_announced_end(&self) -> bool {
        self.head.headers().contains_key(CONTENT_RANGE)
    }

    pub(super) fn error(status: u16, after: Option<u64>, now: u64) -> Self {
        let mut head = builder(status, now).header(CONTENT_TYPE, "text/html");
        if let Some(seconds) = after {
            head = head.header(RETRY_AFTER, seconds.to_string());
        }
        built(head, PAGE)
    }

    pub(super) fn page(now: u64) -> Self {
        let head = builder(200, now).header(CONTENT_TYPE, "text/html; charset=utf-8");
        built(head.header(CONTENT_LENGTH, PAGE.len().to_string()), PAGE)
    }

    pub(super) fn redirect(to: &str, now: u64) -> Self {
        built(builder(302, now).header(LOCATION, to), b"")
    }

    /// The answer of a working server.
    pub(super) fn of(remote: &Remote, asked: &Asked, now: u64, edge: u64, lie: Option<Lie>) -> Self {
        let version = remote.current(now);
        let (tag, modified) = (remote.tag(version.number, edge), remote.date(version.number));
        let holds = asked.if_range.as_ref().is_none_or(|wanted| {
            !remote.manner.obeys_if_range || Some(wanted) == tag.as_ref() || Some(wanted) == modified.as_ref()
        });
        let head = |status| {
            let mut head = builder(status, now).header(CONTENT_TYPE, "application/octet-stream");
            if lie != Some(Lie::NoMarks) {
                for (name, value) in [(ETAG, &tag), (LAST_MODIFIED, &modified)] {
                    head = value.iter().fold(head, |head, value| head.header(&name, value.as_str()));
                }
            }
            head
        };
        match asked.range {
            Some((start, end)) if remote.manner.ranges == Ranges::Serves && holds && lie != Some(Lie::Whole) => {
                let length = version.bytes.len() as u64;
                if start >= length {
                    let head = head(416).header(CONTENT_RANGE, format!("bytes */{length}"));
                    return built(head, b"");
                }
                let end = end.unwrap_or(length).min(length);
                Self::part(head(206), version, (start, end), lie)
            }
            _ => {
                let mut head = head(200);
                if remote.manner.tells_length {
                    head = head.header(CONTENT_LENGTH, version.bytes.len().to_string());
                }
                built(head, version.bytes)
            }
        }
    }

    fn part(head: Builder, version: Version, (start, end): (u64, u64), lie: Option<Lie>) -> Self {
        let length = version.bytes.len() as u64;
        let (mut from, mut to, mut total) = (start, end, length);
        match lie {
            Some(Lie::OtherRange) => (from, to) = (start / 2, (start / 2 + (end - start)).min(length)),
            Some(Lie::ShortRange) => to = start + (end - start).div_ceil(2),
            Some(Lie::LongRange) => to = length,
            Some(Lie::WrongTotal) => total = length + 1,
            _ => {}
        }
        let body = slice(version.bytes, from, if lie == Some(Lie::Overlong) { length } else { to });
        let body = match lie {
            Some(Lie::Shifted) => slice(version.bytes, from / 2, from / 2 + body.len() as u64),
            Some(Lie::Mixed) => content::bytes(FOREIGN, 0, body.len() as u64),
            _ => body,
        };
        let mut head = head;
        if lie == Some(Lie::Multipart) {
            head = head.header(CONTENT_TYPE, "multipart/byteranges; boundary=x");
            head.headers_mut().into_iter().for_each(|fields| {
                fields.insert(CONTENT_TYPE, http::HeaderValue::from_static("multipart/byteranges; boundary=x"));
            });
        }
        if lie != Some(Lie::NoContentRange) {
            let last = to - 1;
            let total = total.max(last + 1);
            head = head.header(CONTENT_RANGE, format!("bytes {from}-{last}/{total}"));
        }
        built(head, body)
    }
}
