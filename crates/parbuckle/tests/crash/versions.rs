//! Objects of a bucket with versions: put, deleted under a marker, and version by version.

use std::collections::BTreeMap;

use parbuckle_testkit::{CallError, Reply, SignedClient};
use serde_json::Value;

use super::random::{Content, Random};

pub(crate) const BUCKET: &str = "versions";
const NAMES: usize = 3;
/// Most versions that one name gets, so that a long run does not read ever more.
const VERSIONS_MAX: usize = 12;

/// A version: an object's content, or a delete marker.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    id: String,
    content: Option<Content>,
}

/// What was under way when the server died.
#[derive(Clone, Debug)]
enum Change {
    /// A put, or a delete marker.
    Added(Option<Content>),
    /// The deletion of this version.
    Dropped(String),
}

/// The versions of one worker's objects, the youngest first.
pub(crate) struct Versions {
    prefix: String,
    names: BTreeMap<String, Vec<Version>>,
    under_way: Option<(String, Change)>,
}

impl Versions {
    pub(crate) fn new(worker: usize) -> Self {
        let prefix = format!("w{worker}/");
        let names = (0..NAMES).map(|n| (format!("{prefix}v{n}"), Vec::new()));
        Self {
            names: names.collect(),
            prefix,
            under_way: None,
        }
    }

    pub(crate) async fn put(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        let name = self.any_name(random);
        if self.names[&name].len() >= VERSIONS_MAX {
            return self.drop_version(admin, random).await;
        }
        let content = random.content();
        let call = admin.put(admin.object_path(BUCKET, &name));
        let added = call.body(content.bytes()).attempt().await;
        self.added(&name, Some(content), added.map(|reply| reply.expect(200)))
    }

    /// Hides an object under a delete marker.
    pub(crate) async fn delete(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        let name = self.any_name(random);
        let latest = self.names[&name].first();
        if latest.is_none_or(|latest| latest.content.is_none()) {
            return self.put(admin, random).await;
        }
        let call = admin.delete(admin.object_path(BUCKET, &name));
        let added = call.attempt().await;
        self.added(&name, None, added.map(|reply| reply.expect(204)))
    }

    /// Deletes one version for good.
    pub(crate) async fn drop_version(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        let name = self.any_name(random);
        let ids: Vec<_> = self.names[&name]
            .iter()
            .map(|version| &version.id)
            .collect();
        let Some(id) = random.choose(&ids).cloned() else {
            let content = random.content();
            let call = admin.put(admin.object_path(BUCKET, &name));
            let added = call.body(content.bytes()).attempt().await;
            return self.added(&name, Some(content), added.map(|reply| reply.expect(200)));
        };
        let path = admin.object_path(BUCKET, &name);
        match admin
            .delete(format!("{path}?versionId={id}"))
            .attempt()
            .await
        {
            Ok(reply) => {
                reply.expect(204);
                self.of(&name).retain(|version| version.id != id);
                true
            }
            Err(error) => {
                self.under_way = error.sent.then_some((name, Change::Dropped(id)));
                false
            }
        }
    }

    /// Objects and their bytes, once they have been checked; markers do not count.
    pub(crate) fn size(&self) -> (usize, usize) {
        let contents = self.names.values().flatten();
        let contents = contents.filter_map(|version| version.content);
        contents.fold((0, 0), |(count, bytes), content| {
            (count + 1, bytes + content.len)
        })
    }

    /// Every version is there, in its order, with its bytes, and nothing else; the latest is what a read without a version
    /// finds. What was under way is settled by what is found.
    pub(crate) async fn check(&mut self, admin: &SignedClient, cycle: usize) {
        let mut listed = self.listed(admin).await;
        let under_way = self.under_way.take();
        for (name, versions) in &mut self.names {
            let listed = listed.remove(name).unwrap_or_default();
            if let Some((_, change)) = under_way.as_ref().filter(|(at, _)| at == name) {
                settle(versions, change, &listed);
            }
            let expected = versions.iter();
            let expected: Vec<_> = expected
                .map(|v| (v.id.clone(), v.content.is_none()))
                .collect();
            assert_eq!(listed, expected, "cycle {cycle}: the versions of {name}");
            let path = admin.object_path(BUCKET, name);
            for Version { id, content } in versions.iter() {
                let Some(content) = content else { continue };
                let reply = admin.get(format!("{path}?versionId={id}")).await;
                let whole = reply.status == 200 && content.is(&reply.body);
                assert!(whole, "cycle {cycle}: {name} {id}\n{}", reply.dump());
            }
            let reply = admin.get(path).await;
            match versions.first().and_then(|latest| latest.content) {
                Some(content) => assert!(content.is(&reply.body), "cycle {cycle}: {name}"),
                None => drop(reply.expect(404)),
            }
        }
        assert!(listed.is_empty(), "cycle {cycle}: nobody made {listed:?}");
    }

    /// Ids by name, each with whether it is a delete marker.
    async fn listed(&self, admin: &SignedClient) -> BTreeMap<String, Vec<(String, bool)>> {
        let bucket = admin.bucket_path(BUCKET);
        let target = format!("{bucket}/objectversions?limit=1000&prefix={}", self.prefix);
        let reply = admin.get(target).await.expect(200);
        let mut by_name: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for item in reply.json()["items"].as_array().expect("a list") {
            let text = |field: &str| item[field].as_str().expect("text").to_owned();
            let is_marker = item["isDeleteMarker"] == Value::Bool(true);
            let of_name = by_name.entry(text("name")).or_default();
            of_name.push((text("versionId"), is_marker));
        }
        by_name
    }

    fn added(
        &mut self,
        name: &str,
        content: Option<Content>,
        added: Result<Reply, CallError>,
    ) -> bool {
        match added {
            Ok(reply) => {
                let id = reply.required("version-id").to_owned();
                self.of(name).insert(0, Version { id, content });
                true
            }
            Err(error) => {
                let change = Change::Added(content);
                self.under_way = error.sent.then_some((name.to_owned(), change));
                false
            }
        }
    }

    fn of(&mut self, name: &str) -> &mut Vec<Version> {
        self.names.get_mut(name).expect("a name of this worker")
    }

    fn any_name(&self, random: &mut Random) -> String {
        let names: Vec<_> = self.names.keys().collect();
        let name = random.choose(&names);
        name.expect("workers have names").clone()
    }
}

/// Takes the change over if the list shows that it has happened.
fn settle(versions: &mut Vec<Version>, change: &Change, listed: &[(String, bool)]) {
    match change {
        Change::Added(content) => {
            let known = |id: &String| versions.iter().any(|version| version.id == *id);
            let id = listed.first().map(|(id, _)| id.clone());
            if let Some(id) = id.filter(|id| !known(id)) {
                let content = *content;
                versions.insert(0, Version { id, content });
            }
        }
        Change::Dropped(id) => {
            if !listed.iter().any(|(listed, _)| listed == id) {
                versions.retain(|version| version.id != *id);
            }
        }
    }
}
