//! A row of the table: one route with a concrete request, and what a user needs for it.

use std::collections::BTreeMap;

use parbuckle_testkit::encode;
use serde_json::Value;

/// What stands for the words in braces of a row.
pub(crate) type Names = BTreeMap<&'static str, String>;

/// One route with a concrete request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) method: &'static str,
    /// As in the server's list of routes.
    pub(crate) template: &'static str,
    pub(crate) query: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) content: Content,
    /// What has to be there before.
    pub(crate) scene: Scene,
    pub(crate) needs: Needs,
    /// What the user lacks who has everything else; if empty, the last of what it needs.
    pub(crate) lacking: &'static [&'static str],
    /// Whether a user needs no policy for it when he himself is the target.
    pub(crate) own_affair: bool,
    /// How it looks when it is refused to a user.
    pub(crate) hides: Hides,
    /// The status when it is not refused.
    pub(crate) granted: u16,
}

/// The body of a request, with words in braces.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    Nothing,
    Json(&'static str),
    Bytes(&'static str),
}

/// What a user needs (wire reference 12.2, 12.3).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Needs {
    /// The operation is not there: 501 for every user.
    Absent,
    /// To be a user.
    AnyUser,
    All(&'static [&'static str]),
    Any(&'static [&'static str]),
    /// Every permission there is.
    Everything,
    /// Nothing, but the answer shows only what these permissions let the user see.
    Filtered(&'static str),
    /// Nothing: the bucket grants it to everybody.
    Public,
    /// The secret of a pre-authenticated request that grants this; a user's rights count for nothing.
    Secret(Act),
}

/// What the holder of a secret may be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Read,
    Write,
    List,
    /// Work on an upload.
    Upload,
}

/// What a refusal to a user pretends is missing (wire reference 8.1, 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hides {
    Bucket,
    /// The bucket, to who lacks a right there; to who has all rights there and lacks one in the other bucket, that one.
    OtherBucket,
    /// The bucket, though who may manage its retention rules knows which there are, whether he may lock them or not.
    BucketOfRules,
    /// The compartment that the body names.
    Compartment,
    Namespace,
    /// Whatever it is.
    Resource,
}

/// What has to be there, made anew for each use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    /// The stage alone: namespace, bucket, object, tenancy.
    Stage,
    /// A name for a new bucket.
    BucketName,
    /// An empty bucket, instead of the stage's.
    Bucket,
    /// A bucket whose objects everybody may read and list.
    PublicBucket,
    /// A bucket whose objects everybody may read.
    PublicBucketWithoutList,
    /// An object name that is free.
    FreeObject,
    /// An upload with one part.
    Upload,
    /// An upload that was started through a PAR, with one part.
    SecretUpload,
    Par,
    /// The stage's object, with its version id.
    Version,
    /// An object with an old version, which it names.
    OldVersion,
    /// A deleted object with the delete marker, which it names.
    DeleteMarker,
    /// The stage's object in the tier Archive.
    ArchivedObject,
    /// Two empty buckets.
    TwoBuckets,
    /// A bucket with a lifecycle policy.
    Lifecycle,
    /// A bucket with a retention rule.
    RetentionRule,
    /// A bucket that is replicated to another.
    ReplicationSource,
    /// A bucket that another is replicated to.
    ReplicationDestination,
    /// The copying of an object, which has ended.
    Copy,
    User,
    /// A user who has a console password.
    Password,
    AuthToken,
    SecretKey,
    Group,
    /// A user and a group, and not he in it.
    UserAndGroup,
    Membership,
    Policy,
    /// A compartment below the root, and another beside it.
    Compartment,
    /// A name for a compartment in a new one, which has a compartment already.
    CompartmentName,
    DeletedCompartment,
    WorkRequest,
    DynamicGroup,
}

/// A row without query, body and needs, about the bucket of the stage.
pub(crate) const fn row(method: &'static str, template: &'static str) -> Row {
    Row {
        method,
        template,
        query: "",
        headers: &[],
        content: Content::Nothing,
        scene: Scene::Stage,
        needs: Needs::AnyUser,
        lacking: &[],
        own_affair: false,
        hides: Hides::Bucket,
        granted: 200,
    }
}

impl Row {
    pub(crate) const fn query(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    pub(crate) const fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    pub(crate) const fn json(self, text: &'static str) -> Self {
        let content = Content::Json(text);
        Self { content, ..self }
    }

    pub(crate) const fn bytes(self, text: &'static str) -> Self {
        let content = Content::Bytes(text);
        Self { content, ..self }
    }

    pub(crate) const fn scene(self, scene: Scene) -> Self {
        Self { scene, ..self }
    }

    pub(crate) const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    pub(crate) const fn all(self, permissions: &'static [&'static str]) -> Self {
        self.needs(Needs::All(permissions))
    }

    pub(crate) const fn lacking(self, lacking: &'static [&'static str]) -> Self {
        Self { lacking, ..self }
    }

    pub(crate) const fn own_affair(self) -> Self {
        Self {
            own_affair: true,
            ..self
        }
    }

    pub(crate) const fn hides(self, hides: Hides) -> Self {
        Self { hides, ..self }
    }

    pub(crate) const fn granted(self, granted: u16) -> Self {
        Self { granted, ..self }
    }

    /// For the reader of a failure.
    pub(crate) fn label(&self) -> String {
        let query = if self.query.is_empty() { "" } else { "?" };
        format!("{} {}{query}{}", self.method, self.template, self.query)
    }

    /// Whether the route lies under the secret of a pre-authenticated request.
    pub(crate) fn is_under_secret(&self) -> bool {
        self.template.starts_with("/p/")
    }

    /// Whether the request says this word in braces somewhere.
    pub(crate) fn says(&self, name: &str) -> bool {
        let word = format!("{{{name}}}");
        let body = match self.content {
            Content::Nothing => "",
            Content::Json(text) | Content::Bytes(text) => text,
        };
        [self.template, self.query, body]
            .iter()
            .any(|text| text.contains(&word))
    }

    /// The request target, without the secret that may go before it.
    pub(crate) fn target(&self, names: &Names) -> String {
        let path = fill(self.template, names, encode);
        if self.query.is_empty() {
            return path;
        }
        format!("{path}?{}", fill(self.query, names, encode))
    }

    /// The body.
    pub(crate) fn body(&self, names: &Names) -> String {
        match self.content {
            Content::Nothing => String::new(),
            Content::Json(text) => fill(text, names, in_json),
            Content::Bytes(text) => text.to_owned(),
        }
    }
}

/// A value of the same shape that names nothing: one letter or digit in the middle is another.
pub(crate) fn absent(value: &str) -> String {
    let middle = value.len() / 2;
    let at = value
        .bytes()
        .enumerate()
        .position(|(at, byte)| at >= middle && byte.is_ascii_alphanumeric())
        .unwrap_or_else(|| panic!("{value:?} has no letter or digit in its second half"));
    let other = if value.as_bytes()[at] == b'a' {
        "b"
    } else {
        "a"
    };
    format!("{}{other}{}", &value[..at], &value[at + 1..])
}

fn fill(text: &str, names: &Names, written: impl Fn(&str) -> String) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), &written(value))
    })
}

/// As it stands between the quotes of a JSON string.
fn in_json(value: &str) -> String {
    let quoted = Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
