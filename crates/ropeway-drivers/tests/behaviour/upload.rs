//! Uploads.

use ropeway_testkit::{Nginx, Pattern, Peer, peer::Answer, sha256_of_file};

use crate::ground::upload;

#[tokio::test]
async fn a_put_and_a_form_arrive_whole() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let pattern = Pattern::new(3);
    for length in [0, 1, 64 * 1024, 1_000_000] {
        upload(&peer.url("in/"), "a b.bin", pattern, length).await.unwrap();
        upload(&format!("form+{}#field=file", peer.url("form")), "a\"b.bin", pattern, length).await.unwrap();
        let requests = peer.requests();
        let [put, form] = requests.last_chunk().unwrap();
        assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", "/in/a%20b.bin"));
        assert_eq!(put.content_length(), Some(length));
        assert_eq!((put.files[0].length, &put.files[0].sha256), (length, &pattern.sha256(length)));
        assert_eq!((form.method.as_str(), form.path.as_str()), ("POST", "/form"));
        assert!(form.content_length().is_some_and(|all| all > length) && form.body_complete);
        let file = &form.files[0];
        assert_eq!((file.field.as_str(), file.name.as_deref()), ("file", Some("a%22b.bin")));
        assert_eq!((file.length, &file.sha256), (length, &pattern.sha256(length)));
    }
}

#[tokio::test]
async fn a_put_arrives_at_nginx() {
    let nginx = Nginx::start();
    let pattern = Pattern::new(4);
    upload(&nginx.url("new/folder/"), "a b.bin", pattern, 3_000_000).await.unwrap();
    assert_eq!(sha256_of_file(&nginx.root().join("new/folder/a b.bin")), pattern.sha256(3_000_000));
}
