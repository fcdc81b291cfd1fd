//! Proxies: the one a job names, else the system's.

use std::ffi::OsString;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use percent_encoding::percent_decode_str;
use ropeway_model::{HeaderField, PROXY_SCHEMES as SCHEMES, SafeUrl};
use url::{Host, Url};

use crate::DriverError;

/// A longer one is not shown: it may be something else.
const LONGEST_SCHEME: usize = 16;

/// A proxy with its login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proxy {
    url: SafeUrl,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy the user names.
    pub(super) fn given(url: &SafeUrl) -> Result<Self, DriverError> {
        let scheme = url.expose().scheme();
        if SCHEMES.contains(&scheme) {
            return Ok(Self { url: url.clone(), authorization: None });
        }
        let reason = format!("{scheme}:// is no kind of proxy; use one of {}", SCHEMES.join(", "));
        Err(DriverError::Proxy { proxy: url.clone(), reason })
    }

    /// The proxy that the environment (`https_proxy`, `no_proxy`, …) names for `target`.
    ///
    /// # Errors
    /// [`DriverError::ProxyVariable`] where the variable that counts names none that is spoken to: to go direct then
    /// would show the request to everybody whom the user wanted to keep from seeing it.
    pub(super) fn of_the_system(target: &SafeUrl) -> Result<Option<Self>, DriverError> {
        Self::among(&Environment(&|name| std::env::var_os(name)), target)
    }

    fn among(environment: &Environment<'_>, target: &SafeUrl) -> Result<Option<Self>, DriverError> {
        if is_this_machine(target.expose()) {
            return Ok(None);
        }
        let Some((name, value)) = environment.for_scheme(target.expose().scheme()) else { return Ok(None) };
        let origin = target.expose().origin().ascii_serialization();
        let Ok(origin) = origin.parse::<Uri>() else { return Ok(None) };
        if environment.excepts(&origin) {
            return Ok(None);
        }
        let refused = |reason: String| DriverError::ProxyVariable { name, reason };
        let value = value.into_string().map_err(|_| refused("it is no text".to_owned()))?;
        let found = Matcher::builder().all(value.as_str()).build().intercept(&origin);
        let found = found.ok_or_else(|| refused(what_is_wrong(&value)))?;
        Self::from_environment(&found).map(Some).ok_or_else(|| refused(what_is_wrong(&value)))
    }

    fn from_environment(found: &Intercept) -> Option<Self> {
        let mut url = Url::parse(&found.uri().to_string()).ok()?;
        if let Some((user, password)) = found.raw_auth() {
            url.set_username(user).ok()?;
            url.set_password(Some(password)).ok()?;
        }
        let authorization = found.basic_auth().cloned();
        let proxy = Self { url: url.into(), authorization };
        SCHEMES.contains(&proxy.url.expose().scheme()).then_some(proxy)
    }

    pub(super) const fn url(&self) -> &SafeUrl {
        &self.url
    }

    /// True where the connection to the proxy itself is encrypted.
    pub(super) fn is_secure(&self) -> bool {
        self.url.expose().scheme() == "https"
    }

    /// The user name and the password in its address.
    pub(super) fn login(&self) -> Option<(String, String)> {
        let url = self.url.expose();
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let is_there = !url.username().is_empty() || url.password().is_some();
        is_there.then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())))
    }

    /// Login as an HTTP proxy is told it (RFC 7617).
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let of_login = || {
            let (user, password) = self.login()?;
            let mut value: HeaderValue = HeaderField::basic_login(&user, &password).expose_value().parse().ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        self.authorization.clone().or_else(of_login)
    }
}

