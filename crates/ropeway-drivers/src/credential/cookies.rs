//! Cookies from a file in Netscape's format, sent by RFC 6265bis. Browsers' extensions and curl write such files.

use url::Host;

/// Fields of a line: domain, whether hosts below it count, path, whether only over TLS, end, name, value.
const FIELDS: usize = 7;
/// Longest name and value together (RFC 6265bis §5.6); browsers keep no longer ones.
const LONGEST_PAIR: usize = 4096;
/// Most cookies of one request, and the longest header they make; servers refuse more.
const MOST_SENT: usize = 150;
const LONGEST_HEADER: usize = 8190;

/// The cookies of one file.
#[derive(Clone, Default)]
pub(crate) struct Jar(Vec<Cookie>);

/// One cookie, from a file or from a server.
#[derive(Clone, Debug)]
pub(super) struct Cookie {
    pub(super) domain: Host,
    /// True where hosts below the domain get it too.
    pub(super) below: bool,
    pub(super) path: Box<[u8]>,
    pub(super) secure: bool,
    /// Unix seconds; `None` is as long as the browser ran.
    pub(super) expires: Option<i64>,
    pub(super) name: Box<[u8]>,
    pub(super) value: Box<[u8]>,
}

/// A file that is not in Netscape's format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(crate) struct CookieError {
    /// Counted from one.
    line: usize,
    reason: &'static str,
}

/// A request, as far as cookies look at it.
#[derive(Clone, Debug)]
pub(crate) struct Requested<'a> {
    /// The URL's host.
    pub(crate) host: Host<&'a str>,
    /// The URL's path.
    pub(crate) path: &'a str,
    /// True where the connection is encrypted.
    pub(crate) secure: bool,
    /// Unix seconds.
    pub(crate) now: i64,
}

impl Jar {
    /// Reads a file's text. Cookies that no browser would have taken (a public suffix, a trailing dot, a prefix whose
    /// promise is not kept, too long) are left out.
    ///
    /// # Errors
    /// [`CookieError`] names the first line that is not of the format; never what it holds, which may be a session.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, CookieError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut cookies = Vec::new();
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = match line.strip_prefix(b"#HttpOnly_") {
                Some(rest) => rest,
                None if line.starts_with(b"#") || line.trim_ascii().is_empty() => continue,
                None => line,
            };
            let read = cookie(line).map_err(|reason| CookieError { line: number + 1, reason })?;
            cookies.extend(read.filter(Cookie::is_acceptable));
        }
        Ok(Self(cookies))
    }

    /// The cookies that a request carries.
    pub(super) fn chosen<'a>(&'a self, requested: &Requested<'_>) -> impl Iterator<Item = &'a Cookie> {
        self.0.iter().filter(move |cookie| cookie.goes_to(requested))
    }

    /// Number of cookies.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }
}

/// The value of `Cookie` with these cookies behind what the user gives. `None` where there are none. Longer paths go
/// first.
pub(super) fn header<'a>(given: &[u8], cookies: impl Iterator<Item = &'a Cookie>) -> Option<Vec<u8>> {
    let mut chosen: Vec<&Cookie> = cookies.collect();
    chosen.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
    let mut header = given.to_vec();
    for cookie in chosen.into_iter().take(MOST_SENT) {
        if header.len() + cookie.name.len() + cookie.value.len() + 3 > LONGEST_HEADER {
            break;
        }
        if !header.is_empty() {
            header.extend_from_slice(b"; ");
        }
        header.extend_from_slice(&cookie.name);
        header.push(b'=');
        header.extend_from_slice(&cookie.value);
    }
    (!header.is_empty()).then_some(header)
}

/// True for a public suffix (publicsuffix.org). Names below it belong to different people, and no cookie is for all of
/// them.
pub(super) fn is_public_suffix(name: &str) -> bool {
    psl::suffix_str(name) == Some(name)
}

