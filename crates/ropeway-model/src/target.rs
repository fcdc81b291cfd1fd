//! Where an upload goes, as the user writes it.

use std::{fmt, str::FromStr};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{SafeUrl, UploadName, UrlParseError};

/// What a form field's name may not hold in a fragment as it stands (URL Standard, fragment percent-encode set, with
/// the sign of the encoding itself and the one between options).
const FIELD: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'%').add(b'&');

/// How the bytes are sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum UploadProtocol {
    /// One streaming `PUT` (RFC 9110 §9.3.4).
    Put,
    /// One streaming `multipart/form-data` POST (RFC 7578) with the file in `field`.
    Form {
        /// The form field that carries the file.
        field: String,
    },
    /// An upload created at the address and appended to, resumable (tus 1.0.0).
    Tus,
}

impl UploadProtocol {
    /// What stands before the address of a target, with its `+`.
    const fn prefix(&self) -> &'static str {
        match self {
            Self::Put => "",
            Self::Form { .. } => "form+",
            Self::Tus => "tus+",
        }
    }

    /// True where a server keeps broken uploads and goes on behind them.
    pub const fn resumes(&self) -> bool {
        match self {
            Self::Put | Self::Form { .. } => false,
            Self::Tus => true,
        }
    }

    /// Whether the server chooses where a file lies and how it is called there.
    pub const fn is_named_by_server(&self) -> bool {
        match self {
            Self::Put => false,
            Self::Form { .. } | Self::Tus => true,
        }
    }
}

/// What a server of uploads is asked and believed, where the defaults do not fit it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TargetOptions {
    /// `verify=off`: the server is not asked afterwards what it stored.
    pub unasked: bool,
    /// `accept=html`: a web page in answer to a PUT acknowledges it.
    pub accepts_pages: bool,
    /// `case=exact`: the server tells `a.txt` from `A.TXT`.
    pub exact_case: bool,
}

/// A server's address for uploads with the protocol to speak.
///
/// Written `https://host/folder/` (PUT; a path that ends in `/` gets the file's name),
/// `form+https://host/path#field=file` (multipart POST) or `tus+https://host/files/` (tus, the address that creates
/// uploads). Options stand behind `#`, for a form behind its field, joined by `&`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadTarget {
    protocol: UploadProtocol,
    url: SafeUrl,
    options: TargetOptions,
}

/// A text that is no upload target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetParseError {
    /// The URL itself is broken.
    #[error(transparent)]
    Url(#[from] UrlParseError),
    /// No driver speaks this scheme.
    #[error(
        "uploads to {scheme}:// are not supported; use https://… (PUT), tus+https://… or form+https://…#field=file"
    )]
    SchemeUnsupported {
        /// The scheme as written.
        scheme: String,
    },
    /// A form without the name of its file field.
    #[error("a form target ends in #field=NAME, the name of its file field")]
    FieldMissing,
    /// Behind `#` stands something that is no option.
    #[error("'#{text}' is no option of a target; known: verify=off, accept=html, case=exact; write # in a name as %23")]
    OptionUnknown {
        /// What is written there, shortened.
        text: String,
    },
}

impl UploadTarget {
    /// The protocol to speak.
    pub const fn protocol(&self) -> &UploadProtocol {
        &self.protocol
    }

    /// The address as given, without the protocol's prefix and the options.
    pub const fn url(&self) -> &SafeUrl {
        &self.url
    }

    /// Scheme of the target as it is written, such as `https` or `tus+https`.
    pub fn scheme(&self) -> String {
        format!("{}{}", self.protocol.prefix(), self.url.expose().scheme())
    }

    /// What the server is asked and believed.
    pub const fn options(&self) -> TargetOptions {
        self.options
    }

    /// Whether each file gets an address of its own below this one.
    pub fn is_folder(&self) -> bool {
        self.protocol == UploadProtocol::Put && self.url.expose().path().ends_with('/')
    }

    /// The same target as a folder: a PUT to it gets the file's name. An address with a query is taken as it is, since
    /// what it leads to may be signed.
    #[must_use]
    pub fn as_folder(&self) -> Self {
        let is_file = self.protocol == UploadProtocol::Put && !self.is_folder() && self.url.expose().query().is_none();
        if is_file { Self { url: self.extended("/"), ..self.clone() } } else { self.clone() }
    }

    /// The target one or more folders deeper, for the files of a folder that is uploaded as a whole. Only a PUT to a
    /// folder has places below it; other targets stay as they are.
    #[must_use]
    pub fn below<'a>(&self, folders: impl IntoIterator<Item = &'a UploadName>) -> Self {
        if !self.is_folder() {
            return self.clone();
        }
        let segments: String = folders.into_iter().map(|folder| folder.segment() + "/").collect();
        Self { url: self.extended(&segments), ..self.clone() }
    }

    /// The same target without a login in its address.
    #[must_use]
    pub fn without_login(&self) -> Self {
        Self { url: SafeUrl::without_login(self.url.expose().clone()), ..self.clone() }
    }

    /// The address for one file: a PUT to a folder gets the file's name, percent-encoded.
    pub fn url_for(&self, name: &UploadName) -> SafeUrl {
        if self.is_folder() { self.extended(&name.segment()) } else { self.url.clone() }
    }

    fn extended(&self, segments: &str) -> SafeUrl {
        let mut url = self.url.expose().clone();
        url.set_path(&format!("{}{segments}", url.path()));
        url.into()
    }
}

