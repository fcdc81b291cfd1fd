//! Curl commands as browsers' developer tools copy them, read for what a download needs.

mod words;

use ropeway_model::size;

use super::list::{self, Entry};
use crate::error::ApiError;

/// Request headers that a download sets itself. Browsers copy those of the request they made, which asked for a part, for
/// something newer than they had, or for codings that a file must not have.
const OWN_HEADERS: [&str; 8] = [
    "accept-encoding",
    "connection",
    "content-length",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "range",
];
/// Short options that take a value.
const SHORT_WITH_VALUE: &str = "AbcCdDeEFhHKmoPQrtTuUwxXyYz";
/// Long options that take a value and change nothing about which bytes come.
const WITH_IDLE_VALUE: [&str; 22] = [
    "connect-timeout",
    "continue-at",
    "cookie-jar",
    "dump-header",
    "expect100-timeout",
    "happy-eyeballs-timeout-ms",
    "keepalive-time",
    "max-filesize",
    "max-redirs",
    "max-time",
    "noproxy",
    "parallel-max",
    "retry",
    "retry-delay",
    "retry-max-time",
    "speed-limit",
    "speed-time",
    "stderr",
    "trace",
    "trace-ascii",
    "write-out",
    "http3-only",
];
/// Long options without a value that change nothing about which bytes come. Certificates are checked whatever
/// `--insecure` says.
const IDLE: [&str; 45] = [
    "anyauth",
    "basic",
    "compressed",
    "compressed-ssh",
    "create-dirs",
    "digest",
    "fail",
    "fail-early",
    "fail-with-body",
    "get",
    "globoff",
    "http0.9",
    "http1.0",
    "http1.1",
    "http2",
    "http2-prior-knowledge",
    "http3",
    "include",
    "insecure",
    "ipv4",
    "ipv6",
    "location",
    "location-trusted",
    "no-alpn",
    "no-buffer",
    "no-clobber",
    "no-keepalive",
    "no-progress-meter",
    "parallel",
    "parallel-immediate",
    "path-as-is",
    "progress-bar",
    "remote-header-name",
    "remote-name",
    "remote-name-all",
    "remote-time",
    "retry-all-errors",
    "retry-connrefused",
    "show-error",
    "silent",
    "ssl-reqd",
    "styled-output",
    "tcp-nodelay",
    "tlsv1.2",
    "verbose",
];

/// Whether a text is meant as curl commands.
pub(super) fn is_command(text: &str) -> bool {
    let text = text.trim_start();
    let text = text.strip_prefix("$ ").unwrap_or(text).trim_start();
    let rest = text.strip_prefix("curl.exe").or_else(|| text.strip_prefix("curl"));
    rest.is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

/// Reads curl commands.
///
/// # Errors
/// Options that would make one something else than a download, such as a body to send, and those not known.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, ApiError> {
    let mut entries = Vec::new();
    for mut words in words::commands(text)? {
        if words.first().is_some_and(|word| word == "$") {
            words.remove(0);
        }
        if words.is_empty() || !is_command(&format!("{} ", words[0])) {
            let other = words.into_iter().next().unwrap_or_default();
            return Err(refused(&other, "stands where another curl command was expected"));
        }
        for operation in words[1..].split(|word| word == "--next" || word == "-:") {
            let mut command = Command::default();
            let mut words = operation.iter().cloned();
            while let Some(word) = words.next() {
                command.take(word, &mut words)?;
            }
            entries.extend(command.entries()?);
        }
    }
    Ok(entries)
}

fn refused(what: &str, why: &str) -> ApiError {
    ApiError::bad_params(format!("'{what}' in the curl command {why}"))
}

/// One command, as far as it was read.
#[derive(Default)]
struct Command {
    urls: Vec<String>,
    /// Names in the order of the addresses.
    names: Vec<Option<String>>,
    /// What goes behind the addresses as their query.
    data: Vec<String>,
    is_get: bool,
    own: Entry,
}

