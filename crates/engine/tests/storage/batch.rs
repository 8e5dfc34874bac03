//! Deleting many objects at once (wire reference 4.2): each for itself, and told in the order given.

use parbuckle_engine::{BATCH_OBJECTS_MAX, Caller, Error, ObjectToDelete};
use parbuckle_model::{ETag, EtagCondition, ObjectName, Preconditions, Versioning};

use super::shelf::Shelf;
use super::support::{kind_of, outcome};

impl Shelf {
    /// The outcome of each, in a word.
    async fn delete_all(
        &self,
        caller: &Caller,
        objects: Vec<ObjectToDelete>,
    ) -> Result<Vec<(String, String)>, Error> {
        let engine = &self.world.engine;
        let told = engine
            .delete_objects(caller, self.bucket(), objects)
            .await?;
        let word = |(name, told): &(ObjectName, _)| (name.as_str().to_owned(), outcome(told));
        Ok(told.iter().map(word).collect())
    }
}

fn object(name: &str, etag: Option<ETag>) -> ObjectToDelete {
    ObjectToDelete {
        object: ObjectName::parse(name.as_bytes()).unwrap(),
        preconditions: Preconditions {
            if_match: etag.map(|etag| EtagCondition::OneOf(vec![etag])),
            if_none_match: None,
        },
    }
}

#[tokio::test]
async fn each_object_is_deleted_or_refused_for_itself() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let (a, b) = (shelf.put("a", b"1").await, shelf.put("b", b"2").await);
    shelf.put("c", b"3").await;
    let objects = vec![
        object("missing", None),
        object("b", Some(a.etag)),
        object("a", Some(a.etag)),
        object("c", None),
    ];
    let told = shelf.delete_all(&shelf.world.admin, objects).await.unwrap();
    let told: Vec<_> = told.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let expected = [
        ("missing", "ObjectToDeleteNotFound"),
        ("b", "IfMatchFailed"),
        ("a", "ok"),
        ("c", "ok"),
    ];
    assert_eq!(told, expected);
    assert_eq!(shelf.names().await, ["b"]);
    assert_eq!(shelf.info("b").await, b);
}

#[tokio::test]
async fn a_name_that_stands_twice_is_found_once() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put("a", b"1").await;
    let objects = vec![object("a", None), object("a", None)];
    let told = shelf.delete_all(&shelf.world.admin, objects).await.unwrap();
    let mut told: Vec<_> = told.into_iter().map(|(_, told)| told).collect();
    told.sort();
    assert_eq!(told, ["ObjectToDeleteNotFound", "ok"]);
    assert_eq!(shelf.shape().await, "a:x a:1");
}

#[tokio::test]
async fn a_batch_holds_1_to_1000_objects() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let mut names: Vec<String> = (0..=BATCH_OBJECTS_MAX).map(|n| format!("{n:04}")).collect();
    for name in &names {
        shelf.put(name, b"x").await;
    }
    let batch = |names: &[String]| names.iter().map(|name| object(name, None)).collect();
    let admin = &shelf.world.admin;
    for refused in [&names[..0], &names[..]] {
        let told = shelf.delete_all(admin, batch(refused)).await.unwrap_err();
        assert_eq!(kind_of(&told), "InvalidParameter");
    }
    let last = names.pop().unwrap();
    let told = shelf.delete_all(admin, batch(&names)).await.unwrap();
    let expected: Vec<_> = names
        .into_iter()
        .map(|name| (name, "ok".to_owned()))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(shelf.names().await, [last]);
    assert_eq!(shelf.counts().await, (1, 1));
}

#[tokio::test]
async fn who_may_delete_nothing_finds_no_bucket() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    shelf.put("a", b"1").await;
    let world = &shelf.world;
    let par = shelf.par().await;
    for (caller, expected) in [
        (&par, "BucketNotFound"),
        (&world.anonymous().await, "BucketNotFound"),
        (&world.foreigner, "NamespaceNotFound"),
    ] {
        let told = shelf.delete_all(caller, vec![object("a", None)]).await;
        assert_eq!(outcome(&told), expected);
    }
    assert_eq!(shelf.names().await, ["a"]);
}
