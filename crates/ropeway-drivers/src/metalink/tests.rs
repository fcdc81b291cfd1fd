use proptest::prelude::*;
use ropeway_model::Algorithm;

use super::*;

const START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">";

fn files(body: &str) -> Result<Vec<MetalinkFile>, MetalinkError> {
    parse(&format!("{START}{body}</metalink>"))
}

fn one(body: &str) -> MetalinkFile {
    files(body).unwrap().remove(0)
}

#[test]
fn a_file_has_its_best_address_first_and_its_surest_digests() {
    let (sha1, sha256) = ("11".repeat(20), "22".repeat(32));
    let file = one(&format!(
        "<generator>x</generator><published>2009-05-15T12:23:23Z</published>\
         <file name=\"example.ext\"><size>25</size><identity>Example</identity>\
         <hash type=\"md5\">{md5}</hash><hash type=\"sha-256\"> {sha256}\n</hash><hash type=\"sha-384\">zz</hash>\
         <pieces length=\"10\" type=\"sha-1\"><hash>{sha1}</hash><hash>{sha1}</hash><hash>{sha1}</hash></pieces>\
         <url location=\"de\">ftp://ftp.example.com/example.ext</url>\
         <url priority=\"9\">https://last.example/a?b=1&amp;c=2</url>\
         <url location=\"de\" priority=\"1\">http://first.example/&#101;xample.ext</url>\
         <url>http://whenever.example/</url>\
         <metaurl mediatype=\"torrent\" priority=\"2\">http://example.com/example.ext.torrent</metaurl>\
         </file>",
        md5 = "33".repeat(16),
    ));
    assert_eq!((file.name.as_str(), file.size, file.folders.len()), ("example.ext", Some(25), 0));
    assert_eq!(file.digests[0].to_string(), format!("sha256:{sha256}"));
    assert_eq!(file.digests.len(), 2, "the weaker one, too");
    let pieces = file.pieces.unwrap();
    assert_eq!((pieces.length, pieces.digests.len()), (10, 3));
    assert_eq!(pieces.digests[0].algorithm(), Algorithm::Sha1);
    let urls: Vec<&str> = file.urls.iter().map(|url| url.expose().as_str()).collect();
    assert_eq!(
        urls,
        ["http://first.example/example.ext", "https://last.example/a?b=1&c=2", "http://whenever.example/"]
    );
}

#[test]
fn names_stay_below_the_folder() {
    for (name, folders, last) in [
        ("../../etc/passwd", vec!["etc"], "passwd"),
        ("/etc/cron.d/x", vec!["etc", "cron.d"], "x"),
        ("a\\..\\b", vec!["a"], "b"),
        ("disks/one.iso", vec!["disks"], "one.iso"),
        ("..", vec![], "download"),
        ("", vec![], "download"),
        ("con.txt", vec![], "_con.txt"),
    ] {
        let file = one(&format!("<file name=\"{name}\"><url>http://example.org/</url></file>"));
        let had: Vec<&str> = file.folders.iter().map(FileName::as_str).collect();
        assert_eq!((had, file.name.as_str()), (folders, last), "{name}");
    }
}

#[test]
fn what_cannot_be_followed_is_told_as_that() {
    let url = "<url>http://example.org/</url>";
    let version_3 = "<metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\"><files/></metalink>";
    assert_eq!(parse(version_3), Err(MetalinkError::VersionThree));
    for (text, bad_file) in [
        (String::new(), false),
        ("not xml".to_owned(), false),
        ("<html><body/></html>".to_owned(), false),
        ("<metalink><file name=\"a\"/></metalink>".to_owned(), false),
        (format!("{START}</metalink>"), false),
        (format!("{START}<file name=\"a\">{url}</file>"), false),
        (format!("{START}<file name=\"a\">{url}</wrong></metalink>"), false),
        (format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{START}<file name=\"a\">{url}</file></metalink>"), false),
        (format!("{START}<file name=\"a\"><url>http://&b;/</url></file></metalink>"), false),
        (format!("{START}{}", "<a>".repeat(100)), false),
        (format!("{START}<file name=\"a\"><url>{}</url></file></metalink>", "x".repeat(10_000)), false),
        (format!("{START}<file name=\"a\"></file></metalink>"), true),
        (format!("{START}<file name=\"a\"><url>ftp://example.org/</url></file></metalink>"), true),
        (format!("{START}<file name=\"a\"><size>-1</size>{url}</file></metalink>"), true),
        (format!("{START}<file name=\"a\"><hash type=\"sha-1\">xy</hash>{url}</file></metalink>"), true),
        (
            format!(
                "{START}<file name=\"a\"><pieces length=\"0\" type=\"md5\"><hash/></pieces>{url}</file></metalink>"
            ),
            true,
        ),
        (
            format!(
                "{START}<file name=\"a\"><size>25</size><pieces length=\"10\" type=\"md5\"><hash>{}</hash></pieces>{url}</file></metalink>",
                "0".repeat(32)
            ),
            true,
        ),
    ] {
        let error = parse(&text).unwrap_err();
        assert_eq!(matches!(error, MetalinkError::BadFile { .. }), bad_file, "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(<|/|>|metalink|file|url|hash|pieces|name=\"|\"|&|#x41;|[a-z]| ){0,60}") {
        let _ = parse(&text);
        let _ = files(&text);
    }
}

#[test]
fn of_each_algorithm_one_digest_counts() {
    let hashes: String = (0..100).map(|number| format!("<hash type=\"md5\">{number:032x}</hash>")).collect();
    let file = one(&format!("<file name=\"a\"><url>http://example.org/a</url>{hashes}</file>"));
    assert_eq!(file.digests.len(), 1);
    assert_eq!(file.digests[0].to_string(), format!("md5:{:032x}", 0));
}

#[test]
fn what_the_parser_says_of_a_document_is_told() {
    let error = files("<file name=\"a\"></wrong>").unwrap_err();
    assert!(matches!(&error, MetalinkError::NotMetalink(reason) if reason.contains("wrong")), "{error}");
}
