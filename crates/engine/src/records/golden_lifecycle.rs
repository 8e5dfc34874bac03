//! Golden bytes of lifecycle policies and of their runs: see [`super::golden`].

use parbuckle_model::ETag;

use super::golden::{assert_golden, time};
use super::*;

#[test]
fn a_lifecycle_policy() {
    let rule = LifecycleRule {
        name: "r".to_owned(),
        target: LifecycleTarget::PreviousVersions,
        action: LifecycleAction::Delete,
        time_amount: 30,
        time_unit: LifecycleTimeUnit::Years,
        enabled: true,
        filter: Some(ObjectNameFilter {
            inclusion_prefixes: vec!["a/".to_owned()],
            inclusion_patterns: vec!["*.b".to_owned()],
            exclusion_patterns: vec!["c?".to_owned()],
        }),
    };
    let record = LifecycleRecord {
        etag: ETag::from_bytes([1; 16]),
        time_created: time(),
        rules: vec![
            rule.clone(),
            LifecycleRule {
                target: LifecycleTarget::Uploads,
                action: LifecycleAction::Abort,
                time_unit: LifecycleTimeUnit::Days,
                filter: None,
                ..rule
            },
        ],
    };
    assert_golden(
        &record,
        "01a3005001010101010101010101010101010101011b0000017802ef326a0282a7006172010202 \
         0203181e040105f506a3008162612f0181632a2e62028162633fa60061720101020303181e0400 \
         05f5",
    );
}

#[test]
fn the_upkeep_of_a_bucket() {
    let record = UpkeepRecord {
        last_run: Some(StoredTime(time())),
        run: Some(RunRecord {
            started: time(),
            phase: Phase::Uploads,
            position: b"name".to_vec(),
            counts: UpkeepCounts {
                deleted: 2,
                failed: 300,
                ..UpkeepCounts::default()
            },
        }),
        auto_tiering_since: Some(StoredTime(time())),
    };
    assert_golden(
        &record,
        "01a3001b0000017802ef326a01a4001b0000017802ef326a010202446e616d6503a20102081901 \
         2c021b0000017802ef326a",
    );
    assert_golden(&UpkeepRecord::default(), "01a0");
}

#[test]
fn when_an_object_was_last_read() {
    assert_golden(&LastReadRecord { time: time() }, "01a1001b0000017802ef326a");
}
