//! The server, the people and the pre-authenticated requests of the table.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use parbuckle_testkit::{Par, ParSpec, SignedClient, Signer, TestKey, TestServer};
use serde_json::json;

use super::row::{Needs, Row, absent};
use super::tenancy::{OtherTenancy, other_tenancy};

/// The bucket that rows are about, if they need no other.
pub(crate) const BUCKET: &str = "bucket-of-the-stage";
/// A bucket beside it, with an object of the same name.
pub(crate) const BESIDE: &str = "bucket-beside-it";
/// The object that rows are about, if they need no other.
pub(crate) const OBJECT: &str = "in/object-of-the-stage";
/// What the pre-authenticated requests for prefixes cover.
const PREFIX: &str = "in/";

/// Everything that the requests are made of.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
    pub(crate) admin: SignedClient,
    pub(crate) other: OtherTenancy,
    pub(crate) availability_domain: String,
    pub(crate) domain: String,
    /// Users in no group that any policy names.
    pub(crate) bystander: SignedClient,
    pub(crate) blocked: SignedClient,
    pub(crate) deleted: SignedClient,
    /// Has just what the row needs.
    pub(crate) just_right: SignedClient,
    /// Has everything but one thing that the row needs.
    pub(crate) all_but: SignedClient,
    pub(crate) held: Vec<HeldPar>,
    /// Secrets of uploads: one that lives, and one whose upload was committed.
    pub(crate) upload_beside: String,
    pub(crate) upload_spent: String,
    /// A PEM for UploadApiKey that nobody has yet.
    pub(crate) unused_key: String,
    /// Of another administrator.
    pub(crate) chief_key_id: String,
    key_file: PathBuf,
    made: AtomicUsize,
    policies: [String; 2],
}

/// A pre-authenticated request in somebody's hands, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct HeldPar {
    pub(crate) kind: Kind,
    pub(crate) covers: Covers,
    pub(crate) fate: Fate,
    pub(crate) bucket: &'static str,
    pub(crate) token: String,
}

/// What a pre-authenticated request grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `accessType`
    pub(crate) access: &'static str,
    pub(crate) lists: bool,
}

/// What a pre-authenticated request covers of its bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Covers {
    Object(String),
    Prefix(&'static str),
    Bucket,
}

/// What has become of a pre-authenticated request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Alive,
    Expired,
    Deleted,
    CreatorDeleted,
    CreatorBlocked,
    CreatorWithoutRight,
    CreatorWithoutCapability,
}

/// The six types, those for many objects with listing and without.
pub(crate) const KINDS: [Kind; 9] = [
    kind("ObjectRead", false),
    kind("ObjectWrite", false),
    kind("ObjectReadWrite", false),
    kind("AnyObjectRead", false),
    kind("AnyObjectWrite", false),
    kind("AnyObjectReadWrite", false),
    kind("AnyObjectRead", true),
    kind("AnyObjectWrite", true),
    kind("AnyObjectReadWrite", true),
];

/// The ways in which a pre-authenticated request dies.
pub(crate) const DEATHS: [Fate; 6] = [
    Fate::Expired,
    Fate::Deleted,
    Fate::CreatorDeleted,
    Fate::CreatorBlocked,
    Fate::CreatorWithoutRight,
    Fate::CreatorWithoutCapability,
];

/// The kind of those whose death is looked at: it grants everything.
pub(crate) const MIGHTIEST: Kind = KINDS[8];

const fn kind(access: &'static str, lists: bool) -> Kind {
    Kind { access, lists }
}

impl Kind {
    pub(crate) fn is_for_one_object(self) -> bool {
        !self.access.starts_with("Any")
    }

    pub(crate) fn reads(self) -> bool {
        self.access.contains("Read")
    }

    pub(crate) fn writes(self) -> bool {
        self.access.contains("Write")
    }

    fn spec(self, covers: &Covers) -> ParSpec {
        let object = match covers {
            Covers::Object(name) => name,
            Covers::Prefix(_) | Covers::Bucket => "",
        };
        let spec = match self.access {
            "ObjectRead" => ParSpec::object_read(object),
            "ObjectWrite" => ParSpec::object_write(object),
            "ObjectReadWrite" => ParSpec::object_read_write(object),
            "AnyObjectRead" => ParSpec::any_read(),
            "AnyObjectWrite" => ParSpec::any_write(),
            _ => ParSpec::any_read_write(),
        };
        let spec = match covers {
            Covers::Prefix(prefix) => spec.prefix(prefix),
            Covers::Object(_) | Covers::Bucket => spec,
        };
        if self.lists { spec.listing() } else { spec }
    }
}

