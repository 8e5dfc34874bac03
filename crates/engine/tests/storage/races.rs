//! Two things at once: conditions hold at the commit, and what changes while a body comes in is seen.

use std::time::Duration;

use bytes::Bytes;
use parbuckle_engine::{Error, NewPar, NewUpload, PartSelection, PutObject};
use parbuckle_model::{AccessType, EtagCondition, ParId, ParScope, Preconditions};

use super::support::audit::audit;
use super::support::body::{body, content, sent_later};
use super::support::world::{Stores, World};
use super::support::{expires_in, new_bucket, outcome, part};

const RIVALS: u64 = 16;

#[tokio::test]
async fn of_many_puts_that_must_be_the_first_one_is() {
    let world = world().await;
    let path = world.object("b", "o");
    let conditions = Preconditions {
        if_match: None,
        if_none_match: Some(EtagCondition::Any),
    };
    let outcomes = rivals(async |rival| put(&world, rival, conditions.clone()).await).await;
    assert_eq!(outcomes, won_by_one("IfNoneMatchFailed"));
    let none = Preconditions::default();
    let info = world
        .engine
        .head_object(&world.admin, &path, &none, None, None)
        .await;
    // The winner can be replaced once, too.
    let conditions = Preconditions {
        if_match: Some(EtagCondition::OneOf(vec![info.unwrap().etag])),
        if_none_match: None,
    };
    let outcomes = rivals(async |rival| put(&world, rival, conditions.clone()).await).await;
    assert_eq!(outcomes, won_by_one("IfMatchFailed"));
    audit(&world).await;
}

#[tokio::test]
async fn of_many_commits_of_an_upload_one_succeeds() {
    let world = world().await;
    let (engine, admin) = (&world.engine, &world.admin);
    let started = engine
        .create_upload(admin, &world.object("b", "o"), NewUpload::default())
        .await;
    let path = world.upload("b", "o", started.unwrap().upload.id);
    let (none, checks) = (Preconditions::default(), Default::default());
    let stored = engine.upload_part(admin, &path, part(1), &none, checks, body(b"part", 1));
    assert_eq!(outcome(&stored.await), "ok");
    let outcomes = rivals(async |_| {
        let committed = engine.commit_upload(admin, &path, PartSelection::All, &none);
        committed.await.map(drop)
    });
    assert_eq!(outcomes.await, won_by_one("UploadNotFound"));
    audit(&world).await;
}

#[tokio::test]
async fn of_many_bucket_creations_one_succeeds() {
    let world = world().await;
    let outcomes = rivals(async |_| {
        let new = new_bucket(&world, "x");
        let made = world
            .engine
            .create_bucket(&world.admin, &world.namespace, new);
        made.await.map(drop)
    });
    assert_eq!(outcomes.await, won_by_one("BucketAlreadyExists"));
}

#[tokio::test]
async fn a_par_deleted_while_the_body_comes_in_stores_nothing() {
    let world = world().await;
    let (par, token) = writing_par(&world).await;
    let end = async {
        let (bucket, admin) = (world.bucket("b"), &world.admin);
        world
            .engine
            .delete_par(admin, &bucket, &par, None)
            .await
            .unwrap();
    };
    assert_eq!(put_while(&world, &token, end).await, "ParDoesNotExist");
    assert!(audit(&world).await["b"].objects.is_empty());
}

#[tokio::test]
async fn a_par_that_expires_while_the_body_comes_in_stores_nothing() {
    let world = world().await;
    let (_, token) = writing_par(&world).await;
    let end = async { world.environment.advance(Duration::from_secs(3600)) };
    assert_eq!(put_while(&world, &token, end).await, "ParDoesNotExist");
    assert!(audit(&world).await["b"].objects.is_empty());
}

#[tokio::test]
async fn a_par_that_lives_while_the_body_comes_in_stores_it() {
    let world = world().await;
    let (_, token) = writing_par(&world).await;
    let end = async { world.environment.advance(Duration::from_secs(3599)) };
    assert_eq!(put_while(&world, &token, end).await, "ok");
    assert_eq!(audit(&world).await["b"].objects["o"].1, content(100, 1));
}