/// The cookie of one line; `None` if its domain is none.
fn cookie(line: &[u8]) -> Result<Option<Cookie>, &'static str> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
    let value = match fields.len() {
        // A cookie without a value loses its last field in some programs.
        6 => b"".as_slice(),
        FIELDS => fields.last().copied().unwrap_or_default(),
        _ => return Err("not the seven fields, separated by tabs, of a cookie in Netscape's format"),
    };
    let [domain, below, path, secure, expires, name, ..] = fields.as_slice() else {
        return Err("not the seven fields of a cookie in Netscape's format");
    };
    if [name, &value].iter().any(|text| text.iter().any(|byte| *byte < 0x20 || *byte == 0x7f || *byte == b';')) {
        return Err("a control character or a semicolon in a cookie");
    }
    let (below, secure) = (flag(below)?, flag(secure)?);
    let expires = std::str::from_utf8(expires).ok().map(|text| text.split('.').next().unwrap_or(text));
    let expires: i64 = expires.and_then(|text| text.parse().ok()).ok_or("an end that is no number")?;
    let domain = std::str::from_utf8(domain).map_err(|_| "a domain that is no text")?;
    let Ok(domain) = Host::parse(domain.strip_prefix('.').unwrap_or(domain)) else { return Ok(None) };
    let path = if path.starts_with(b"/") { path } else { b"/".as_slice() };
    Ok(Some(Cookie {
        // A public suffix or an address stands for itself only.
        below: below && matches!(&domain, Host::Domain(name) if !is_public_suffix(name)),
        domain,
        path: path.into(),
        secure,
        expires: (expires != 0).then_some(expires),
        name: (*name).into(),
        value: value.into(),
    }))
}

fn flag(text: &[u8]) -> Result<bool, &'static str> {
    match text {
        _ if text.eq_ignore_ascii_case(b"TRUE") => Ok(true),
        _ if text.eq_ignore_ascii_case(b"FALSE") => Ok(false),
        _ => Err("neither TRUE nor FALSE where one of them belongs"),
    }
}

impl Cookie {
    pub(super) fn is_acceptable(&self) -> bool {
        let named =
            |prefix: &[u8]| self.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let is_plain_domain = match &self.domain {
            Host::Domain(domain) => !domain.ends_with('.'),
            Host::Ipv4(_) | Host::Ipv6(_) => true,
        };
        is_plain_domain
            && !(self.name.is_empty() && self.value.is_empty())
            && self.name.len() + self.value.len() <= LONGEST_PAIR
            && (!named(b"__Secure-") || self.secure)
            && (!named(b"__Host-") || (self.secure && !self.below && &*self.path == b"/"))
    }

    pub(super) fn goes_to(&self, requested: &Requested<'_>) -> bool {
        let is_alive = self.expires.is_none_or(|expires| expires > requested.now);
        is_alive
            && (requested.secure || !self.secure)
            && self.covers_host(&requested.host)
            && self.covers_path(requested.path.as_bytes())
    }

    /// RFC 6265bis §5.1.3.
    pub(super) fn covers_host(&self, host: &Host<&str>) -> bool {
        match (&self.domain, host) {
            (Host::Domain(domain), Host::Domain(host)) => {
                host == domain || (self.below && host.strip_suffix(&**domain).is_some_and(|rest| rest.ends_with('.')))
            }
            (Host::Ipv4(domain), Host::Ipv4(host)) => domain == host,
            (Host::Ipv6(domain), Host::Ipv6(host)) => domain == host,
            _ => false,
        }
    }