impl Command {
    /// Reads one word, and the value of an option from `words`.
    fn take(&mut self, word: String, words: &mut impl Iterator<Item = String>) -> Result<(), ApiError> {
        if let Some(long) = word.strip_prefix("--") {
            let (name, attached) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            return self.option(name, &word, &mut || attached.map(str::to_owned).or_else(|| words.next()));
        }
        match word.as_str() {
            "|" => return Err(refused("|", "hands the file to another command, which is not done here")),
            ">" | ">>" => {
                self.names.extend(words.next().map(|path| file_name(&path)));
                return Ok(());
            }
            "2>&1" | "2>/dev/null" => return Ok(()),
            _ => {}
        }
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            self.urls.push(word);
            return Ok(());
        };
        // Letters are joined, the last may have its value behind it.
        for (at, letter) in letters.char_indices() {
            let shown = format!("-{letter}");
            let name = long_name(letter).ok_or_else(|| unknown(&shown))?;
            if SHORT_WITH_VALUE.contains(letter) {
                let attached = Some(&letters[at + letter.len_utf8()..]).filter(|value| !value.is_empty());
                return self.option(name, &shown, &mut || attached.map(str::to_owned).or_else(|| words.next()));
            }
            self.option(name, &shown, &mut || None)?;
        }
        Ok(())
    }

    /// Reads the option of this long name, written as `shown`.
    fn option(&mut self, name: &str, shown: &str, next: &mut dyn FnMut() -> Option<String>) -> Result<(), ApiError> {
        if IDLE.contains(&name) {
            self.is_get |= name == "get";
            return Ok(());
        }
        if let Some(why) = impossible(name) {
            return Err(refused(shown, why));
        }
        let mut value = || next().ok_or_else(|| refused(shown, "lacks its value"));
        match name {
            "header" => self.header(&value()?)?,
            "user-agent" => self.own.headers.push(format!("User-Agent: {}", value()?)),
            "referer" => {
                let referer = value()?;
                let referer = referer.split(";auto").next().unwrap_or_default();
                self.own.headers.extend(Some(format!("Referer: {referer}")).filter(|_| !referer.is_empty()));
            }
            "cookie" => self.cookie(value()?, shown)?,
            "oauth2-bearer" => self.own.headers.push(format!("Authorization: Bearer {}", value()?)),
            "output" => self.names.push(file_name(&value()?)),
            "output-dir" => self.own.folder = Some(value()?),
            "user" => self.own.login = Some(value()?),
            "netrc" | "netrc-optional" => self.own.netrc = true,
            "cacert" => self.own.ca_file = Some(absolute(value()?, shown)?),
            "proxy" | "socks4" | "socks4a" | "socks5" | "socks5-hostname" => {
                self.own.proxy = Some(proxy(name, &value()?)?);
            }
            "limit-rate" => {
                let rate = value()?;
                let bytes = size::parse(&rate).filter(|bytes| *bytes > 0);
                self.own.rate_limit = Some(bytes.ok_or_else(|| refused(&rate, "is no rate"))?);
            }
            "url" => self.urls.push(value()?),
            "request" => {
                let method = value()?;
                if !method.eq_ignore_ascii_case("GET") {
                    return Err(refused(&method, "is another method than GET: only files are asked for"));
                }
            }
            "data" | "data-raw" | "data-ascii" | "data-binary" => self.data.push(value()?),
            "data-urlencode" => self.data.push(encoded(&value()?)),
            idle if WITH_IDLE_VALUE.contains(&idle) => drop(value()?),
            _ => return Err(unknown(shown)),
        }
        Ok(())
    }

    fn header(&mut self, header: &str) -> Result<(), ApiError> {
        let Some((name, value)) = header.split_once(':') else {
            // `Name;` sends a header without a value, which nobody misses.
            return if header.ends_with(';') { Ok(()) } else { Err(refused(header, "is no header")) };
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "range" && !value.eq_ignore_ascii_case("bytes=0-") {
            return Err(refused(header, "asks for a part of the file"));
        }
        // One without a value takes away what curl would send.
        if !value.is_empty() && !OWN_HEADERS.contains(&name.as_str()) {
            self.own.headers.push(header.to_owned());
        }
        Ok(())
    }

    fn cookie(&mut self, cookie: String, shown: &str) -> Result<(), ApiError> {
        if cookie.contains('=') {
            self.own.headers.push(format!("Cookie: {cookie}"));
        } else if !cookie.is_empty() {
            self.own.cookie_file = Some(absolute(cookie, shown)?);
        }
        Ok(())
    }

    /// An entry for each address.
    fn entries(self) -> Result<Vec<Entry>, ApiError> {
        if !self.data.is_empty() && !self.is_get {
            return Err(ApiError::bad_params("the curl command sends data: only files are asked for"));
        }
        let mut names = self.names.into_iter();
        let entry = |url: String| {
            let mut address = url;
            if !address.contains("://") {
                address.insert_str(0, "http://");
            }
            for data in &self.data {
                let (head, fragment) = address.split_at(address.find('#').unwrap_or(address.len()));
                let joint = if head.contains('?') { '&' } else { '?' };
                // Data are of the query, whatever is in them.
                address = format!("{head}{joint}{}{fragment}", data.replace('#', "%23"));
            }
            // A line break within an address counts for nothing (URL Standard, basic URL parser).
            let address = address.replace(['\r', '\n'], "");
            Entry { addresses: vec![address], name: names.next().flatten(), ..self.own.clone() }
        };
        Ok(self.urls.into_iter().map(entry).collect())
    }
}