impl Covers {
    pub(crate) fn covers(&self, object: &str) -> bool {
        match self {
            Self::Object(name) => name == object,
            Self::Prefix(prefix) => object.starts_with(prefix),
            Self::Bucket => true,
        }
    }
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let builder = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle")).arg("--dev");
        let server = builder.start().await;
        let admin = server.admin();
        for bucket in [BUCKET, BESIDE] {
            admin.create_bucket(bucket).await;
            admin.put_object(bucket, OBJECT, "content").await;
        }
        let key_file = server.scratch_file("key.pem", TestKey::generate().private_pem());
        let people = People {
            server: &server,
            admin: &admin,
            key_file: &key_file,
        };
        let right = people.member("just-right").await;
        let but = people.member("all-but").await;
        let policies = [
            policy(&admin, "just-right").await,
            policy(&admin, "all-but").await,
        ];
        let bystander = people.user("bystander").await.client;
        let chief = people.user("chief").await;
        let administrators = first(&admin, "groups", "name=Administrators", "id").await;
        admin.add_user_to_group(&chief.id, &administrators).await;
        let blocked = people.user("blocked").await;
        block(&admin, &blocked.id).await;
        let deleted = people.user("deleted").await;
        admin.delete_user(&deleted.id).await;
        let held = people.pars().await;
        let (upload_beside, upload_spent) = uploads(&admin, &held).await;
        Self {
            other: other_tenancy(&server).await,
            availability_domain: first(&admin, "availabilityDomains", "", "name").await,
            domain: first(&admin, "domains", "", "id").await,
            bystander,
            blocked: blocked.client,
            deleted: deleted.client,
            chief_key_id: chief.key_id,
            just_right: right,
            all_but: but,
            held,
            upload_beside,
            upload_spent,
            unused_key: TestKey::generate().public_pem(),
            made: AtomicUsize::new(0),
            policies,
            key_file,
            admin,
            server,
        }
    }

    /// A number that was not given before.
    pub(crate) fn next(&self) -> usize {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    /// A client with the key of all test users.
    pub(crate) fn client_of(&self, key_id: &str) -> SignedClient {
        self.server.signed_by(self.signer_of(key_id))
    }

    /// The key of all test users under an id.
    pub(crate) fn signer_of(&self, key_id: &str) -> Signer {
        let key = TestKey::read_pem(&self.key_file);
        Signer::new(key_id, key, self.server.clock().clone())
    }

    /// Gives a new user the key of all test users; returns its id and fingerprint.
    pub(crate) async fn add_key(&self, user_id: &str) -> (String, String) {
        let pem = TestKey::read_pem(&self.key_file).public_pem();
        let answer = self.admin.upload_api_key(user_id, &pem).await.json();
        let text = |field: &str| answer[field].as_str().unwrap().to_owned();
        (text("keyId"), text("fingerprint"))
    }

    /// Gives the two users of the row just what it needs, and all but one thing of that.
    pub(crate) async fn grant(&self, row: &Row) {
        let all = "manage all-resources in tenancy";
        let (right, missing): (String, &[&str]) = match row.needs {
            // One permission is as good as any other to lack.
            Needs::Everything => (all.to_owned(), &["OBJECT_READ"]),
            // Having one of them must be enough, and all have to be missing.
            Needs::Any(any) => (format!("{{{}}} in tenancy", any[0]), any),
            Needs::All(of) => (
                format!("{{{}}} in tenancy", of.join(", ")),
                &of[of.len() - 1..],
            ),
            Needs::Filtered(one) => (format!("{{{one}}} in tenancy"), &[]),
            Needs::Absent | Needs::AnyUser | Needs::Public | Needs::Secret(_) => return,
        };
        let missing = if row.lacking.is_empty() {
            missing
        } else {
            row.lacking
        };
        let tests: Vec<String> = missing
            .iter()
            .map(|permission| format!("request.permission != '{permission}'"))
            .collect();
        let right = format!("Allow group just-right to {right}");
        let but = format!(
            "Allow group all-but to {all} where all {{{}}}",
            tests.join(", ")
        );
        self.admin.update_policy(&self.policies[0], &[&right]).await;
        if !missing.is_empty() {
            self.admin.update_policy(&self.policies[1], &[&but]).await;
        }
    }
}

/// A user who was made with the key of all test users.
struct Person {
    id: String,
    key_id: String,
    client: SignedClient,
}

/// Makes users while the stage is being set.
struct People<'a> {
    server: &'a TestServer,
    admin: &'a SignedClient,
    key_file: &'a std::path::Path,
}

