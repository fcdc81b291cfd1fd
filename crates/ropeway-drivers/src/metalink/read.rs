//! From XML to files.

use quick_xml::{
    XmlVersion,
    events::{BytesRef, BytesStart, Event},
    reader::Reader,
};
use ropeway_model::{Algorithm, Digest, FileName, Pieces, SafeUrl};

use super::{MetalinkError, MetalinkFile};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:metalink";
const NAMESPACE_OF_VERSION_3: &str = "http://www.metalinker.org/";
/// A document has four levels; extensions may have some more.
const DEEPEST: usize = 16;
/// Longest text of an element that is looked at: an address.
const LONGEST_TEXT: usize = 8 * 1024;
/// More files than this at once are a mistake.
const MOST_FILES: usize = 10_000;
/// Addresses of one file that are looked at.
const MOST_URLS: usize = 256;
/// Pieces of one file: 100 GiB in pieces of 256 KiB are fewer.
const MOST_PIECES: usize = 500_000;
/// Parts of a path: deeper folders are a mistake.
const MOST_FOLDERS: usize = 8;
/// The priority of an address that has none (RFC 5854 §4.2.16.1).
const LAST_PRIORITY: u32 = 999_999;

/// The algorithms of digests that are taken, the surest first.
const BY_STRENGTH: [Algorithm; 4] = [Algorithm::Sha512, Algorithm::Sha256, Algorithm::Sha1, Algorithm::Md5];

