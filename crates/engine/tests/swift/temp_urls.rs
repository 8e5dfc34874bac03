//! Requests signed with TempURL keys.

use aws_lc_rs::hmac;
use parbuckle_engine::swift::{MetadataChange, NewSegment, TempUrl, TempUrlMethod};
use parbuckle_engine::{Caller, Error, ObjectPath, Proof};

use crate::stage::{PEER, Stage, acls, metadata, outcome, pairs};

/// A signed request: what is signed, and what is sent.
struct Signed<'a> {
    signed_method: &'a str,
    method: TempUrlMethod,
    key: &'a str,
    object: &'a str,
    expires_in: i64,
    prefix: Option<&'a str>,
    ip_range: Option<&'a str>,
}

impl Default for Signed<'_> {
    fn default() -> Self {
        Self {
            signed_method: "GET",
            method: TempUrlMethod::Get,
            key: "container-key",
            object: "o",
            expires_in: 60,
            prefix: None,
            ip_range: None,
        }
    }
}

impl Signed<'_> {
    async fn caller(&self, stage: &Stage) -> Result<Caller, Error> {
        let path = stage.object("c", self.object);
        self.caller_at(stage, &path, &path).await
    }

    /// Signed for one object and sent for another.
    async fn caller_at(
        &self,
        stage: &Stage,
        signed: &ObjectPath,
        sent: &ObjectPath,
    ) -> Result<Caller, Error> {
        let root = format!("/v1/Storage-{}", stage.namespace);
        let expires = i64::try_from(stage.seconds_from_now(self.expires_in)).unwrap();
        let range = self
            .ip_range
            .map(|range| format!("ip={range}\n"))
            .unwrap_or_default();
        let scope = if self.prefix.is_some() { "prefix:" } else { "" };
        let object = self.prefix.unwrap_or(signed.object.as_str());
        let message = format!(
            "{range}{}\n{expires}\n{scope}{root}/{}/{object}",
            self.signed_method, signed.bucket.bucket
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.as_bytes());
        let tag = hmac::sign(&key, message.as_bytes());
        let signature: String = tag
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let url = TempUrl {
            method: self.method,
            object: sent,
            root: &root,
            signature: &signature,
            expires,
            prefix: self.prefix,
            ip_range: self.ip_range,
            peer: PEER,
        };
        Ok(stage
            .engine()
            .authenticate(Proof::TempUrl(&url))
            .await?
            .caller)
    }
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage
        .put_container("c", metadata(&[("Temp-URL-Key-2", "container-key")]))
        .await;
    stage.put("c", "o", b"hello").await;
    let keys = MetadataChange {
        set: pairs(&[("Temp-URL-Key", "account-key")]),
        remove: Vec::new(),
    };
    stage
        .engine()
        .swift_update_account(&stage.owner, &stage.namespace, &keys)
        .await
        .unwrap();
    stage
}

#[tokio::test]
async fn a_key_of_the_container_or_the_account_signs() {
    let stage = stage().await;
    for key in ["container-key", "account-key"] {
        let signed = Signed {
            key,
            ..Signed::default()
        };
        let caller = signed.caller(&stage).await.unwrap();
        assert_eq!(stage.read_outcome(&caller, "c", "o").await, "ok", "{key}");
    }
}

#[tokio::test]
async fn another_key_object_method_or_time_is_refused() {
    let stage = stage().await;
    stage.put("c", "p", b"x").await;
    for signed in [
        Signed {
            key: "other",
            ..Signed::default()
        },
        Signed {
            key: "",
            ..Signed::default()
        },
        Signed {
            signed_method: "PUT",
            ..Signed::default()
        },
        Signed {
            expires_in: 0,
            ..Signed::default()
        },
    ] {
        assert_eq!(outcome(&signed.caller(&stage).await), "NotAuthenticated");
    }
    let (o, p) = (stage.object("c", "o"), stage.object("c", "p"));
    let done = Signed::default().caller_at(&stage, &o, &p).await;
    assert_eq!(outcome(&done), "NotAuthenticated");
}

#[tokio::test]
async fn a_signature_opens_its_object_and_nothing_else() {
    let stage = stage().await;
    stage.put("c", "p", b"x").await;
    let caller = Signed::default().caller(&stage).await.unwrap();
    assert_eq!(
        stage.read_outcome(&caller, "c", "p").await,
        "NotAuthenticated"
    );
    assert_eq!(stage.list_outcome(&caller, "c").await, "NotAuthenticated");
    assert_eq!(
        stage.put_outcome(&caller, "c", "o").await,
        "NotAuthenticated"
    );
}

