//! Auto-tiering: what moves when, what comes back, and what is noted of reads.

use parbuckle_model::{AutoTiering, StorageTier, Versioning};

use super::lifecycle::{DAY, Keeper, LARGE};
use super::shelf::Shelf;
use super::support::audit::all_keys;
use super::support::body::content;

async fn keeper() -> Keeper {
    let keeper = Keeper(Shelf::new(Versioning::Disabled).await);
    keeper.set_auto_tiering(AutoTiering::InfrequentAccess).await;
    keeper
}

#[tokio::test]
async fn auto_tiering_moves_large_objects_that_nobody_reads_for_31_days() {
    let keeper = keeper().await;
    keeper.0.world.engine.upkeep_once().await.unwrap();
    keeper.0.put("large", &content(LARGE, 1)).await;
    keeper.0.put("small", &content(LARGE - 1, 1)).await;
    assert_eq!(keeper.days(30).await.infrequent, 0);
    assert_eq!(keeper.days(1).await.infrequent, 1);
    assert_eq!(keeper.tier("large").await, StorageTier::InfrequentAccess);
    assert_eq!(keeper.tier("small").await, StorageTier::Standard);
}

#[tokio::test]
async fn an_object_that_is_read_stays_and_one_that_has_moved_comes_back() {
    let keeper = keeper().await;
    keeper.0.world.engine.upkeep_once().await.unwrap();
    keeper.0.put("o", &content(LARGE, 1)).await;
    keeper.days(20).await;
    keeper.open("o").await;
    assert_eq!(keeper.days(30).await.infrequent, 0);
    // A look at its metadata is no read.
    assert_eq!(keeper.tier("o").await, StorageTier::Standard);
    assert_eq!(keeper.days(2).await.infrequent, 1);
    keeper.open("o").await;
    keeper.0.world.engine.upkeep_once().await.unwrap();
    assert_eq!(keeper.tier("o").await, StorageTier::Standard);
    assert_eq!(keeper.0.world.engine.upkeep_totals().standard, 1);
}

#[tokio::test]
async fn auto_tiering_counts_from_when_it_was_turned_on() {
    let keeper = Keeper(Shelf::new(Versioning::Disabled).await);
    keeper.0.put("o", &content(LARGE, 1)).await;
    keeper.0.world.environment.advance(100 * DAY);
    for _ in 0..2 {
        keeper.set_auto_tiering(AutoTiering::InfrequentAccess).await;
        assert_eq!(keeper.days(20).await.infrequent, 0);
        keeper.set_auto_tiering(AutoTiering::Disabled).await;
        keeper.days(20).await;
    }
    keeper.set_auto_tiering(AutoTiering::InfrequentAccess).await;
    assert_eq!(keeper.days(32).await.infrequent, 1);
}

#[tokio::test]
async fn reads_are_written_down_once_a_day_and_forgotten_with_their_object() {
    let keeper = keeper().await;
    keeper.0.put("o", &content(LARGE, 1)).await;
    keeper.open("o").await;
    assert_eq!(keeper.keys("A").await, 0, "a read writes nothing");
    let engine = &keeper.0.world.engine;
    engine.upkeep_once().await.unwrap();
    let before = all_keys(&keeper.0.world).await;
    assert_eq!(keeper.keys("A").await, 1);
    keeper.0.world.environment.advance(DAY / 2);
    keeper.open("o").await;
    engine.upkeep_once().await.unwrap();
    assert_eq!(all_keys(&keeper.0.world).await, before);
    keeper.0.delete("o").await;
    keeper.days(1).await;
    assert_eq!(keeper.keys("A").await, 0);
}