impl TargetOptions {
    /// Takes one option.
    fn take(&mut self, option: &str) -> bool {
        match option {
            "verify=off" => self.unasked = true,
            "accept=html" => self.accepts_pages = true,
            "case=exact" => self.exact_case = true,
            _ => return false,
        }
        true
    }

    /// Takes the options from the end of a text; gives back what stands before them.
    fn take_from_end<'a>(&mut self, text: &'a str) -> &'a str {
        match text.rsplit_once('&') {
            Some((before, last)) if self.take(last) => self.take_from_end(before),
            _ => text,
        }
    }

    fn written(self) -> impl Iterator<Item = &'static str> {
        let all = [(self.unasked, "verify=off"), (self.accepts_pages, "accept=html"), (self.exact_case, "case=exact")];
        all.into_iter().filter_map(|(is_on, option)| is_on.then_some(option))
    }
}

impl FromStr for UploadTarget {
    type Err = TargetParseError;

    fn from_str(text: &str) -> Result<Self, TargetParseError> {
        let text = text.trim();
        let (prefix, address) = split_prefix(text);
        let parsed: SafeUrl = address.parse()?;
        let scheme = parsed.expose().scheme();
        if !matches!(scheme, "http" | "https") {
            return Err(TargetParseError::SchemeUnsupported { scheme: scheme.to_owned() });
        }
        let mut url = parsed.expose().clone();
        url.set_fragment(None);
        let fragment = parsed.expose().fragment().unwrap_or_default();
        let mut options = TargetOptions::default();
        let protocol = if prefix == Prefix::Form {
            let coded = options.take_from_end(fragment).strip_prefix("field=");
            let field = coded.and_then(|coded| percent_decode_str(coded).decode_utf8().ok());
            let field = field.filter(|field| !field.is_empty()).ok_or(TargetParseError::FieldMissing)?;
            UploadProtocol::Form { field: field.into_owned() }
        } else {
            let unknown = fragment.split('&').filter(|option| !option.is_empty()).find(|option| !options.take(option));
            if let Some(unknown) = unknown {
                // A password with a # in it is cut there: none of it is shown.
                let shown = unknown.rsplit_once('@').map_or(unknown, |(_, rest)| rest);
                return Err(TargetParseError::OptionUnknown { text: shown.chars().take(40).collect() });
            }
            if prefix == Prefix::Tus { UploadProtocol::Tus } else { UploadProtocol::Put }
        };
        Ok(Self { protocol, url: url.into(), options })
    }
}

/// Protocol as it stands before an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    None,
    Form,
    Tus,
}

fn split_prefix(text: &str) -> (Prefix, &str) {
    match text.split_once('+') {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("form") => (Prefix::Form, rest),
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("tus") => (Prefix::Tus, rest),
        _ => (Prefix::None, text),
    }
}

impl TryFrom<String> for UploadTarget {
    type Error = TargetParseError;

    fn try_from(text: String) -> Result<Self, TargetParseError> {
        text.parse()
    }
}

impl From<UploadTarget> for String {
    fn from(target: UploadTarget) -> Self {
        let url = Self::from(target.url.clone());
        target.written(&url)
    }
}

impl fmt::Display for UploadTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written(&self.url.to_string()))
    }
}

