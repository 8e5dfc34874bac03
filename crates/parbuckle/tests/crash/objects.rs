//! Objects of a bucket without versions: put, overwritten, deleted, renamed, committed from parts.

use std::collections::BTreeMap;

use parbuckle_testkit::{Call, Par, SignedClient};

use super::random::{Content, Random};

pub(crate) const BUCKET: &str = "crash";
const NAMES: usize = 5;

/// What an object may be now: what was acknowledged, or what was under way when the server died.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    acknowledged: Option<Content>,
    under_way: Option<Option<Content>>,
}

/// The objects of one worker.
pub(crate) struct Objects {
    gate: Par,
    slots: BTreeMap<String, Slot>,
    /// What the first was before, and the second, when a rename of the first to the second was under way.
    rename_under_way: Option<(String, String)>,
}

impl Objects {
    /// Uploads go through `gate`.
    pub(crate) fn new(worker: usize, gate: Par) -> Self {
        let names = (0..NAMES).map(|n| format!("w{worker}/n{n}"));
        Self {
            gate,
            slots: names.map(|name| (name, Slot::default())).collect(),
            rename_under_way: None,
        }
    }

    pub(crate) async fn put(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        let (name, content) = (self.any_name(random), random.content());
        let call = admin.put(admin.object_path(BUCKET, &name));
        let call = call.body(content.bytes());
        self.change(&name, Some(content), call, 200).await
    }

    pub(crate) async fn delete(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        let Some((name, _)) = self.any_object(random) else {
            return self.put(admin, random).await;
        };
        let call = admin.delete(admin.object_path(BUCKET, &name));
        self.change(&name, None, call, 204).await
    }

    /// Three parts through a PAR; the object changes with the commit and not before.
    pub(crate) async fn multipart(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        let name = self.any_name(random);
        let content = Content {
            seed: random.next(),
            len: 1000 + random.below(300_000) as usize,
        };
        let http = admin.http();
        let start = http.put(self.gate.path_for(&name));
        let start = start.header("opc-multipart", "true").attempt().await;
        let Ok(start) = start else { return false };
        let uri = start.expect(200).json()["accessUri"]
            .as_str()
            .expect("an access URI")
            .to_owned();
        let bytes = content.bytes();
        for (number, part) in bytes.chunks(content.len / 3 + 1).enumerate().rev() {
            let put = http.put(format!("{uri}{}", number + 1));
            let Ok(part) = put.body(part.to_vec()).attempt().await else {
                return false;
            };
            part.expect(200);
        }
        self.change(&name, Some(content), http.post(uri), 200).await
    }

    /// Both names change together, or neither.
    pub(crate) async fn rename(&mut self, admin: &SignedClient, random: &mut Random) -> bool {
        let (source, target) = (self.any_object(random), self.any_name(random));
        let Some((source, content)) = source.filter(|(name, _)| *name != target) else {
            return self.put(admin, random).await;
        };
        let call = admin.post(format!(
            "{}/actions/renameObject",
            admin.bucket_path(BUCKET)
        ));
        let names = serde_json::json!({ "sourceName": source, "newName": target });
        match call.json(&names).attempt().await {
            Ok(reply) => {
                reply.expect(200);
                self.slot(&source).acknowledged = None;
                self.slot(&target).acknowledged = Some(content);
                true
            }
            Err(error) => {
                if error.sent {
                    self.slot(&source).under_way = Some(None);
                    self.slot(&target).under_way = Some(Some(content));
                    self.rename_under_way = Some((source, target));
                }
                false
            }
        }
    }

    /// An object that is there, and what it is.
    pub(crate) fn any_object(&self, random: &mut Random) -> Option<(String, Content)> {
        let objects = self.slots.iter();
        let objects = objects.filter_map(|(name, slot)| Some((name, slot.acknowledged?)));
        let objects: Vec<_> = objects.collect();
        let (name, content) = random.choose(&objects)?;
        Some((name.clone(), content))
    }

    /// What is there, once it has been checked.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, Content)> {
        let slots = self.slots.iter();
        slots.filter_map(|(name, slot)| Some((name, slot.acknowledged?)))
    }

    /// Everything acknowledged is there; what was under way is settled by what is found.
    pub(crate) async fn check(&mut self, admin: &SignedClient, cycle: usize) {
        let mut moved = Vec::new();
        for (name, slot) in &mut self.slots {
            let reply = admin.get(admin.object_path(BUCKET, name)).await;
            let possible = [Some(slot.acknowledged), slot.under_way];
            let is = |content: &Option<Content>| match content {
                Some(content) => reply.status == 200 && content.is(&reply.body),
                None => reply.status == 404,
            };
            let Some(found) = possible.into_iter().flatten().find(is) else {
                panic!(
                    "cycle {cycle}: {name} is none of {possible:?}\n{}",
                    reply.dump()
                )
            };
            if slot.under_way.is_some() && found != slot.acknowledged {
                moved.push(name.clone());
            }
            *slot = Slot {
                acknowledged: found,
                under_way: None,
            };
        }
        if let Some((source, target)) = self.rename_under_way.take() {
            let both = moved.contains(&source) == moved.contains(&target);
            assert!(
                both,
                "cycle {cycle}: {source} is renamed to {target} by half"
            );
        }
    }

    /// Makes one change and notes whether it was acknowledged.
    async fn change(&mut self, name: &str, to: Option<Content>, call: Call, status: u16) -> bool {
        match call.attempt().await {
            Ok(reply) => {
                reply.expect(status);
                self.slot(name).acknowledged = to;
                true
            }
            Err(error) => {
                self.slot(name).under_way = error.sent.then_some(to);
                false
            }
        }
    }

    fn slot(&mut self, name: &str) -> &mut Slot {
        self.slots.get_mut(name).expect("a name of this worker")
    }

    fn any_name(&self, random: &mut Random) -> String {
        let names: Vec<_> = self.slots.keys().collect();
        let name = random.choose(&names);
        name.expect("workers have names").clone()
    }
}
