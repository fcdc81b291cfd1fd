//! Credentials that a job shows a server. They are the login of a `.netrc`, the cookies of a browser, and those that
//! servers set meanwhile. Files are read anew when they change; all is evaluated for every request, so that each hop of
//! a redirect gets what is meant for it alone.

mod cookies;
mod date;
mod exposed;
mod jar;
mod netrc;

use std::{
    collections::HashMap,
    fmt,
    fs::Metadata,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

pub use exposed::exposed_netrc;
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, COOKIE},
};
use parking_lot::Mutex;
use ropeway_model::{HeaderField, SafeUrl};
use url::Url;

pub use self::jar::CookieJar;
use self::{
    cookies::{Cookie, Jar, Requested},
    netrc::Netrc,
};
use crate::{Context, DriverError};

/// Largest file that is read, in bytes. All cookies of a browser used for years have less than a megabyte.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;
/// Files that are kept read. More exist only while jobs use that many.
const MOST_KEPT: usize = 16;

/// The files with logins and cookies that jobs have named.
#[derive(Default)]
pub(crate) struct Credentials {
    netrc: Kept<Netrc>,
    cookies: Kept<Jar>,
}

/// What one job's files hold.
#[derive(Default)]
struct Read {
    netrc: Option<Arc<Netrc>>,
    jar: Option<Arc<Jar>>,
}

impl Credentials {
    /// Header fields that the job's files give for a request to `url`. The cookies stand behind those of `given`, which
    /// are the user's own fields.
    ///
    /// # Errors
    /// [`DriverError::CredentialFile`] where a file cannot be read or is not of its kind. A `.netrc` that does not
    /// exist gives no login.
    pub(crate) async fn fields(
        self: &Arc<Self>,
        context: &Context,
        url: &SafeUrl,
        given: &HeaderMap,
    ) -> Result<HeaderMap, DriverError> {
        let network = &context.network;
        let target = url.expose();
        let is_own = context.secrets.are_for(target);
        let netrc = if network.netrc && is_own && lacks_login(target, given) { netrc_file() } else { None };
        let cookie_file = network.cookie_file.clone().filter(|_| !gives_encryption_up(context, target));
        let has_files = netrc.is_some() || cookie_file.is_some();
        let credentials = Arc::clone(self);
        let Read { netrc, jar } = if has_files {
            let read = tokio::task::spawn_blocking(move || credentials.read(netrc.as_deref(), cookie_file.as_deref()));
            // The blocking call fails only when the runtime is on its way out.
            read.await.unwrap_or(Err(DriverError::Canceled))?
        } else {
            Read::default()
        };
        let mut fields = HeaderMap::new();
        if let Some(login) = netrc.as_deref().and_then(|netrc| login(netrc, target)) {
            fields.insert(AUTHORIZATION, login);
        }
        if let Some(cookies) = cookies_for(jar.as_deref(), &context.cookies, target, given) {
            fields.insert(COOKIE, cookies);
        }
        Ok(fields)
    }

    fn read(&self, netrc: Option<&Path>, cookies: Option<&Path>) -> Result<Read, DriverError> {
        let parse_netrc = |text: &[u8]| Netrc::parse(&String::from_utf8_lossy(text)).map_err(|error| error.to_string());
        let parse_cookies = |text: &[u8]| {
            let jar = Jar::parse(text).map_err(|error| error.to_string())?;
            tracing::debug!(cookies = jar.len(), "cookie file read");
            Ok(jar)
        };
        let netrc = netrc.filter(|path| path.exists()).map(|path| self.netrc.get(path, parse_netrc)).transpose()?;
        let jar = cookies.map(|path| self.cookies.get(path, parse_cookies)).transpose()?;
        Ok(Read { netrc, jar })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials")
    }
}

/// Whether `target` is reached without encryption on behalf of a job whose own address has it: no secret goes there.
fn gives_encryption_up(context: &Context, target: &Url) -> bool {
    let is_secure = matches!(&context.origin, url::Origin::Tuple(scheme, ..) if scheme == "https");
    is_secure && target.scheme() != "https"
}

/// Whether neither the address nor the fields the user gives say who asks.
fn lacks_login(target: &Url, given: &HeaderMap) -> bool {
    target.password().is_none() && !given.contains_key(AUTHORIZATION)
}

/// Where the user's `.netrc` is: `$NETRC`, else in the home folder.
fn netrc_file() -> Option<PathBuf> {
    let named = std::env::var_os("NETRC").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| ropeway_files::home().map(|home| home.join(if cfg!(windows) { "_netrc" } else { ".netrc" })))
}

fn login(netrc: &Netrc, target: &Url) -> Option<HeaderValue> {
    let user = Some(target.username()).filter(|user| !user.is_empty());
    let login = netrc.login(target.host_str()?, user)?;
    let field = HeaderField::basic_login(&login.user, &login.password);
    HeaderValue::from_str(field.expose_value()).ok().map(sensitive)
}

