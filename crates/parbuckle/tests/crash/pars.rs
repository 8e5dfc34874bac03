//! Pre-authenticated requests, created and deleted.

use parbuckle_testkit::{Par, ParSpec, SignedClient};

use super::objects::BUCKET;

/// The pre-authenticated requests of one worker.
#[derive(Default)]
pub(crate) struct Pars {
    alive: Vec<Par>,
    deleted: Vec<Par>,
    under_deletion: Option<Par>,
    /// How many may have been created, for all that is known.
    pub(crate) maybe_created: usize,
}

impl Pars {
    pub(crate) async fn create(&mut self, admin: &SignedClient) -> bool {
        let call = admin.post(format!("{}/p", admin.bucket_path(BUCKET)));
        match call.json(&ParSpec::any_read().to_json()).attempt().await {
            Ok(reply) => {
                let endpoint = format!("http://{}", admin.http().address());
                let par = Par::from_answer(reply.expect(200).json(), &endpoint);
                self.alive.push(par);
                true
            }
            Err(error) => {
                self.maybe_created += usize::from(error.sent);
                false
            }
        }
    }

    pub(crate) async fn delete(&mut self, admin: &SignedClient) -> bool {
        let Some(par) = self.alive.pop() else {
            return self.create(admin).await;
        };
        let call = admin.delete(admin.par_path(BUCKET, &par.id));
        match call.attempt().await {
            Ok(reply) => {
                reply.expect(204);
                self.deleted.push(par);
                true
            }
            Err(error) if error.sent => {
                self.under_deletion = Some(par);
                false
            }
            Err(_) => {
                self.alive.push(par);
                false
            }
        }
    }

    /// How many are known to be there, once that has been checked.
    pub(crate) fn len(&self) -> usize {
        self.alive.len()
    }

    pub(crate) async fn check(&mut self, admin: &SignedClient, cycle: usize) {
        let any = "any/object";
        for par in &self.alive {
            let reply = admin.http().get(par.path_for(any)).await;
            assert!(
                matches!(reply.status, 200 | 404),
                "cycle {cycle}: a created PAR is lost\n{}",
                reply.dump()
            );
        }
        for par in &self.deleted {
            admin.http().get(par.path_for(any)).await.expect(401);
        }
        if let Some(par) = self.under_deletion.take() {
            match admin.http().get(par.path_for(any)).await.status {
                401 => self.deleted.push(par),
                _ => self.alive.push(par),
            }
        }
    }
}
