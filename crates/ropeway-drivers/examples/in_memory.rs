//! A driver that keeps uploads in memory: all that a new protocol has to bring (`docs/adding-a-protocol.md`).

use std::{collections::HashMap, io, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use ropeway_drivers::{
    Clients, Context, Driver, DriverError, Held, Layout, OpenUpload, Part, PartBody, PartBytes, Receipt, Sent, Session,
    SourceMeta, Stored, Upload,
};
use ropeway_model::{Algorithm, Digest, Network, SafeUrl, Secrets, UploadName, UploadTarget};
use tokio_util::sync::CancellationToken;

/// Uploads in memory, by their addresses. A server takes 4 bytes at a time.
#[derive(Debug, Default)]
struct InMemory(Mutex<HashMap<SafeUrl, Vec<u8>>>);

impl Driver for InMemory {
    fn schemes(&self) -> &'static [&'static str] {
        &["memory+https"]
    }

    fn upload(&self) -> Option<&dyn Upload> {
        Some(self)
    }
}

#[async_trait]
impl Upload for InMemory {
    async fn open(
        &self,
        _context: &Context,
        to: &UploadTarget,
        source: &SourceMeta,
        saved: Option<&Session>,
    ) -> Result<OpenUpload, DriverError> {
        let mut uploads = self.0.lock();
        let url = saved.map_or_else(|| to.url_for(&source.name), |saved| saved.url.clone());
        let held = match (uploads.get(&url), saved) {
            (Some(bytes), Some(_)) => bytes.len() as u64,
            (None, Some(_)) => return Err(DriverError::SessionLost { url }),
            (_, None) => {
                uploads.insert(url.clone(), Vec::new());
                0
            }
        };
        let session = Session { url, state: serde_json::Value::Null, expires: None, is_created: true };
        Ok(OpenUpload { session, layout: Layout::Append { part: 1..=4 }, held: Held::Prefix(held) })
    }

    async fn send(
        &self,
        _context: &Context,
        session: &Session,
        part: Part,
        body: &dyn PartBody,
    ) -> Result<Sent, DriverError> {
        let mut bytes = body.bytes();
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(DriverError::Body)?;
            let mut uploads = self.0.lock();
            let kept = uploads.get_mut(&session.url).ok_or(DriverError::SessionLost { url: session.url.clone() })?;
            if (kept.len() as u64) < part.offset {
                return Err(DriverError::OffsetMoved { url: session.url.clone() });
            }
            kept.extend_from_slice(&chunk);
        }
        Ok(Sent { held: Held::Prefix(part.offset + part.length), session: None, receipt: Receipt::default() })
    }

    async fn stored(&self, _context: &Context, session: &Session) -> Option<Stored> {
        let length = self.0.lock().get(&session.url).map(|bytes| bytes.len() as u64);
        Some(length.map_or(Stored::Nothing, |length| Stored::File { length: Some(length), evidence: Vec::new() }))
    }

    async fn abort(&self, _context: &Context, session: &Session) -> Result<(), DriverError> {
        self.0.lock().remove(&session.url);
        Ok(())
    }
}

/// A stretch of a text.
struct Text(&'static [u8], Part);

#[async_trait]
impl PartBody for Text {
    fn bytes(&self) -> PartBytes {
        let bytes = self.0.iter().skip(usize::try_from(self.1.offset).unwrap_or(usize::MAX));
        let part: Vec<u8> = bytes.take(usize::try_from(self.1.length).unwrap_or(0)).copied().collect();
        Box::pin(stream::iter([Ok(part.into())]))
    }

    async fn digest(&self, _: Algorithm) -> io::Result<Digest> {
        Err(io::Error::other("this protocol tells none"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    const TEXT: &[u8] = b"sent in parts of four bytes";
    let to: UploadTarget = "https://memory.example/in/".parse()?;
    let context = Context {
        clients: Clients::default(),
        network: Network::default(),
        origin: to.url().expose().origin(),
        secrets: Secrets::of(to.url(), Vec::new()),
        cookies: Arc::default(),
        pace: None,
        is_conditional: true,
        saved_as: None,
        gate: None,
        cancel: CancellationToken::new(),
    };
    let driver = InMemory::default();
    let source = SourceMeta { name: UploadName::from("text"), length: TEXT.len() as u64 };
    let mut opened = driver.open(&context, &to, &source, None).await?;
    while let Held::Prefix(offset) = opened.held
        && offset < source.length
    {
        let part = Part { offset, length: 4.min(source.length - offset) };
        driver.send(&context, &opened.session, part, &Text(TEXT, part)).await?;
        // As after a cut: what the server has is asked.
        opened = driver.open(&context, &to, &source, Some(&opened.session)).await?;
    }
    assert_eq!(driver.0.lock().get(&opened.session.url).map(Vec::as_slice), Some(TEXT), "all of it arrived");
    driver.abort(&context, &opened.session).await?;
    assert_eq!(driver.stored(&context, &opened.session).await, Some(Stored::Nothing), "and is gone");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_driver_of_these_few_lines_moves_a_file() {
        super::main().unwrap();
    }
}
