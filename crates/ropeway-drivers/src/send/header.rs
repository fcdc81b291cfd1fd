//! The header fields of a request.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, EXPECT, IF_RANGE, PROXY_AUTHORIZATION, RANGE, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use ropeway_model::{HeaderField, SafeUrl};

use crate::{Context, DriverError};

/// Fields that say where a message ends or which octets of a file are meant. A user's value in one of them would
/// change what the answer's bytes are.
const RESERVED: [HeaderName; 11] = [
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    IF_RANGE,
    PROXY_AUTHORIZATION,
    RANGE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Fields that every request to `url` carries. Of the user's they are those that are meant for its origin, and of the
/// cookies those that servers set meanwhile.
///
/// # Errors
/// [`DriverError::CredentialFile`] where the job names a file of logins or cookies that cannot be used.
pub(super) async fn fields(context: &Context, url: &SafeUrl) -> Result<HeaderMap, DriverError> {
    let mut fields = given(context, url);
    fields.extend(context.clients.credentials().fields(context, url, &fields).await?);
    Ok(fields)
}

/// What is said without looking into any file.
fn given(context: &Context, url: &SafeUrl) -> HeaderMap {
    let mut fields = HeaderMap::new();
    // Ranges and lengths count octets as sent, so the file must come as it is (RFC 9110 §14.1.2).
    fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in context.secrets.fields_for(url.expose()).filter_map(parsed) {
        fields.append(name, value);
    }
    fields
}

fn parsed(field: &HeaderField) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(field.name().as_bytes()).ok()?;
    let mut value = HeaderValue::from_bytes(field.expose_value().as_bytes()).ok()?;
    value.set_sensitive(true);
    let reserved = RESERVED.contains(&name);
    if reserved {
        tracing::warn!(%name, "the header is left out: Ropeway sets it itself");
    }
    (!reserved).then_some((name, value))
}
