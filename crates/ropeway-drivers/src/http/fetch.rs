//! Request for a range, and the checks that its answer passes.

use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_RANGE, IF_RANGE, RANGE},
};
use reqwest::Response;
use ropeway_model::{ByteRange, FileName, SafeUrl, Validation, Validator};
use ropeway_wire::{
    content_length,
    content_range::{self, ContentRange},
    range, validator,
};

use super::{body, coding, probe, redirect};
use crate::{Context, DriverError, Fetched, client::Connection, send::error};

/// Sends the request and checks the answer's head. Not one byte of a wrong answer is passed on.
pub(super) async fn fetch(
    context: &Context,
    from: &SafeUrl,
    want: ByteRange,
    valid: Option<&Validator>,
) -> Result<Fetched, DriverError> {
    let fields = fields(from, want, valid.filter(|_| context.is_conditional));
    let redirect::Answer { url, response } = redirect::get(context, from, &fields, Connection::Own).await?;
    let wanted = Wanted { url: &url, want, valid, saved_as: context.saved_as.as_ref() };
    let (validator, longest) = match response.status().as_u16() {
        206 => wanted.part(&response)?,
        200 => wanted.whole(&response)?,
        416 => {
            let length = content_range::unsatisfied_length(response.headers());
            return Err(DriverError::RangeUnsatisfiable { url, length });
        }
        status @ (201..=299 | 304) => return Err(DriverError::NoContent { url, status }),
        _ => return Err(error::of_status(url, &response)),
    };
    let handshake = response.extensions().get().copied();
    let body = body::stream(response, &url, &context.cancel, longest)?;
    Ok(Fetched { validator, handshake, body })
}

/// Query parameters that carry the signature of a request (Amazon S3 and its likes, Google Cloud Storage, Amazon's
/// and Microsoft's delivery networks).
const SIGNATURES: [&str; 4] = ["x-amz-signature", "x-goog-signature", "signature", "sig"];

/// Whether the address is a signed one. Some that sign refuse a request with a condition that was not signed along.
fn is_signed(url: &SafeUrl) -> bool {
    let mut parameters = url.expose().query_pairs();
    parameters.any(|(name, _)| SIGNATURES.iter().any(|signature| name.eq_ignore_ascii_case(signature)))
}

fn fields(from: &SafeUrl, want: ByteRange, valid: Option<&Validator>) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(RANGE, range::value(want));
    // A weak validator must not stand here: the server would send a part of what may be another version.
    // Without it the answer's own tag and length are compared, as they are with it.
    let valid = valid.filter(|_| !is_signed(from));
    let condition = valid.and_then(Validator::if_range).and_then(|value| HeaderValue::from_str(value).ok());
    if let Some(condition) = condition {
        fields.insert(IF_RANGE, condition);
    }
    fields
}

struct Wanted<'a> {
    url: &'a SafeUrl,
    want: ByteRange,
    valid: Option<&'a Validator>,
    saved_as: Option<&'a FileName>,
}

impl Wanted<'_> {
    /// What a 206 says of the file, and how many bytes of it count.
    fn part(&self, response: &Response) -> Result<(Validator, u64), DriverError> {
        let headers = response.headers();
        self.refuse_coding(headers)?;
        if coding::media_type(headers).eq_ignore_ascii_case("multipart/byteranges") {
            return Err(error::bad(self.url, "it sends several ranges where one was asked for"));
        }
        let told = headers.get(CONTENT_RANGE).ok_or_else(|| error::bad(self.url, "a 206 without Content-Range"))?;
        let told = ContentRange::parse(told.as_bytes()).map_err(|wrong| error::bad(self.url, wrong.to_string()))?;
        if told.range.start() != self.want.start() {
            let reason = format!("it sends bytes {} where {} was asked for", told.range, self.want);
            return Err(error::bad(self.url, reason));
        }
        let validator = validator::of_answer(headers, told.length);
        self.refuse_change(&validator)?;
        Ok((validator, self.want.len().min(told.range.len())))
    }

    /// The same for a 200, which is of use only to a range that begins where the file does.
    fn whole(&self, response: &Response) -> Result<(Validator, u64), DriverError> {
        let headers = response.headers();
        let length = content_length::announced(headers).map_err(|wrong| error::bad(self.url, wrong.to_string()))?;
        let validator = validator::of_answer(headers, length);
        if self.is_foreign_page(headers, &validator) {
            return Err(DriverError::NoContent { url: self.url.clone(), status: response.status().as_u16() });
        }
        self.refuse_coding(headers)?;
        self.refuse_change(&validator)?;
        if self.want.start() > 0 {
            return Err(DriverError::RangeIgnored { url: self.url.clone() });
        }
        Ok((validator, self.want.len()))
    }

    /// A part of an encoded file fits nowhere into the file as it is, unless the coding is the file's own.
    fn refuse_coding(&self, headers: &HeaderMap) -> Result<(), DriverError> {
        let name = self.saved_as.cloned().unwrap_or_else(|| probe::name(headers, self.url));
        match coding::to_undo(headers, &name) {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(DriverError::RangeIgnored { url: self.url.clone() }),
        }
    }

    fn refuse_change(&self, now: &Validator) -> Result<(), DriverError> {
        match self.valid {
            Some(had) if had.compare(now) == Validation::Changed => Err(DriverError::RemoteChanged {
                url: self.url.clone(),
                had: Box::new(had.clone()),
                now: Box::new(now.clone()),
            }),
            _ => Ok(()),
        }
    }

    /// Whether the answer is a page that stands between us and the file: a login or a captive portal's greeting is
    /// HTML without validators, where the file has some. Such a page is no new version of the file.
    fn is_foreign_page(&self, headers: &HeaderMap, now: &Validator) -> bool {
        let has_some = |validator: &Validator| validator.entity_tag.is_some() || validator.last_modified.is_some();
        coding::media_type(headers).eq_ignore_ascii_case("text/html")
            && self.valid.is_some_and(has_some)
            && !has_some(now)
    }
}