fn unknown(shown: &str) -> ApiError {
    refused(shown, "is an option that is not known here: take it out if the file comes without it")
}

/// Why a command with this option is no download that can be taken over; `None` for any other.
fn impossible(name: &str) -> Option<&'static str> {
    Some(match name {
        "form" | "form-string" | "json" | "upload-file" | "data-stdin" => "sends something: only files are asked for",
        "head" => "asks for the head alone, which is no file",
        "range" => "asks for a part of the file",
        "cert" | "key" | "cert-type" | "pass" => "needs a certificate of the user's, which is not supported",
        "proxy-user" => "is written into the proxy's address here: user:password@host",
        "config" => "names a file with further options, which is not read",
        "resolve"
        | "connect-to"
        | "interface"
        | "dns-servers"
        | "unix-socket"
        | "abstract-unix-socket"
        | "preproxy" => "changes the way to the server, which is not supported",
        "time-cond" => "asks only for what is newer",
        _ => return None,
    })
}

/// The long name of a short option.
fn long_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        '#' => "progress-bar",
        '0' => "http1.0",
        '4' => "ipv4",
        '6' => "ipv6",
        'A' => "user-agent",
        'b' => "cookie",
        'c' => "cookie-jar",
        'C' => "continue-at",
        'd' => "data",
        'D' => "dump-header",
        'e' => "referer",
        'E' => "cert",
        'f' => "fail",
        'F' => "form",
        'g' => "globoff",
        'G' => "get",
        'H' => "header",
        'i' => "include",
        'I' => "head",
        'J' => "remote-header-name",
        'k' => "insecure",
        'K' => "config",
        'L' => "location",
        'm' => "max-time",
        'n' => "netrc",
        'N' => "no-buffer",
        'o' => "output",
        'O' => "remote-name",
        'r' => "range",
        'R' => "remote-time",
        's' => "silent",
        'S' => "show-error",
        'T' => "upload-file",
        'u' => "user",
        'U' => "proxy-user",
        'v' => "verbose",
        'w' => "write-out",
        'x' => "proxy",
        'X' => "request",
        'y' => "speed-time",
        'Y' => "speed-limit",
        'z' => "time-cond",
        'Z' => "parallel",
        _ => return None,
    })
}

/// The name in a path; `None` for a stream.
fn file_name(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty())?;
    (path != "-" && !path.starts_with("/dev/")).then(|| name.to_owned())
}

fn absolute(path: String, shown: &str) -> Result<String, ApiError> {
    if std::path::Path::new(&path).is_absolute() {
        Ok(path)
    } else {
        Err(refused(shown, "names a file whose folder is not known here: write its whole path"))
    }
}

/// `content`, `=content` or `name=content` with the content percent-encoded, as curl does it.
fn encoded(data: &str) -> String {
    let (name, content) = data.split_once('=').unwrap_or(("", data));
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    let content: String = content.bytes().map(encode).collect();
    if name.is_empty() { content } else { format!("{name}={content}") }
}

