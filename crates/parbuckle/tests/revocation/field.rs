//! A server, a pre-authenticated request on it, and the changes that end it.

use std::collections::BTreeSet;

use parbuckle_testkit::{NewUser, Par, ParSpec, Reply, SignedClient, TestServer};
use serde_json::json;

use super::load::Request;
use super::{NO_BUCKET, NO_PAR};

pub(crate) const BUCKET: &str = "b";
/// An object that is there, under the prefix that PARs cover.
pub(crate) const SEEN: &str = "in/seen";
const PREFIX: &str = "in/";

/// The ways a PAR can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    ParDeleted,
    Expired,
    CreatorDeleted,
    CreatorBlocked,
    CapabilityRemoved,
    RemovedFromGroup,
    GroupDeleted,
    PolicyDeleted,
    PolicyChanged,
    PolicyDenies,
    BucketMoved,
}

impl Death {
    pub(crate) fn refusal(self) -> (u16, &'static str) {
        match self {
            Self::ParDeleted | Self::Expired => NO_PAR,
            _ => NO_BUCKET,
        }
    }
}

/// A server with a bucket in a compartment.
pub(crate) struct Field {
    server: TestServer,
    pub(crate) admin: SignedClient,
    compartment: String,
    elsewhere: String,
}

/// A PAR for everything under a prefix, and what its creator's right hangs on.
pub(crate) struct Grant {
    name: String,
    pub(crate) user: NewUser,
    pub(crate) client: SignedClient,
    pub(crate) group: String,
    pub(crate) membership: String,
    pub(crate) policy: String,
    pub(crate) par: Par,
}

/// What makes a PAR live again.
pub(crate) enum Undo {
    Nothing,
    Block,
    Capability,
    Membership,
    Group,
    Policy,
    Statements,
    /// The policy that denies.
    Denial(String),
    Bucket,
}

impl Field {
    pub(crate) async fn set() -> Self {
        let builder = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle")).arg("--dev");
        let server = builder.start().await;
        let admin = server.admin();
        let compartment = admin.create_compartment("home").await;
        let elsewhere = admin.create_compartment("elsewhere").await;
        let fields = json!({ "compartmentId": compartment });
        admin.create_bucket_with(BUCKET, fields).await;
        admin.put_object(BUCKET, SEEN, "seen").await;
        let enable = format!(
            "/20160918/tenancies/{}/actions/enableDenyStatements",
            admin.tenancy()
        );
        admin.post(enable).await.expect(200);
        Self {
            server,
            admin,
            compartment,
            elsewhere,
        }
    }

    pub(crate) async fn grant(&self, name: &str) -> Grant {
        let group = self.admin.create_group(name).await;
        let user = self.admin.create_user(name).await;
        let membership = self.admin.add_user_to_group(&user.id, &group).await;
        let client = self.admin.add_key(&user.id).await;
        let statement = self.statement(name, "manage object-family");
        let policy = self.admin.create_policy(name, &[&statement]).await;
        let soon = self.server.clock().rfc3339_in(60);
        let spec = ParSpec::any_read_write().prefix(PREFIX).expires(&soon);
        let par = client.create_par(BUCKET, spec).await;
        Grant {
            name: name.to_owned(),
            user,
            client,
            group,
            membership,
            policy,
            par,
        }
    }

    pub(crate) fn statement(&self, group: &str, what: &str) -> String {
        let compartment = &self.compartment;
        format!("Allow group {group} to {what} in compartment id {compartment}")
    }

