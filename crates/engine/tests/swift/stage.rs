//! A tenancy with users who come in through Swift.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use parbuckle_engine::swift::{
    ContainerChange, ContainerRow, ListQuery, ObjectFields, PutSwiftObject, ReadOutcome, SignedIn,
    SwiftContent, SwiftObject, SwiftRead,
};
use parbuckle_engine::{
    BodyError, BucketPath, Caller, Engine, Error, ObjectBody, ObjectPath, Proof, RequestBody,
    SecretKind, User,
};
use parbuckle_iam::secret::SecretString;
use parbuckle_model::{BucketName, Namespace, ObjectName, Ocid, StorageTier, UserMetadata};

use crate::world::World;

/// Where everybody comes from.
pub(crate) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A tenancy, its administrator through Swift, and nobody.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) namespace: Namespace,
    /// The first administrator, with a token.
    pub(crate) owner: Caller,
    /// Nobody known, through Swift.
    pub(crate) nobody: Caller,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let namespace = world.bucket("b").namespace;
        let admin = world.admin_id.clone();
        let secret = auth_token(&world, &world.admin, &admin).await;
        let owner = enter(&world.engine, &namespace, "admin", &secret).await;
        let nobody = Proof::SwiftAnonymous { referrer: None };
        let nobody = world.engine.authenticate(nobody).await.unwrap().caller;
        Self {
            world,
            namespace,
            owner,
            nobody,
        }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.world.engine
    }

    /// A user without any policy, with his auth token.
    pub(crate) async fn stranger(&self, name: &str) -> (User, SecretString) {
        let user = self.world.user(name).await;
        let secret = auth_token(&self.world, &self.world.admin, &user.entity.id).await;
        (user, secret)
    }

    /// A user without any policy, with a Swift token.
    pub(crate) async fn caller(&self, name: &str) -> (User, Caller) {
        let (user, secret) = self.stranger(name).await;
        let caller = enter(self.engine(), &self.namespace, name, &secret).await;
        (user, caller)
    }

    /// Signs in with the login name `{namespace}:{user}`.
    pub(crate) async fn sign_in(&self, user: &str, secret: &str) -> Result<SignedIn, Error> {
        let login = format!("{}:{user}", self.namespace);
        self.engine().sign_in(&login, secret, PEER).await
    }

    /// The name of the kind of error that a token meets, or `ok`.
    pub(crate) async fn token_outcome(&self, token: &SecretString) -> String {
        let proof = Proof::SwiftToken {
            token: token.expose(),
            referrer: None,
        };
        crate::world::outcome(self.engine().authenticate(proof).await)
    }

    /// Nobody known, coming from a page.
    pub(crate) async fn visitor_of(&self, referrer: &str) -> Caller {
        let proof = Proof::SwiftAnonymous {
            referrer: Some(referrer),
        };
        self.engine().authenticate(proof).await.unwrap().caller
    }

    pub(crate) fn container(&self, name: &str) -> BucketPath {
        BucketPath {
            namespace: self.namespace.clone(),
            bucket: BucketName::parse(name).unwrap(),
        }
    }

    pub(crate) fn object(&self, container: &str, name: &str) -> ObjectPath {
        ObjectPath {
            bucket: self.container(container),
            object: ObjectName::parse(name.as_bytes()).unwrap(),
        }
    }

    /// Makes a container, or changes it.
    pub(crate) async fn put_container(&self, name: &str, change: ContainerChange) {
        let path = self.container(name);
        self.engine()
            .swift_put_container(&self.owner, &path, &change, StorageTier::Standard)
            .await
            .unwrap();
    }

    /// Puts a small object as the owner.
    pub(crate) async fn put(&self, container: &str, name: &str, bytes: &[u8]) -> SwiftObject {
        self.put_with(container, name, ObjectFields::default(), bytes)
            .await
            .unwrap()
    }

    pub(crate) async fn put_with(
        &self,
        container: &str,
        name: &str,
        fields: ObjectFields,
        bytes: &[u8],
    ) -> Result<SwiftObject, Error> {
        let put = PutSwiftObject {
            fields,
            ..PutSwiftObject::default()
        };
        let path = self.object(container, name);
        self.engine()
            .swift_put_object(&self.owner, &path, put, body(bytes))
            .await
    }

    /// All bytes of an object as the owner reads it.
    pub(crate) async fn read(&self, container: &str, name: &str) -> Vec<u8> {
        let content = self
            .open(&self.owner, container, name, &SwiftRead::default())
            .await
            .unwrap();
        joined(content).await.unwrap()
    }

    /// An object that can be opened.
    pub(crate) async fn open(
        &self,
        caller: &Caller,
        container: &str,
        name: &str,
        read: &SwiftRead,
    ) -> Result<SwiftContent, Error> {
        let path = self.object(container, name);
        match self.engine().swift_read_object(caller, &path, read).await? {
            ReadOutcome::Found(content) => Ok(content),
            ReadOutcome::NotModified(_) => panic!("not modified"),
            ReadOutcome::PreconditionFailed(_) => panic!("a condition failed"),
            ReadOutcome::RangeUnsatisfiable(_) => panic!("no range lies in the object"),
        }
    }

    /// The name of the kind of error that reading meets, or `ok`.
    pub(crate) async fn read_outcome(
        &self,
        caller: &Caller,
        container: &str,
        name: &str,
    ) -> String {
        let done = self
            .open(caller, container, name, &SwiftRead::default())
            .await;
        outcome(&done)
    }

    /// The name of the kind of error that putting meets, or `ok`.
    pub(crate) async fn put_outcome(&self, caller: &Caller, container: &str, name: &str) -> String {
        let (path, put) = (self.object(container, name), PutSwiftObject::default());
        outcome(
            &self
                .engine()
                .swift_put_object(caller, &path, put, body(b"x"))
                .await,
        )
    }

    /// The name of the kind of error that listing a container meets, or `ok`.
    pub(crate) async fn list_outcome(&self, caller: &Caller, container: &str) -> String {
        let path = self.container(container);
        outcome(
            &self
                .engine()
                .swift_list_container(caller, &path, &ListQuery::default(), |_| ())
                .await,
        )
    }

    /// The names of a listing.
    pub(crate) async fn names(&self, container: &str, query: &ListQuery) -> Vec<String> {
        let path = self.container(container);
        let mut names = Vec::new();
        let show = |row: ContainerRow<'_>| {
            names.push(match row {
                ContainerRow::Object(object) => object.name.to_owned(),
                ContainerRow::Subdir(name) => format!("{name}*"),
            });
        };
        self.engine()
            .swift_list_container(&self.owner, &path, query, show)
            .await
            .unwrap();
        names
    }

    /// Seconds since 1970, so long from now.
    pub(crate) fn seconds_from_now(&self, seconds: i64) -> u64 {
        let now = self.engine().environment().now().as_second();
        u64::try_from(now + seconds).unwrap()
    }
}

