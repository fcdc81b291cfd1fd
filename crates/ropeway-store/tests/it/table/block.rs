//! Rows of block digests: added to, replaced, kept with a finished job and gone with a removed one.

use ropeway_model::ByteRange;
use ropeway_store::{Block, BlockChange, JobChange, Store};

use crate::sample;

fn block(start: u64, end: u64, fill: u8) -> Block {
    Block { range: ByteRange::new(start, end).unwrap(), digest: [fill; 32] }
}

#[tokio::test]
async fn blocks_are_added_replaced_and_go_with_their_job() {
    let store = Store::in_memory().await.unwrap();
    let ids = sample::insert(&store, sample::downloads(2)).await;
    let save = |change| JobChange { blocks: Some(change), ..JobChange::new(ids[0]) };
    store.save(vec![save(BlockChange::Add(vec![block(10, 15, 1)]))]).await.unwrap();
    store.save(vec![save(BlockChange::Add(vec![block(0, 10, 2), block(10, 15, 3)]))]).await.unwrap();
    assert_eq!(store.blocks(ids[0]).await.unwrap(), [block(0, 10, 2), block(10, 15, 3)]);
    store.save(vec![JobChange { segments: Some(None), ..JobChange::new(ids[0]) }]).await.unwrap();
    assert_eq!(store.blocks(ids[0]).await.unwrap().len(), 2, "a change that does not name the blocks keeps them");
    store.save(vec![save(BlockChange::Replace(vec![block(5, 6, 4)]))]).await.unwrap();
    assert_eq!(store.blocks(ids[0]).await.unwrap(), [block(5, 6, 4)]);
    assert!(store.blocks(ids[1]).await.unwrap().is_empty());
    store.remove_jobs(vec![ids[0]]).await.unwrap();
    assert!(store.blocks(ids[0]).await.unwrap().is_empty());
}