    /// Makes the change, and returns with its reply.
    pub(crate) async fn kill(&mut self, grant: &Grant, death: Death) -> Undo {
        let (admin, user) = (&self.admin, &grant.user.id);
        match death {
            Death::ParDeleted => {
                admin.delete_par(BUCKET, &grant.par).await;
                Undo::Nothing
            }
            Death::Expired => {
                self.server.advance_clock(61).await;
                Undo::Nothing
            }
            Death::CreatorDeleted => {
                admin.delete_user(user).await;
                Undo::Nothing
            }
            Death::CreatorBlocked => {
                let target = format!("/20160918/users/{user}/state");
                let blocked = json!({ "blocked": true });
                admin.put(target).json(&blocked).await.expect(200);
                Undo::Block
            }
            Death::CapabilityRemoved => {
                let without = json!({ "canUseApiKeys": false });
                admin.update_capabilities(user, without).await;
                Undo::Capability
            }
            Death::RemovedFromGroup => {
                admin.remove_membership(&grant.membership).await;
                Undo::Membership
            }
            Death::GroupDeleted => {
                admin.delete_group(&grant.group).await;
                Undo::Group
            }
            Death::PolicyDeleted => {
                admin.delete_policy(&grant.policy).await;
                Undo::Policy
            }
            Death::PolicyChanged => {
                let less = self.statement(&grant.name, "{PAR_MANAGE, BUCKET_READ, OBJECT_INSPECT}");
                admin.update_policy(&grant.policy, &[&less]).await;
                Undo::Statements
            }
            Death::PolicyDenies => {
                let (name, home) = (&grant.name, &self.compartment);
                let denial =
                    format!("Deny group {name} to inspect objects in compartment id {home}");
                let policy = admin
                    .create_policy(&format!("{name}-denial"), &[&denial])
                    .await;
                Undo::Denial(policy)
            }
            Death::BucketMoved => {
                self.move_bucket(&self.elsewhere).await;
                Undo::Bucket
            }
        }
    }

    /// Gives the right back; false if it can't be.
    pub(crate) async fn undo(&mut self, grant: &Grant, undo: Undo) -> bool {
        let (admin, user) = (&self.admin, &grant.user.id);
        let again = self.statement(&grant.name, "manage object-family");
        match undo {
            Undo::Nothing => return false,
            Undo::Block => drop(admin.unblock_user(user).await),
            Undo::Capability => {
                let with = json!({ "canUseApiKeys": true });
                admin.update_capabilities(user, with).await;
            }
            Undo::Membership => drop(admin.add_user_to_group(user, &grant.group).await),
            Undo::Group => {
                let group = admin.create_group(&grant.name).await;
                admin.add_user_to_group(user, &group).await;
                admin.update_policy(&grant.policy, &[&again]).await;
            }
            Undo::Policy => drop(admin.create_policy(&grant.name, &[&again]).await),
            Undo::Statements => drop(admin.update_policy(&grant.policy, &[&again]).await),
            Undo::Denial(policy) => drop(admin.delete_policy(&policy).await),
            Undo::Bucket => self.move_bucket(&self.compartment).await,
        }
        true
    }

    async fn move_bucket(&self, compartment: &str) {
        let change = json!({ "compartmentId": compartment });
        let call = self
            .admin
            .post(self.admin.bucket_path(BUCKET))
            .json(&change);
        call.await.expect(200);
    }

    pub(crate) async fn read(&self, par: &Par) -> Reply {
        self.admin.http().get(par.path_for(SEEN)).await
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        self.admin.list_names(BUCKET, "").await
    }

    /// Starts an upload through the PAR and stores part 1; returns its access URI.
    pub(crate) async fn start_upload(&self, par: &Par, object: &str) -> String {
        let http = self.admin.http();
        let start = http
            .put(par.path_for(object))
            .header("opc-multipart", "true");
        let answer = start.await.expect(200).json();
        let uri = answer["accessUri"].as_str().unwrap().to_owned();
        http.put(format!("{uri}1")).body("part").await.expect(200);
        uri
    }

    /// What was sent after the change must not be there.
    pub(crate) async fn assert_unwritten(&self, late: &[Request]) {
        let bodies: BTreeSet<&str> = late
            .iter()
            .filter_map(|request| request.body.as_deref())
            .collect();
        let mut targets: Vec<&str> = late.iter().map(|request| request.object.as_str()).collect();
        targets.dedup();
        for object in targets {
            let held = self.admin.read_object(BUCKET, object).await;
            let held = String::from_utf8(held.to_vec()).unwrap();
            assert!(
                !bodies.contains(held.as_str()),
                "{object} holds {held:?}, which was refused"
            );
        }
    }
}