/// The name of an error's kind, of Swift's own refusals theirs; `ok` if there is none.
pub(crate) fn outcome<T>(result: &Result<T, Error>) -> String {
    let Err(error) = result else {
        return "ok".to_owned();
    };
    let text = match error.kind() {
        parbuckle_engine::ErrorKind::Swift(refusal) => format!("{refusal:?}"),
        kind => format!("{kind:?}"),
    };
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

/// Gives a user an auth token.
pub(crate) async fn auth_token(world: &World, admin: &Caller, user: &Ocid) -> SecretString {
    let made = world
        .engine
        .create_user_secret(admin, SecretKind::AuthToken, user, "swift", None);
    made.await.unwrap().secret
}

/// Signs in and comes back with the token.
pub(crate) async fn enter(
    engine: &Engine,
    namespace: &Namespace,
    user: &str,
    secret: &SecretString,
) -> Caller {
    let login = format!("{namespace}:{user}");
    let signed_in = engine.sign_in(&login, secret.expose(), PEER).await.unwrap();
    let proof = Proof::SwiftToken {
        token: signed_in.token.expose(),
        referrer: None,
    };
    engine.authenticate(proof).await.unwrap().caller
}

/// A change of ACLs.
pub(crate) fn acls(read: &str, write: &str) -> ContainerChange {
    ContainerChange {
        read_acl: Some(read.to_owned()),
        write_acl: Some(write.to_owned()),
        ..ContainerChange::default()
    }
}

/// A change that sets metadata.
pub(crate) fn metadata(items: &[(&str, &str)]) -> ContainerChange {
    let mut change = ContainerChange::default();
    change.metadata.set = pairs(items);
    change
}

pub(crate) fn pairs(items: &[(&str, &str)]) -> Vec<(String, String)> {
    items
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Fields with user metadata.
pub(crate) fn fields(items: &[(&str, &str)]) -> ObjectFields {
    let mut fields = ObjectFields::default();
    fields.attributes.metadata = UserMetadata::within(4096, pairs(items)).unwrap();
    fields
}

/// A body of announced length, in one piece.
pub(crate) fn body(bytes: &[u8]) -> RequestBody {
    RequestBody {
        length: Some(bytes.len() as u64),
        ..chunked(bytes)
    }
}

/// A body of unknown length.
pub(crate) fn chunked(bytes: &[u8]) -> RequestBody {
    let piece = Some(Bytes::copy_from_slice(bytes)).filter(|bytes| !bytes.is_empty());
    RequestBody {
        stream: Box::pin(Once(piece)),
        length: None,
    }
}

/// All bodies of what is read, one after the other.
pub(crate) async fn joined(content: SwiftContent) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    for body in content.bodies {
        match body {
            ObjectBody::Bytes(bytes) => all.extend_from_slice(&bytes),
            ObjectBody::Stream(mut stream) => {
                while let Some(bytes) =
                    std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await
                {
                    all.extend_from_slice(&bytes?);
                }
            }
        }
    }
    Ok(all)
}

struct Once(Option<Bytes>);

impl Stream for Once {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}
