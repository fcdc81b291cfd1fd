//! Rows of part files: what is saved is what is read.

use ropeway_model::{Algorithm, HashedPrefix};
use ropeway_store::{JobChange, PartFileState, Store};

use crate::sample;

#[tokio::test]
async fn the_state_of_a_part_file_replaces_the_one_before_it() {
    let store = Store::in_memory().await.unwrap();
    let id = sample::insert(&store, sample::downloads(1)).await[0];
    assert_eq!(store.part_file(id).await.unwrap(), None);
    let plain = PartFileState { length: 7, modified_ns: -1, inode: None, is_settled: false, hashed: None };
    let states = vec![(Algorithm::Sha256, vec![0, 255, 7]), (Algorithm::Md5, Vec::new())];
    let hashed = Some(HashedPrefix { format: 1, offset: 5, states });
    for state in
        [Some(plain.clone()), Some(PartFileState { is_settled: true, inode: Some(u64::MAX), hashed, ..plain }), None]
    {
        store.save(vec![JobChange { part_file: Some(state.clone()), ..JobChange::new(id) }]).await.unwrap();
        assert_eq!(store.part_file(id).await.unwrap(), state);
    }
}