/// The proxy that one of the options of this long name names.
fn proxy(name: &str, text: &str) -> Result<String, ApiError> {
    let scheme = match name {
        "proxy" => "http",
        "socks5-hostname" => "socks5h",
        other => other,
    };
    list::proxy(scheme, text).map_err(ApiError::bad_params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Entry {
        let mut entries = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(entries.len(), 1, "{text}");
        entries.remove(0)
    }

    #[test]
    fn a_command_copied_from_a_browser_becomes_a_download() {
        let text = "curl 'https://example.org/a.iso?x=1' \\\n  -H 'Accept-Encoding: gzip' \\\n  -H 'X-Key: it'\\''s' \\\n  \
                    -b 'a=b' --compressed -o /tmp/b.iso -u me:secret -H 'Range: bytes=0-' -H 'If-None-Match: \"x\"'";
        let command = one(text);
        assert_eq!(command.addresses, ["https://example.org/a.iso?x=1"]);
        assert_eq!(command.headers, ["X-Key: it's", "Cookie: a=b"]);
        assert_eq!((command.name.as_deref(), command.login.as_deref()), (Some("b.iso"), Some("me:secret")));
        let escaped = one(r"curl $'https://example.org/a\u0021b' -H $'cookie: t=\u0021x' -A 'Mozilla'");
        assert_eq!(escaped.addresses, ["https://example.org/a!b"]);
        assert_eq!(escaped.headers, ["cookie: t=!x", "User-Agent: Mozilla"]);
    }

    #[test]
    fn a_proxy_may_be_written_as_curl_takes_it() {
        for (flag, proxy) in [
            ("-x proxy:3128", Some("http://proxy:3128")),
            ("--proxy socks4a://proxy", Some("socks4a://proxy")),
            ("--socks5-hostname tor:9050", Some("socks5h://tor:9050")),
            ("--socks5 tor", Some("socks5://tor")),
            ("-x ftp://proxy", None),
        ] {
            let had = parse(&format!("curl {flag} https://a.example/f")).ok().and_then(|mut all| all.remove(0).proxy);
            assert_eq!(had.as_deref(), proxy, "{flag}");
        }
    }

    #[test]
    fn flags_may_be_joined_and_common_ones_are_taken() {
        for flags in [
            "-sSLO",
            "-fsSLo f.bin",
            "-sSLof.bin",
            "-LJO -k -4 -# -Z",
            "-HX-Key:1",
            "-XGET",
            "-C - --retry 5 --retry-all-errors -m 10 --connect-timeout=3",
            "--tlsv1.2 --proto-redir=x",
            "-w '%{http_code}' -c jar -D head -i -v -N -R --no-progress-meter",
            "--create-dirs --output-dir /data -o a/b/f.bin",
        ] {
            let result = parse(&format!("curl {flags} https://a.example/f.bin"));
            if flags.contains("--proto-redir") {
                assert!(result.unwrap_err().to_string().contains("--proto-redir=x"));
                continue;
            }
            assert_eq!(
                result.unwrap_or_else(|error| panic!("{flags}: {error}"))[0].addresses,
                ["https://a.example/f.bin"]
            );
        }
        assert_eq!(one("curl -fsSLof.bin a.example/x").name.as_deref(), Some("f.bin"));
        assert_eq!(one("curl a.example/x").addresses, ["http://a.example/x"]);
        assert_eq!(one("curl -HX-Key:1 a.example/x").headers, ["X-Key:1"]);
        assert_eq!(one("curl --limit-rate 2M a.example/x").rate_limit, Some(2 << 20));
        assert_eq!(one("curl -o - a.example/x").name, None);
        assert_eq!(one("curl a.example/x > f.bin 2>/dev/null").name.as_deref(), Some("f.bin"));
        assert_eq!(
            one("curl -G -d x=1 --data-urlencode 'q=a b' 'a.example/x?z=0'").addresses,
            ["http://a.example/x?z=0&x=1&q=a%20b"]
        );
        assert_eq!(one("curl -G -d $'x=#1\\n' a.example/x#z").addresses, ["http://a.example/x?x=%231#z"]);
    }

    #[test]
    fn what_says_who_asks_is_taken_from_every_option_that_says_so() {
        for (flags, headers, login, netrc) in [
            ("--oauth2-bearer secret", &["Authorization: Bearer secret"][..], None, false),
            ("-e https://h/", &["Referer: https://h/"], None, false),
            ("-e ';auto'", &[], None, false),
            ("-u me:secret", &[], Some("me:secret"), false),
            ("-n", &[], None, true),
            ("--netrc-optional", &[], None, true),
        ] {
            let entry = one(&format!("curl {flags} a.example/x"));
            assert_eq!(
                (&entry.headers[..], entry.login.as_deref(), entry.netrc),
                (&headers.iter().map(ToString::to_string).collect::<Vec<_>>()[..], login, netrc),
                "{flags}"
            );
        }
        assert_eq!(one("curl --url a.example/x").addresses, ["http://a.example/x"]);
        assert_eq!(one("curl --cacert /etc/ca.pem a.example/x").ca_file.as_deref(), Some("/etc/ca.pem"));
    }

    #[test]
    fn every_short_option_is_known_by_its_letter() {
        let plain = "#046fgGiJkLNORsSvZ";
        for letter in plain.chars() {
            assert!(parse(&format!("curl -{letter} a.example/x")).is_ok(), "-{letter}");
        }
        for letter in "AcCDemouwyY".chars() {
            assert!(parse(&format!("curl -{letter} 1 a.example/x")).is_ok(), "-{letter}");
        }
        for option in ["-b a=b", "-H 'X-Key: 1'", "-x proxy:1", "-X GET", "-G -d a=b"] {
            assert!(parse(&format!("curl {option} a.example/x")).is_ok(), "{option}");
        }
        for (letter, why) in [
            ('E', "certificate"),
            ('F', "sends something"),
            ('I', "the head alone"),
            ('K', "further options"),
            ('r', "a part of the file"),
            ('T', "sends something"),
            ('U', "user:password@host"),
            ('z', "only for what is newer"),
            ('P', "not known here"),
        ] {
            let error = parse(&format!("curl -{letter} 1 a.example/x")).unwrap_err().to_string();
            assert!(error.contains(why), "-{letter}: {error}");
        }
    }

    #[test]
    fn several_commands_and_addresses_keep_what_is_their_own() {
        let entries =
            parse("curl -o a a.example/1 -o b a.example/2 ;\ncurl -H 'k: 1' a.example/3 --next a.example/4").unwrap();
        let shown: Vec<_> = entries
            .iter()
            .map(|entry| (entry.addresses[0].as_str(), entry.name.as_deref(), entry.headers.len()))
            .collect();
        assert_eq!(
            shown,
            [
                ("http://a.example/1", Some("a"), 0),
                ("http://a.example/2", Some("b"), 0),
                ("http://a.example/3", None, 1),
                ("http://a.example/4", None, 0)
            ]
        );
    }

    #[test]
    fn a_command_that_is_no_download_is_refused_with_what_is_the_matter() {
        for (text, words) in [
            ("curl -d x=1 https://a.example/", "sends data"),
            ("curl -F x=1 https://a.example/", "sends something"),
            ("curl -X POST https://a.example/", "another method"),
            ("curl -I https://a.example/", "head alone"),
            ("curl -r 0-9 https://a.example/", "part of the file"),
            ("curl -H 'Range: bytes=5-' https://a.example/", "part of the file"),
            ("curl --resolve a:1:b https://a.example/", "the way to the server"),
            ("curl -sQ https://a.example/", "-Q"),
            ("curl 'https://a", "quotation"),
            ("curl -H", "lacks its value"),
            ("curl https://a.example/ | sh", "|"),
            ("curl a.example/1\nwget a.example/2", "wget"),
        ] {
            let error = parse(text).map(|entries| entries.len()).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn only_a_curl_command_is_read_as_one() {
        for (text, is) in [
            ("  curl https://a.example/", true),
            ("curl.exe \"https://a.example/\"", true),
            ("$ curl https://a.example/", true),
            ("https://curl.se/", false),
            ("curly x", false),
            ("curl", false),
        ] {
            assert_eq!(is_command(text), is, "{text}");
        }
    }
}
