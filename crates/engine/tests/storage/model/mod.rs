//! Random programs against the engine and against a reference of ordered maps, step by step.

mod buckets;
mod copies;
mod draw;
mod history;
mod objects;
mod pars;
mod program;
mod reference;
mod renames;
mod rules;
mod run;
mod uploads;
mod versions;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::support::body::{body, read_all};
use super::support::world::{Stores, World};
use super::support::{new_bucket, outcome};
use parbuckle_engine::{ObjectMd5, PutObject, ReadObject};
use run::Run;

/// Programs in a usual run.
const CASES_DEFAULT: u32 = 600;

const STACK_BYTES: usize = 64 << 20;

#[test]
fn random_programs_behave_as_the_reference_says() {
    check_programs(Stores::Memory, cases());
}

#[test]
fn random_programs_behave_so_on_disk_too() {
    check_programs(Stores::Disk, cases().div_ceil(25));
}

#[tokio::test]
async fn the_same_seed_makes_the_same_ids() {
    let mut listings = Vec::new();
    for _ in 0..2 {
        let world = World::new(Stores::Memory, 7).await;
        let namespace = world.namespace.clone();
        let new = new_bucket(&world, "b");
        let bucket = world.engine.create_bucket(&world.admin, &namespace, new);
        listings.push(bucket.await.unwrap());
    }
    assert_eq!(listings[0], listings[1]);
}

/// The reference computes digests with the engine's library; this fixes it to the standard (RFC 1321, A.5).
#[tokio::test]
async fn the_md5_of_an_object_is_the_one_of_rfc_1321() {
    let world = World::new(Stores::Memory, 1).await;
    let (engine, admin) = (&world.engine, &world.admin);
    let new = new_bucket(&world, "b");
    let made = engine.create_bucket(admin, &world.namespace, new).await;
    assert_eq!(outcome(&made), "ok");
    let path = world.object("b", "o");
    let put = engine.put_object(admin, &path, PutObject::default(), body(b"abc", 1));
    let md5 = 0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72_u128.to_be_bytes();
    assert_eq!(put.await.unwrap().md5, ObjectMd5::Whole(md5));
    let read = engine.read_object(admin, &path, ReadObject::default());
    assert_eq!(read_all(read.await.unwrap().body).await.unwrap(), b"abc");
}

/// Runs so many random programs. A failure prints the seed, and the program at its shortest.
///
/// A program is one future with all steps within it, which in the dev profile takes more than a test's usual stack.
fn check_programs(stores: Stores, cases: u32) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let done = thread.spawn(move || check_programs_here(stores, cases));
    if let Err(panic) = done.unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

fn check_programs_here(stores: Stores, cases: u32) {
    let seed = seed();
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 3000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let steps = Cell::new(0);
    let result = TestRunner::new_with_rng(config, rng).run(&draw::programs(), |program| {
        steps.set(steps.get() + program.len());
        runtime
            .block_on(Run::program(stores, &program))
            .map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => println!("{stores:?}: {cases} programs, {} steps", steps.get()),
        Err(TestError::Fail(why, program)) => {
            let steps = program.iter().map(|step| format!("\n    {step:?}"));
            let steps: String = steps.collect();
            panic!("seed {seed}: {why}\nThe shortest such program:{steps}")
        }
        Err(TestError::Abort(why)) => panic!("seed {seed}: {why}"),
    }
}

fn cases() -> u32 {
    variable("PARBUCKLE_PROPTEST_CASES").map_or(CASES_DEFAULT, |cases| {
        u32::try_from(cases).expect("a number of cases has 32 bits")
    })
}

fn seed() -> u64 {
    variable("PARBUCKLE_PROPTEST_SEED").unwrap_or_else(|| TestRunner::default().rng().next_u64())
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text:?}")))
}