/// Unix seconds.
pub(crate) fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "a cookie's end is a date of the wall clock")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The cookies of all sources, where any but the user's own field has one. What a server set meanwhile goes before what
/// the user or a file has under the same name, as in a browser.
fn cookies_for(file: Option<&Jar>, set: &CookieJar, target: &Url, given: &HeaderMap) -> Option<HeaderValue> {
    let (is_secure, now) = (target.scheme() == "https", now());
    let requested = Requested { host: target.host()?, path: target.path(), secure: is_secure, now };
    let set = set.chosen(&requested);
    let is_replaced = |name: &[u8]| set.iter().any(|cookie| &*cookie.name == name);
    let from_file: Vec<&Cookie> = file.iter().flat_map(|file| file.chosen(&requested)).collect();
    if set.is_empty() && from_file.is_empty() {
        return None;
    }
    let own: Vec<&[u8]> = given.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let own = own.join(b";".as_slice());
    let name = |pair: &[u8]| pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii().to_vec();
    let kept: Vec<&[u8]> = own.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).collect();
    let kept: Vec<&[u8]> = kept.into_iter().filter(|pair| !pair.is_empty() && !is_replaced(&name(pair))).collect();
    let others = from_file.into_iter().filter(|cookie| !is_replaced(&cookie.name));
    let value = cookies::header(&kept.join(b"; ".as_slice()), others.chain(&set))?;
    HeaderValue::from_bytes(&value).ok().map(sensitive)
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

/// Files that have been read, until they change.
struct Kept<T>(Mutex<HashMap<PathBuf, (Stamp, Arc<T>)>>);

/// What a file's change shows by. Its length and when it was written can be those of the one before; which file it is, and
/// when anything of it was changed, cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    written: Option<SystemTime>,
    inode: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self { length: metadata.len(), written: metadata.modified().ok(), inode: metadata.ino(), changed }
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    fn get(&self, path: &Path, parse: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<Arc<T>, DriverError> {
        let refused = |reason: String| DriverError::CredentialFile { path: path.display().to_string(), reason };
        let unread = |error: io::Error| refused(error.to_string());
        let file = ropeway_files::open(path).map_err(unread)?;
        let metadata = file.metadata().map_err(unread)?;
        let stamp = Stamp::of(&metadata);
        if let Some((had, parsed)) = self.0.lock().get(path)
            && *had == stamp
        {
            return Ok(Arc::clone(parsed));
        }
        let mut text = Vec::new();
        let count = file.take(LARGEST_FILE + 1).read_to_end(&mut text).map_err(unread)?;
        if count as u64 > LARGEST_FILE {
            return Err(refused(format!("it has more than {LARGEST_FILE} bytes")));
        }
        let parsed = Arc::new(parse(&text).map_err(refused)?);
        let mut kept = self.0.lock();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(path.to_owned(), (stamp, Arc::clone(&parsed)));
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn the_files_login_is_looked_for_only_where_no_other_is_given() {
        let own = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer x"))]);
        for (target, given, expected) in [
            ("https://example.org/", HeaderMap::new(), true),
            ("https://user@example.org/", HeaderMap::new(), true),
            ("https://user:password@example.org/", HeaderMap::new(), false),
            ("https://example.org/", own, false),
        ] {
            assert_eq!(lacks_login(&url(target), &given), expected, "{target}");
        }
    }

    #[test]
    fn a_name_in_the_address_chooses_among_the_logins_of_a_host() {
        let netrc =
            Netrc::parse("machine example.org login one password first\nmachine example.org login two password second")
                .unwrap();
        for (target, user_and_password) in [
            ("https://example.org/", Some(("one", "first"))),
            ("https://two@example.org/", Some(("two", "second"))),
            ("https://three@example.org/", None),
            ("https://other.org/", None),
        ] {
            let field = login(&netrc, &url(target));
            let expected = user_and_password
                .map(|(user, password)| HeaderField::basic_login(user, password).expose_value().to_owned());
            assert_eq!(field.as_ref().map(HeaderValue::as_bytes), expected.as_ref().map(String::as_bytes), "{target}");
            assert!(field.is_none_or(|field| field.is_sensitive()));
        }
    }

    #[test]
    fn an_encrypted_request_carries_the_cookies_that_an_unencrypted_one_does_not() {
        let file = Jar::parse(b"example.org\tFALSE\t/\tTRUE\t0\tsafe\t1\nexample.org\tFALSE\t/\tFALSE\t0\tall\t2\n");
        let file = file.unwrap();
        for (target, cookies) in [("https://example.org/", "safe=1; all=2"), ("http://example.org/", "all=2")] {
            let sent = cookies_for(Some(&file), &CookieJar::default(), &url(target), &HeaderMap::new());
            assert_eq!(sent.unwrap(), cookies, "{target}");
        }
    }

    #[test]
    fn a_cookie_that_a_server_set_goes_in_the_place_of_the_users_of_that_name() {
        let jar = CookieJar::default();
        let headers = HeaderMap::from_iter([(http::header::SET_COOKIE, HeaderValue::from_static("a=server"))]);
        jar.take(&url("https://example.org/"), &headers, now());
        let given = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static("a=own; b=own"))]);
        let cookies = cookies_for(None, &jar, &url("https://example.org/"), &given);
        assert_eq!(cookies.unwrap(), "b=own; a=server");
    }

    #[test]
    fn a_file_of_the_largest_size_is_read_and_one_of_a_byte_more_is_refused() {
        let folder = ropeway_testkit::TempFolder::new();
        let path = folder.path().join("cookies.txt");
        for (length, is_read) in [(LARGEST_FILE, true), (LARGEST_FILE + 1, false)] {
            let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            file.unwrap().set_len(length).unwrap();
            let read = Kept::default().get(&path, |text| Ok(text.len() as u64));
            match read {
                Ok(had) => assert!(is_read && *had == length),
                Err(error) => assert!(!is_read && error.to_string().contains("more than"), "{error}"),
            }
        }
    }
}
