//! Header fields of a user, bound to the one server that the user named.

use serde::{Deserialize, Serialize};
use url::{Origin, Position, Url};

use crate::{HeaderField, SafeUrl};

/// What is kept as the origin of fields whose user typed no address.
const NOBODY: &str = "";

/// Header fields bound to the origin that their user typed.
///
/// They leave this type only against the address of a request: to another origin goes no field that may be a secret,
/// whoever named the address (a redirect, a document, a mirror).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// In its ASCII serialization; `None` where the user typed no address.
    origin: Option<String>,
    fields: Vec<HeaderField>,
}

impl Secrets {
    /// Fields for the origin of an address that the user typed.
    pub fn of(typed: &SafeUrl, fields: Vec<HeaderField>) -> Self {
        Self { origin: serialized(typed.expose()), fields }
    }

    /// Fields of a user who typed no address, as with a document of this machine: none that may be a secret is ever sent.
    pub const fn of_nobody(fields: Vec<HeaderField>) -> Self {
        Self { origin: None, fields }
    }

    /// Whether `address` lies in the origin that the user typed.
    pub fn are_for(&self, address: &Url) -> bool {
        self.origin.as_deref().is_some_and(|origin| is_origin_of(origin, address))
    }

    /// The fields that a request to `address` may carry.
    pub fn fields_for<'a>(&'a self, address: &'a Url) -> impl Iterator<Item = &'a HeaderField> + use<'a> {
        let are_for = self.are_for(address);
        self.fields.iter().filter(move |field| are_for || field.may_go_to(address))
    }

    /// The origin that the user typed.
    pub fn origin(&self) -> Option<Origin> {
        self.origin.as_deref().and_then(|origin| Url::parse(origin).ok()).map(|url| url.origin())
    }

    /// Names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(HeaderField::name)
    }

    /// Whether a field may be a secret.
    pub fn hold_any(&self) -> bool {
        self.fields.iter().any(HeaderField::may_be_secret)
    }

    /// The fields for another address that the user typed in the place of the first: secrets stay behind where its
    /// origin is another one.
    #[must_use]
    pub fn for_link(&self, link: &SafeUrl) -> Self {
        let are_for = self.are_for(link.expose());
        let fields = self.fields.iter().filter(|field| are_for || !field.may_be_secret());
        Self::of(link, fields.cloned().collect())
    }

    /// The fields and their origin as they are kept beside the address `own`, whose origin is left out.
    pub fn split(&self, own: &SafeUrl) -> (&[HeaderField], Option<&str>) {
        let origin = self.origin.as_deref().unwrap_or(NOBODY);
        (&self.fields, Some(origin).filter(|_| !self.are_for(own.expose())))
    }

    /// What [`Secrets::split`] took apart.
    pub fn join(fields: Vec<HeaderField>, origin: Option<String>, own: &SafeUrl) -> Self {
        match origin {
            None => Self::of(own, fields),
            Some(origin) => Self { origin: Some(origin).filter(|origin| origin != NOBODY), fields },
        }
    }
}

/// The origin in ASCII (RFC 6454 §6.2); `None` for one that nothing equals.
fn serialized(address: &Url) -> Option<String> {
    let origin = address.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// Whether `origin` is the serialized origin of an address.
fn is_origin_of(origin: &str, address: &Url) -> bool {
    // Asked for each request: an address of the web begins with its origin, unless a login stands between.
    let is_plain =
        address.username().is_empty() && address.password().is_none() && matches!(address.scheme(), "http" | "https");
    if is_plain { &address[..Position::BeforePath] == origin } else { serialized(address).as_deref() == Some(origin) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<HeaderField> {
        [("Authorization", "Bearer x"), ("X-Api-Key", "y"), ("User-Agent", "z"), ("Referer", "https://a.example/")]
            .map(|(name, value)| HeaderField::new(name, value).unwrap())
            .into()
    }

    fn url(text: &str) -> SafeUrl {
        text.parse().unwrap()
    }

    fn sent(secrets: &Secrets, to: &str) -> Vec<String> {
        secrets.fields_for(url(to).expose()).map(|field| field.name().to_owned()).collect()
    }

    #[test]
    fn an_address_begins_with_its_origin_however_it_is_written() {
        for address in [
            "http://a.example",
            "HTTP://A.example:80/x",
            "https://a.example:443?q",
            "https://a.example:80#f",
            "http://[::1]:8080/",
            "http://u:p@a.example/",
            "http://:p@a.example/",
            "http://@a.example/",
            "https://b\u{fc}cher.example/",
            "http://a.example:/",
            "ftp://a.example:21/",
            "x-own://a.example/",
        ] {
            let address = url(address);
            for origin in [
                "http://a.example",
                "https://a.example",
                "https://a.example:80",
                "http://[::1]:8080",
                "x-own://a.example",
            ]
            .into_iter()
            .map(str::to_owned)
            .chain(serialized(address.expose()))
            {
                let is = serialized(address.expose()).as_ref() == Some(&origin);
                assert_eq!(is_origin_of(&origin, address.expose()), is, "{origin} {}", address.expose());
            }
        }
    }

    #[test]
    fn the_fields_are_named_in_their_order() {
        let secrets = Secrets::of(&url("https://own.example/a"), fields());
        let names: Vec<_> = secrets.names().map(str::to_ascii_lowercase).collect();
        assert_eq!(names, ["authorization", "x-api-key", "user-agent", "referer"]);
    }

    #[test]
    fn secrets_go_to_the_typed_origin_and_to_no_other() {
        let secrets = Secrets::of(&url("https://own.example/a.meta4"), fields());
        for (to, all) in [
            ("https://own.example/b", true),
            ("https://OWN.example:443/", true),
            ("http://own.example/b", false),
            ("https://own.example:8443/b", false),
            ("https://sub.own.example/b", false),
            ("https://own.example.evil.example/", false),
            ("https://own.example@evil.example/", false),
            ("x-own://own.example/", false),
        ] {
            let had = sent(&secrets, to);
            let safe = if to.starts_with("https") { vec!["User-Agent", "Referer"] } else { vec!["User-Agent"] };
            assert_eq!(
                had,
                if all {
                    sent(&secrets, "https://own.example/")
                } else {
                    safe.iter().map(|n| (*n).to_owned()).collect()
                },
                "{to}"
            );
            assert_eq!(had.len() == 4, all, "{to}");
        }
        assert_eq!(sent(&Secrets::of_nobody(fields()), "https://own.example/"), ["User-Agent", "Referer"]);
        assert_eq!(sent(&Secrets::of(&url("x-own://own.example/"), fields()), "x-own://own.example/"), ["User-Agent"]);
    }

    #[test]
    fn another_link_keeps_secrets_only_in_the_same_origin() {
        let secrets = Secrets::of(&url("https://own.example/a"), fields());
        assert_eq!(sent(&secrets.for_link(&url("https://own.example/b")), "https://own.example/c").len(), 4);
        let other = secrets.for_link(&url("https://other.example/b"));
        assert_eq!(
            (sent(&other, "https://other.example/b").len(), sent(&other, "https://own.example/a").len()),
            (2, 2)
        );
    }

    #[test]
    fn what_is_kept_beside_an_address_is_put_together_again() {
        let (typed, own) = (url("https://own.example/a"), url("http://other.example/b"));
        for secrets in [Secrets::of(&typed, fields()), Secrets::of(&own, fields()), Secrets::of_nobody(fields())] {
            let (kept, origin) = secrets.split(&own);
            assert_eq!(Secrets::join(kept.to_vec(), origin.map(str::to_owned), &own), secrets);
        }
    }
}
