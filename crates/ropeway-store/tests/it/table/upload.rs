//! Uploads that servers hold the beginning of: what is saved is what is read.

use ropeway_model::Timestamp;
use ropeway_store::{JobChange, Store, UploadSession, UploadState};

use crate::sample;

#[tokio::test]
async fn the_state_of_an_upload_replaces_the_one_before_it() {
    let store = Store::in_memory().await.unwrap();
    let id = sample::insert(&store, sample::downloads(1)).await[0];
    assert_eq!(store.upload(id).await.unwrap(), None);
    let plain = sample::upload_state();
    let expires = Some(Timestamp::from_unix_ms(1));
    let compared = UploadSession { expires, compared: 7, ..plain.session.clone() };
    let other = UploadState { session: compared, inode: u64::MAX, modified_ns: -1, ..plain.clone() };
    for state in [Some(plain), Some(other), None] {
        store.save(vec![JobChange { upload: Some(state.clone()), ..JobChange::new(id) }]).await.unwrap();
        assert_eq!(store.upload(id).await.unwrap(), state);
    }
}
