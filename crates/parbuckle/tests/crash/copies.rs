//! Copies by work requests: one that was accepted is carried out, whatever happens in between.

use std::time::{Duration, Instant};

use parbuckle_testkit::SignedClient;
use serde_json::json;

use super::objects;
use super::random::Content;

pub(crate) const BUCKET: &str = "copies";
/// Bounds the wait for work that goes on after a restart.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// An accepted copy.
struct Copy {
    work: String,
    name: String,
    content: Content,
}

/// The copies of one worker since the last restart.
pub(crate) struct Copies {
    worker: usize,
    made: usize,
    accepted: Vec<Copy>,
    region: String,
}

impl Copies {
    pub(crate) fn new(worker: usize, region: &str) -> Self {
        Self {
            worker,
            made: 0,
            accepted: Vec::new(),
            region: region.to_owned(),
        }
    }

    /// Asks for a copy of an object to a name that is new.
    pub(crate) async fn copy(
        &mut self,
        admin: &SignedClient,
        (source, content): (String, Content),
    ) -> bool {
        let name = format!("w{}/c{}", self.worker, self.made);
        self.made += 1;
        let bucket = admin.bucket_path(objects::BUCKET);
        let call = admin.post(format!("{bucket}/actions/copyObject"));
        let copy = call.json(&json!({
            "sourceObjectName": source,
            "destinationRegion": self.region,
            "destinationNamespace": admin.namespace(),
            "destinationBucket": BUCKET,
            "destinationObjectName": name,
        }));
        let Ok(reply) = copy.attempt().await else {
            return false;
        };
        let reply = reply.expect(202);
        let work = reply.required("opc-work-request-id").to_owned();
        self.accepted.push(Copy {
            work,
            name,
            content,
        });
        true
    }

    /// Each ends COMPLETED, and the copy is what the source was.
    pub(crate) async fn check(&mut self, admin: &SignedClient, cycle: usize) {
        for copy in self.accepted.drain(..) {
            let begin = Instant::now();
            loop {
                let target = format!("/workRequests/{}", copy.work);
                let work = admin.get(target).await.expect(200).json();
                if work["status"] == "COMPLETED" {
                    break;
                }
                let goes_on = work["status"] == "ACCEPTED" || work["status"] == "IN_PROGRESS";
                let waited = begin.elapsed();
                assert!(goes_on && waited < PATIENCE, "cycle {cycle}: {work}");
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            let bytes = admin.read_object(BUCKET, &copy.name).await;
            assert!(copy.content.is(&bytes), "cycle {cycle}: {}", copy.name);
        }
    }
}