impl People<'_> {
    async fn user(&self, name: &str) -> Person {
        let id = self.admin.create_user(name).await.id;
        let key = TestKey::read_pem(self.key_file);
        let answer = self.admin.upload_api_key(&id, &key.public_pem()).await;
        let key_id = answer.json()["keyId"].as_str().unwrap().to_owned();
        let signer = Signer::new(&key_id, key, self.server.clock().clone());
        Person {
            id,
            key_id,
            client: self.server.signed_by(signer),
        }
    }

    /// A user in a group of the same name.
    async fn member(&self, name: &str) -> SignedClient {
        let user = self.user(name).await;
        let group = self.admin.create_group(name).await;
        self.admin.add_user_to_group(&user.id, &group).await;
        user.client
    }

    async fn pars(&self) -> Vec<HeldPar> {
        let mut held = Vec::new();
        for kind in KINDS {
            let covers = match kind.is_for_one_object() {
                true => vec![
                    Covers::Object(OBJECT.to_owned()),
                    Covers::Object(absent(OBJECT)),
                    Covers::Object("out/other".to_owned()),
                ],
                false => vec![
                    Covers::Prefix(PREFIX),
                    Covers::Prefix("out/"),
                    Covers::Bucket,
                ],
            };
            for covers in covers {
                for bucket in [BUCKET, BESIDE] {
                    let par = self.admin.create_par(bucket, kind.spec(&covers)).await;
                    held.push(held_par(kind, covers.clone(), Fate::Alive, bucket, &par));
                }
            }
        }
        for fate in DEATHS {
            let par = self.doomed(fate).await;
            held.push(held_par(
                MIGHTIEST,
                Covers::Prefix(PREFIX),
                fate,
                BUCKET,
                &par,
            ));
        }
        held
    }

    /// A PAR that has lived, and died in this way.
    async fn doomed(&self, fate: Fate) -> Par {
        let name = format!("{fate:?}");
        let Person {
            id,
            client: creator,
            ..
        } = self.user(&name).await;
        let group = self.admin.create_group(&name).await;
        let membership = self.admin.add_user_to_group(&id, &group).await;
        let statement = format!("Allow group {name} to manage object-family in tenancy");
        self.admin.create_policy(&name, &[&statement]).await;
        let expires = self.server.clock().rfc3339_in(60);
        let spec = MIGHTIEST.spec(&Covers::Prefix(PREFIX));
        let spec = match fate {
            Fate::Expired => spec.expires(&expires),
            _ => spec,
        };
        let par = creator.create_par(BUCKET, spec).await;
        self.admin
            .http()
            .get(par.path_for(OBJECT))
            .await
            .expect(200);
        match fate {
            Fate::Alive => {}
            Fate::Expired => self.server.advance_clock(61).await,
            Fate::Deleted => drop(creator.delete_par(BUCKET, &par).await),
            Fate::CreatorDeleted => drop(self.admin.delete_user(&id).await),
            Fate::CreatorBlocked => block(self.admin, &id).await,
            Fate::CreatorWithoutRight => drop(self.admin.remove_membership(&membership).await),
            Fate::CreatorWithoutCapability => {
                let none = json!({ "canUseApiKeys": false });
                self.admin.update_capabilities(&id, none).await;
            }
        }
        par
    }
}

fn held_par(kind: Kind, covers: Covers, fate: Fate, bucket: &'static str, par: &Par) -> HeldPar {
    HeldPar {
        kind,
        covers,
        fate,
        bucket,
        token: par.token().to_owned(),
    }
}

/// A policy whose statement each row replaces.
async fn policy(admin: &SignedClient, group: &str) -> String {
    let nothing = format!("Allow group {group} to inspect dynamic-groups in tenancy");
    admin.create_policy(group, &[&nothing]).await
}

async fn block(admin: &SignedClient, user: &str) {
    let target = format!("/20160918/users/{user}/state");
    let blocked = json!({ "blocked": true });
    admin.put(target).json(&blocked).await.expect(200);
}

/// A field of the first item of a list.
async fn first(admin: &SignedClient, list: &str, filter: &str, field: &str) -> String {
    let target = format!(
        "/20160918/{list}?compartmentId={}&{filter}",
        admin.tenancy()
    );
    let found = admin.get(target).await.expect(200).json();
    found[0][field].as_str().unwrap().to_owned()
}

/// The secrets of an upload of the stage's object that goes on, and of one that was committed.
async fn uploads(admin: &SignedClient, held: &[HeldPar]) -> (String, String) {
    let token = &held
        .iter()
        .find(|par| par.kind == MIGHTIEST && par.bucket == BUCKET)
        .unwrap()
        .token;
    let mut secrets = Vec::new();
    for commits in [false, true] {
        let uri = start_upload(admin, token).await;
        if commits {
            admin.http().post(&uri).await.expect(200);
        }
        secrets.push(uri.split('/').nth(2).unwrap().to_owned());
    }
    let spent = secrets.pop().unwrap();
    (secrets.pop().unwrap(), spent)
}

/// Starts an upload of the stage's object through a PAR and stores part 1; returns its access URI.
pub(crate) async fn start_upload(admin: &SignedClient, token: &str) -> String {
    let path = format!("/p/{token}{}", admin.object_path(BUCKET, OBJECT));
    let start = admin.http().put(path).header("opc-multipart", "true");
    let answer = start.await.expect(200).json();
    let uri = answer["accessUri"].as_str().unwrap().to_owned();
    admin
        .http()
        .put(format!("{uri}1"))
        .body("part")
        .await
        .expect(200);
    uri
}
