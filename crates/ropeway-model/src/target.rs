//! Where an upload goes, as the user writes it.

use std::{fmt, str::FromStr};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{FileName, SafeUrl, UrlParseError};

/// What a form field's name may not hold in a fragment as it stands (URL Standard, fragment percent-encode set, with
/// the sign of the encoding itself).
const FIELD: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'%');

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
}

/// A server's address for uploads with the protocol to speak.
///
/// Written `https://host/folder/` (PUT; a path that ends in `/` gets the file's name) or
/// `form+https://host/path#field=file` (multipart POST).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadTarget {
    protocol: UploadProtocol,
    url: SafeUrl,
}

/// A text that is no upload target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetParseError {
    /// The URL itself is broken.
    #[error(transparent)]
    Url(#[from] UrlParseError),
    /// No driver speaks this scheme.
    #[error("uploads to {scheme}:// are not supported; use https://… (PUT) or form+https://…#field=file")]
    SchemeUnsupported {
        /// The scheme as written.
        scheme: String,
    },
    /// A form without the name of its file field.
    #[error("a form target ends in #field=NAME, the name of its file field")]
    FieldMissing,
}

impl UploadTarget {
    /// The protocol to speak.
    pub const fn protocol(&self) -> &UploadProtocol {
        &self.protocol
    }

    /// The address as given, without the form prefix and field.
    pub const fn url(&self) -> &SafeUrl {
        &self.url
    }

    /// The target one or more folders deeper, for the files of a folder that is uploaded as a whole. Only a PUT to a
    /// folder has places below it; other targets stay as they are.
    #[must_use]
    pub fn below<'a>(&self, folders: impl IntoIterator<Item = &'a str>) -> Self {
        if self.protocol != UploadProtocol::Put || !self.url.expose().path().ends_with('/') {
            return self.clone();
        }
        let mut url = self.url.expose().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(folders).push("");
        }
        Self { protocol: self.protocol.clone(), url: url.into() }
    }

    /// The address for one file: a PUT to a folder gets the file's name, percent-encoded.
    pub fn url_for(&self, name: &FileName) -> SafeUrl {
        if self.protocol != UploadProtocol::Put || !self.url.expose().path().ends_with('/') {
            return self.url.clone();
        }
        let mut url = self.url.expose().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(name.as_str());
        }
        SafeUrl::from(url)
    }
}

impl FromStr for UploadTarget {
    type Err = TargetParseError;

    fn from_str(text: &str) -> Result<Self, TargetParseError> {
        let text = text.trim();
        let (address, is_form) = text.strip_prefix("form+").map_or((text, false), |rest| (rest, true));
        let parsed: SafeUrl = address.parse()?;
        let scheme = parsed.expose().scheme();
        if !matches!(scheme, "http" | "https") {
            return Err(TargetParseError::SchemeUnsupported { scheme: scheme.to_owned() });
        }
        let mut url = parsed.expose().clone();
        url.set_fragment(None);
        let protocol = if is_form {
            let coded = parsed.expose().fragment().and_then(|fragment| fragment.strip_prefix("field="));
            let field = coded.and_then(|coded| percent_decode_str(coded).decode_utf8().ok());
            let field = field.filter(|field| !field.is_empty()).ok_or(TargetParseError::FieldMissing)?;
            UploadProtocol::Form { field: field.into_owned() }
        } else {
            UploadProtocol::Put
        };
        Ok(Self { protocol, url: url.into() })
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
        let url = Self::from(target.url);
        match target.protocol {
            UploadProtocol::Put => url,
            UploadProtocol::Form { field } => {
                format!("form+{url}#field={}", utf8_percent_encode(&field, FIELD))
            }
        }
    }
}

impl fmt::Display for UploadTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.protocol {
            UploadProtocol::Put => write!(formatter, "{}", self.url),
            UploadProtocol::Form { field } => {
                write!(formatter, "form+{}#field={}", self.url, utf8_percent_encode(field, FIELD))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_to_a_folder_gets_the_file_name_and_nothing_escapes() {
        let name: FileName = "a b#?%.bin".parse().unwrap();
        let folder: UploadTarget = "https://nas.example/in/".parse().unwrap();
        assert_eq!(folder.url_for(&name).expose().path(), "/in/a%20b%23%3F%25.bin");
        let exact: UploadTarget = "https://nas.example/in/fixed.bin".parse().unwrap();
        assert_eq!(exact.url_for(&name).expose().path(), "/in/fixed.bin");
    }

    #[test]
    fn a_folder_below_a_target_is_part_of_the_address() {
        let folder: UploadTarget = "https://nas.example/in/".parse().unwrap();
        assert_eq!(folder.below(["day 3", "a"]).url().expose().path(), "/in/day%203/a/");
        assert_eq!(folder.below([]), folder);
        let form: UploadTarget = "form+https://nas.example/up#field=file".parse().unwrap();
        assert_eq!(form.below(["a"]), form);
    }

    #[test]
    fn a_target_survives_its_own_text() {
        for text in ["https://nas.example/in/", "form+http://127.0.0.1:8080/up?x=1#field=file"] {
            let target: UploadTarget = text.parse().unwrap();
            assert_eq!(String::from(target), text);
        }
    }

    #[test]
    fn a_field_is_decoded_once_and_survives_its_own_text() {
        for (text, field) in [
            ("form+https://nas.example/up#field=my \"file\"", "my \"file\""),
            ("form+https://nas.example/up#field=a%20b%2541", "a b%41"),
            ("form+https://nas.example/up#field=ä#b", "ä#b"),
        ] {
            let target: UploadTarget = text.parse().unwrap();
            assert_eq!(target.protocol(), &UploadProtocol::Form { field: field.to_owned() });
            assert_eq!(String::from(target.clone()).parse::<UploadTarget>().unwrap(), target);
        }
        assert!("form+https://nas.example/up#field=%ff".parse::<UploadTarget>().is_err());
    }

    #[test]
    fn what_no_driver_speaks_is_refused_by_name() {
        for text in ["gopher://host/x", "form+https://host/x", "form+https://host/x#field=", "nonsense", "file:///etc"]
        {
            assert!(text.parse::<UploadTarget>().is_err(), "{text}");
        }
    }
}
