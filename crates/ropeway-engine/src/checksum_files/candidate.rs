//! Names of the checksum files beside a file.

use ropeway_model::{Algorithm, FileName, SafeUrl};
use url::Url;

/// Behind the file's own name, the surest algorithm first.
const BEHIND_THE_NAME: [(&str, Algorithm); 4] = [
    (".sha256", Algorithm::Sha256),
    (".sha512", Algorithm::Sha512),
    (".sha1", Algorithm::Sha1),
    (".md5", Algorithm::Md5),
];

/// In the same folder, likewise.
const IN_THE_FOLDER: [(&str, Algorithm); 4] = [
    ("SHA256SUMS", Algorithm::Sha256),
    ("SHA512SUMS", Algorithm::Sha512),
    ("sha256sum.txt", Algorithm::Sha256),
    ("MD5SUMS", Algorithm::Md5),
];

/// Detached signatures.
const SIGNATURES: [&str; 2] = [".asc", ".sig"];

/// Where a checksum file may be, and what would be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) url: Url,
    pub(super) content: Content,
}

/// Content that a checksum file would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The checksum of this one file.
    Own(Algorithm),
    /// Checksums of many files.
    List(Algorithm),
    /// A detached signature.
    Signature,
}

/// The checksum files that the file at `file` may have, in the order in which they are offered. Query and fragment are
/// left out: they are about that one file.
pub(super) fn beside(file: &Url) -> Vec<Candidate> {
    let mut bare = file.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    if bare.path().ends_with('/') {
        return Vec::new();
    }
    let behind = |suffix: &str, content| {
        let mut url = bare.clone();
        url.set_path(&format!("{}{suffix}", bare.path()));
        Candidate { url, content }
    };
    let own = |(suffix, algorithm): (&str, _)| behind(suffix, Content::Own(algorithm));
    let list = |(name, algorithm): (&str, _)| {
        bare.join(name).ok().map(|url| Candidate { url, content: Content::List(algorithm) })
    };
    let mut found: Vec<Candidate> = BEHIND_THE_NAME.into_iter().take(2).map(own).collect();
    found.extend(IN_THE_FOLDER.into_iter().take(3).filter_map(list));
    found.extend(BEHIND_THE_NAME.into_iter().skip(2).map(own));
    found.extend(IN_THE_FOLDER.into_iter().skip(3).filter_map(list));
    found.extend(SIGNATURES.into_iter().map(|suffix| behind(suffix, Content::Signature)));
    found
}

/// What the file may be called in a list: as in its address, and as its server names it.
pub(super) fn names(file: &SafeUrl, told: Option<&FileName>) -> Vec<String> {
    let mut names = vec![FileName::from_url(file.expose()).to_string()];
    names.extend(told.map(FileName::to_string).filter(|name| *name != names[0]));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_files_lie_in_the_files_own_folder_and_the_surest_come_first() {
        let file: Url = "https://u:p@example.org:8443/pool/a%20b.iso?token=1#x".parse().unwrap();
        let found = beside(&file);
        let paths: Vec<&str> = found.iter().map(|candidate| candidate.url.path()).collect();
        assert_eq!(
            paths,
            [
                "/pool/a%20b.iso.sha256",
                "/pool/a%20b.iso.sha512",
                "/pool/SHA256SUMS",
                "/pool/SHA512SUMS",
                "/pool/sha256sum.txt",
                "/pool/a%20b.iso.sha1",
                "/pool/a%20b.iso.md5",
                "/pool/MD5SUMS",
                "/pool/a%20b.iso.asc",
                "/pool/a%20b.iso.sig",
            ]
        );
        assert!(found.iter().all(|candidate| candidate.url.query().is_none()));
        assert!(found.iter().all(|candidate| candidate.url.origin() == file.origin()));
        assert!(beside(&"https://example.org/".parse().unwrap()).is_empty());
    }

    #[test]
    fn a_file_is_looked_up_by_the_name_in_its_address_and_by_the_servers() {
        let file: SafeUrl = "https://example.org/a%20b.iso".parse().unwrap();
        assert_eq!(names(&file, Some(&"c.iso".parse().unwrap())), ["a b.iso", "c.iso"]);
        assert_eq!(names(&file, Some(&"a b.iso".parse().unwrap())), ["a b.iso"]);
    }
}