    /// RFC 6265bis §5.1.4.
    pub(super) fn covers_path(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(&*self.path) else { return false };
        rest.is_empty() || rest.starts_with(b"/") || self.path.ends_with(b"/")
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn sent(file: &str, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let requested =
            Requested { host: url.host().unwrap(), path: url.path(), secure: url.scheme() == "https", now: NOW };
        let jar = Jar::parse(file.as_bytes()).unwrap();
        String::from_utf8(header(b"", jar.chosen(&requested)).unwrap_or_default()).unwrap()
    }

    #[test]
    fn a_cookie_goes_only_where_its_domain_path_and_security_allow() {
        let file = "# Netscape HTTP Cookie File\n\
            .example.org\tTRUE\t/\tFALSE\t0\tall\t1\n\
            example.org\tFALSE\t/\tFALSE\t0\town\t2\n\
            .example.org\tTRUE\t/in\tFALSE\t0\tin\t3\n\
            #HttpOnly_.example.org\tTRUE\t/\tTRUE\t1800000000\tsafe\t4\r\n\
            .example.org\tTRUE\t/\tFALSE\t1600000000\told\t5\n\
            127.0.0.1\tTRUE\t/\tFALSE\t0\taddress\t6\n";
        for (url, expected) in [
            ("http://example.org/", "all=1; own=2"),
            ("https://example.org/", "all=1; own=2; safe=4"),
            ("http://example.org/in", "in=3; all=1; own=2"),
            ("http://example.org/in/f", "in=3; all=1; own=2"),
            ("http://example.org/inside", "all=1; own=2"),
            ("http://a.example.org:8080/", "all=1"),
            ("http://notexample.org/", ""),
            ("http://example.org./", ""),
            ("http://org/", ""),
            ("http://127.0.0.1/", "address=6"),
            ("http://1.127.0.0.1.example/", ""),
            ("http://[::1]/", ""),
        ] {
            assert_eq!(sent(file, url), expected, "{url}");
        }
    }

    #[test]
    fn what_no_browser_would_have_taken_is_left_out() {
        for line in [
            ".org\tTRUE\t/\tFALSE\t0\ta\t1",
            ".co.uk\tTRUE\t/\tFALSE\t0\ta\t1",
            "example.org.\tTRUE\t/\tFALSE\t0\ta\t1",
            ".example.org\tTRUE\t/\tFALSE\t0\t__Secure-a\t1",
            ".example.org\tTRUE\t/\tTRUE\t0\t__Host-a\t1",
            "exa mple.org\tTRUE\t/\tFALSE\t0\ta\t1",
            ".example.org\tTRUE\t/\tFALSE\t-1\ta\t1",
        ] {
            for url in ["https://example.org/", "https://example.co.uk/"] {
                assert_eq!(sent(line, url), "", "{line}");
            }
        }
        assert_eq!(sent("localhost\tTRUE\t/\tFALSE\t0\ta\t1", "http://localhost/"), "a=1");
        assert_eq!(sent("example.org\tFALSE\t/\tTRUE\t0\t__Host-a\t1", "https://example.org/"), "__Host-a=1");
        let long = format!("example.org\tFALSE\t/\tFALSE\t0\ta\t{}", "x".repeat(LONGEST_PAIR));
        assert_eq!(sent(&long, "https://example.org/"), "");
    }

    #[test]
    fn a_file_of_another_kind_is_refused_by_line_and_without_its_words() {
        for (text, line) in [
            ("[{\"name\":\"secret\"}]", 1),
            ("# fine\n\nexample.org\tTRUE\t/\tFALSE\t0\tsecret", 0),
            ("a.example\tTRUE\t/\tFALSE\t0\ta\tb\nexample.org TRUE / FALSE 0 secret x", 2),
            ("example.org\tyes\t/\tFALSE\t0\tsecret\tx", 1),
            ("example.org\tTRUE\t/\tFALSE\tsoon\tsecret\tx", 1),
            ("example.org\tTRUE\t/\tFALSE\t0\tsecret\tx;y", 1),
        ] {
            match Jar::parse(text.as_bytes()) {
                Ok(_) => assert_eq!(line, 0, "{text}"),
                Err(error) => {
                    assert_eq!(error.line, line, "{text}");
                    assert!(!error.to_string().contains("secret"));
                }
            }
        }
    }

    #[test]
    fn a_header_stays_within_what_servers_take() {
        let file: String = (0..1_000)
            .map(|number| format!("example.org\tFALSE\t/\tFALSE\t0\tc{number}\t{}\n", "x".repeat(100)))
            .collect();
        let header = sent(&file, "https://example.org/");
        assert!(header.len() <= LONGEST_HEADER && header.len() > LONGEST_HEADER / 2, "{}", header.len());
    }

    #[test]
    fn a_header_takes_cookies_up_to_its_longest_and_no_further() {
        let longest = LONGEST_HEADER - "given; a=".len();
        for (length, is_taken) in [(longest, true), (longest + 1, false)] {
            let cookie = Cookie {
                domain: Host::Domain("example.org".to_owned()),
                below: false,
                path: b"/".as_slice().into(),
                secure: false,
                expires: None,
                name: b"a".as_slice().into(),
                value: vec![b'v'; length].into(),
            };
            let value = header(b"given", [&cookie].into_iter()).unwrap();
            assert_eq!(value.len(), if is_taken { LONGEST_HEADER } else { "given".len() });
        }
    }
}