#[tokio::test]
async fn a_signature_for_put_puts_and_lets_head_and_not_read() {
    let stage = stage().await;
    let put = Signed {
        signed_method: "PUT",
        method: TempUrlMethod::Put,
        ..Signed::default()
    };
    let caller = put.caller(&stage).await.unwrap();
    assert_eq!(stage.put_outcome(&caller, "c", "o").await, "ok");
    assert_eq!(
        stage.read_outcome(&caller, "c", "o").await,
        "NotAuthenticated"
    );
    let head = Signed {
        method: TempUrlMethod::Head,
        ..put
    };
    let caller = head.caller(&stage).await.unwrap();
    let path = stage.object("c", "o");
    let done = stage
        .engine()
        .swift_head_object(&caller, &path, &Default::default())
        .await;
    assert_eq!(outcome(&done), "ok");
}

#[tokio::test]
async fn a_prefix_covers_the_names_that_begin_so() {
    let stage = stage().await;
    stage.put("c", "dir/a", b"x").await;
    let inside = Signed {
        prefix: Some("dir/"),
        object: "dir/a",
        ..Signed::default()
    };
    let caller = inside.caller(&stage).await.unwrap();
    assert_eq!(stage.read_outcome(&caller, "c", "dir/a").await, "ok");
    let outside = Signed {
        prefix: Some("dir/"),
        object: "o",
        ..Signed::default()
    };
    assert_eq!(outcome(&outside.caller(&stage).await), "NotAuthenticated");
}

#[tokio::test]
async fn an_ip_range_binds_the_signature_to_addresses() {
    let stage = stage().await;
    for (range, expected) in [("127.0.0.0/8", "ok"), ("192.0.2.1", "NotAuthenticated")] {
        let signed = Signed {
            ip_range: Some(range),
            ..Signed::default()
        };
        assert_eq!(outcome(&signed.caller(&stage).await), expected, "{range}");
    }
}

#[tokio::test]
async fn a_signature_ends_with_its_key() {
    let stage = stage().await;
    let caller = Signed::default().caller(&stage).await.unwrap();
    stage
        .put_container("c", metadata(&[("Temp-URL-Key-2", "newer")]))
        .await;
    assert_eq!(
        stage.read_outcome(&caller, "c", "o").await,
        "NotAuthenticated"
    );
}

#[tokio::test]
async fn a_key_of_the_account_opens_segments_elsewhere_and_one_of_the_container_does_not() {
    let stage = stage().await;
    stage.put_container("parts", acls("", "")).await;
    stage.put("parts", "seg/1", b"x").await;
    let fields = parbuckle_engine::swift::ObjectFields {
        dynamic: Some(parbuckle_engine::swift::DynamicManifest {
            container: "parts".to_owned(),
            prefix: "seg/".to_owned(),
            sent: None,
        }),
        ..Default::default()
    };
    stage.put_with("c", "o", fields, b"").await.unwrap();
    for (key, expected) in [("account-key", "ok"), ("container-key", "NotAuthenticated")] {
        let signed = Signed {
            key,
            ..Signed::default()
        };
        let caller = signed.caller(&stage).await.unwrap();
        assert_eq!(
            stage.read_outcome(&caller, "c", "o").await,
            expected,
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_key_of_the_account_opens_large_objects_that_lie_in_one_another() {
    let stage = stage().await;
    stage.put_container("parts", acls("", "")).await;
    stage.put("parts", "seg", b"abc").await;
    for (container, name, segment) in [("parts", "inner", "seg"), ("c", "o", "inner")] {
        let segment = NewSegment {
            container: "parts".to_owned(),
            object: segment.to_owned(),
            spelled: format!("/parts/{segment}"),
            etag: None,
            size: None,
            range: None,
            inline: None,
        };
        let path = stage.object(container, name);
        let put = stage
            .engine()
            .swift_put_manifest(
                &stage.owner,
                &path,
                Default::default(),
                std::slice::from_ref(&segment),
                &|_| Vec::new(),
            )
            .await;
        put.unwrap();
    }
    let signed = Signed {
        key: "account-key",
        ..Signed::default()
    };
    let caller = signed.caller(&stage).await.unwrap();
    assert_eq!(stage.read_outcome(&caller, "c", "o").await, "ok");
}