impl UploadTarget {
    /// The target with its address as `url`.
    fn written(&self, url: &str) -> String {
        let before = self.protocol.prefix();
        let field = match &self.protocol {
            UploadProtocol::Put | UploadProtocol::Tus => None,
            UploadProtocol::Form { field } => Some(format!("field={}", utf8_percent_encode(field, FIELD))),
        };
        let behind = field.into_iter().chain(self.options.written().map(str::to_owned)).collect::<Vec<_>>().join("&");
        if behind.is_empty() { format!("{before}{url}") } else { format!("{before}{url}#{behind}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_to_a_folder_gets_the_file_name_and_nothing_escapes() {
        let name = UploadName::from("a b#?%.bin");
        let folder: UploadTarget = "https://nas.example/in/".parse().unwrap();
        assert_eq!(folder.url_for(&name).expose().path(), "/in/a%20b%23%3F%25.bin");
        let exact: UploadTarget = "https://nas.example/in/fixed.bin".parse().unwrap();
        assert_eq!(exact.url_for(&name).expose().path(), "/in/fixed.bin");
    }

    #[test]
    fn a_target_without_its_login_is_otherwise_the_same() {
        for (text, without) in [
            ("https://user:password@nas.example/in/", "https://nas.example/in/"),
            ("form+https://user@nas.example/up#field=file", "form+https://nas.example/up#field=file"),
            ("https://nas.example/in/", "https://nas.example/in/"),
        ] {
            let (target, expected): (UploadTarget, UploadTarget) = (text.parse().unwrap(), without.parse().unwrap());
            assert_eq!(target.without_login(), expected, "{text}");
        }
    }

    #[test]
    fn a_target_without_a_final_slash_becomes_a_folder_where_one_is_meant() {
        for (text, folder) in [
            ("https://nas.example/in", "https://nas.example/in/"),
            ("https://nas.example/in/#verify=off", "https://nas.example/in/#verify=off"),
            ("https://nas.example/in?signature=x", "https://nas.example/in?signature=x"),
            ("form+https://nas.example/up#field=file", "form+https://nas.example/up#field=file"),
        ] {
            assert_eq!(text.parse::<UploadTarget>().unwrap().as_folder(), folder.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn a_folder_below_a_target_is_part_of_the_address() {
        let folder: UploadTarget = "https://nas.example/in/".parse().unwrap();
        assert_eq!(
            folder.below(&[UploadName::from("day 3"), "..b\\c".into()]).url().expose().path(),
            "/in/day%203/..b%5Cc/"
        );
        assert_eq!(folder.below(&[]), folder);
        let form: UploadTarget = "form+https://nas.example/up#field=file".parse().unwrap();
        assert_eq!(form.below(&["a".into()]), form);
    }

    #[test]
    fn a_target_survives_its_own_text() {
        for (text, scheme) in [
            ("https://nas.example/in/", "https"),
            ("form+http://127.0.0.1:8080/up?x=1#field=file", "form+http"),
            ("tus+https://tus.example/files/#verify=off", "tus+https"),
        ] {
            let target: UploadTarget = text.parse().unwrap();
            assert_eq!((target.scheme(), String::from(target)), (scheme.to_owned(), text.to_owned()));
        }
        let shouted: UploadTarget = "TUS+https://tus.example/files".parse().unwrap();
        assert_eq!(shouted.protocol(), &UploadProtocol::Tus);
    }

    #[test]
    fn every_file_of_a_tus_target_is_created_at_its_one_address() {
        let target: UploadTarget = "tus+https://tus.example/files/".parse().unwrap();
        assert_eq!(target.url_for(&UploadName::from("a.bin")), *target.url());
        assert_eq!(
            (target.below(&["a".into()]), target.as_folder(), target.is_folder()),
            (target.clone(), target, false)
        );
    }

    #[test]
    fn options_stand_behind_the_address_and_an_unknown_one_is_refused() {
        for (text, expected) in [
            ("https://nas.example/in/", TargetOptions::default()),
            ("https://nas.example/in/#verify=off", TargetOptions { unasked: true, ..TargetOptions::default() }),
            (
                "https://nas.example/in/#accept=html&case=exact",
                TargetOptions { accepts_pages: true, exact_case: true, ..TargetOptions::default() },
            ),
            (
                "form+https://nas.example/up#field=a%26b&verify=off",
                TargetOptions { unasked: true, ..TargetOptions::default() },
            ),
        ] {
            let target: UploadTarget = text.parse().unwrap();
            assert_eq!((target.options(), String::from(target.clone())), (expected, text.to_owned()));
            assert_eq!(target.below(&["a".into()]).options(), expected);
        }
        let hashed = "https://nas.example/in/#1.bin".parse::<UploadTarget>();
        assert_eq!(hashed, Err(TargetParseError::OptionUnknown { text: "1.bin".to_owned() }));
        assert!("https://nas.example/in/#verify=of".parse::<UploadTarget>().is_err());
    }

    #[test]
    fn a_field_is_decoded_once_and_survives_its_own_text() {
        for (text, field) in [
            ("form+https://nas.example/up#field=my \"file\"", "my \"file\""),
            ("form+https://nas.example/up#field=a%20b%2541", "a b%41"),
            ("form+https://nas.example/up#field=ä#b", "ä#b"),
            ("form+https://nas.example/up#field=a&b", "a&b"),
        ] {
            let target: UploadTarget = text.parse().unwrap();
            assert_eq!(target.protocol(), &UploadProtocol::Form { field: field.to_owned() });
            assert_eq!(String::from(target.clone()).parse::<UploadTarget>().unwrap(), target);
        }
        assert!("form+https://nas.example/up#field=%ff".parse::<UploadTarget>().is_err());
    }

    #[test]
    fn what_no_driver_speaks_is_refused_by_name() {
        for text in [
            "gopher://host/x",
            "tus+ftp://host/x",
            "s3+https://host/x",
            "form+https://host/x",
            "form+https://host/x#field=",
            "nonsense",
            "file:///etc",
        ] {
            assert!(text.parse::<UploadTarget>().is_err(), "{text}");
        }
    }
}