/// The variables that name proxies, looked up by a function.
struct Environment<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Environment<'_> {
    /// The variable that counts for requests of a scheme, with its value: as in curl the lower case wins, what is empty
    /// is not there, and `HTTP_PROXY` is not believed where a web server may have made it of a request's `Proxy` field.
    fn for_scheme(&self, scheme: &str) -> Option<(&'static str, OsString)> {
        let own: [&'static str; 2] = match scheme {
            "http" if self.value("REQUEST_METHOD").is_some() => ["http_proxy", "http_proxy"],
            "http" => ["http_proxy", "HTTP_PROXY"],
            _ => ["https_proxy", "HTTPS_PROXY"],
        };
        own.into_iter().chain(["all_proxy", "ALL_PROXY"]).find_map(|name| Some((name, self.value(name)?)))
    }

    /// Whether `no_proxy` names the host.
    fn excepts(&self, origin: &Uri) -> bool {
        const ANY: &str = "http://proxy.invalid";
        let Some(exceptions) = self.value("no_proxy").or_else(|| self.value("NO_PROXY")) else { return false };
        Matcher::builder().all(ANY).no(exceptions.to_string_lossy().as_ref()).build().intercept(origin).is_none()
    }

    fn value(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

/// Why a value names no proxy, without the login that may be in it.
fn what_is_wrong(value: &str) -> String {
    let kinds = SCHEMES.join(", ");
    match value.split_once("://") {
        Some((scheme, _)) if !SCHEMES.contains(&scheme) && scheme.len() <= LONGEST_SCHEME => {
            format!("{}:// is no kind of proxy; use one of {kinds}", scheme.escape_default())
        }
        _ => format!("it is no address of the form scheme://host:port, with one of {kinds}"),
    }
}

/// Whether the address is one of this machine, which no proxy can reach in its place.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)], target: &str) -> Result<Option<String>, DriverError> {
        let look_up = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        let proxy = Proxy::among(&Environment(&look_up), &target.parse().unwrap())?;
        Ok(proxy.map(|proxy| proxy.url().expose().to_string()))
    }

    #[test]
    fn the_systems_proxy_is_for_others_than_this_machine_and_the_exceptions() {
        let variables = [("all_proxy", "http://proxy.example:3128"), ("no_proxy", "internal.example")];
        for (target, proxied) in [
            ("http://example.org/f", true),
            ("https://example.org:8443/f", true),
            ("https://192.0.2.1/f", true),
            ("http://internal.example/f", false),
            ("http://localhost:8080/f", false),
            ("http://a.localhost/f", false),
            ("http://127.0.0.1/f", false),
            ("http://127.9.9.9:1/f", false),
            ("http://[::1]/f", false),
            ("http://[::ffff:127.0.0.1]/f", false),
            ("http://2130706433/f", false),
        ] {
            assert_eq!(chosen(&variables, target).unwrap().is_some(), proxied, "{target}");
        }
    }

    #[test]
    fn the_variable_of_the_scheme_wins_over_that_of_all_and_the_lower_case_over_the_upper() {
        let all: &[(&str, &str)] = &[
            ("http_proxy", "http://a:1"),
            ("HTTP_PROXY", "http://b:1"),
            ("https_proxy", ""),
            ("HTTPS_PROXY", "d:1"),
            ("all_proxy", "http://e:1"),
            ("ALL_PROXY", "http://f:1"),
            ("NO_PROXY", "excepted"),
        ];
        let cgi: &[(&str, &str)] = &[("HTTP_PROXY", "http://b:1"), ("REQUEST_METHOD", "GET")];
        for (variables, target, expected) in [
            (all, "http://x/", Some("http://a:1/")),
            (&all[1..], "http://x/", Some("http://b:1/")),
            (&all[2..], "http://x/", Some("http://e:1/")),
            (&all[5..], "http://x/", Some("http://f:1/")),
            (all, "https://x/", Some("http://d:1/")),
            (all, "https://excepted/", None),
            (&all[6..], "https://x/", None),
            (cgi, "http://x/", None),
            (&cgi[..1], "http://x/", Some("http://b:1/")),
        ] {
            assert_eq!(chosen(variables, target).unwrap().as_deref(), expected, "{variables:?} {target}");
        }
    }

    #[test]
    fn a_value_that_names_no_proxy_is_an_error_and_never_the_direct_way() {
        for value in ["htp://user:secret@proxy:1", "ftp://proxy", "http://", "http:// proxy", "://", "socks6://proxy:1"]
        {
            let error = chosen(&[("http_proxy", value)], "http://example.org/").unwrap_err();
            assert!(matches!(&error, DriverError::ProxyVariable { name: "http_proxy", .. }), "{value}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
            // What does not count is not looked at.
            assert!(chosen(&[("http_proxy", value)], "https://example.org/").unwrap().is_none());
            assert!(chosen(&[("http_proxy", value), ("no_proxy", "*")], "http://example.org/").unwrap().is_none());
            assert!(chosen(&[("http_proxy", value)], "http://127.0.0.1/").unwrap().is_none());
        }
    }

    #[test]
    fn the_systems_proxy_keeps_its_login_and_its_kind() {
        let proxy = |value: &str| {
            let value = OsString::from(value);
            let look_up = |name: &str| (name == "all_proxy").then(|| value.clone());
            Proxy::among(&Environment(&look_up), &"https://example.org/".parse().unwrap()).unwrap().unwrap()
        };
        let http = proxy("http://user:password@proxy.example:3128");
        assert!(http.authorization.is_some() && !http.is_secure());
        let socks = proxy("socks5h://user:password@proxy.example:1080");
        assert_eq!(socks.url().expose().as_str(), "socks5h://user:password@proxy.example:1080/");
        assert!(proxy("https://proxy.example").is_secure());
    }

    #[test]
    fn what_is_no_kind_of_proxy_is_named_unless_it_may_be_something_else() {
        for (value, begins) in [
            ("htp://user:secret@proxy:1", "htp:// is no kind of proxy"),
            ("sixteen-letters-://proxy", "sixteen-letters-:// is no kind of proxy"),
            ("seventeen-letters://proxy", "it is no address"),
            ("http://", "it is no address"),
            ("proxy:x", "it is no address"),
        ] {
            assert!(what_is_wrong(value).starts_with(begins), "{value}: {}", what_is_wrong(value));
        }
    }

    #[test]
    fn a_login_is_a_name_or_a_password_and_its_escapes_are_undone() {
        for (url, login) in [
            ("http://us%40er:pass%3Aword@proxy.example", Some(("us@er", "pass:word"))),
            ("http://user@proxy.example", Some(("user", ""))),
            ("http://:password@proxy.example", Some(("", "password"))),
            ("http://proxy.example", None),
        ] {
            let proxy = Proxy::given(&url.parse().unwrap()).unwrap();
            assert_eq!(proxy.login(), login.map(|(user, password)| (user.to_owned(), password.to_owned())), "{url}");
        }
    }
}