#[tokio::test]
async fn an_upload_aborted_while_a_part_comes_in_keeps_nothing_of_it() {
    let world = world().await;
    let (engine, admin) = (&world.engine, &world.admin);
    let started = engine
        .create_upload(admin, &world.object("b", "o"), NewUpload::default())
        .await;
    let path = world.upload("b", "o", started.unwrap().upload.id);
    let (sender, body) = sent_later(100);
    let (none, checks) = (Preconditions::default(), Default::default());
    let stored = engine.upload_part(admin, &path, part(1), &none, checks, body);
    let (stored, ()) = tokio::join!(stored, async {
        send(&sender, &content(100, 1)[..99]).await;
        engine.abort_upload(admin, &path).await.unwrap();
        send(&sender, &content(100, 1)[99..]).await;
    });
    assert_eq!(outcome(&stored), "UploadNotFound");
    assert!(audit(&world).await["b"].uploads.is_empty());
}

#[tokio::test]
async fn a_bucket_made_anew_while_the_body_comes_in_gets_no_old_bucket_s_par() {
    let world = world().await;
    let (par, token) = writing_par(&world).await;
    let end = async {
        let (engine, admin, bucket) = (&world.engine, &world.admin, world.bucket("b"));
        engine.delete_par(admin, &bucket, &par, None).await.unwrap();
        let none = Preconditions::default();
        engine.delete_bucket(admin, &bucket, &none).await.unwrap();
        let new = new_bucket(&world, "b");
        engine
            .create_bucket(admin, &world.namespace, new)
            .await
            .unwrap();
    };
    assert_eq!(put_while(&world, &token, end).await, "ParDoesNotExist");
    assert!(audit(&world).await["b"].objects.is_empty());
}

/// Puts an object through a PAR, and lets `meanwhile` happen when all but the last byte has come.
async fn put_while(world: &World, token: &str, meanwhile: impl Future<Output = ()>) -> String {
    let (path, holder) = (world.object("b", "o"), world.par(token).await);
    let (sender, body) = sent_later(100);
    let bytes = content(100, 1);
    let put = world
        .engine
        .put_object(&holder, &path, PutObject::default(), body);
    let (stored, ()) = tokio::join!(put, async {
        send(&sender, &bytes[..50]).await;
        // It fits into the channel only when the frame before was taken: the first checks have passed.
        send(&sender, &bytes[50..99]).await;
        meanwhile.await;
        send(&sender, &bytes[99..]).await;
    });
    outcome(&stored)
}

async fn send(sender: &tokio::sync::mpsc::Sender<Bytes>, bytes: &[u8]) {
    sender.send(Bytes::copy_from_slice(bytes)).await.unwrap();
}

async fn put(world: &World, rival: u64, preconditions: Preconditions) -> Result<(), Error> {
    let put = PutObject {
        preconditions,
        ..PutObject::default()
    };
    let (path, bytes) = (world.object("b", "o"), content(100, rival));
    let stored = world
        .engine
        .put_object(&world.admin, &path, put, body(&bytes, rival));
    stored.await.map(drop)
}

async fn writing_par(world: &World) -> (ParId, String) {
    let new = NewPar {
        name: "par".to_owned(),
        scope: ParScope::new(AccessType::ObjectWrite, Some("o"), None).unwrap(),
        time_expires: expires_in(world, Duration::from_secs(3600)),
    };
    let made = world
        .engine
        .create_par(&world.admin, &world.bucket("b"), new)
        .await;
    let made = made.unwrap();
    (made.par.id, made.token.expose().clone())
}

/// Runs the same call many times side by side. Returns the outcomes in order of their names.
async fn rivals(call: impl AsyncFn(u64) -> Result<(), Error>) -> Vec<String> {
    let mut calls: Vec<_> = (0..RIVALS)
        .map(|rival| Some(Box::pin(call(rival))))
        .collect();
    let mut outcomes = Vec::new();
    std::future::poll_fn(|cx| {
        for call in &mut calls {
            let polled = call.as_mut().map(|running| running.as_mut().poll(cx));
            if let Some(std::task::Poll::Ready(result)) = polled {
                outcomes.push(outcome(&result));
                *call = None;
            }
        }
        match calls.iter().all(Option::is_none) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    outcomes.sort();
    outcomes
}

/// One success, and for all others this refusal.
fn won_by_one(refusal: &str) -> Vec<String> {
    let mut outcomes = vec![refusal.to_owned(); RIVALS as usize - 1];
    outcomes.push("ok".to_owned());
    outcomes
}

/// A service with an empty bucket `b`.
async fn world() -> World {
    let world = World::new(Stores::Memory, 1).await;
    let new = new_bucket(&world, "b");
    let made = world
        .engine
        .create_bucket(&world.admin, &world.namespace, new);
    assert_eq!(outcome(&made.await), "ok");
    world
}