pub(super) fn document(text: &str) -> Result<Vec<MetalinkFile>, MetalinkError> {
    let mut reader = Reader::from_str(text);
    let mut reading = Reading::default();
    loop {
        match reader.read_event().map_err(|error| not_metalink(&error))? {
            Event::Start(start) => reading.open(&start)?,
            Event::Empty(start) => {
                reading.open(&start)?;
                reading.close()?;
            }
            Event::End(_) => reading.close()?,
            Event::Text(text) => reading.text(&text.xml10_content())?,
            Event::CData(text) => reading.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => reading.text(&resolved(&reference)?)?,
            Event::DocType(_) => return Err(MetalinkError::NotMetalink("it has a document type".to_owned())),
            Event::Eof => return reading.files(),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn not_metalink(error: &quick_xml::Error) -> MetalinkError {
    // The parser's words may quote the document, which came from somewhere: shorten them.
    MetalinkError::NotMetalink(
        error.to_string().chars().filter(|character| !character.is_control()).take(120).collect(),
    )
}

/// A character by its number, or one of the five that XML itself names; there are no others without a document type.
fn resolved(reference: &BytesRef<'_>) -> Result<String, MetalinkError> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| not_metalink(&error))? {
        return Ok(character.to_string());
    }
    let known = quick_xml::escape::resolve_predefined_entity(&reference.xml10_content()).map(str::to_owned);
    known.ok_or_else(|| MetalinkError::NotMetalink("it names an entity".to_owned()))
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, MetalinkError> {
    let bad = |_| MetalinkError::NotMetalink("an attribute is malformed".to_owned());
    let Some(found) = start.try_get_attribute(name).map_err(bad)? else { return Ok(None) };
    let value = found.normalized_value(XmlVersion::Implicit1_0).map_err(|error| not_metalink(&error))?;
    Ok(Some(value.into_owned()))
}

/// Where in a document the reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Metalink,
    File,
    Size,
    Hash,
    Url,
    Pieces,
    PieceHash,
    /// What is passed over with all that is in it.
    Other,
}

#[derive(Default)]
struct Reading {
    places: Vec<Place>,
    text: String,
    file: Draft,
    files: Vec<MetalinkFile>,
    seen: usize,
}

/// A file that is being read.
#[derive(Default)]
struct Draft {
    path: String,
    size: Option<u64>,
    digests: Vec<Digest>,
    /// The algorithm of the hash or the pieces that are open.
    algorithm: Option<Algorithm>,
    piece_length: u64,
    piece_hashes: Vec<String>,
    pieces: Vec<Pieces>,
    priority: u32,
    urls: Vec<(u32, SafeUrl)>,
}

impl Reading {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), MetalinkError> {
        if self.places.len() >= DEEPEST {
            return Err(MetalinkError::TooLarge("too many levels"));
        }
        self.text.clear();
        let name = start.local_name();
        let place = match (self.places.last(), name.as_ref()) {
            (None, "metalink") => root(start)?,
            (None, _) => return Err(MetalinkError::NotMetalink("its root is another element".to_owned())),
            (Some(Place::Metalink), "file") => {
                self.file = Draft { path: attribute(start, "name")?.unwrap_or_default(), ..Draft::default() };
                Place::File
            }
            (Some(Place::File), "size") => Place::Size,
            (Some(Place::File), "hash") => {
                self.file.algorithm = algorithm(attribute(start, "type")?);
                Place::Hash
            }
            (Some(Place::File), "url") => {
                let told = attribute(start, "priority")?.and_then(|text| text.trim().parse().ok());
                self.file.priority = told.unwrap_or(LAST_PRIORITY);
                Place::Url
            }
            (Some(Place::File), "pieces") => {
                self.file.algorithm = algorithm(attribute(start, "type")?);
                let length = attribute(start, "length")?.and_then(|text| text.trim().parse().ok());
                self.file.piece_length = length.unwrap_or(0);
                self.file.piece_hashes.clear();
                Place::Pieces
            }
            (Some(Place::Pieces), "hash") => Place::PieceHash,
            _ => Place::Other,
        };
        self.places.push(place);
        Ok(())
    }

    fn text(&mut self, more: &str) -> Result<(), MetalinkError> {
        if matches!(self.places.last(), Some(Place::Size | Place::Hash | Place::Url | Place::PieceHash)) {
            if self.text.len() + more.len() > LONGEST_TEXT {
                return Err(MetalinkError::TooLarge("an element with more than 8 KiB"));
            }
            self.text.push_str(more);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), MetalinkError> {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        match self.places.pop() {
            Some(Place::Size) => {
                self.file.size = Some(text.parse().map_err(|_| self.file.bad("its size is no number"))?);
            }
            Some(Place::Hash) => {
                let digest = self.file.algorithm.map(|algorithm| self.file.digest(algorithm, text)).transpose()?;
                // One of each algorithm: a document could list thousands, each of which is a pass over the file.
                let digests = &mut self.file.digests;
                let is_new = |digest: &Digest| digests.iter().all(|had| had.algorithm() != digest.algorithm());
                let digest = digest.filter(is_new);
                digests.extend(digest);
            }
            Some(Place::Url) if self.file.urls.len() < MOST_URLS => {
                let url = text.parse::<SafeUrl>().ok().map(|url| SafeUrl::without_login(url.expose().clone()));
                let url = url.filter(|url| matches!(url.expose().scheme(), "http" | "https"));
                self.file.urls.extend(url.map(|url| (self.file.priority, url)));
            }
            Some(Place::PieceHash) => {
                if self.file.piece_hashes.len() >= MOST_PIECES {
                    return Err(MetalinkError::TooLarge("more pieces than any file has"));
                }
                self.file.piece_hashes.push(text.to_owned());
            }
            Some(Place::Pieces) => self.file.close_pieces()?,
            Some(Place::File) => {
                self.seen += 1;
                if self.seen > MOST_FILES {
                    return Err(MetalinkError::TooLarge("more than 10,000 files"));
                }
                self.files.push(std::mem::take(&mut self.file).finish()?);
            }
            _ => {}
        }
        Ok(())
    }

    fn files(self) -> Result<Vec<MetalinkFile>, MetalinkError> {
        if !self.places.is_empty() {
            return Err(MetalinkError::NotMetalink("it ends in the middle".to_owned()));
        }
        if self.files.is_empty() {
            return Err(MetalinkError::NotMetalink("it names no file".to_owned()));
        }
        Ok(self.files)
    }
}

/// The root element, of the right version.
fn root(start: &BytesStart<'_>) -> Result<Place, MetalinkError> {
    let mut namespaces = Vec::new();
    for named in start.attributes() {
        let named = named.map_err(|_| MetalinkError::NotMetalink("an attribute is malformed".to_owned()))?;
        if named.key.as_ref() == "version" && named.value.starts_with('3') {
            return Err(MetalinkError::VersionThree);
        }
        if named.key.as_ref().starts_with("xmlns") {
            namespaces.push(named.value.into_owned());
        }
    }
    if namespaces.iter().any(|namespace| namespace == NAMESPACE) {
        Ok(Place::Metalink)
    } else if namespaces.iter().any(|namespace| namespace == NAMESPACE_OF_VERSION_3) {
        Err(MetalinkError::VersionThree)
    } else {
        Err(MetalinkError::NotMetalink("its namespace is another one".to_owned()))
    }
}

fn algorithm(name: Option<String>) -> Option<Algorithm> {
    name?.trim().parse().ok().filter(|algorithm| BY_STRENGTH.contains(algorithm))
}

fn strength(algorithm: Algorithm) -> usize {
    BY_STRENGTH.iter().position(|known| *known == algorithm).unwrap_or(BY_STRENGTH.len())
}

impl Draft {
    fn name(&self) -> FileName {
        FileName::sanitized(&self.path)
    }

    fn bad(&self, reason: &'static str) -> MetalinkError {
        MetalinkError::BadFile { name: self.name(), reason }
    }

    fn digest(&self, algorithm: Algorithm, hex: &str) -> Result<Digest, MetalinkError> {
        format!("{}:{hex}", algorithm.name()).parse().map_err(|_| self.bad("a hash is malformed"))
    }

    fn close_pieces(&mut self) -> Result<(), MetalinkError> {
        let hashes = std::mem::take(&mut self.piece_hashes);
        let Some(algorithm) = self.algorithm else { return Ok(()) };
        if self.piece_length == 0 || hashes.is_empty() {
            return Err(self.bad("its pieces have no length"));
        }
        let digests: Result<Vec<Digest>, _> = hashes.iter().map(|hex| self.digest(algorithm, hex)).collect();
        self.pieces.push(Pieces { length: self.piece_length, digests: digests? });
        Ok(())
    }

    fn finish(mut self) -> Result<MetalinkFile, MetalinkError> {
        let name = self.name();
        if self.urls.is_empty() {
            return Err(self.bad("it has no http or https address"));
        }
        // Equal priorities keep the document's order.
        self.urls.sort_by_key(|(priority, _)| *priority);
        self.digests.sort_by_key(|digest| strength(digest.algorithm()));
        let first_algorithm =
            |pieces: &Pieces| pieces.digests.first().map_or(usize::MAX, |first| strength(first.algorithm()));
        self.pieces.sort_by_key(first_algorithm);
        let pieces = self.pieces.first().cloned();
        if let (Some(size), Some(pieces)) = (self.size, &pieces)
            && size.div_ceil(pieces.length) != pieces.digests.len() as u64
        {
            return Err(self.bad("its pieces do not make up its size"));
        }
        let mut urls: Vec<SafeUrl> = Vec::new();
        for (_, url) in self.urls {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        let (size, digests) = (self.size, self.digests);
        Ok(MetalinkFile { folders: folders(&self.path), name, size, digests, pieces, urls })
    }
}

/// The folders in a path, made safe. What leads upwards or nowhere is left out (RFC 5854 §4.1.2.1).
fn folders(path: &str) -> Vec<FileName> {
    let mut parts: Vec<&str> =
        path.split(['/', '\\']).filter(|part| !part.trim_matches(['.', ' ']).is_empty()).collect();
    parts.pop();
    parts.into_iter().take(MOST_FOLDERS).map(FileName::sanitized).collect()
}
